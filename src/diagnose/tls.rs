//! Why there is no usable TLS channel, and what was odd where there is one.

mod silence;

use super::certificate;
use super::code::{Code, Confidence};
use super::finding::{Finding, RELOAD, Side};
use super::refusal::server_fields;
use super::{client_certificate, input};
use crate::probe::trace::{Failure, SslReply, Stranger, TlsFailure, Trace};
use crate::target::{Roots, SslMode, Target, TlsVersion, Verification};
use crate::wire::message::ServerError;

/// The one cause.
pub fn explain(failure: &TlsFailure, target: &Target, trace: &Trace) -> Finding {
    match failure {
        TlsFailure::NotOffered => not_offered(target),
        TlsFailure::ClosedBeforeReply { reset } => closed_before_reply(target, *reset),
        TlsFailure::NoReply { after } => silence::no_reply(*after, target, trace),
        TlsFailure::ServerError(error) => server_error(error),
        TlsFailure::NotPostgres { stranger, first_bytes } => not_postgres(target, *stranger, first_bytes),
        TlsFailure::DirectOnly { alpn } => direct_only(*alpn),
        TlsFailure::DirectWithoutAlpn => Finding::new(
            Code::TlsDirectRefused,
            "the listener speaks TLS at once, and does not say that it is PostgreSQL's",
        )
        .because("it chose no protocol by ALPN, and sslnegotiation=direct takes none but `postgresql`, as libpq does")
        .fix(Side::Client, "negotiate in the way that every server understands", ["sslnegotiation=postgres"])
        .advise(Side::Server, "or, if a proxy ends TLS there, let it choose `postgresql` by ALPN")
        .evidence("direct_handshake", true),
        TlsFailure::DirectRefused => {
            Finding::new(Code::TlsDirectRefused, "the server does not take a TLS handshake without an SSLRequest")
                .because("sslnegotiation=direct needs PostgreSQL 17 or later; an older server closes the connection")
                .fix(Side::Client, "negotiate in the way that every server understands", ["sslnegotiation=postgres"])
                .evidence("direct_handshake", false)
        }
        TlsFailure::HandshakeSilent { after } => silence::in_handshake(*after, trace),
        TlsFailure::HandshakeClosed { reset } => {
            let how = if *reset { "reset (RST)" } else { "closed (FIN)" };
            Finding::new(Code::TlsHandshakeClosed, "the server agreed to TLS, and then ended the connection")
                .because(format!("the connection was {how} within the handshake"))
                .advise(Side::Server, "read its log: a proxy or balancer in front of it may not pass TLS on")
                .evidence("reset", *reset)
        }
        TlsFailure::HandshakeGarbage { first_bytes } => {
            Finding::new(Code::TlsHandshakeGarbage, "the server agreed to TLS, and then sent bytes that are not TLS")
                .because(format!("what came is: {first_bytes}"))
                .advise(Side::Network, "look for a proxy between that answers in place of the server")
                .evidence("first_bytes", first_bytes.as_str())
        }
        TlsFailure::VersionUnsupported => version_unsupported(target),
        TlsFailure::NoCommonCipher => {
            Finding::new(Code::TlsNoCommonCipher, "server and client have no cipher suite or group in common")
                .because("the server refused the ClientHello with the alert handshake_failure (40)")
                .fix(Side::Server, "allow modern suites", ["ALTER SYSTEM SET ssl_ciphers = 'HIGH:!aNULL';", RELOAD])
                .evidence("alert", 40)
        }
        TlsFailure::Handshake { alert, reason } => {
            let finding = Finding::new(Code::TlsHandshakeFailed, "the TLS handshake failed")
                .because(format!("OpenSSL says: {reason}"))
                .advise(Side::Server, "its log names its side of the failure")
                .evidence("alert", *alert);
            if let Some(alert) = alert {
                finding.because(format!("the server sent TLS alert {alert}"))
            } else {
                finding
            }
        }
        TlsFailure::Certificate => certificate::explain(target, trace),
        // As stage input tells it where the mode demands TLS.
        TlsFailure::Identity(fault) => input::client_certificate::explain(fault),
        TlsFailure::ClientCertificateRefused { alert } => client_certificate::refused(*alert, target, trace),
        TlsFailure::Roots { reason } => {
            Finding::new(Code::InputRootCertificateUnreadable, "the root certificate file cannot be loaded")
                .because(reason.as_str())
                .fix(Side::Client, "name a file of PEM certificates", ["sslrootcert=/PATH/TO/root.crt"])
        }
    }
}

/// What was odd about a channel over which the login went well.
pub fn remarks(target: &Target, trace: &Trace) -> Vec<Finding> {
    if target.endpoint.is_unix() {
        return Vec::new();
    }
    if !trace.tls.negotiated {
        return vec![plaintext(target, trace)];
    }
    let mut findings = Vec::new();
    if target.tls.verification() < Verification::ChainAndName {
        findings.push(certificate::not_verified(target, trace));
    }
    findings.extend(certificate::expires_soon(trace));
    findings.extend(certificate::libpq_only(target, trace));
    findings.extend(certificate::breaks_libpq(target, trace));
    findings
}

fn direct_only(alpn: bool) -> Finding {
    let finding = Finding::new(
        Code::TlsDirectOnly,
        "the listener speaks TLS from the first byte, and knows no SSLRequest",
    )
    .because(
        "after the SSLRequest it ended the connection; a handshake without one went well (tried, without credentials)",
    )
    .evidence("direct_handshake", true)
    .evidence("alpn", alpn);
    let finding = if alpn {
        finding.fix(
            Side::Client,
            "begin with TLS at once (libpq 17 and later)",
            ["sslmode=require sslnegotiation=direct"],
        )
    } else {
        finding.because("it chose no protocol by ALPN: libpq gets through it with sslnegotiation=direct neither")
    };
    finding.advise(Side::Server, "or let the listener pass TCP on as it is, and leave TLS to PostgreSQL")
}

fn not_offered(target: &Target) -> Finding {
    let mode = target.tls.mode;
    Finding::new(Code::TlsNotOffered, format!("the server does not offer TLS, and sslmode={mode} demands it"))
        .because("it answered the SSLRequest with `N`")
        .fix(
            Side::Server,
            "switch TLS on (it needs server.crt and server.key in the data directory)",
            ["ALTER SYSTEM SET ssl = on;", RELOAD],
        )
        .fix(
            Side::Server,
            "if PgBouncer answers, switch on its own TLS: in pgbouncer.ini, then on its console",
            [
                "client_tls_sslmode = allow",
                "client_tls_key_file = /etc/pgbouncer/server.key",
                "client_tls_cert_file = /etc/pgbouncer/server.crt",
                "RELOAD;",
            ],
        )
        .fix(Side::Client, "or, only where nobody can listen in, do without", ["sslmode=prefer"])
        .evidence("server_reply", "N")
}

fn closed_before_reply(target: &Target, reset: bool) -> Finding {
    let how = if reset { "reset (RST)" } else { "closed (FIN)" };
    Finding::new(Code::TlsClosedBeforeReply, "the connection was accepted, and ended before the server said a word")
        .because(format!("after the SSLRequest the connection was {how}, without `S` or `N`"))
        .because("a proxy or balancer with nothing behind it does so, and so does a listener of another protocol")
        .advise(Side::Server, "look whether the server behind the proxy runs, and whether its health checks pass")
        .advise(Side::Network, "look for a filter that cuts what it does not know")
        .evidence("reset", reset)
        .evidence("port", target.endpoint.port())
}

fn server_error(error: &ServerError) -> Finding {
    Finding::new(Code::TlsServerError, "the server answered the request for TLS with an error")
        .because(format!("it said, unauthenticated and in plain text: {}", error.message))
        .because("a server does so when it cannot even start a process for the connection")
        .advise(Side::Server, "free memory, processes or connections; its log has the reason")
        .evidence("sqlstate", error.sqlstate.as_str())
        .evidence("server_message", error.message.as_str())
        .evidence("server_fields", server_fields(error))
}

fn not_postgres(target: &Target, stranger: Stranger, first_bytes: &str) -> Finding {
    let port = target.endpoint.port();
    let who = match stranger {
        Stranger::Http => "a web server or HTTP proxy",
        Stranger::Ssh => "an SSH server",
        Stranger::MySql => "a MySQL or MariaDB server",
        Stranger::Smtp => "a mail or FTP server",
        Stranger::Redis => "a Redis server",
        Stranger::Tls => "a server that speaks TLS from the first byte",
        Stranger::Unknown => "something that is not PostgreSQL",
    };
    let confidence = if stranger == Stranger::Unknown { Confidence::Likely } else { Confidence::Certain };
    let finding = Finding::new(Code::TlsNotPostgres, format!("what answers on port {port} is {who}"))
        .because(format!("its first bytes are: {first_bytes}"))
        .because("PostgreSQL answers an SSLRequest with exactly one byte, `S` or `N`, and never speaks first")
        .confidence(confidence)
        .evidence("stranger", stranger_word(stranger))
        .evidence("first_bytes", first_bytes);
    let finding = match stranger {
        Stranger::Ssh => finding.fix(
            Side::Client,
            "to go through this host, tunnel the database's port and dial the tunnel",
            [format!("ssh -N -L 5432:localhost:5432 {}", target.endpoint.host())],
        ),
        Stranger::Tls => finding.fix(Side::Client, "begin with TLS at once", ["sslnegotiation=direct sslmode=require"]),
        _ => finding,
    };
    finding.fix(Side::Client, "use the port of the database", ["port=5432"])
}

/// The word of the report, as in `tls.server_reply`.
pub fn stranger_word(stranger: Stranger) -> &'static str {
    match stranger {
        Stranger::Http => "http",
        Stranger::Ssh => "ssh",
        Stranger::MySql => "mysql",
        Stranger::Smtp => "smtp",
        Stranger::Redis => "redis",
        Stranger::Tls => "tls",
        Stranger::Unknown => "unknown",
    }
}

fn version_unsupported(target: &Target) -> Finding {
    let finding = Finding::new(Code::TlsVersionUnsupported, "server and client have no TLS version in common")
        .because("the handshake ended with protocol_version (alert 70) or an unsupported version in the ServerHello")
        .evidence("ssl_min_protocol_version", target.tls.min_version.map(TlsVersion::as_str))
        .evidence("ssl_max_protocol_version", target.tls.max_version.map(TlsVersion::as_str));
    // A client that stays below TLS 1.2 is the one to change.
    let finding = if target.tls.max_version.is_none_or(|version| version >= TlsVersion::V1_2) {
        finding.fix(
            Side::Server,
            "allow TLS 1.2 and later",
            [
                "ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.2';",
                "ALTER SYSTEM SET ssl_max_protocol_version = '';",
                RELOAD,
            ],
        )
    } else {
        finding
    };
    if target.tls.max_version.is_some() {
        return finding.fix(Side::Client, "do not cap the version", ["ssl_max_protocol_version="]);
    }
    finding
}

fn plaintext(target: &Target, trace: &Trace) -> Finding {
    let mode = target.tls.mode;
    let finding = Finding::new(Code::TlsPlaintext, "the connection is not encrypted")
        .because(format!("sslmode={mode} allows that"))
        .evidence("sslmode", mode.as_str());
    if let Some(Failure::Tls(TlsFailure::Certificate)) = trace.fell_back_from {
        return root_file_changes_mode(finding, target);
    }
    let finding = match &trace.fell_back_from {
        Some(Failure::Tls(TlsFailure::Roots { reason })) => {
            finding.because(format!("TLS was given up, because the root certificates cannot be read: {reason}"))
        }
        Some(Failure::Tls(TlsFailure::Identity(fault))) => {
            let fault = input::client_certificate::explain(fault);
            finding
                .because(format!("TLS was given up: {}", fault.summary))
                .evidence("given_up_for", fault.code.as_str())
        }
        _ => finding,
    };
    let refuses_tls = trace.tls.reply == Some(SslReply::Unwilling);
    if refuses_tls {
        return finding.because("the server does not offer TLS: it answered the SSLRequest with `N`").fix(
            Side::Server,
            "switch TLS on (it needs server.crt and server.key in the data directory)",
            ["ALTER SYSTEM SET ssl = on;", RELOAD],
        );
    }
    finding.fix(
        Side::Client,
        "demand encryption, or better a verified certificate",
        [SslMode::Require, SslMode::VerifyFull].map(|mode| format!("sslmode={mode}")),
    )
}

/// `prefer` with a root file falls back to plaintext when the certificate does not please, without a word.
fn root_file_changes_mode(finding: Finding, target: &Target) -> Finding {
    let Roots::File(path) = &target.tls.roots else {
        return finding;
    };
    let path = path.display();
    Finding { code: Code::TlsRootFileChangesMode, ..finding }
        .because(format!(
            "{path} exists, so the certificate was verified, and it failed; the mode then goes on without TLS"
        ))
        .fix(Side::Client, "demand TLS, to see what is wrong with the certificate", ["sslmode=verify-full"])
}
