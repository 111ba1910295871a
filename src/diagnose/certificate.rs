//! The verdict on a certificate: OpenSSL's verify codes and libpq's name rules, turned into causes.

use jiff::Timestamp;

use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use crate::probe::certificate::{Certificate, SubjectName};
use crate::probe::trace::{Objection, TlsSeen, Trace};
use crate::target::{Roots, Target, Verification};

/// The cause: the first objection that the mode demands to be met.
pub fn explain(target: &Target, trace: &Trace) -> Finding {
    let Some(code) = demanded(target, &trace.tls).first().copied() else {
        return Finding::new(Code::TlsCertificateRefused, "the server sent no certificate");
    };
    let verdict = Verdict { target, trace, seen: &trace.tls };
    let finding = verdict.finding(code);
    let others: Vec<&str> =
        objections(target, &trace.tls).iter().filter(|one| **one != code).map(|one| one.as_str()).collect();
    if others.is_empty() {
        return finding;
    }
    finding.because(format!("beside it, the certificate fails: {}", others.join(", ")))
}

/// Every code that the certificate would fail, whatever the mode demands; trust first, then validity, then names.
pub fn objections(target: &Target, seen: &TlsSeen) -> Vec<Code> {
    let mut codes = chain_objections(seen);
    codes.extend(name_objection(target, seen));
    codes
}

fn demanded(target: &Target, seen: &TlsSeen) -> Vec<Code> {
    match target.tls.verification() {
        Verification::None => Vec::new(),
        Verification::Chain => chain_objections(seen),
        Verification::ChainAndName => objections(target, seen),
    }
}

fn chain_objections(seen: &TlsSeen) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    for objection in &seen.objections {
        let code = by_verify_code(*objection, seen);
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes.sort_unstable();
    codes
}

fn name_objection(target: &Target, seen: &TlsSeen) -> Option<Code> {
    if seen.name_matches? {
        return None;
    }
    let by_address = target.endpoint.host().parse::<std::net::IpAddr>().is_ok();
    let leaf = seen.chain.first()?;
    let lists_addresses = leaf.names.iter().any(|name| matches!(name, SubjectName::Ip(_)));
    Some(if by_address && !lists_addresses {
        Code::TlsCertificateAddressNotListed
    } else {
        Code::TlsCertificateNameMismatch
    })
}

/// `X509_V_ERR_*` of `x509_vfy.h`.
fn by_verify_code(objection: Objection, seen: &TlsSeen) -> Code {
    match objection.verify_code {
        18 => Code::TlsCertificateSelfSigned,
        19 => Code::TlsCertificateUnknownIssuer,
        2 | 20 | 21 | 27 => unknown_or_incomplete(seen),
        9 | 13 => Code::TlsCertificateNotYetValid,
        10 | 14 => Code::TlsCertificateExpired,
        // An issuer has no purpose but to sign.
        26 if objection.depth > 0 => Code::TlsCertificateIssuerNotCa,
        26 => Code::TlsCertificatePurpose,
        24 | 25 | 32 | 37 | 79 => Code::TlsCertificateIssuerNotCa,
        47..=54 => Code::TlsCertificateNameConstraint,
        66 | 67 => Code::TlsCertificateKeyWeak,
        68 => Code::TlsCertificateSignatureWeak,
        _ => Code::TlsCertificateRefused,
    }
}

/// The issuer of the last certificate sent is neither sent nor trusted. A root is rightly left out of a chain, an
/// intermediate is not; which of the two is missing shows only by signs.
fn unknown_or_incomplete(seen: &TlsSeen) -> Code {
    match seen.chain.as_slice() {
        // Whoever sends intermediates sends all of them: only the root is left to be missing.
        [leaf] if looks_like_intermediate(leaf, &seen.root_subjects) => Code::TlsCertificateChainIncomplete,
        _ => Code::TlsCertificateUnknownIssuer,
    }
}

/// Signs that the issuer of a leaf is no root: public authorities publish its address (AIA) and never sign leaves with
/// roots; its name says so; or it shares the organisation with a root that is trusted.
fn looks_like_intermediate(leaf: &Certificate, root_subjects: &[String]) -> bool {
    let issuer_name = attribute(&leaf.issuer, "CN").unwrap_or_default().to_lowercase();
    let says_so = issuer_name.split(|c: char| !c.is_alphanumeric()).any(|word| {
        word.starts_with("interm") || matches!(word, "inter" | "issuing" | "sub" | "subordinate" | "subca")
    });
    let organisation = attribute(&leaf.issuer, "O");
    let of_a_trusted_house =
        organisation.is_some() && root_subjects.iter().any(|root| attribute(root, "O") == organisation);
    !issuer_name.contains("root") && (leaf.names_issuer_url || says_so || of_a_trusted_house)
}

/// The value of one attribute of a name such as `CN=…, O=…`.
fn attribute<'a>(name: &'a str, key: &str) -> Option<&'a str> {
    name.split(", ").find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
}

/// Encrypted, and nobody has looked at the certificate, or not at its name.
pub fn not_verified(target: &Target, trace: &Trace) -> Finding {
    let mode = target.tls.mode;
    let chain_checked = target.tls.verification() == Verification::Chain;
    let summary = if chain_checked {
        format!("encrypted, but sslmode={mode} does not check that the certificate names this host")
    } else {
        format!("encrypted, but sslmode={mode} checks nothing: anybody between could be the server")
    };
    let found: Vec<&str> = objections(target, &trace.tls).iter().map(|code| code.as_str()).collect();
    let finding = Finding::new(Code::TlsNotVerified, summary).evidence("objections", found.clone());
    let finding = if found.is_empty() {
        finding.because("sslmode=verify-full would accept the certificate as it is")
    } else if target.tls.roots == Roots::None {
        let issuer = trace.tls.chain.last().map_or("", |last| last.issuer.as_str());
        finding.because(format!("no root certificate was given to judge the issuer by: {issuer}"))
    } else {
        finding.because(format!("sslmode=verify-full would refuse it: {}", found.join(", ")))
    };
    match &target.tls.roots {
        Roots::None => finding.fix(
            Side::Client,
            "verify, with the root of the server's certificate",
            ["sslmode=verify-full sslrootcert=/PATH/TO/root.crt"],
        ),
        Roots::File(_) | Roots::System => finding.fix(Side::Client, "verify", ["sslmode=verify-full"]),
    }
}

/// Less than a third of its life, or 30 days, whichever is less.
pub fn expires_soon(trace: &Trace) -> Option<Finding> {
    let leaf = trace.tls.chain.first()?;
    let left = leaf.not_after.as_second() - trace.started.as_second();
    let life = leaf.not_after.as_second() - leaf.not_before.as_second();
    if left <= 0 || left >= (life / 3).min(30 * 86_400) {
        return None;
    }
    let finding = Finding::new(
        Code::TlsCertificateExpiresSoon,
        format!("the certificate of the server expires on {}, in {}", date(leaf.not_after), days(left)),
    )
    .because(format!("this machine's clock says {}", date(trace.started)))
    .fix(Side::Server, "renew it, and let the server load it", ["SELECT pg_reload_conf();"])
    .evidence("not_after", leaf.not_after.to_string());
    Some(finding)
}

struct Verdict<'a> {
    target: &'a Target,
    trace: &'a Trace,
    seen: &'a TlsSeen,
}

impl Verdict<'_> {
    fn finding(&self, code: Code) -> Finding {
        let finding = match code {
            Code::TlsCertificateExpired => self.expired(),
            Code::TlsCertificateNotYetValid => self.not_yet_valid(),
            Code::TlsCertificateSelfSigned => self.self_signed(),
            Code::TlsCertificateUnknownIssuer => self.unknown_issuer(),
            Code::TlsCertificateChainIncomplete => self.chain_incomplete(),
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

    fn name_mismatch(&self) -> Finding {
        let host = self.target.endpoint.host();
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
        let host = self.target.endpoint.host();
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
        let host = self.target.endpoint.host();
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

fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => format!("{} hours", seconds / 3600),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
