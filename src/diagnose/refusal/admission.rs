//! The role and the database: whether they are there, and whether they let a session in.

use super::super::code::{Code, Confidence};
use super::super::finding::{Finding, Side};
use super::super::words::{Meaning, meaning};
use super::Refusal;

impl Refusal<'_> {
    /// 28000 after AuthenticationOk. A password that was checked proves that the role exists.
    pub(super) fn role(&self) -> Finding {
        let cannot_login = self.trace.login.password_checked();
        match meaning(&self.error.message, &[Meaning::RoleCannotLogIn, Meaning::RoleMissing]) {
            _ if cannot_login => self.role_cannot_login(),
            Some(Meaning::RoleCannotLogIn) => self.role_cannot_login(),
            Some(_) => self.role_missing(),
            None => self.role_missing().confidence(Confidence::Likely),
        }
    }

    fn role_cannot_login(&self) -> Finding {
        let finding = Finding::new(
            Code::LoginRoleCannotLogin,
            format!("the role {:?} exists, but may not log in", self.target.user),
        );
        self.after_authentication(finding)
            .because("it has the attribute NOLOGIN, as roles made by CREATE ROLE have unless told otherwise")
            .fix(Side::Server, "let it log in", [format!("ALTER ROLE {} LOGIN;", self.user())])
    }

    fn role_missing(&self) -> Finding {
        let finding = Finding::new(Code::LoginRoleMissing, format!("there is no role {:?}", self.target.user)).because(
            "the server took the connection without a password (trust, peer or cert), and then found no such role",
        );
        let defaulted = self.target.sources.get("user").is_some_and(|source| source == "default");
        let finding = if defaulted {
            finding.because("no user was given; the name is the operating system user's").fix(
                Side::Client,
                "name the role",
                ["user=ROLE"],
            )
        } else {
            finding
        };
        finding.fix(Side::Server, "create it", [format!("CREATE ROLE {} LOGIN;", self.user())])
    }

    pub(super) fn database_missing(&self) -> Finding {
        let database = &self.target.database;
        // `The database subdirectory "base/16384" is missing.`, in the server's language.
        let lost = self.error.field('D').filter(|detail| detail.contains("base/") || detail.contains("pg_tblspc/"));
        if let Some(detail) = lost {
            let finding = Finding::new(
                Code::LoginDatabaseMissing,
                format!("the database {database:?} is in the catalogue, and its files are not there"),
            );
            return self.after_authentication(finding).because(format!("detail: {detail}")).advise(
                Side::Server,
                "put its directory back: mount what holds it (a tablespace may be elsewhere), or restore a backup",
            );
        }
        let finding = self.after_authentication(Finding::new(
            Code::LoginDatabaseMissing,
            format!("there is no database {database:?}"),
        ));
        let defaulted = self.target.sources.get("dbname").is_some_and(|source| source == "default");
        let finding = if defaulted {
            finding.because("no database was given; libpq's default is the name of the user")
        } else {
            finding
        };
        let finding =
            if database.trim() == database { finding } else { finding.because("the name has blanks around it") };
        finding
            .fix(
                Side::Client,
                "use the name of one that exists (SELECT datname FROM pg_database;)",
                ["dbname=DATABASE"],
            )
            .fix(Side::Server, "or create it", [format!("CREATE DATABASE {};", self.database())])
    }

    pub(super) fn connect_denied(&self) -> Finding {
        let (user, database) = (self.user(), self.database());
        let finding = Finding::new(
            Code::LoginConnectDenied,
            format!("the role {:?} may not connect to the database {:?}", self.target.user, self.target.database),
        );
        self.after_authentication(finding)
            .because("it lacks the CONNECT privilege, which PUBLIC has unless it was revoked")
            .fix(Side::Server, "grant it", [format!("GRANT CONNECT ON DATABASE {database} TO {user};")])
    }

    pub(super) fn database_closed(&self) -> Finding {
        let database = self.database();
        let finding = Finding::new(
            Code::LoginDatabaseClosed,
            format!("the database {:?} takes no connections", self.target.database),
        );
        self.after_authentication(finding)
            .because("datallowconn is off, or an interrupted DROP DATABASE has left it invalid")
            .fix(Side::Server, "open it", [format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true;")])
            .fix(Side::Server, "or, if it is invalid, drop it", [format!("DROP DATABASE {database};")])
    }

    pub(super) fn database_full(&self) -> Finding {
        let database = self.database();
        let finding = Finding::new(
            Code::LoginDatabaseFull,
            format!("the database {:?} has all the connections it may have", self.target.database),
        );
        self.after_authentication(finding)
            .fix(Side::Server, "raise or lift its limit", [format!("ALTER DATABASE {database} CONNECTION LIMIT -1;")])
            .advise(Side::Client, "or close sessions")
    }

    pub(super) fn role_full(&self) -> Finding {
        let user = self.user();
        let finding = Finding::new(
            Code::LoginRoleFull,
            format!("the role {:?} has all the connections it may have", self.target.user),
        );
        self.after_authentication(finding)
            .fix(Side::Server, "raise or lift its limit", [format!("ALTER ROLE {user} CONNECTION LIMIT -1;")])
            .advise(Side::Client, "or close sessions")
    }
}
