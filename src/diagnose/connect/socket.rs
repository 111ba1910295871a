//! Unix sockets: none there, left over, closed to this user, or somebody else's.

use super::{Dialling, RESTART, START};
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};

impl Dialling<'_> {
    pub(super) fn socket_missing(&self) -> Finding {
        let finding = Finding::new(Code::ConnectSocketMissing, format!("there is no Unix socket {}", self.address()))
            .because("the file does not exist (ENOENT): no server runs here, or it puts its socket elsewhere");
        let defaulted = self.target.sources.get("host").is_some_and(|source| source == "default");
        let finding = if defaulted {
            finding.because("no host was given, and libpq's default is a Unix socket of this machine").fix(
                Side::Client,
                "name the host",
                ["host=HOST"],
            )
        } else {
            finding
        };
        find_socket(finding)
    }

    /// A name in Linux's abstract namespace, which has no file.
    pub(super) fn is_abstract(&self) -> bool {
        self.target.endpoint.is_unix() && self.address().starts_with('@')
    }

    pub(super) fn name_missing(&self) -> Finding {
        let finding = Finding::new(Code::ConnectSocketMissing, format!("there is no Unix socket {}", self.address()))
            .because("no server has taken this name in the abstract namespace (ECONNREFUSED)");
        find_socket(finding)
    }

    pub(super) fn wrong_peer(&self, uid: u32, name: Option<&str>) -> Finding {
        let wanted = self.target.require_peer.as_deref().unwrap_or_default();
        let found =
            name.map_or_else(|| format!("the user number {uid}, who has no name here"), |name| format!("{name:?}"));
        let finding = Finding::new(
            Code::ConnectPeerMismatch,
            format!("the server at {} is not run by {wanted:?}", self.address()),
        )
        .because(format!("requirepeer={wanted}, and the process at the other end belongs to {found} (SO_PEERCRED)"))
        .fix(
            Side::Server,
            "see which process has the socket open: in a directory that all may write to, anybody can",
            [format!("sudo ss -lxp | grep {}", self.address())],
        );
        let finding = match name {
            Some(name) => {
                finding.fix(Side::Client, "if that user is the right one, say so", [format!("requirepeer={name}")])
            }
            None => finding,
        };
        finding.evidence("required", wanted).evidence("found", name).evidence("uid", uid)
    }

    pub(super) fn socket_stale(&self) -> Finding {
        Finding::new(Code::ConnectSocketStale, format!("nobody listens at the Unix socket {}", self.address()))
            .because("the file exists, and the connection was refused (ECONNREFUSED): the server that made it is gone")
            .fix(Side::Server, "start the server", [START])
    }

    pub(super) fn socket_denied(&self) -> Finding {
        Finding::new(Code::ConnectSocketDenied, format!("permission denied for the Unix socket {}", self.address()))
            .because("the operating system refused (EACCES)")
            .fix(
                Side::Client,
                "see which refuses: the socket (it takes `w`), or a directory above it (`x`)",
                [format!("namei -l {}", self.address())],
            )
            .fix(
                Side::Server,
                "let everybody reach the socket, as PostgreSQL does by default (who gets in is said by pg_hba.conf), then restart it",
                ["ALTER SYSTEM SET unix_socket_permissions = '0777';", RESTART],
            )
            .fix(
                Side::Server,
                "or let a group alone: one that this user and the server's are in",
                [
                    "ALTER SYSTEM SET unix_socket_group = 'GROUP';",
                    "ALTER SYSTEM SET unix_socket_permissions = '0770';",
                    RESTART,
                ],
            )
    }
}

/// What is done about a server that cannot be found.
fn find_socket(finding: Finding) -> Finding {
    finding.fix(Side::Server, "if it does not run, start it", [START]).fix(
        Side::Server,
        "ask it over TCP, as a superuser, where it puts its socket, and by which port it is named",
        ["SHOW unix_socket_directories;", "SHOW port;"],
    )
}
