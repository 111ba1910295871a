//! Real PostgreSQL servers, one a test: a major, its `pg_hba.conf`, settings and certificate, on a free port of 127.0.0.1.
//!
//! Servers come from `scripts/setup`. They run as ourselves, or as Debian's `postgres` user when we are root. Each belongs
//! to a small shell that ends it and removes its files when the [`Cluster`] is dropped, and also when the test process dies.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use installed::{as_server_user, cache, client, give_to_server_user, libpq, majors};
use installed::{copy_template, server_bin, succeed};

#[path = "installed.rs"]
mod installed;

/// The longest wait for a server to start, stop or reload, or for a client.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The longest wait for a line of the server's log, which is written within milliseconds.
const LOG_LIMIT: Duration = Duration::from_secs(10);

/// The keeper of one server: says its pid, waits for a word or for the end of input, then ends the server by that signal.
/// Without a word the server's files go too. POSIX shells start background commands with SIGINT and SIGQUIT ignored;
/// a postmaster sets its own handlers for both.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" </dev/null >>"$2/log" 2>&1 &
echo $!
read -r signal
kill -s "${signal:-QUIT}" $! 2>/dev/null
wait $!
[ -n "$signal" ] || rm -rf "$2"
"#;

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct ClusterConfig {
    /// Lines of `pg_hba.conf`, after the one that lets `postgres` in over the Unix socket.
    pub hba: Vec<String>,
    /// Settings of `postgresql.conf`, as the file would have them (quotes included); a later one wins.
    pub settings: Vec<(String, String)>,
    /// Lines of `pg_ident.conf`.
    pub ident: Vec<String>,
    /// `ssl = on` with this certificate.
    pub tls: Option<Tls>,
    /// The programs, where they are not those from `scripts/setup`.
    pub programs: Option<Programs>,
}

/// The programs of a server.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Where they are.
    pub directory: PathBuf,
    /// Environment variables that they run with.
    pub environment: Vec<(String, String)>,
}

impl Programs {
    fn of(major: u32) -> Self {
        Self { directory: server_bin(major), environment: Vec::new() }
    }
}

/// A server's certificate, all in PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The server's certificate, then any intermediate certificates.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// `ssl_ca_file`: whom the server trusts to sign client certificates.
    pub ca: Option<String>,
    /// `ssl_crl_file`: which of them are revoked.
    pub crl: Option<String>,
}

/// A running server, ended by drop.
#[derive(Debug)]
pub struct Cluster {
    major: u32,
    port: u16,
    /// Holds everything of this server: `data`, `log`, `home` and the socket.
    directory: PathBuf,
    programs: Programs,
    keeper: Child,
    server_pid: u32,
}

impl Cluster {
    /// Starts a server of `major` and waits until it accepts connections.
    ///
    /// # Panics
    /// When the server is missing or does not start; the message holds its log.
    pub fn start(major: u32, config: &ClusterConfig) -> Self {
        // Before anything that would have to be removed again.
        let programs = config.programs.clone().unwrap_or_else(|| Programs::of(major));
        let directory = new_directory();
        copy_template(major, &directory.join("data"));
        append(&directory.join("data/postgresql.conf"), &fixed_settings(&directory));
        write_private(&directory.join("data/pg_hba.conf"), &hba_file(&config.hba));
        write_private(&directory.join("data/pg_ident.conf"), &lines(&config.ident));
        if let Some(tls) = &config.tls {
            write_tls(&directory.join("data"), tls);
        }
        let mut settings = String::new();
        for (name, value) in &config.settings {
            writeln!(settings, "{name} = {value}").expect("a String takes all");
        }
        append(&directory.join("data/postgresql.conf"), &settings);
        Self::launch(major, &directory, &programs)
    }

    /// Makes a copy of this server that follows it by streaming. A line of `pg_hba.conf` has to let `postgres` in for
    /// `replication` over the socket; this server is stopped for a moment.
    pub fn start_standby(&mut self) -> Self {
        let directory = new_directory();
        self.stop("INT");
        succeed(Command::new("cp").arg("-a").arg(self.directory.join("data")).arg(directory.join("data")));
        self.start_again("ready");
        let data = directory.join("data");
        append(&data.join("postgresql.conf"), &format!("unix_socket_directories = '{}'\n", directory.display()));
        let from = format!("host={} port={} user=postgres", self.directory.display(), self.port);
        if self.major < 12 {
            let text = format!("standby_mode = on\nprimary_conninfo = '{from}'\n");
            write_private(&data.join("recovery.conf"), &text);
        } else {
            append(&data.join("postgresql.conf"), &format!("primary_conninfo = '{from}'\n"));
            write_private(&data.join("standby.signal"), "");
        }
        let standby = Self::launch(self.major, &directory, &self.programs);
        poll(LIMIT, || (standby.sql("select count(*) from pg_stat_wal_receiver") == "1").then_some(()))
            .unwrap_or_else(|| panic!("the standby does not follow:\n{}", standby.log()));
        standby
    }

    fn launch(major: u32, directory: &Path, programs: &Programs) -> Self {
        // A port that was free a moment ago may be taken by the time the server binds it.
        for _ in 0..20 {
            let port = free_port();
            let _ = fs::remove_file(directory.join("log")); // of the attempt before
            write_private(&directory.join("data/port.conf"), &format!("port = {port}\n"));
            let (keeper, server_pid) = keep(programs, directory);
            let (directory, programs) = (directory.to_owned(), programs.clone());
            let mut cluster = Self { major, port, directory, programs, keeper, server_pid };
            if cluster.reaches("ready") {
                return cluster;
            }
            assert!(
                cluster.log().contains("Address already in use"),
                "PostgreSQL {major} does not start:\n{}",
                cluster.log()
            );
            cluster.stop("INT");
        }
        panic!("PostgreSQL {major} found no free port");
    }

    /// Its PostgreSQL major.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The TCP port on 127.0.0.1, and the number in the Unix socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the Unix socket, for libpq's `host`.
    pub fn socket_dir(&self) -> &Path {
        &self.directory
    }

    /// The process id of the postmaster.
    pub fn pid(&self) -> u32 {
        self.server_pid
    }

    /// Runs SQL (and psql's own commands, such as `\connect`) as the superuser over the socket, and returns unaligned rows.
    ///
    /// # Panics
    /// When psql fails; the message holds what it said.
    pub fn sql(&self, statements: &str) -> String {
        let output = self.superuser(statements);
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8 rows").trim_end().to_owned()
    }

    /// Runs a statement with the real psql as `conninfo` says, in an environment of only `env`; it never prompts.
    /// No file of this machine's user takes part (`~/.pgpass`, `~/.postgresql`).
    pub fn psql(&self, statement: &str, conninfo: &str, env: &[(&str, &str)]) -> Output {
        let mut psql = self.clean_psql();
        psql.args(["-XAtwc", statement, conninfo]).envs(env.iter().copied()).stdin(Stdio::null());
        psql.output().expect("psql runs")
    }

    /// Everything the server has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.join("log")).unwrap_or_default()).into_owned()
    }

    /// Waits for a line of the log, from the server's start on, and returns it.
    ///
    /// # Panics
    /// When no such line comes.
    pub fn wait_log(&self, wanted: impl Fn(&str) -> bool) -> String {
        poll(LOG_LIMIT, || self.log().lines().find(|line| wanted(line)).map(str::to_owned))
            .unwrap_or_else(|| panic!("the wanted line is not in the log:\n{}", self.log()))
    }

    /// Puts this certificate in force for every connection made from now on.
    pub fn set_tls(&self, tls: &Tls) {
        write_tls(&self.directory.join("data"), tls);
        self.reload();
    }

    /// No TLS for every connection made from now on.
    pub fn switch_tls_off(&self) {
        write_private(&self.directory.join("data/tls.conf"), "ssl = off\n");
        self.reload();
    }

    /// Writes other lines of `pg_hba.conf`; the next reload puts them in force.
    pub fn write_hba(&self, rules: &[String]) {
        write_private(&self.directory.join("data/pg_hba.conf"), &hba_file(rules));
    }

    /// Puts what is in the configuration files in force, and waits until it is.
    ///
    /// # Panics
    /// When the server refuses what is in them.
    pub fn reload(&self) {
        let logged = self.log().len();
        let before = self.sql("select pg_conf_load_time()");
        self.sql("select pg_reload_conf()");
        // The postmaster reads all its files before it forks the next backend.
        poll(LIMIT, || (self.sql("select pg_conf_load_time()") != before).then_some(()))
            .expect("the server reads its configuration");
        let log = self.log();
        let since = log.get(logged..).unwrap_or(&log);
        assert!(!since.contains("not reloaded") && !since.contains("contains errors"), "{since}");
    }

    /// Stops the server, cutting off its clients, and starts it again on the same port with the same data.
    pub fn restart(&mut self) {
        self.restart_into("ready");
    }

    /// As [`Cluster::restart`], and waits until the server says that it is in this state: `starting`, `ready` (also as
    /// a hot standby), or `standby` (one that takes no sessions).
    pub fn restart_into(&mut self, state: &str) {
        self.stop("INT");
        self.start_again(state);
    }

    /// Starts a server that was stopped, and waits until it says that it is in this state.
    pub fn start_again(&mut self, state: &str) {
        (self.keeper, self.server_pid) = keep(&self.programs, &self.directory);
        assert!(self.reaches(state), "PostgreSQL {} does not start again:\n{}", self.major, self.log());
    }

    /// Whether the server came to be in this state; false when it ended instead.
    fn reaches(&self, wanted: &str) -> bool {
        poll(LIMIT, || {
            // The eighth line is the state, since PostgreSQL 10; the first is the pid, which a stale file has wrong.
            let state = fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap_or_default();
            let mut lines = state.lines();
            if lines.next() == Some(&self.server_pid.to_string())
                && lines.nth(6).is_some_and(|state| state.trim() == wanted)
            {
                return Some(true);
            }
            (!is_running(self.server_pid)).then_some(false)
        })
        .unwrap_or_else(|| panic!("PostgreSQL {} is not {wanted}:\n{}", self.major, self.log()))
    }

    fn superuser(&self, statements: &str) -> Output {
        let conninfo = format!("host={} port={} user=postgres dbname=postgres", self.directory.display(), self.port);
        let mut psql = self.clean_psql();
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", &conninfo]);
        let mut psql =
            psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql runs");
        // A psql that ended early says why on stderr; the broken pipe adds nothing.
        let _ = psql.stdin.take().expect("piped").write_all(statements.as_bytes());
        psql.wait_with_output().expect("psql ends")
    }

    fn clean_psql(&self) -> Command {
        let home = self.directory.join("home");
        let mut psql = Command::new("/usr/bin/timeout");
        psql.arg(LIMIT.as_secs().to_string()).arg(client("psql")).env_clear();
        psql.env("LC_ALL", "C").env("HOME", home).env("PGCONNECT_TIMEOUT", "20");
        psql
    }

    /// Ends the server by a signal. Its files stay.
    pub fn stop(&mut self, signal: &str) {
        let mut input = self.keeper.stdin.take().expect("the keeper is stopped once");
        writeln!(input, "{signal}").expect("the keeper listens");
        drop(input);
        poll(LIMIT, || self.keeper.try_wait().expect("our child")).expect("the server stops");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let stopped = poll(LIMIT, || self.keeper.try_wait().ok().flatten()).is_some();
        assert!(stopped || thread::panicking(), "PostgreSQL {} (pid {}) does not stop", self.major, self.server_pid);
    }
}

/// Starts a server and its keeper, in a process group of its own: the terminal's Ctrl-C goes to the tests, whose end
/// the keeper sees.
fn keep(programs: &Programs, directory: &Path) -> (Child, u32) {
    let mut keeper = as_server_user("/bin/sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(&programs.directory).arg(directory).process_group(0);
    keeper.envs(programs.environment.iter().map(|(name, value)| (name, value)));
    let mut keeper =
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("sh runs");
    let mut pid = String::new();
    BufReader::new(keeper.stdout.take().expect("piped")).read_line(&mut pid).expect("the keeper says the pid");
    (keeper, pid.trim().parse().expect("a pid"))
}

/// Waits for the event that `observe` reports, looking every few milliseconds; None when the limit passes first.
pub fn poll<T>(limit: Duration, mut observe: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(seen) = observe() {
            return Some(seen);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// False also for a process that has ended and that its parent has not asked about yet (state Z).
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// A port nobody listens on, below the range that the kernel gives to outgoing connections, so that it stays free
/// while a server restarts.
pub fn free_port() -> u16 {
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 15_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT)).expect("below COUNT");
    let mut ports = std::iter::repeat_with(|| FIRST + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT);
    let free = ports.by_ref().take(COUNT.into()).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}

/// A directory of its own, with a short path: a Unix socket's may have 107 bytes.
fn new_directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let parent =
        Some(std::env::temp_dir()).filter(|parent| parent.as_os_str().len() <= 60).unwrap_or_else(|| "/tmp".into());
    let directory = parent.join(format!("pgpreflight-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    // Left over by an earlier process of the same number that was killed together with its keepers.
    let _ = fs::remove_dir_all(&directory);
    for path in [&directory, &directory.join("home")] {
        fs::create_dir(path).expect("the temporary directory is writable");
        give_to_server_user(path, 0o700);
    }
    directory
}

fn fixed_settings(directory: &Path) -> String {
    let socket_directory = directory.display();
    format!(
        "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{socket_directory}'\nlog_destination = stderr\n\
         logging_collector = off\nlog_line_prefix = '%m [%p] '\nlog_connections = on\nfsync = off\nsynchronous_commit = off\n\
         full_page_writes = off\nshared_buffers = 16MB\nautovacuum = off\ninclude_if_exists = 'port.conf'\ninclude_if_exists = 'tls.conf'\n"
    )
}

fn hba_file(rules: &[String]) -> String {
    format!("local all postgres trust\n{}", lines(rules))
}

fn lines(all: &[String]) -> String {
    all.iter().fold(String::new(), |file, line| file + line + "\n")
}

fn write_tls(data: &Path, tls: &Tls) {
    write_private(&data.join("server.crt"), &tls.certificate);
    write_private(&data.join("server.key"), &tls.key);
    let mut settings = "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n".to_owned();
    if let Some(ca) = &tls.ca {
        write_private(&data.join("root.crt"), ca);
        settings.push_str("ssl_ca_file = 'root.crt'\n");
    }
    if let Some(crl) = &tls.crl {
        write_private(&data.join("root.crl"), crl);
        settings.push_str("ssl_crl_file = 'root.crl'\n");
    }
    write_private(&data.join("tls.conf"), &settings);
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).expect("a server's directory is writable");
    give_to_server_user(path, 0o600);
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().append(true).open(path).expect("a server has this file");
    file.write_all(text.as_bytes()).expect("space");
}
