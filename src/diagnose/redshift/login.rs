//! Stage login: users, databases and limits of a Redshift, which has no `pg_hba.conf` that anybody could edit.

use super::super::code::{Code, Confidence};
use super::super::finding::{Finding, Side, identifier};
use super::super::token;
use super::Case;

/// What our startup packet may hold, and Redshift takes.
const STARTUP: &str = "application_name, client_encoding, datestyle, extra_float_digits, options";

impl Case<'_> {
    pub(super) fn login(&self, finding: Finding) -> Finding {
        let (user, database) = (identifier(&self.target.user), identifier(&self.target.database));
        match finding.code {
            Code::LoginPasswordRejected => self.password_rejected(finding),
            Code::LoginTlsRequired => tls_required(finding),
            Code::LoginNoHbaEntry | Code::LoginHbaReject | Code::LoginTlsForbidden => self.not_admitted(finding),
            Code::LoginServerFull | Code::LoginReservedSlots => full(finding),
            Code::LoginRoleMissing | Code::LoginRoleCannotLogin => finding
                .with_reasons(["it let the connection in, and then found no user of that name that may log in"])
                .without(Side::Server)
                .fix(Side::Server, "see whether there is such a user", [self.look_up()])
                .fix(Side::Server, "create it", [format!("CREATE USER {user} PASSWORD '…';")]),
            Code::LoginDatabaseMissing => finding
                .without_fixes()
                .fix(
                    Side::Client,
                    "use the name of one that exists (SELECT database_name FROM svv_redshift_databases;)",
                    ["dbname=DATABASE"],
                )
                .fix(Side::Server, "or create it", [format!("CREATE DATABASE {database};")]),
            Code::LoginConnectDenied | Code::LoginDatabaseClosed => {
                let reason = "a database of a datashare takes those that have USAGE on it";
                finding.with_reasons([reason]).without_fixes().fix(
                    Side::Server,
                    "grant it",
                    [format!("GRANT USAGE ON DATABASE {database} TO {user};")],
                )
            }
            Code::LoginDatabaseFull => finding.without(Side::Server).fix(
                Side::Server,
                "lift its limit",
                [format!("ALTER DATABASE {database} CONNECTION LIMIT UNLIMITED;")],
            ),
            Code::LoginRoleFull => finding.without(Side::Server).fix(
                Side::Server,
                "lift its limit",
                [format!("ALTER USER {user} CONNECTION LIMIT UNLIMITED;")],
            ),
            Code::LoginStartingUp | Code::LoginShuttingDown | Code::LoginStandbyClosed => self.away(finding),
            Code::LoginMethodUnsupported | Code::LoginGssUnavailable => finding
                .without(Side::Server)
                .fix(Side::Server, "let this user in by password", [format!("ALTER USER {user} PASSWORD '…';")]),
            Code::LoginMethodNotAllowed => finding.without(Side::Server),
            Code::LoginChannelBindingUnavailable => finding
                .with_reasons(["Redshift knows no SCRAM, and so nothing that could be bound to the channel"])
                .without(Side::Server),
            Code::LoginAmazonDriversOnly => finding,
            Code::LoginParameterRefused => finding.because(format!("Redshift takes: {STARTUP}")),
            Code::LoginExternalRefused => self.external(finding),
            Code::LoginPasswordUnchecked => finding
                .with_reasons(["AuthenticationOk came without a challenge, and no Redshift does that: something before it does, or this is none"])
                .without(Side::Server)
                .advise(Side::Network, "look at the proxy or tunnel that this host and port lead to"),
            Code::LoginTokenExpired => finding.without(Side::Client).fix(
                Side::Client,
                "have new ones made right before the login",
                [self.aws.credentials(&self.target.user, &self.target.database)],
            ),
            Code::LoginClientCertificateRequired
            | Code::LoginClientCertificateRefused
            | Code::LoginClientCertificateUser => finding
                .with_reasons(["Redshift asks for no client certificate: something before it does"])
                .without_fixes()
                .advise(Side::Network, "look at the proxy or tunnel that this host and port lead to"),
            _ if finding.fixes.iter().any(|fix| fix.side == Side::Server) => self.by_aws(finding),
            _ => finding,
        }
    }

    fn look_up(&self) -> String {
        let user = super::literal(&self.target.user);
        format!("SELECT usename, valuntil, useconfig FROM pg_user WHERE lower(usename) = lower({user});")
    }

    /// A wrong password has one answer, as everywhere; what else it may be is Redshift's own.
    fn password_rejected(&self, finding: Finding) -> Finding {
        let (target, user) = (self.target, identifier(&self.target.user));
        let temporary = token::is_iam_user(&target.user);
        let causes: &[&str] = if temporary {
            &[
                "the temporary credentials have expired: they last 15 minutes unless more is asked for, at most an hour",
                "they were made for another cluster or workgroup, or for another database",
                "there is no such user, and IAM: does not create it (IAMA: does, with --auto-create)",
            ]
        } else {
            &[
                "the password is wrong (also: blank or line end in it, or `$` eaten by a shell)",
                "there is no such user",
                "its password is disabled (PASSWORD DISABLE): it logs in by IAM only",
                "the password has expired (VALID UNTIL)",
            ]
        };
        let source = finding.fixes.iter().find(|fix| fix.side == Side::Client).cloned();
        let reasons = std::iter::once(
            "Redshift has one answer for all these causes (28000, routine auth_failed); likeliest first:".to_owned(),
        )
        .chain(causes.iter().zip(1..).map(|(cause, rank)| format!("{rank}. {cause}")));
        let finding = finding.with_reasons(reasons).without_fixes();
        let finding = if temporary {
            let command = self.aws.credentials(&target.user, &target.database);
            finding.fix(Side::Client, "have new ones made right before the login", [command])
        } else {
            finding.fix(Side::Server, "look at the user", [self.look_up()]).fix(
                Side::Server,
                "set its password anew, or create it",
                [format!("ALTER USER {user} PASSWORD '…';"), format!("CREATE USER {user} PASSWORD '…';")],
            )
        };
        let mut finding = finding.fix(Side::Server, "see what it has noted down of it (as a superuser)", [self.log()]);
        finding.fixes.extend(source);
        finding
    }

    fn not_admitted(&self, mut finding: Finding) -> Finding {
        let (user, database) = (&self.target.user, &self.target.database);
        let encryption = if self.trace.tls.negotiated { "with TLS" } else { "without TLS" };
        finding.summary = format!("Redshift does not admit {user:?} to {database:?} {encryption}");
        let finding = finding
            .with_reasons([
                "it refuses before any password is asked for, by rules of AWS's that nobody can edit",
                "the user, the database, or a connection without TLS (require_ssl) is what it refuses",
            ])
            .confidence(Confidence::Likely)
            .without_fixes()
            .fix(Side::Client, "demand TLS, and name a database and a user of your own", ["sslmode=require"]);
        self.by_aws(finding)
    }

    /// It takes no sessions now.
    fn away(&self, finding: Finding) -> Finding {
        let finding = finding
            .because(format!("a {} does so while it resumes, reboots, is resized or maintained", self.aws.noun()))
            .without(Side::Server)
            .fix(Side::Server, "see what state it is in", [self.aws.describe()]);
        match self.aws.resume() {
            Some(resume) => finding.fix(Side::Server, "if it is paused, resume it", [resume]),
            None => finding,
        }
    }

    fn external(&self, finding: Finding) -> Finding {
        finding.without(Side::Server).fix(
            Side::Server,
            "see how the provider is registered, and what has been noted down (as a superuser)",
            ["SELECT * FROM svv_identity_providers;".to_owned(), self.log()],
        )
    }
}

fn tls_required(finding: Finding) -> Finding {
    finding
        .with_reasons([
            "without TLS it refuses before any password is asked for; with TLS it does not (tried, without credentials)",
            "the parameter require_ssl of the cluster's parameter group, or of the workgroup, is on",
        ])
        .without_fixes()
        .fix(
            Side::Client,
            "demand TLS, and better a verified certificate",
            ["sslmode=require", "sslmode=verify-full sslrootcert=amazon-trust-ca-bundle.crt"],
        )
}

fn full(mut finding: Finding) -> Finding {
    "the Redshift has no connection left".clone_into(&mut finding.summary);
    finding
        .with_reasons([
            "Redshift takes a fixed number of connections, 500 or 2000 by the kind of node, and all are in use",
            "no setting raises it; a few are kept for AWS's own user",
        ])
        .without_fixes()
        .fix(
            Side::Server,
            "in a session that is still open, see who holds them (as a superuser), and end what is idle",
            [
                "SELECT user_name, count(*) FROM stv_sessions GROUP BY 1 ORDER BY 2 DESC;",
                "SELECT process, user_name, starttime FROM stv_sessions ORDER BY starttime;",
                "SELECT pg_terminate_backend(PROCESS);",
            ],
        )
        .advise(Side::Client, "keep fewer connections open, or use the Data API, which keeps none")
}
