//! What is said of a certificate that the mode does not accept, one text a code.

use super::{by_verify_code, date, days, inspector};
use crate::diagnose::code::{Code, Confidence};
use crate::diagnose::finding::{Finding, Side};
use crate::diagnose::provider;
use crate::probe::certificate::Certificate;
use crate::probe::trace::{TlsSeen, Trace};
use crate::target::{Roots, Target};

/// Words for the objections to one certificate.
pub struct Verdict<'a> {
    /// What was demanded.
    pub target: &'a Target,
    /// The walk, for its clock and its address.
    pub trace: &'a Trace,
    /// The certificate and the objections to it.
    pub seen: &'a TlsSeen,
}

impl Verdict<'_> {
    /// The finding of one objection.
    pub fn finding(&self, code: Code) -> Finding {
        let finding = match code {
            Code::TlsCertificateExpired => self.expired(),
            Code::TlsCertificateNotYetValid => self.not_yet_valid(),
            Code::TlsCertificateSelfSigned => self.self_signed(),
            Code::TlsCertificateUnknownIssuer => self.unknown_issuer(),
            Code::TlsCertificateIntercepted => self.intercepted(),
            Code::TlsCertificateChainIncomplete => self.chain_incomplete(),
            Code::TlsCertificateRevoked => self.revoked(),
            Code::TlsRevocationUnknown => self.revocation_unknown(),
            Code::TlsCertificateNameMismatch => self.name_mismatch(),
            Code::TlsCertificateAddressNotListed => self.address_not_listed(),
            _ => self.unfit(code),
        };
        let codes: Vec<i32> = self.seen.objections.iter().map(|objection| objection.verify_code).collect();
        finding.evidence("verify_codes", codes)
    }

    fn leaf(&self) -> Option<&Certificate> {
        self.seen.chain.first()
    }

    /// The certificate that an objection of one of these codes is about.
    fn culprit(&self, codes: &[i32]) -> Option<&Certificate> {
        let objection = self.seen.objections.iter().find(|objection| codes.contains(&objection.verify_code))?;
        self.seen.chain.get(usize::try_from(objection.depth).ok()?)
    }

    fn roots(&self) -> String {
        match &self.target.tls.roots {
            Roots::None => "nothing".to_owned(),
            Roots::File(path) => path.display().to_string(),
            Roots::System => "the system's roots".to_owned(),
        }
    }

    /// The command that shows the chain as the server sends it.
    fn show_chain(&self) -> String {
        let (host, port) = (self.target.endpoint.host(), self.target.endpoint.port());
        format!("openssl s_client -starttls postgres -showcerts -connect {host}:{port}")
    }

    fn expired(&self) -> Finding {
        let (subject, until) = self.culprit(&[10, 14]).map_or_else(
            || ("a certificate of the chain".to_owned(), None),
            |culprit| (culprit.subject.clone(), Some(culprit.not_after)),
        );
        let ago = until.map(|until| days(self.trace.started.as_second() - until.as_second()));
        let summary = match (until, &ago) {
            (Some(until), Some(ago)) => format!("the certificate {subject} expired on {}, {ago} ago", date(until)),
            _ => format!("{subject} has expired"),
        };
        Finding::new(Code::TlsCertificateExpired, summary)
            .because(format!("this machine's clock says {}", date(self.trace.started)))
            .fix(
                Side::Server,
                "renew server.crt (and server.key), then let the server load it; a restart is not needed",
                ["SELECT pg_reload_conf();"],
            )
            .advise(
                Side::Server,
                "if it was renewed already, the reload failed: the log says `SSL configuration was not reloaded`",
            )
            .evidence("subject", subject)
            .evidence("not_after", until.map(|until| until.to_string()))
    }

    fn not_yet_valid(&self) -> Finding {
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
        .advise(Side::Server, "install a certificate that is valid now, then reload: SELECT pg_reload_conf();")
        .evidence("not_before", from.map(|from| from.to_string()))
    }

    fn self_signed(&self) -> Finding {
        let subject = self.leaf().map_or("", |leaf| leaf.subject.as_str());
        Finding::new(
            Code::TlsCertificateSelfSigned,
            format!("the server's certificate {subject} is signed by itself, and not trusted"),
        )
        .because(format!("subject and issuer are the same, and it is not among what is trusted here: {}", self.roots()))
        .fix(
            Side::Client,
            "if the fingerprint is the one your administrator tells you, trust this very certificate",
            [
                format!("{} </dev/null | openssl x509 > server.crt", self.show_chain()),
                "sslrootcert=server.crt".to_owned(),
            ],
        )
        .advise(Side::Server, "or install a certificate that an authority has signed")
        .evidence("sha256", self.leaf().map(|leaf| leaf.sha256.clone()))
    }

    fn intercepted(&self) -> Finding {
        let product = inspector(self.seen).unwrap_or("an inspection product");
        let issuer = self.seen.chain.last().map_or("", |last| last.issuer.as_str());
        let (host, port) = (self.target.endpoint.host(), self.target.endpoint.port());
        Finding::new(
            Code::TlsCertificateIntercepted,
            format!("the certificate is not the server's: {product} opens the encryption on the way"),
        )
        .because(format!("its issuer is the authority of {product}, which is not trusted here: {issuer}"))
        .because(format!("what is trusted here is {}", self.roots_with_subjects()))
        .confidence(Confidence::Likely)
        .fix(
            Side::Network,
            format!("have whoever runs {product} leave this connection alone (no decryption for)"),
            [format!("{host}:{port}")],
        )
        .advise(
            Side::Client,
            "switch the scanning of encrypted connections off for it, where the product runs on this machine",
        )
        .fix(
            Side::Client,
            format!("or, only if {product} may read what goes to the database, password included, trust it"),
            ["sslrootcert=/PATH/TO/its-root.crt"],
        )
        .evidence("product", product)
        .evidence("issuer", issuer)
    }

    fn unknown_issuer(&self) -> Finding {
        let last = self.seen.chain.last();
        let issuer = last.map_or("", |last| last.issuer.as_str());
        let complete = last.is_some_and(Certificate::is_self_issued);
        let finding = Finding::new(
            Code::TlsCertificateUnknownIssuer,
            format!("the certificate is issued by an authority that is not trusted here: {issuer}"),
        )
        .because(format!("what is trusted here is {}", self.roots_with_subjects()))
        .fix(
            Side::Client,
            format!("trust the authority `{issuer}`: get its certificate from whoever runs it"),
            ["sslrootcert=/PATH/TO/its-root.crt"],
        );
        let finding = provider::trust(finding, self.target, issuer);
        let finding = if self.target.tls.roots == Roots::System {
            finding
        } else {
            finding.fix(
                Side::Client,
                "or, if it is a public authority, trust what the system trusts",
                ["sslmode=verify-full sslrootcert=system"],
            )
        };
        let confidence = if complete { Confidence::Certain } else { Confidence::Likely };
        finding.confidence(confidence).evidence("issuer", issuer).evidence("chain_length", self.seen.chain.len())
    }

    fn roots_with_subjects(&self) -> String {
        if self.seen.root_subjects.is_empty() {
            return self.roots();
        }
        let shown: Vec<&str> = self.seen.root_subjects.iter().take(3).map(String::as_str).collect();
        let more = self.seen.root_subjects.len().saturating_sub(shown.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}: {}{more}", self.roots(), shown.join("; "))
    }

    fn chain_incomplete(&self) -> Finding {
        let issuer = self.seen.chain.last().map_or("", |last| last.issuer.as_str());
        Finding::new(
            Code::TlsCertificateChainIncomplete,
            format!("the server does not send the intermediate certificate `{issuer}`"),
        )
        .because("the chain it sends is one certificate long, and its issuer is neither sent nor among the roots")
        .because(format!("what is trusted here is {}", self.roots_with_subjects()))
        .confidence(Confidence::Likely)
        .fix(
            Side::Server,
            "append the intermediate to the file of the server's certificate, leaf first, then reload",
            ["cat intermediate.crt >> server.crt", "SELECT pg_reload_conf();"],
        )
        .fix(Side::Client, "see what is sent", [self.show_chain()])
        .evidence("issuer", issuer)
    }

    fn revoked(&self) -> Finding {
        let subject = self.culprit(&[23]).map_or("a certificate of the chain", |culprit| culprit.subject.as_str());
        let serial = self.culprit(&[23]).map(|culprit| culprit.serial.clone());
        Finding::new(Code::TlsCertificateRevoked, format!("the certificate {subject} has been revoked by its issuer"))
            .because(format!("its serial number is on the list of the issuer, in {}", self.lists()))
            .fix(
                Side::Server,
                "install a new certificate with a new key, then reload: a key whose certificate is revoked may be known",
                ["SELECT pg_reload_conf();"],
            )
            .advise(Side::Server, "if it was replaced already, the reload failed: the log says so, and the old one is still served")
            .evidence("subject", subject)
            .evidence("serial", serial)
    }

    /// libpq wants a list for every certificate of the chain (`X509_V_FLAG_CRL_CHECK_ALL`).
    fn revocation_unknown(&self) -> Finding {
        let objection =
            self.seen.objections.iter().find(|one| by_verify_code(**one, self.seen) == Code::TlsRevocationUnknown);
        let (code, depth) = objection.map_or((0, 0), |objection| (objection.verify_code, objection.depth));
        let culprit = usize::try_from(depth).ok().and_then(|depth| self.seen.chain.get(depth));
        let issuer = culprit.map_or("an issuer of the chain", |culprit| culprit.issuer.as_str()).to_owned();
        let (summary, what) = match code {
            12 => (format!("the list of revoked certificates of `{issuer}` is out of date"), "give its newest list"),
            11 => (
                format!("the list of revoked certificates of `{issuer}` is not valid yet"),
                "check the clock, or give its list of today",
            ),
            3 | 33 => (
                format!("there is no list of revoked certificates of `{issuer}`"),
                "give a list of every issuer of the chain",
            ),
            _ => (
                format!("the list of revoked certificates of `{issuer}` cannot be trusted"),
                "give the list that the issuer publishes",
            ),
        };
        Finding::new(Code::TlsRevocationUnknown, summary)
            .because(format!(
                "lists are looked for in {}; where there is one, every certificate of the chain needs one",
                self.lists()
            ))
            .fix(
                Side::Client,
                format!("{what}, in one file, in PEM form"),
                ["cat root.crl intermediate.crl > all.crl", "sslcrl=all.crl"],
            )
            .advise(Side::Client, "or do without: take the lists away, and revoked certificates are no longer noticed")
            .evidence("issuer", issuer)
    }

    fn lists(&self) -> String {
        let revocation = &self.target.tls.revocation;
        let places = [&revocation.file, &revocation.directory].into_iter().flatten();
        places.map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
    }

    fn name_mismatch(&self) -> Finding {
        let host = self.target.certificate_name();
        let names = self.names();
        let finding = Finding::new(
            Code::TlsCertificateNameMismatch,
            format!("the certificate is not for `{host}`, but for: {}", names.join(", ")),
        )
        .because(
            "sslmode=verify-full compares the host with the certificate's names; hostaddr and aliases do not count",
        );
        self.other_names(finding).evidence("host", host).evidence("names", names)
    }

    fn address_not_listed(&self) -> Finding {
        let host = self.target.certificate_name();
        let names = self.names();
        let finding = Finding::new(
            Code::TlsCertificateAddressNotListed,
            format!("dialled by address {host}, and the certificate has names only: {}", names.join(", ")),
        )
        .because("sslmode=verify-full finds the address in none of the certificate's entries");
        self.other_names(finding).evidence("host", host).evidence("names", names)
    }

    /// The names by which the certificate would be accepted: what the server may be dialled as.
    fn names(&self) -> Vec<String> {
        let Some(leaf) = self.leaf() else {
            return Vec::new();
        };
        if leaf.names.is_empty() {
            return leaf.common_name.iter().cloned().collect();
        }
        leaf.names.iter().take(10).map(ToString::to_string).collect()
    }

    fn other_names(&self, finding: Finding) -> Finding {
        let address = self.trace.connected.address.as_deref().and_then(|address| address.rsplit_once(':'));
        let ip = address.map_or("ADDRESS", |(ip, _)| ip.trim_matches(['[', ']']));
        let usable =
            self.names().into_iter().find(|name| !name.starts_with('*') && name.parse::<std::net::IpAddr>().is_err());
        let finding = match usable {
            Some(name) => finding.fix(
                Side::Client,
                "use a name of the certificate, and dial the same address",
                [format!("host={name} hostaddr={ip}")],
            ),
            None => finding.advise(Side::Client, "use a host name that the certificate covers"),
        };
        let host = self.target.certificate_name();
        finding.advise(
            Side::Server,
            format!("or install a certificate that lists `{host}`, then reload: SELECT pg_reload_conf();"),
        )
    }

    fn unfit(&self, code: Code) -> Finding {
        let (what, fix) = match code {
            Code::TlsCertificatePurpose => (
                "the certificate may not be used for a server: its extended key usage lacks serverAuth",
                "reissue it with extendedKeyUsage=serverAuth",
            ),
            Code::TlsCertificateKeyWeak => (
                "a key in the certificate's chain is too short for today's security level",
                "reissue it with an RSA key of 2048 bits or more, or P-256",
            ),
            Code::TlsCertificateSignatureWeak => (
                "a certificate of the chain is signed with a digest that is too weak",
                "reissue it with SHA-256 or better",
            ),
            Code::TlsCertificateIssuerNotCa => (
                "an issuer in the chain is not allowed to sign certificates",
                "reissue the chain under a certificate with CA:TRUE and keyCertSign",
            ),
            Code::TlsCertificateNameConstraint => (
                "an authority of the chain is not allowed to sign for this name",
                "reissue the certificate under an authority that is",
            ),
            _ => ("the certificate is refused by OpenSSL", "reissue the certificate; `openssl verify` tells more"),
        };
        Finding::new(code, what).because(format!("the server sent: {}", self.chain_text())).advise(Side::Server, fix)
    }

    fn chain_text(&self) -> String {
        self.seen.chain.iter().map(|one| format!("{} ({})", one.subject, one.key)).collect::<Vec<_>>().join(" <- ")
    }
}
