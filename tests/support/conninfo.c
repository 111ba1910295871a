/*
 * Asks libpq what it makes of settings. Nothing is resolved and nothing is dialled: this program has the functions
 * `getaddrinfo` and `connect` that libpq calls, and they write down what was asked for.
 *
 * In: records of fields that end with a zero byte: `C` and a connection string, `E` and a variable `NAME=VALUE`, in any
 * order, `S` for a server that accepts TLS and then hangs up, and `.` at the end.
 * Out, in the same form: `X` and the error of a string that cannot be parsed; `P` and `keyword=value` for every value in
 * force; for every host in turn `H` and `W` with its name and password, then `D` and what was dialled; `B` and the error
 * of settings with which nothing is dialled; `T` and the error of connect_timeout; with `S`, `M` and the error of the
 * whole attempt; `.` at the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct PGconn PGconn;
typedef struct {
	char *keyword, *envvar, *compiled, *val, *label, *dispchar;
	int dispsize;
} Option;
extern Option *PQconninfoParse(const char *, char **);
extern Option *PQconninfo(PGconn *);
extern void PQconninfoFree(Option *);
extern PGconn *PQconnectStart(const char *);
extern PGconn *PQconnectdb(const char *);
extern char *PQerrorMessage(const PGconn *);
extern char *PQhost(const PGconn *), *PQpass(const PGconn *);
extern void PQfinish(PGconn *);
extern void PQfreemem(void *);

enum { MOST_HOSTS = 64 };

/* How many dialled addresses are refused before one answers, and how many were dialled. */
static int refused, dialled;
static int speaks_tls;
static char last[256];

static void say(char kind, const char *text)
{
	putchar(kind);
	fputs(text ? text : "", stdout);
	putchar('\0');
}

/* Numeric addresses are parsed, every name has an address of RFC 5737. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo numeric = *hints;
	int failed;

	numeric.ai_flags |= AI_NUMERICHOST;
	failed = real(node, service, &numeric, found);
	if (failed && !(hints->ai_flags & AI_NUMERICHOST))
		return real("192.0.2.1", service, &numeric, found);
	return failed;
}

static int hang_up_after_tls(int fd)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) || write(pair[1], "S", 1) != 1)
		return -1;
	shutdown(pair[1], SHUT_WR);
	dup2(pair[0], fd);
	close(pair[0]);
	/* The other end stays open, so that what libpq writes is taken. */
	return 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (address->sa_family == AF_UNIX) {
		const struct sockaddr_un *path = (const void *) address;
		snprintf(last, sizeof last, "%s%s", path->sun_path[0] ? "" : "@", path->sun_path + !path->sun_path[0]);
	} else if (address->sa_family == AF_INET) {
		const struct sockaddr_in *four = (const void *) address;
		inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
		snprintf(last, sizeof last, "%s:%d", text, ntohs(four->sin_port));
	} else {
		const struct sockaddr_in6 *six = (const void *) address;
		inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
		snprintf(last, sizeof last, "[%s]:%d", text, ntohs(six->sin6_port));
	}
	if (dialled++ < refused) {
		errno = ECONNREFUSED;
		return -1;
	}
	return speaks_tls ? hang_up_after_tls(fd) : 0;
}

static void parameters(PGconn *connection)
{
	Option *options = PQconninfo(connection);
	char text[65536];

	for (Option *option = options; option && option->keyword; option++)
		if (option->val) {
			snprintf(text, sizeof text, "%s=%s", option->keyword, option->val);
			say('P', text);
		}
	PQconninfoFree(options);
}

/* Dials until the host of that place is reached; says whether there is one. */
static int host(const char *conninfo, int place)
{
	PGconn *connection;
	int reached;

	refused = place;
	dialled = 0;
	last[0] = '\0';
	connection = PQconnectStart(conninfo);
	reached = dialled > place;
	if (place == 0)
		parameters(connection);
	if (reached) {
		say('H', PQhost(connection));
		say('W', PQpass(connection));
		say('D', last);
	} else if (place == 0)
		say('B', PQerrorMessage(connection));
	PQfinish(connection);
	return reached;
}

static void whole(const char *conninfo, int tls)
{
	PGconn *connection;

	refused = dialled = 0;
	speaks_tls = tls;
	connection = PQconnectdb(conninfo);
	if (tls)
		say('M', PQerrorMessage(connection));
	else if (strstr(PQerrorMessage(connection), "\"connect_timeout\""))
		say('T', PQerrorMessage(connection));
	PQfinish(connection);
	speaks_tls = 0;
}

static void ask(const char *conninfo, int tls)
{
	char *error = NULL;
	Option *parsed = PQconninfoParse(conninfo, &error);
	int place = 0;

	if (!parsed) {
		say('X', error);
		PQfreemem(error);
		return;
	}
	PQconninfoFree(parsed);
	while (place < MOST_HOSTS && host(conninfo, place))
		place++;
	if (place > 0)
		whole(conninfo, tls);
}

int main(void)
{
	char *field = NULL, *conninfo = strdup("");
	size_t room = 0;
	int tls = 0;

	FILE *questions = fdopen(dup(STDIN_FILENO), "r");

	/* Where a passphrase is asked for, nobody answers: there is no terminal, and nothing in its place. */
	setsid();
	if (!questions || !freopen("/dev/null", "r", stdin))
		return 1;
	clearenv();
	while (getdelim(&field, &room, '\0', questions) > 0)
		switch (field[0]) {
		case 'C':
			free(conninfo);
			conninfo = strdup(field + 1);
			break;
		case 'E':
			putenv(strdup(field + 1));
			break;
		case 'S':
			tls = 1;
			break;
		default:
			ask(conninfo, tls);
			say('.', "");
			fflush(stdout);
			clearenv();
			tls = 0;
		}
	return 0;
}
