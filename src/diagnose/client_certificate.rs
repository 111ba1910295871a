//! The certificate of this side: wanted and not shown, shown and refused, or another user's.

use super::code::{Code, Confidence};
use super::finding::{Finding, RELOAD, Side, identifier};
use crate::probe::certificate::Certificate;
use crate::probe::trace::Trace;
use crate::target::{SslCertMode, Target};

const SSLCERT: &str = "sslcert=client.crt sslkey=client.key";

/// The server's rule wants a certificate, and has seen none.
pub fn required(target: &Target) -> Finding {
    let finding =
        Finding::new(Code::LoginClientCertificateRequired, "the server wants a client certificate, and none was sent")
            .because("the matching line of pg_hba.conf says `cert` or clientcert=verify-ca or verify-full");
    show_one(finding, target)
}

/// `sslcertmode=require` is not met.
pub fn unused(requested: bool, encrypted: bool) -> Finding {
    let finding = Finding::new(
        Code::LoginClientCertificateRequired,
        if requested {
            "the server asked for a client certificate, and let the role in without one"
        } else {
            "the server let the role in without asking for a client certificate"
        },
    )
    .because("sslcertmode=require takes no login without one")
    .evidence("requested", requested);
    if requested {
        return finding.because("there is no certificate to show").fix(Side::Client, "give one", [SSLCERT]);
    }
    let finding = if encrypted {
        name_authorities(finding.because("in the TLS handshake came no CertificateRequest"))
    } else {
        finding.because("without TLS nobody can ask for one").fix(Side::Client, "demand TLS", ["sslmode=verify-full"])
    };
    finding.fix(Side::Client, "or show a certificate only where it is asked for", ["sslcertmode=allow"])
}

/// The server's rule wants a certificate, and the server knows no authority to judge one by.
pub fn no_authorities(finding: Finding) -> Finding {
    name_authorities(
        finding.because("a line of pg_hba.conf wants client certificates, and the server has no ssl_ca_file"),
    )
}

fn name_authorities(finding: Finding) -> Finding {
    finding.fix(
        Side::Server,
        "name the authorities whose client certificates are taken (a file in the data directory); then it asks for one",
        ["ALTER SYSTEM SET ssl_ca_file = 'root.crt';", RELOAD],
    )
}

/// An alert about the certificate, or about its absence.
pub fn refused(alert: i32, target: &Target, trace: &Trace) -> Finding {
    let when = if trace.tls.negotiated {
        "after the handshake; so TLS 1.3 refuses a client certificate"
    } else {
        "within the handshake, after it had asked for a client certificate"
    };
    let sent = format!("it sent TLS alert {alert} ({}) {when}", alert_word(alert));
    let Some(shown) = trace.tls.shown_certificate() else {
        let finding = Finding::new(
            Code::LoginClientCertificateRequired,
            "the server takes no TLS connection without a client certificate",
        )
        .because(sent)
        .evidence("alert", alert);
        return show_one(finding, target);
    };
    let (why, what) = match alert {
        43 => (
            "it is not for clients: its extended key usage lacks clientAuth",
            "get one with extendedKeyUsage=clientAuth",
        ),
        44 => ("it is on the server's list of revoked certificates", "get a new one, with a new key"),
        45 => ("it has expired, by the server's clock", "get a new one"),
        48 => (
            "its issuer, or one above, is not known to the server",
            "give one that the server's ssl_ca_file trusts, and put the intermediates behind it in the same file",
        ),
        _ => ("the server does not say more; its log does", "give a certificate that the server's ssl_ca_file trusts"),
    };
    let finding = Finding::new(
        Code::LoginClientCertificateRefused,
        format!("the server refused the client certificate {}", shown.subject),
    )
    .because(sent)
    .because(why)
    .because(format!("it is issued by {}, and valid until {}", shown.issuer, shown.not_after))
    .fix(Side::Client, what, [SSLCERT])
    .evidence("alert", alert)
    .evidence("subject", shown.subject.as_str())
    .evidence("issuer", shown.issuer.as_str());
    // Trust does not make good one that is for something else, revoked, or no longer valid.
    if matches!(alert, 43..=45) {
        return finding;
    }
    finding.fix(
        Side::Server,
        format!("or trust `{}`, up to its root: add them to the file of ssl_ca_file, then reload", shown.issuer),
        ["SHOW ssl_ca_file;", "cat issuer.crt >> root.crt", RELOAD],
    )
}

/// The rule goes by the name in the certificate, and that is no name of this user.
pub fn of_another_user(shown: &Certificate, target: &Target) -> Finding {
    let user = &target.user;
    let name = shown.common_name.as_deref().unwrap_or_default();
    let finding = if name == user {
        Finding::new(
            Code::LoginClientCertificateUser,
            format!("the client certificate is of {name:?}, and the server's map does not make that the user {user:?}"),
        )
        .because("the line of pg_hba.conf that matched has map= or clientname=DN: pg_ident.conf decides")
        .fix(
            Side::Server,
            "take both out of that line, as the names are the same, then reload",
            ["SHOW hba_file;", RELOAD],
        )
    } else {
        Finding::new(
            Code::LoginClientCertificateUser,
            format!("the client certificate is of {name:?}, and the user is {user:?}"),
        )
        .because("the line of pg_hba.conf that matched goes by the common name, unless pg_ident.conf maps it")
        .fix(Side::Client, "log in as the one whom the certificate names", [format!("user={name}")])
        .fix(
            Side::Client,
            "or show the certificate of this user",
            [format!("sslcert={user}.crt sslkey={user}.key")],
        )
    };
    finding
        .because(format!("the subject of the certificate is {}", shown.subject))
        .fix(
            Side::Server,
            "or let the name stand for the user: in pg_ident.conf, with map=clients (and no other option of the name) in the line of pg_hba.conf, then reload",
            [format!("clients {} {}", identifier(name), identifier(user)), RELOAD.to_owned()],
        )
        .evidence("common_name", name)
        .evidence("user", user.as_str())
}

/// The name in the certificate that was shown, where it is not the user's.
pub fn of_another<'a>(target: &Target, trace: &'a Trace) -> Option<&'a str> {
    let name = trace.tls.shown_certificate()?.common_name.as_deref()?;
    (name != target.user).then_some(name)
}

fn show_one(finding: Finding, target: &Target) -> Finding {
    if target.tls.cert_mode == SslCertMode::Disable {
        return finding.because("sslcertmode=disable keeps any certificate back").fix(
            Side::Client,
            "show one",
            [format!("sslcertmode=allow {SSLCERT}")],
        );
    }
    if target.tls.client_certificate.is_some() {
        return finding.confidence(Confidence::Likely).advise(Side::Server, "its log says what it misses");
    }
    finding.fix(Side::Client, "give a certificate that the server's ssl_ca_file trusts", [SSLCERT])
}

/// RFC 8446, section 6.
fn alert_word(alert: i32) -> &'static str {
    match alert {
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        48 => "unknown_ca",
        51 => "decrypt_error",
        80 => "internal_error",
        116 => "certificate_required",
        _ => "another",
    }
}
