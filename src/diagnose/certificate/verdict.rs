//! What is said of a certificate that the mode does not accept, one text a code.

mod dates;
mod unfit;

use super::reissue::Request;
use super::{by_verify_code, inspector};
use crate::diagnose::code::{Code, Confidence};
use crate::diagnose::finding::{Finding, RELOAD, Side};
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

    /// The certificate that an objection of one of these codes is about. The root is none of the chain's, where it is not
    /// sent.
    fn culprit(&self, codes: &[i32]) -> Option<&Certificate> {
        let objection = self.seen.objections.iter().find(|objection| codes.contains(&objection.verify_code))?;
        self.seen.chain.get(usize::try_from(objection.depth).ok()?)
    }

    /// Whether that is the server's own, and none of those above it.
    fn is_leaf(&self, codes: &[i32]) -> bool {
        self.seen.objections.iter().find(|one| codes.contains(&one.verify_code)).is_some_and(|one| one.depth == 0)
    }

    /// What a new certificate of this server is asked for with.
    fn request(&self) -> Request<'_> {
        Request::new(self.target.certificate_name()).keeping(self.leaf())
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
        .fix(
            Side::Server,
            "or have an authority sign one that its clients know: sign the request into server.crt, then reload",
            self.request().lines(),
        )
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
            ["cat intermediate.crt >> server.crt", RELOAD],
        )
        .fix(Side::Client, "see what is sent", [self.show_chain()])
        .evidence("issuer", issuer)
    }

    fn revoked(&self) -> Finding {
        let subject = self.culprit(&[23]).map_or("a certificate of the chain", |culprit| culprit.subject.as_str());
        let serial = self.culprit(&[23]).map(|culprit| culprit.serial.clone());
        let (what, request) = if self.is_leaf(&[23]) {
            (
                "have one for a new key signed into server.crt, then reload: a key whose certificate is revoked may be known",
                self.request().with_new_key(),
            )
        } else {
            (
                "have another issuer sign the request into server.crt, with its own certificate behind it, then reload",
                self.request(),
            )
        };
        Finding::new(Code::TlsCertificateRevoked, format!("the certificate {subject} has been revoked by its issuer"))
            .because(format!("its serial number is on the list of the issuer, in {}", self.lists()))
            .fix(Side::Server, what, request.lines())
            .advise(
                Side::Server,
                "if it was replaced already, the reload failed: the log says so, and the old one is still served",
            )
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
        finding.fix(
            Side::Server,
            format!("or install a certificate that lists `{host}`: sign the request into server.crt, then reload"),
            self.request().lines(),
        )
    }
}
