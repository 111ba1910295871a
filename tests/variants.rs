//! Two faults at once, of which the first alone is named, and an end at every step of the way.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "support/accuracy.rs"]
mod accuracy;
#[path = "support/play.rs"]
mod play;

use std::time::Duration;

use accuracy::{Asked, Play};
use play::{check, conninfo, start};

/// One thing that is wrong, in the order in which a check comes to it.
struct Fault {
    words: &'static str,
    scenario: &'static str,
    cause: &'static str,
}

const fn fault(words: &'static str, scenario: &'static str, cause: &'static str) -> Fault {
    Fault { words, scenario, cause }
}

/// Faults of one step are next to each other, and no two of them are played together.
const STEPS: &[&[Fault]] = &[
    &[
        fault("nobody listens", "transport = 'refuse'", "connect-refused"),
        fault("the connection is closed at once", "transport = 'accept-then-close'", "tls-closed-before-reply"),
        fault("a web server answers", "answer_any = 'HTTP/1.1 400 Bad Request\\r\\n\\r\\n'", "tls-not-postgres"),
    ],
    &[
        fault("TLS is not offered", "ssl_request = 'refuse'", "tls-not-offered"),
        fault("TLS is broken off", "ssl_request = 'accept-then-reset'", "tls-handshake-closed"),
        fault(
            "an error answers the SSLRequest",
            "ssl_request = { error = { C = '53300', M = 'too many' } }",
            "tls-server-error",
        ),
    ],
    &[
        fault("the certificate has expired", "certificate = 'expired'", "tls-certificate-expired"),
        fault("the certificate is not valid yet", "certificate = 'not-yet-valid'", "tls-certificate-not-yet-valid"),
        fault("the certificate is its own", "certificate = 'self-signed'", "tls-certificate-self-signed"),
        fault("the issuer is unknown", "certificate = 'unknown-issuer'", "tls-certificate-unknown-issuer"),
        fault("an intermediate is missing", "certificate = 'chain-incomplete'", "tls-certificate-chain-incomplete"),
        fault("the certificate has another name", "certificate = 'wrong-name'", "tls-certificate-name-mismatch"),
    ],
    &[
        fault("a rule rejects", "hba = { tls = 'reject', plain = 'reject' }", "login-hba-reject"),
        fault("no rule fits", "hba = { tls = 'no-entry', plain = 'no-entry' }", "login-no-hba-entry"),
    ],
    &[fault("the password is wrong", "users = { alice = 'another' }", "login-password-rejected")],
    &[
        fault(
            "the database does not exist",
            "login_error = { at = 'after-auth-ok', C = '3D000', M = 'database \"orders\" does not exist', F = 'postinit.c', R = 'InitPostgres' }",
            "login-database-missing",
        ),
        fault(
            "the role has its limit of connections",
            "login_error = { at = 'after-auth-ok', C = '53300', M = 'too many connections for role \"alice\"', F = 'miscinit.c', R = 'InitializeSessionUserId' }",
            "login-role-full",
        ),
    ],
    &[fault("the session is read-only", "session.parameters = [['in_hot_standby', 'on']]", "session-wrong-role")],
];

const STRICT: &str = "sslmode=verify-full target_session_attrs=primary";

#[tokio::test(flavor = "multi_thread")]
async fn of_two_faults_the_first_alone_is_named() {
    for (step, first) in
        STEPS.iter().enumerate().flat_map(|(step, faults)| faults.iter().map(move |fault| (step, fault)))
    {
        for second in STEPS[step + 1..].iter().copied().flatten() {
            let words = format!("Two at once: {}, and {}", first.words, second.words);
            let scenario = format!("{}\n{}", first.scenario, second.scenario);
            play_one(&words, &scenario, (STRICT, 5000), first.cause).await;
        }
        let words = format!("Alone: {}", first.words);
        play_one(&words, first.scenario, (STRICT, 5000), first.cause).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_named_at_every_step() {
    let login = |moment: &str, end: &str| format!("login = {{ at = '{moment}', does = '{end}' }}");
    let moments = ["before-auth", "in-exchange", "after-password", "after-auth-ok", "before-ready"];
    for end in ["close", "reset", "silent"] {
        let (login_cause, tls_cause, handshake_cause) = match end {
            "silent" => ("login-no-reply", "tls-no-reply", "tls-handshake-silent"),
            _ => ("login-closed", "tls-closed-before-reply", "tls-handshake-closed"),
        };
        let milliseconds = if end == "silent" { 400 } else { 5000 };
        for (step, scenario, cause) in [
            ("the accept", format!("transport = 'accept-then-{end}'"), tls_cause),
            ("the SSLRequest", format!("ssl_request = '{end}'\ndirect_tls = false"), tls_cause),
            ("the consent to TLS", format!("ssl_request = 'accept-then-{end}'"), handshake_cause),
        ] {
            let words = format!("The server does this after {step}: {end}");
            play_one(&words, &scenario, ("sslmode=verify-full", milliseconds), cause).await;
        }
        for moment in moments {
            let words = format!("The server does this {}, over TLS: {end}", moment.replace('-', " "));
            play_one(&words, &login(moment, end), ("sslmode=verify-full", milliseconds), login_cause).await;
        }
    }
}

/// Exactly this code is given.
async fn play_one(words: &str, scenario: &str, (keywords, milliseconds): (&str, u32), cause: &str) {
    let lab = start(scenario).await;
    let report = check(&lab, keywords, Duration::from_millis(milliseconds.into())).await;
    let report = serde_json::to_value(&report).unwrap();
    let play = Play {
        fault: words.to_owned(),
        source: "variants".to_owned(),
        variant: None,
        healthy: false,
        expected: vec![cause.to_owned()],
        timeout: milliseconds.into(),
    };
    let asked = Asked { conninfo: conninfo(&lab, keywords), ..Asked::default() };
    let codes: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!(codes, [cause], "{words}: {report:#}");
    tokio::task::spawn_blocking(move || accuracy::record(play, &report, &asked)).await.unwrap();
}
