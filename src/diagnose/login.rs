//! Why there is no session: decided by SQLSTATE and routine, and by whether AuthenticationOk had come.

use super::code::{Code, Confidence};
use super::finding::{Finding, RELOAD, Side, identifier, scram_password};
use super::refusal::scram_line;
use super::{client_certificate, delivery, pooler, refusal, token};
use crate::probe::trace::{LoginFailure, Method, Trace};
use crate::target::{AuthMethod, ProtocolVersion, Target};

/// The one cause.
pub fn explain(failure: &LoginFailure, target: &Target, trace: &Trace) -> Finding {
    if let LoginFailure::NoReply { after } = failure
        && let Some(finding) = pooler::explain_silence(*after, target, trace)
    {
        return finding;
    }
    let finding = match failure {
        LoginFailure::Refused(error) => return refusal::explain(error, target, trace),
        LoginFailure::PasswordMissing => password_missing(target, trace),
        LoginFailure::TokenMissing => token::missing(target),
        LoginFailure::TokenNeedsTls => token::kept(target),
        LoginFailure::MethodUnsupported => method_unsupported(target, trace),
        LoginFailure::MethodNotAllowed => method_not_allowed(target, trace),
        LoginFailure::ProtocolTooOld { offered } => protocol_too_old(*offered, target),
        LoginFailure::ChannelBindingUnavailable => channel_binding_unavailable(target, trace),
        LoginFailure::Scram { reason } => Finding::new(
            Code::LoginScramFailed,
            "the server's side of the SCRAM exchange is not right",
        )
        .because(format!("the exchange stopped here: {reason}"))
        .because("a server that does not know the password's verifier cannot prove itself; nor can a man in the middle")
        .advise(Side::Network, "make sure that nothing between answers in place of the server"),
        LoginFailure::NoReply { after } => {
            let last = if trace.login.authenticated {
                "AuthenticationOk came, and then nothing"
            } else if trace.login.method.is_some() {
                "the server asked for a password, and then nothing came"
            } else {
                "the startup packet was sent, and not a byte came"
            };
            let finding = Finding::new(Code::LoginNoReply, "the server fell silent during the login")
                .because(format!("{last}, for {:.1} s", after.as_secs_f64()))
                .advise(Side::Server, "read its log; an overloaded server, an external authentication (LDAP, PAM, RADIUS) or a pooler whose database is gone makes logins hang")
                .evidence("authenticated", trace.login.authenticated);
            delivery::tell(finding, "what was sent last", trace)
        }
        LoginFailure::Closed { reset } => {
            let (how, when) = (
                if *reset { "reset (RST)" } else { "closed (FIN)" },
                if trace.login.authenticated { "after AuthenticationOk" } else { "before AuthenticationOk" },
            );
            Finding::new(Code::LoginClosed, "the server ended the connection during the login, without an error")
                .because(format!("the connection was {how} {when}"))
                .advise(
                    Side::Server,
                    "read its log: a crashed or killed process, or authentication_timeout, ends a login without a word",
                )
                .evidence("authenticated", trace.login.authenticated)
                .evidence("reset", *reset)
        }
        LoginFailure::Alert { alert } if trace.tls.certificate_requested => {
            client_certificate::refused(*alert, target, trace)
        }
        LoginFailure::Alert { alert } => {
            Finding::new(Code::LoginClosed, "the server ended the TLS session during the login")
                .because(format!("it sent TLS alert {alert} (RFC 8446, section 6)"))
                .advise(Side::Server, "read its log, and that of whatever ends TLS in front of it")
                .evidence("alert", *alert)
        }
        LoginFailure::ClientCertificateUnused { requested } => {
            client_certificate::unused(*requested, trace.tls.negotiated)
        }
        LoginFailure::CertificateUnbindable => unbindable(trace),
        LoginFailure::Garbage { reason } => Finding::new(
            Code::LoginProtocolUnsupported,
            "what the server says is not the PostgreSQL protocol, version 3",
        )
        .because(reason.as_str())
        .advise(Side::Network, "make sure that nothing between changes or answers the traffic"),
    };
    finding.evidence("method", trace.login.method.map(refusal::method_word))
}

/// What was odd about a login that went well.
pub fn remarks(target: &Target, trace: &Trace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let plain = !trace.tls.negotiated && !target.endpoint.is_unix();
    let method = trace.login.method;
    let by_certificate = trace.tls.shown_certificate().is_some();
    if method == Some(Method::Trust) && !target.endpoint.is_unix() && !by_certificate {
        findings.push(password_unchecked(target, trace));
    }
    let how = match method {
        Some(Method::Password) => Some("as it is"),
        Some(Method::Md5) => Some("as an MD5 hash that can be cracked"),
        Some(Method::RedshiftDigest) => {
            Some("as a SHA-256 hash, which can be cracked where the password is a weak one")
        }
        _ => None,
    };
    if let Some(how) = how.filter(|_| plain) {
        findings.push(
            Finding::new(Code::LoginPasswordExposed, "the password went over a connection that is not encrypted")
                .because(format!("the server asked for it, and it was sent {how}"))
                .fix(Side::Client, "demand encryption", ["sslmode=require"])
                .advise(Side::Client, "change the password: whoever listened has it"),
        );
    }
    if method == Some(Method::Md5) {
        findings.push(
            Finding::new(Code::LoginMd5, "the role's password is stored as an MD5 hash, which PostgreSQL is giving up")
                .because("the server asked for AuthenticationMD5Password")
                .fix(
                    Side::Server,
                    "store it for SCRAM, and say scram-sha-256 in pg_hba.conf",
                    scram_password(&target.user),
                ),
        );
    }
    if trace.login.is_by_amazons_own() {
        findings.push(amazon_drivers_only(target, trace));
    }
    let method = method.map(refusal::method_word);
    findings.into_iter().map(|finding| finding.evidence("method", method.clone())).collect()
}

/// It works here, and would not with psql.
fn amazon_drivers_only(target: &Target, trace: &Trace) -> Finding {
    let method = trace.login.method.map_or("a method of its own", method_word);
    let finding = Finding::new(
        Code::LoginAmazonDriversOnly,
        "only drivers of Amazon's (JDBC, ODBC, redshift_connector) can log in so",
    )
    .because(format!("the server asks for {method}; libpq, and what is built on it, does not speak that"));
    let finding = match trace.driver.as_ref().and_then(|driver| driver.failure.as_ref()) {
        Some(failure) => finding.because(format!("the Rust driver says: {}", failure.chain.join(": "))),
        None => finding,
    };
    match trace.login.method {
        Some(Method::RedshiftDigest) => finding.fix(
            Side::Server,
            "where psql, psycopg or the like has to get in, give the user a password that is stored as MD5",
            [format!("ALTER USER {} PASSWORD '…';", identifier(&target.user))],
        ),
        _ => finding
            .advise(Side::Server, "where psql, psycopg or the like has to get in, make it a user with a password"),
    }
}

fn password_unchecked(target: &Target, trace: &Trace) -> Finding {
    let given = target.password.is_some();
    let summary = if given {
        "the server let this role in without looking at the password"
    } else {
        "the server let this role in without a password"
    };
    Finding::new(Code::LoginPasswordUnchecked, summary)
        .because(
            "AuthenticationOk came without a challenge: a `trust` rule (or ident, or a client certificate) matches",
        )
        .because(if given {
            "so this check says nothing about the password"
        } else {
            "anybody at this address gets in the same way"
        })
        .fix(
            Side::Server,
            "in pg_hba.conf, put a line with a password method above the trust line",
            [scram_line(target, trace)],
        )
        .fix(Side::Server, "and reload", [RELOAD])
}

fn password_missing(target: &Target, trace: &Trace) -> Finding {
    let method = trace.login.method.map_or("a password", method_word);
    Finding::new(
        Code::LoginPasswordMissing,
        format!("the server asks for the password of {:?}, and none was given", target.user),
    )
    .because(format!("it asked for {method}; TARGET, PGPASSWORD and the password file have none"))
    .fix(Side::Client, "give it in the environment", ["export PGPASSWORD='…'"])
    .fix(
        Side::Client,
        "or by a command, or on standard input",
        ["--password-command 'COMMAND'", "--password-stdin"],
    )
}

/// Lets the role in by a method that is spoken here, before the rule that matches now.
pub(super) fn by_password(finding: Finding, target: &Target, trace: &Trace) -> Finding {
    finding
        .fix(
            Side::Server,
            "or let this role in by password: put this line above the one of pg_hba.conf that matches now",
            [scram_line(target, trace)],
        )
        .fix(Side::Server, "and reload", [RELOAD])
}

fn method_unsupported(target: &Target, trace: &Trace) -> Finding {
    let method =
        trace.login.method.map_or_else(|| "an unknown method".to_owned(), |method| method_word(method).to_owned());
    if matches!(trace.login.method, Some(Method::Gss | Method::Sspi)) {
        let finding = Finding::new(
            Code::LoginGssUnavailable,
            format!("the server asks for {method}, which needs a Kerberos ticket"),
        )
        .because("the authentication request has code 7 (GSSAPI) or 9 (SSPI); it is not spoken here")
        .fix(Side::Client, "get a ticket, and check with psql", ["kinit", "klist"]);
        return by_password(finding, target, trace);
    }
    let codes = match trace.login.method {
        Some(Method::Other(code)) => format!("the authentication request has code {code}"),
        _ => format!("the SASL mechanisms on offer are: {}", trace.login.mechanisms.join(", ")),
    };
    let finding =
        Finding::new(Code::LoginMethodUnsupported, format!("the server asks for {method}, which is not spoken here"))
            .because(codes)
            .evidence("mechanisms", trace.login.mechanisms.clone());
    match trace.login.method {
        Some(Method::Other(13)) => finding
            .confidence(Confidence::Likely)
            .because("code 13 is Amazon Redshift's digest; the algorithm it names is another than SHA-256 (or it is HighGo's)")
            .advise(Side::Client, "use a newer JDBC, ODBC or Python driver of Amazon's"),
        Some(Method::OauthBearer) => {
            let finding = finding.advise(Side::Client, "use libpq 18 with oauth_issuer and oauth_client_id");
            by_password(finding, target, trace)
        }
        _ => by_password(finding.advise(Side::Client, "use a client that speaks it"), target, trace),
    }
}

/// In libpq's words (`fe-auth.c`, `auth_method_description`).
fn method_not_allowed(target: &Target, trace: &Trace) -> Finding {
    let listed = target.require_auth.as_ref().map(|required| required.text.as_str()).unwrap_or_default();
    let (asked, name) = match trace.login.method {
        Some(Method::Password) => ("requested a cleartext password", "password"),
        Some(Method::Md5) => ("requested a hashed password", "md5"),
        Some(Method::Scram | Method::ScramPlus) => ("requested SCRAM-SHA-256 authentication", "scram-sha-256"),
        Some(Method::Gss) => ("requested GSSAPI authentication", "gss"),
        Some(Method::Sspi) => ("requested SSPI authentication", "sspi"),
        Some(Method::OauthBearer) => ("requested OAUTHBEARER authentication", "oauth"),
        Some(Method::RedshiftDigest) => ("requested a password hashed by SHA-256 (code 13)", "!gss"),
        Some(Method::RedshiftToken) => ("requested a token of an identity provider (code 14)", "!gss"),
        _ => ("let the role in without authentication", "none"),
    };
    let finding = Finding::new(
        Code::LoginMethodNotAllowed,
        format!("the server {asked}, which require_auth={listed} does not allow"),
    )
    .because("nothing secret was sent: the list is looked at first, as libpq does")
    .evidence("require_auth", listed);
    let takes_scram = target.require_auth.as_ref().is_some_and(|required| required.allows(AuthMethod::ScramSha256));
    let finding = match name {
        "password" | "md5" | "none" if takes_scram => ask_by_scram(finding, target, trace),
        "password" | "md5" | "none" => {
            finding.advise(Side::Server, "let the role in by a method of the list, in pg_hba.conf")
        }
        _ => finding,
    };
    finding.fix(Side::Client, "or, if this method will do, allow it", [format!("require_auth={name}")])
}

/// Has the server ask for SCRAM, which it can where the password is stored so. A line that says md5 asks for it then, too.
fn ask_by_scram(finding: Finding, target: &Target, trace: &Trace) -> Finding {
    let finding = if trace.login.method == Some(Method::Md5) {
        finding.fix(Side::Server, "store the password for SCRAM (psql asks for it)", scram_password(&target.user))
    } else {
        finding
    };
    finding
        .fix(
            Side::Server,
            "have the server ask for SCRAM: put this line above the one of pg_hba.conf that matches now",
            [scram_line(target, trace)],
        )
        .fix(Side::Server, "and reload", [RELOAD])
}

fn protocol_too_old(offered: ProtocolVersion, target: &Target) -> Finding {
    let (offered, wanted) = (offered.as_str(), target.protocol.min.as_str());
    Finding::new(
        Code::LoginProtocolUnsupported,
        format!("the server only supports protocol version {offered}, and min_protocol_version={wanted} is asked for"),
    )
    .because(format!("it answered the startup packet by NegotiateProtocolVersion, with {offered}"))
    .fix(Side::Client, "take what it has", [format!("min_protocol_version={offered}")])
    .advise(Side::Server, "protocol 3.2 came with PostgreSQL 18; poolers follow later")
    .evidence("offered", offered)
}

/// libpq has no way around it but to do without.
fn unbindable(trace: &Trace) -> Finding {
    let leaf = trace.tls.chain.first();
    let signature = leaf.map_or("an unknown algorithm", |leaf| leaf.signature.as_str());
    Finding::new(
        Code::LoginChannelBindingUnavailable,
        format!("the server's certificate is signed with {signature}, and libpq cannot bind SCRAM to it"),
    )
    .because(
        "the server offers SCRAM-SHA-256-PLUS, which takes the hash of that signature; this one has none (RFC 5929)",
    )
    .because("libpq stops here, also with channel_binding=prefer: `could not find digest for NID`")
    .fix(Side::Client, "log in without channel binding", ["channel_binding=disable"])
    .advise(Side::Server, "or have the certificate signed by an authority with an RSA or ECDSA key")
    .evidence("signature", signature)
    .evidence("mechanisms", trace.login.mechanisms.clone())
}

fn channel_binding_unavailable(target: &Target, trace: &Trace) -> Finding {
    let reason = match trace.login.method {
        Some(Method::Trust) | None if trace.login.mechanisms.is_empty() => {
            "the server let the role in without SCRAM".to_owned()
        }
        Some(method) if trace.login.mechanisms.is_empty() => format!("the server asked for {}", method_word(method)),
        _ => format!("the server offers: {}", trace.login.mechanisms.join(", ")),
    };
    let finding = Finding::new(Code::LoginChannelBindingUnavailable, "channel_binding=require cannot be met")
        .because(reason)
        .because("channel binding needs TLS that ends at PostgreSQL itself, version 11 or later, and SCRAM")
        .fix(Side::Client, "use it where it is offered", ["channel_binding=prefer"]);
    if trace.tls.negotiated && trace.login.mechanisms.is_empty() {
        return ask_by_scram(finding, target, trace);
    }
    finding.advise(
        Side::Server,
        "let the role in by scram-sha-256 on a hostssl line; a proxy that ends TLS takes the offer away",
    )
}

/// What a method is called in a sentence.
fn method_word(method: Method) -> &'static str {
    match method {
        Method::Trust => "nothing (trust)",
        Method::Password => "the password in clear (password)",
        Method::Md5 => "an MD5 hash (md5)",
        Method::Scram => "SCRAM-SHA-256",
        Method::ScramPlus => "SCRAM-SHA-256-PLUS",
        Method::OauthBearer => "OAUTHBEARER",
        Method::UnknownSasl => "an unknown SASL mechanism",
        Method::Gss => "GSSAPI",
        Method::Sspi => "SSPI",
        Method::RedshiftDigest => "a SHA-256 digest of the password (Redshift's code 13)",
        Method::RedshiftToken => "a token of an identity provider (Redshift's code 14)",
        Method::Other(_) => "an unknown method",
    }
}
