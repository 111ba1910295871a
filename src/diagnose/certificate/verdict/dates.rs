//! Certificates whose time is over, or has not come.

use super::super::{date, days};
use super::Verdict;
use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, RELOAD, Side};

impl Verdict<'_> {
    pub(super) fn expired(&self) -> Finding {
        let (subject, until) = self.culprit(&[10, 14]).map_or_else(
            || ("a certificate of the chain".to_owned(), None),
            |culprit| (culprit.subject.clone(), Some(culprit.not_after)),
        );
        let ago = until.map(|until| days(self.trace.started.as_second() - until.as_second()));
        let summary = match (until, &ago) {
            (Some(until), Some(ago)) => format!("the certificate {subject} expired on {}, {ago} ago", date(until)),
            _ => format!("{subject} has expired"),
        };
        let finding = Finding::new(Code::TlsCertificateExpired, summary)
            .because(format!("this machine's clock says {}", date(self.trace.started)))
            .evidence("subject", subject)
            .evidence("not_after", until.map(|until| until.to_string()));
        if until.is_none() {
            return finding.because("the server does not send it: it is among what is trusted here").fix(
                Side::Client,
                "trust the authority's certificate of today in its place",
                ["sslrootcert=/PATH/TO/its-root.crt"],
            );
        }
        let renew = if self.is_leaf(&[10, 14]) {
            "renew server.crt (and server.key), then let the server load it; a restart is not needed"
        } else {
            "put the issuer's certificate of today into server.crt, or a new one of the server with its issuer's behind it, \
             then let the server load it; a restart is not needed"
        };
        finding.fix(Side::Server, renew, [RELOAD]).advise(
            Side::Server,
            "if it was renewed already, the reload failed: the log says `SSL configuration was not reloaded`",
        )
    }

    pub(super) fn not_yet_valid(&self) -> Finding {
        let culprit = self.culprit(&[9, 13]);
        let from = culprit.map(|culprit| culprit.not_before);
        let ahead = from.map_or(0, |from| from.as_second() - self.trace.started.as_second());
        let subject = culprit.map_or("the certificate", |culprit| culprit.subject.as_str());
        let from_text = from.map(date).unwrap_or_default();
        Finding::new(
            Code::TlsCertificateNotYetValid,
            format!("the certificate {subject} is valid only from {from_text}, {} from now", days(ahead)),
        )
        .because(format!("this machine's clock says {}", date(self.trace.started)))
        .because(if ahead < 2 * 86_400 {
            "the difference is small: the clock of this machine, or of the one that made the certificate, is likely wrong"
        } else {
            "the difference is large: the certificate was likely made for a later time"
        })
        .fix(Side::Client, "check the clock", ["timedatectl"])
        .fix(Side::Server, "install a certificate that is valid now, then reload", [RELOAD])
        .evidence("not_before", from.map(|from| from.to_string()))
    }
}
