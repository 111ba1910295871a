//! Where a Rust application's driver does not get in and libpq does, and why.

use super::certificate::reissue::Request;
use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use crate::probe::certificate::{Certificate, SubjectName};
use crate::probe::trace::{DriverError, DriverSeen, Trace};
use crate::target::{Roots, SslMode, Target, Verification};

/// The difference, where there is one.
pub fn remark(target: &Target, trace: &Trace) -> Option<Finding> {
    let seen = trace.driver.as_ref()?;
    let failure = seen.failure.as_ref()?;
    // That it does not speak the method is told as what it is: `login-amazon-drivers-only`.
    if failure.at == DriverError::Other && trace.login.is_by_amazons_own() {
        return None;
    }
    let summary =
        "by libpq's rules this works, and a Rust application (tokio-postgres over native-tls) does not get in";
    let finding = Finding::new(Code::LoginDriverDiffers, summary)
        .because(format!("the driver says: {}", failure.chain.join(": ")))
        .evidence("error_chain", failure.chain.clone())
        .evidence("not_expressed", seen.not_expressed.clone());
    Some(match failure.at {
        DriverError::Identity => key_form(finding, target),
        DriverError::Roots => finding
            .because("it could not load the root certificates from the file")
            .advise(Side::Client, "give the application a file of PEM certificates alone"),
        DriverError::Tls => tls(finding, target, trace),
        DriverError::TimedOut => finding
            .because("it waits without a limit of its own, and this check's was reached")
            .fix(Side::Client, "allow more time, to see whether it would have come", ["--timeout 60s"]),
        DriverError::Refused => refused(finding, target, seen),
        DriverError::Other => other(finding, trace, seen),
    })
}

fn key_form(finding: Finding, target: &Target) -> Finding {
    let key = target.tls.client_certificate.as_ref().map(|certificate| certificate.key.display().to_string());
    let key = key.unwrap_or_else(|| "client.key".to_owned());
    finding
        .because("native-tls reads a client key as unencrypted PKCS#8 in PEM form only (BEGIN PRIVATE KEY)")
        .fix(
            Side::Client,
            "convert it for the application",
            [format!("openssl pkcs8 -topk8 -nocrypt -in {key} -out client.pk8")],
        )
        .evidence("sslkey", key)
}

fn tls(finding: Finding, target: &Target, trace: &Trace) -> Finding {
    if !trace.tls.negotiated {
        return finding
            .because(format!(
                "sslmode={} goes on without TLS where TLS fails; the driver's prefer does so only where none is offered",
                target.tls.mode
            ))
            .fix(Side::Client, "say to the application what this comes to", ["sslmode=disable"])
            .advise(Side::Server, "or mend TLS: sslmode=verify-full tells what is wrong with it");
    }
    if target.tls.verification() == Verification::ChainAndName
        && let Some(leaf) = trace.tls.chain.first()
        && !is_named_strictly(leaf, target.endpoint.host())
    {
        return by_name(finding, leaf, target);
    }
    let roots = match &target.tls.roots {
        Roots::File(path) => path.display().to_string(),
        Roots::System => "the system's roots".to_owned(),
        Roots::None => "no root".to_owned(),
    };
    finding
        .because(format!("it verified by {roots}, and is stricter than libpq in something else than the name"))
        .confidence(Confidence::Likely)
        .fix(
            Side::Server,
            "have the certificate issued anew as public authorities do today (X.509 v3, SHA-256, names as subjectAltName): sign the request into server.crt, then reload",
            Request::new(target.endpoint.host()).keeping(trace.tls.chain.first()).lines(),
        )
}

/// libpq also takes the common name for an address, and an address in a dNSName; OpenSSL's own rules do not.
fn by_name(finding: Finding, leaf: &Certificate, target: &Target) -> Finding {
    let host = target.endpoint.host();
    let names: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
    let is_address = host.contains(':') || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let kind = if is_address { "IP" } else { "DNS" };
    let listed = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    finding
        .because(format!("libpq finds `{host}` in the certificate; the driver looks for an entry of its kind ({kind})"))
        .because(format!(
            "the certificate's alternative names are: {listed}; its common name is: {}",
            leaf.common_name.as_deref().unwrap_or("none")
        ))
        .fix(
            Side::Server,
            format!("have the certificate issued anew, with subjectAltName={kind}:{host}: sign the request into server.crt, then reload"),
            Request::new(host).keeping(Some(leaf)).lines(),
        )
        .evidence("host", host)
        .evidence("names", names)
}

/// An entry of the host's own kind that is the host, or a wildcard under a domain of two labels.
fn is_named_strictly(leaf: &Certificate, host: &str) -> bool {
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return leaf.names.contains(&SubjectName::Ip(address));
    }
    let has_names = leaf.names.iter().any(|name| matches!(name, SubjectName::Dns(_)));
    let is_host = |name: &str| {
        let wildcard = name.strip_prefix("*.").filter(|domain| domain.contains('.'));
        let below = host.split_once('.').map(|(_, domain)| domain);
        name.eq_ignore_ascii_case(host)
            || wildcard.zip(below).is_some_and(|(domain, below)| domain.eq_ignore_ascii_case(below))
    };
    let mut listed = leaf.names.iter().filter_map(|name| match name {
        SubjectName::Dns(name) => Some(name.as_str()),
        SubjectName::Ip(_) => None,
    });
    listed.any(is_host) || (!has_names && leaf.common_name.as_deref().is_some_and(is_host))
}

fn refused(finding: Finding, target: &Target, seen: &DriverSeen) -> Finding {
    let finding = lacking(finding, seen);
    if matches!(target.tls.mode, SslMode::Allow | SslMode::Prefer) {
        return finding.because("refused with one encryption, libpq tries the other; the driver does not").fix(
            Side::Client,
            "say to the application what works",
            ["sslmode=disable", "sslmode=require"],
        );
    }
    finding.advise(Side::Server, "read its log: it tells two logins of the same role apart")
}

fn other(finding: Finding, trace: &Trace, seen: &DriverSeen) -> Finding {
    let mut finding = lacking(finding, seen);
    if !trace.login.notices.is_empty() {
        finding = finding.because("the server sends a notice within the login, where the driver expects none");
    }
    finding.confidence(Confidence::Likely).advise(
        Side::Client,
        "make the same login in the application, with its newest tokio-postgres, and compare the error",
    )
}

fn lacking(finding: Finding, seen: &DriverSeen) -> Finding {
    if seen.not_expressed.is_empty() {
        return finding;
    }
    finding.because(format!("it has no words for: {}", seen.not_expressed.join(", ")))
}
