//! A platform that fails in every way: what is told, with which exit code, how often it was called, and that neither token
//! nor secret is shown or sent elsewhere.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::platform::{Platform, Reply, connection, flow, gateway, page, token, whole};
use crate::program::{Run, program, run};

const TOKEN: &str = "marker-token-4711";
const CLIENT_SECRET: &str = "marker-secret-0815";
const ID: &str = "00000000-0000-4000-8000-000000000000";

/// `connections` with these arguments against a platform, and a token.
async fn called(platform: &Platform, arguments: &[&str]) -> Run {
    let mut command = program(["connections"]);
    command.args(arguments).args(place(platform)).env("PGPREFLIGHT_TOKEN", TOKEN);
    hidden(run(command, b"").await)
}

fn place(platform: &Platform) -> Vec<String> {
    let url = format!("http://{}", platform.address);
    ["--platform", &url, "--ims", &url, "--org", "X@AdobeOrg", "--api-key", "key", "--format", "json"]
        .map(str::to_owned)
        .to_vec()
}

fn hidden(ran: Run) -> Run {
    for shown in [&ran.stdout, &ran.stderr] {
        assert!(!shown.contains(TOKEN) && !shown.contains(CLIENT_SECRET), "{ran:?}");
        assert!(!shown.contains("panicked"), "{ran:?}");
    }
    ran
}

/// The code of the one finding, which has a reason, a fix and evidence.
fn code(ran: &Run) -> String {
    assert_eq!(ran.code, Some(16), "{ran:?}");
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let finding = &answer["findings"][0];
    for part in ["because", "fixes"] {
        assert!(!finding[part].as_array().unwrap().is_empty(), "{part}: {answer}");
    }
    assert!(!finding["evidence"].as_object().unwrap().is_empty(), "{answer}");
    finding["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_refusal_is_told_by_its_code_and_asked_for_once() {
    let provider = "The request could not be processed. Error from flow provider: Error message: no pg_hba.conf entry";
    let rows = [
        (gateway(403, "403010", "Oauth token is missing."), "register-token-missing"),
        (gateway(401, "401013", "Oauth token is not valid"), "register-token-rejected"),
        (gateway(401, 401_013, "Oauth token is not valid"), "register-token-rejected"),
        (gateway(403, "403000", "Api Key is required"), "register-api-key-rejected"),
        (gateway(403, 403_003, "Api Key is invalid"), "register-api-key-rejected"),
        (gateway(400, "400003", "Missing header"), "register-organization-rejected"),
        (gateway(403, "403025", "Profile is not valid"), "register-organization-rejected"),
        (flow("2100-404", "The sandbox with the name 'prod' could not be found"), "register-sandbox-unknown"),
        (flow("2105-400", "The header x-sandbox-name is missing"), "register-sandbox-unknown"),
        (flow("2120-403", "Forbidden"), "register-forbidden"),
        (flow("1304-400", "The mandatory field name is not provided."), "register-payload-rejected"),
        (flow("1449-400", "The field is not supported."), "register-payload-rejected"),
        (flow("1439-404", "not found"), "register-connection-not-found"),
        (flow("1404-412", "Version not matching"), "register-version-conflict"),
        (flow("1100-400", provider), "register-database-refused"),
        (Reply::Say(404, "{\"message\": \"no such route\"}".to_owned()), "register-not-the-service"),
        (Reply::Say(200, "<html>sign in</html>".to_owned()), "register-not-the-service"),
        (Reply::Say(403, "<html>forbidden</html>".to_owned()), "register-not-the-service"),
        (Reply::Say(200, "what".to_owned()), "register-not-the-service"),
        (Reply::Say(200, "{}".to_owned()), "register-not-the-service"),
        (Reply::Say(200, "[]".to_owned()), "register-not-the-service"),
        (Reply::Say(200, "{\"items\": 7}".to_owned()), "register-not-the-service"),
        (Reply::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()), "register-not-the-service"),
        (Reply::Endless, "register-not-the-service"),
    ];
    for (reply, expected) in rows {
        let platform = Platform::start(vec![reply.clone()]).await;
        let ran = called(&platform, &["list"]).await;
        assert_eq!(code(&ran), expected, "{reply:?}: {ran:?}");
        assert_eq!(platform.requests().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_asked_once_more_if_that_changes_nothing() {
    let cut = whole(200, "", "{\"items\": []}");
    let rows = [
        Reply::Say(500, "{}".to_owned()),
        Reply::Say(503, "<html>busy</html>".to_owned()),
        flow("1103-503", "Please try again later."),
        Reply::Bytes(Vec::new()),
        Reply::Bytes(cut[..cut.len() - 3].to_vec()),
        Reply::Bytes(cut[..20].to_vec()),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"items\": [".to_vec()),
    ];
    for reply in rows {
        let platform = Platform::start(vec![reply.clone()]).await;
        assert_eq!(code(&called(&platform, &["list"]).await), "register-unavailable", "{reply:?}");
        assert_eq!(platform.requests().len(), 2, "{reply:?}");
        let platform = Platform::start(vec![reply.clone(), page(&["orders"], &json!({}))]).await;
        assert_eq!(called(&platform, &["list"]).await.code, Some(0), "{reply:?}");
        // What deletes is sent once. Nothing is read of an answer that says it is done.
        if matches!(&reply, Reply::Bytes(bytes) if bytes.ends_with(b"[")) {
            continue;
        }
        let shown = Reply::Say(200, json!({"items": [connection(0, "orders")]}).to_string());
        let platform = Platform::start(vec![shown, reply.clone()]).await;
        assert_eq!(code(&called(&platform, &["delete", ID, "--yes"]).await), "register-unavailable", "{reply:?}");
        assert_eq!(platform.requests().len(), 2, "{reply:?}");
    }
}

#[tokio::test]
async fn nothing_waits_longer_than_it_may() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".to_vec();
    for reply in [Reply::Silence, Reply::Drip(head), Reply::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec())] {
        let platform = Platform::start(vec![reply.clone()]).await;
        let began = Instant::now();
        let ran = called(&platform, &["list", "--timeout", "1s"]).await;
        assert_eq!(code(&ran), "register-unavailable", "{reply:?}");
        assert!(began.elapsed() < Duration::from_secs(30), "{reply:?}");
        assert_eq!(platform.requests().len(), 1, "{reply:?}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = program(["connections", "list", "--org", "X@AdobeOrg", "--api-key", "k", "--format", "json"]);
    command.args(["--platform", &format!("http://{closed}")]).env("PGPREFLIGHT_TOKEN", TOKEN);
    let ran = hidden(run(command, b"").await);
    assert_eq!(code(&ran), "register-unavailable");
    assert!(ran.stdout.contains("refused"), "{ran:?}");
}

#[tokio::test]
async fn a_busy_service_is_waited_for_as_long_as_it_asks() {
    let busy = |after: &str| {
        let body = json!({"error_code": "429050", "message": "Too many requests"}).to_string();
        Reply::With(429, ("Retry-After", after.to_owned()), body)
    };
    let past = "Fri, 27 Nov 2020 12:00:00 GMT";
    let platform = Platform::start(vec![busy("0"), busy(past), page(&["orders"], &json!({}))]).await;
    assert_eq!(called(&platform, &["list"]).await.code, Some(0));
    assert_eq!(platform.requests().len(), 3);
    let platform = Platform::start(vec![busy("0")]).await;
    assert_eq!(code(&called(&platform, &["list"]).await), "register-throttled");
    assert_eq!(platform.requests().len(), 8);
    for after in ["3600", "Fri, 27 Nov 2099 12:00:00 GMT"] {
        let platform = Platform::start(vec![busy(after)]).await;
        assert_eq!(code(&called(&platform, &["list"]).await), "register-throttled", "{after}");
        assert_eq!(platform.requests().len(), 1, "a wait that does not fit is not begun");
    }
}

#[tokio::test]
async fn a_redirect_takes_the_token_nowhere() {
    let elsewhere = Platform::start(vec![page(&["stolen"], &json!({}))]).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("http://localhost:{}/data/foundation/flowservice/connections", elsewhere.address.port());
        let reply = Reply::With(status, ("Location", to), String::new());
        let platform = Platform::start(vec![reply]).await;
        for call in [&["list"][..], &["test", ID], &["delete", ID, "--yes"]] {
            let ran = called(&platform, call).await;
            assert_eq!(code(&ran), "register-not-the-service");
            assert!(ran.stdout.contains("\"redirect_host\":\"localhost\""), "{ran:?}");
        }
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_is_had_from_ims_and_anew_once_when_it_is_not_taken() {
    let refused = || gateway(401, "401013", "Oauth token is not valid");
    let good = || page(&["orders"], &json!({}));
    let busy = Reply::With(429, ("Retry-After", "0".to_owned()), "{}".to_owned());
    let invalid = Reply::Say(400, json!({"error": "invalid_client", "error_description": CLIENT_SECRET}).to_string());
    let rows = [
        (vec![token("first"), good()], "", 2),
        (vec![token("first"), refused(), token("second"), good()], "", 4),
        (vec![token("first"), refused(), token("second"), refused()], "register-token-rejected", 4),
        (vec![busy, token("first"), good()], "", 3),
        (vec![invalid], "register-token-rejected", 1),
        (vec![Reply::Say(200, "{}".to_owned())], "register-not-the-service", 1),
        (vec![Reply::Say(200, "<html>".to_owned())], "register-not-the-service", 1),
        (vec![Reply::Say(503, "{}".to_owned())], "register-unavailable", 1),
    ];
    for (script, expected, requests) in rows {
        let platform = Platform::start(script.clone()).await;
        let mut command = program(["connections", "list", "--client-id", "client"]);
        command.args(place(&platform)).env("PGPREFLIGHT_CLIENT_SECRET", CLIENT_SECRET);
        let ran = hidden(run(command, b"").await);
        let seen = platform.requests();
        assert_eq!(seen.len(), requests, "{script:?}: {ran:?}");
        if expected.is_empty() {
            assert_eq!(ran.code, Some(0), "{ran:?}");
        } else {
            assert_eq!(code(&ran), expected, "{script:?}");
        }
        assert!(seen[0].starts_with("POST /ims/token/v3 ") && seen[0].contains(CLIENT_SECRET), "{seen:?}");
        assert!(
            seen[0].contains("grant_type=client_credentials") && seen[0].contains("read_organizations"),
            "{seen:?}"
        );
        let last = seen.last().unwrap();
        assert!(requests < 4 || last.contains("Bearer second"), "{last}");
        assert!(requests == 1 || !last.contains(CLIENT_SECRET), "{last}");
    }
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let platform = Platform::start(vec![page(&[], &json!({}))]).await;
    let mut command = program(["connections", "list", "--client-id", "client"]);
    command.args(place(&platform));
    assert_eq!(code(&run(command, b"").await), "register-token-missing");
    assert_eq!(platform.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn every_call_has_the_headers_of_the_platform() {
    let platform = Platform::start(vec![
        Reply::Say(200, json!({"items": [connection(0, "orders")]}).to_string()),
        Reply::Say(200, json!({"id": ID, "etag": "\"e2\""}).to_string()),
    ])
    .await;
    let ran = called(&platform, &["update", ID, "--name", "shop", "--sandbox", "dev"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let seen = platform.requests();
    for request in &seen {
        let lines: Vec<String> = request.lines().map(str::to_owned).collect();
        for header in [
            &format!("authorization: Bearer {TOKEN}"),
            "x-api-key: key",
            "x-gw-ims-org-id: X@AdobeOrg",
            "x-sandbox-name: dev",
            "accept: application/json",
        ] {
            assert!(lines.iter().any(|line| line.eq_ignore_ascii_case(header)), "{header} is missing: {request}");
        }
    }
    assert!(seen[1].starts_with(&format!("PATCH /data/foundation/flowservice/connections/{ID} ")), "{}", seen[1]);
    assert!(seen[1].contains("if-match: \"e1\"\r\n"), "as it was received: {}", seen[1]);
    assert!(seen[1].ends_with(r#"[{"op":"replace","path":"/name","value":"shop"}]"#), "{}", seen[1]);
}

/// Whatever a platform repeats or sends on purpose, neither the token nor anything that acts on a terminal is shown.
#[tokio::test]
async fn what_a_platform_says_is_screened() {
    let escape = format!("\u{1b}[2J\u{9b}31m {TOKEN} {}", TOKEN.to_uppercase());
    let echoes = [
        flow("1304-400", &escape),
        gateway(401, "401013", &escape),
        Reply::With(500, ("x-request-id", TOKEN.to_owned()), "{}".to_owned()),
        page(&[&escape], &json!({})),
        Reply::With(302, ("Location", format!("https://{TOKEN}.test/")), String::new()),
    ];
    for reply in echoes {
        for format in ["human", "json"] {
            let platform = Platform::start(vec![reply.clone()]).await;
            let mut command = program(["connections", "list", "--platform", &format!("http://{}", platform.address)]);
            command.args(["--org", "X@AdobeOrg", "--api-key", "key", "--format", format]);
            command.env("PGPREFLIGHT_TOKEN", TOKEN);
            let ran = hidden(run(command, b"").await);
            let odd = ran.stdout.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{ran:?}");
            assert!(!ran.stdout.to_lowercase().contains(TOKEN), "{ran:?}");
        }
    }
}
