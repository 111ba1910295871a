//! `pg_hba.conf` refuses: no line matches, one says `reject`, or one wants a client certificate.

use std::net::IpAddr;

use super::super::client_certificate;
use super::super::code::{Code, Confidence};
use super::super::finding::{Finding, RELOAD, Side, identifier};
use super::super::provider;
use super::super::words::{Meaning, meaning};
use super::Refusal;
use crate::probe::trace::{Admission, Trace};
use crate::target::{Encryption, Target};

/// Which connections a line of `pg_hba.conf` is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// `hostssl`
    Tls,
    /// `host`
    Any,
    /// `local`
    Unix,
}

/// A line of `pg_hba.conf` that lets this target in from one address, by SCRAM.
pub fn hba_line(target: &Target, address: &str, connection: Connection) -> String {
    let (database, user) = (identifier(&target.database), identifier(&target.user));
    let mask = match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => "/128",
        Ok(IpAddr::V4(_)) => "/32",
        Err(_) => "",
    };
    match connection {
        Connection::Tls => format!("hostssl {database} {user} {address}{mask} scram-sha-256"),
        Connection::Any => format!("host {database} {user} {address}{mask} scram-sha-256"),
        Connection::Unix => format!("local {database} {user} scram-sha-256"),
    }
}

/// The same for the connection that was made, where the server has not said what it takes this client's address for.
pub fn scram_line(target: &Target, trace: &Trace) -> String {
    if target.endpoint.is_unix() {
        return hba_line(target, "", Connection::Unix);
    }
    let address = trace.connected.local.map_or_else(|| "ADDRESS/32".to_owned(), |local| local.ip().to_string());
    hba_line(target, &address, if trace.tls.negotiated { Connection::Tls } else { Connection::Any })
}

impl Refusal<'_> {
    /// `pg_hba.conf` decides before any password is asked for.
    pub(super) fn by_rule(&self) -> Finding {
        let candidates = [Meaning::NoHbaEntry, Meaning::HbaReject, Meaning::CertificateRequired];
        let meaning = meaning(&self.error.message, &candidates);
        if meaning == Some(Meaning::CertificateRequired) {
            return client_certificate::required(self.target);
        }
        if let Some((other, Admission::Admitted)) = &self.trace.other_encryption {
            return self.other_encryption_admitted(*other);
        }
        match meaning {
            Some(Meaning::HbaReject) => self.hba_reject(),
            Some(_) => self.no_hba_entry(),
            None => self.no_hba_entry().confidence(Confidence::Likely),
        }
    }

    fn other_encryption_admitted(&self, other: Encryption) -> Finding {
        match other {
            Encryption::Tls => {
                let finding = Finding::new(Code::LoginTlsRequired, "the server lets this role in over TLS only")
                    .because(
                        "without TLS no rule of pg_hba.conf admits it; with TLS one does (tried, without credentials)",
                    );
                provider::wants_tls(finding, self.target).fix(
                    Side::Client,
                    "demand TLS, and better a verified certificate",
                    ["sslmode=require"],
                )
            }
            Encryption::Plain => Finding::new(Code::LoginTlsForbidden, "the server lets this role in without TLS only")
                .because("with TLS no rule of pg_hba.conf admits it; without TLS one does (tried, without credentials)")
                .fix(Side::Server, "let it in over TLS: add this line to pg_hba.conf", [self.line()])
                .fix(Side::Server, "then reload", [RELOAD]),
        }
    }

    fn no_hba_entry(&self) -> Finding {
        let address = self.address();
        Finding::new(
            Code::LoginNoHbaEntry,
            format!(
                "no line of pg_hba.conf lets {:?} into {:?} from {address}",
                self.target.user, self.target.database
            ),
        )
        .because(format!("the server sees this client at {address}, which may be another address than its own (NAT)"))
        .because(self.tried_encryption())
        .fix(Side::Server, "add this line to pg_hba.conf (SHOW hba_file; tells where it is)", [self.line()])
        .fix(Side::Server, "then reload", [RELOAD])
        .evidence("client_address", address)
    }

    fn hba_reject(&self) -> Finding {
        let address = self.address();
        Finding::new(
            Code::LoginHbaReject,
            format!(
                "a line of pg_hba.conf rejects {:?} for {:?} from {address}",
                self.target.user, self.target.database
            ),
        )
        .because("a rule with the method `reject` matches; the first that matches decides")
        .fix(Side::Server, "take that line out of pg_hba.conf, or put this one above it", [self.line()])
        .fix(Side::Server, "then reload", [RELOAD])
        .evidence("client_address", address)
    }

    fn tried_encryption(&self) -> String {
        let now = if self.trace.tls.negotiated { "with TLS" } else { "without TLS" };
        match &self.trace.other_encryption {
            Some((_, Admission::Refused(_))) => "it does so neither with TLS nor without".to_owned(),
            _ => format!("this connection was {now}"),
        }
    }

    fn line(&self) -> String {
        if self.target.endpoint.is_unix() {
            return hba_line(self.target, "", Connection::Unix);
        }
        let tried_first = matches!(self.trace.other_encryption, Some((Encryption::Plain, _)));
        let tls = self.trace.tls.negotiated || tried_first || self.target.tls.mode.demands_tls();
        hba_line(self.target, &self.address(), if tls { Connection::Tls } else { Connection::Any })
    }

    /// The address of this client as the server sees it: it stands in the message, whatever the language.
    fn address(&self) -> String {
        let mut words = self.error.message.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':')));
        let seen = words.find_map(|word| word.parse::<IpAddr>().ok());
        let own = || self.trace.connected.local.map(|local| local.ip());
        seen.or_else(own).map_or_else(|| "[local]".to_owned(), |ip| ip.to_string())
    }
}
