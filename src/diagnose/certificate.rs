//! The verdict on a certificate: OpenSSL's verify codes and libpq's name rules, turned into causes.

mod inspection;
mod issuer;
pub mod reissue;
mod strict;
mod verdict;

use jiff::Timestamp;

use self::issuer::looks_like_intermediate;
pub use self::strict::{breaks_libpq, libpq_only};
use self::verdict::Verdict;
use super::code::Code;
use super::finding::{Finding, RELOAD, Side};
use crate::probe::certificate::SubjectName;
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
    let by_address = target.certificate_name().parse::<std::net::IpAddr>().is_ok();
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
        19 if inspector(seen).is_some() => Code::TlsCertificateIntercepted,
        19 => Code::TlsCertificateUnknownIssuer,
        2 | 20 | 21 | 27 => unknown_or_incomplete(seen),
        9 | 13 => Code::TlsCertificateNotYetValid,
        10 | 14 => Code::TlsCertificateExpired,
        // An issuer has no purpose but to sign.
        26 if objection.depth > 0 => Code::TlsCertificateIssuerNotCa,
        26 => Code::TlsCertificatePurpose,
        23 => Code::TlsCertificateRevoked,
        3 | 5 | 8 | 11 | 12 | 15 | 16 | 33 | 35 | 36 | 44 | 54 => Code::TlsRevocationUnknown,
        24 | 25 | 32 | 37 | 79 => Code::TlsCertificateIssuerNotCa,
        47..=53 => Code::TlsCertificateNameConstraint,
        66 | 67 => Code::TlsCertificateKeyWeak,
        68 => Code::TlsCertificateSignatureWeak,
        _ => Code::TlsCertificateRefused,
    }
}

/// The issuer of the last certificate sent is neither sent nor trusted. A root is rightly left out of a chain, an
/// intermediate is not; which of the two is missing shows only by signs.
fn unknown_or_incomplete(seen: &TlsSeen) -> Code {
    if inspector(seen).is_some() {
        return Code::TlsCertificateIntercepted;
    }
    match seen.chain.as_slice() {
        // Whoever sends intermediates sends all of them: only the root is left to be missing.
        [leaf] if looks_like_intermediate(leaf, &seen.root_subjects) => Code::TlsCertificateChainIncomplete,
        _ => Code::TlsCertificateUnknownIssuer,
    }
}

/// The product that opens TLS on the way, by the name of an authority in the chain.
fn inspector(seen: &TlsSeen) -> Option<&'static str> {
    seen.chain.iter().find_map(|one| inspection::product(&one.issuer))
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
    .fix(Side::Server, "renew it, and let the server load it", [RELOAD])
    .evidence("not_after", leaf.not_after.to_string());
    Some(finding)
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
