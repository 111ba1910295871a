//! A platform that fails: what is told, what the run ends with, and how many requests to create a connection reached it.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::platform::{Act, Platform};
use crate::play;
use crate::run::{self, Outcome, PASSWORD, TOKEN, target};
use crate::schemas;

/// Runs it with a token against a sound database, and holds what was sent to the schemas.
async fn register(platform: &Platform, more: &[&str]) -> Outcome {
    let lab = play::start("").await;
    let mut arguments = vec![target(&lab), "--name=orders".to_owned()];
    arguments.extend(platform.arguments());
    arguments.extend(more.iter().map(|&argument| argument.to_owned()));
    let outcome = run::with(&arguments, &[("PGPREFLIGHT_TOKEN", TOKEN)]).await;
    for call in platform.calls() {
        match call.what.split_once(' ').unwrap() {
            ("POST", "/connections") => schemas::is_request(&call.body),
            ("PATCH", _) => schemas::is_patch(&call.body),
            ("GET", "/connections") => assert!(call.query.contains("orders"), "it asks for the name: {call:?}"),
            _ => {}
        }
    }
    outcome
}

/// What is played, and what comes of it: the code, `created` where there is none; how many POSTs came; how many
/// connections there are in the end.
type Row = (&'static str, Vec<(&'static str, Vec<Act>)>, &'static str, usize, usize);

const POST: &str = "POST /connections";
const LIST: &str = "GET /connections";

fn rows() -> Vec<Row> {
    use Act::{Do, DoAndCut, DoAndHangUp, DoAndSay, Say, SayWith};
    let wait = |seconds: &str| format!("Retry-After: {seconds}\r\n");
    let html = "<html><body>Welcome</body></html>";
    let gateway = |code: &str, text: &str| {
        let body = json!({"error_code": code, "message": text}).to_string();
        &*Box::leak(body.into_boxed_str())
    };
    let flow = |code: &str, text: &str| &*Box::leak(crate::platform::flow(code, text).into_boxed_str());
    let busy = gateway("429050", "Too many requests");
    let down = flow("1102-500", "Something went wrong.");
    let database = "The request could not be processed. Error from flow provider: The request could not be \
                    processed. Error message: ERROR [08001] Connection refused";
    vec![
        ("all is well", vec![], "created", 1, 1),
        ("made, hung up on", vec![(POST, vec![DoAndHangUp])], "created", 1, 1),
        ("made, the answer cut", vec![(POST, vec![DoAndCut])], "created", 1, 1),
        ("made, and 504", vec![(POST, vec![DoAndSay(504, down)])], "created", 1, 1),
        ("made, and a web page", vec![(POST, vec![DoAndSay(200, html)])], "created", 1, 1),
        ("made after a retry", vec![(POST, vec![Say(500, down), Do])], "created", 2, 1),
        ("made by the retry, and 502", vec![(POST, vec![Say(500, down), DoAndSay(502, html)])], "created", 2, 1),
        ("500 for ever", vec![(POST, vec![Say(500, down), Say(500, down), Do])], "register-unavailable", 2, 0),
        (
            "made, then nobody can tell",
            vec![(POST, vec![DoAndSay(503, down)]), (LIST, [vec![Do], vec![Say(503, down); 20]].concat())],
            "register-unavailable",
            1,
            1,
        ),
        ("down from the start", vec![(LIST, vec![Say(503, down); 20])], "register-unavailable", 0, 0),
        ("throttled once", vec![(POST, vec![SayWith(429, busy, wait("1"))])], "created", 2, 1),
        ("throttled for ever", vec![(POST, vec![SayWith(429, busy, wait("600"))])], "register-throttled", 1, 0),
        (
            "token refused",
            vec![(LIST, vec![Say(401, gateway("401013", "Oauth token is not valid")); 2])],
            "register-token-rejected",
            0,
            0,
        ),
        (
            "no API key",
            vec![(LIST, vec![Say(403, gateway("403003", "Api Key is invalid"))])],
            "register-api-key-rejected",
            0,
            0,
        ),
        (
            "organisation",
            vec![(LIST, vec![Say(403, gateway("403025", "Profile is not valid"))])],
            "register-organization-rejected",
            0,
            0,
        ),
        ("forbidden", vec![(POST, vec![Say(403, flow("2120-403", "Forbidden"))])], "register-forbidden", 1, 0),
        (
            "no sandbox",
            vec![(LIST, vec![Say(404, flow("2100-404", "The sandbox could not be found."))])],
            "register-sandbox-unknown",
            0,
            0,
        ),
        (
            "payload",
            vec![(POST, vec![Say(400, flow("1304-400", "The mandatory field server is not provided."))])],
            "register-payload-rejected",
            1,
            0,
        ),
        ("database", vec![(POST, vec![Say(400, flow("1100-400", database))])], "register-database-refused", 1, 0),
        (
            "driver",
            vec![(POST, vec![Say(400, flow("1308-400", "Error message: timeout"))])],
            "register-database-refused",
            1,
            0,
        ),
        ("a web page", vec![(LIST, vec![Say(200, html)])], "register-not-the-service", 0, 0),
        ("another shape", vec![(LIST, vec![Say(200, "{\"hello\": 1}")])], "register-not-the-service", 0, 0),
        ("POST answered by a page", vec![(POST, vec![Say(200, html)])], "register-not-the-service", 1, 0),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_platform_does_nothing_is_made_twice() {
    let mut wrong = Vec::new();
    for (name, scripts, expected, posts, stored) in rows() {
        let scripts: Vec<(&'static str, &[Act])> =
            scripts.iter().map(|(what, acts)| (*what, acts.as_slice())).collect();
        let platform = Platform::acting(&scripts).await;
        let outcome = register(&platform, &[]).await;
        let found = match outcome.report["cause"].as_str() {
            None => outcome.fact("action").as_str().unwrap_or("nothing").to_owned(),
            Some(code) => code.to_owned(),
        };
        let code = if expected == "created" { 0 } else { 16 };
        let seen = (found.as_str(), outcome.code, platform.count(POST), platform.connections().len());
        if seen != (expected, Some(code), posts, stored) {
            wrong.push(format!("{name}: {seen:?} instead of {:?}", (expected, code, posts, stored)));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[tokio::test]
async fn a_platform_that_is_silent_is_given_up_in_time() {
    let platform = Platform::acting(&[("POST /connections", &[Act::Silence])]).await;
    let began = Instant::now();
    let outcome = register(&platform, &["--timeout=8s"]).await;
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    assert_eq!(outcome.report["cause"], "register-unavailable", "{outcome:?}");
    assert_eq!(platform.count("POST /connections"), 1, "it may still be at the first");
    assert!(outcome.text.contains("run the same command again"), "{outcome:?}");
}

#[tokio::test]
async fn one_that_is_slow_is_waited_for_and_not_asked_twice() {
    let late = Act::DoLate(Duration::from_secs(14));
    let platform = Platform::acting(&[("POST /connections", &[late])]).await;
    let outcome = register(&platform, &["--timeout=20s"]).await;
    assert_eq!((outcome.code, outcome.fact("action").as_str()), (Some(0), Some("created")), "{outcome:?}");
    assert_eq!((platform.count("POST /connections"), platform.connections().len()), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("--platform=http://{}", listener.local_addr().unwrap());
    drop(listener);
    let lab = play::start("").await;
    let arguments = [&target(&lab), "--name=orders", &url, "--org=X@AdobeOrg", "--api-key=k"];
    let outcome = run::with(&arguments, &[("PGPREFLIGHT_TOKEN", TOKEN)]).await;
    assert_eq!(
        (outcome.report["cause"].as_str(), outcome.code),
        (Some("register-unavailable"), Some(16)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_stays() {
    let elsewhere = Platform::start().await;
    let to = format!("Location: http://{}/data/foundation/flowservice/connections\r\n", elsewhere.address);
    let platform = Platform::acting(&[("GET /connections", &[Act::SayWith(307, "", to)])]).await;
    let outcome = register(&platform, &[]).await;
    assert_eq!(outcome.report["cause"], "register-not-the-service", "{outcome:?}");
    assert!(elsewhere.calls().is_empty(), "{:?}", elsewhere.calls());
}

#[tokio::test]
async fn a_token_that_has_run_out_is_renewed_once() {
    let expired =
        Box::leak(json!({"error_code": "401013", "message": "Oauth token is not valid"}).to_string().into_boxed_str());
    let platform = Platform::acting(&[("POST /connections", &[Act::Say(401, expired)])]).await;
    let lab = play::start("").await;
    let ims = format!("--ims=http://{}", platform.address);
    let mut arguments = vec![target(&lab), "--name=orders".to_owned(), ims, "--client-id=key".to_owned()];
    arguments.extend(platform.arguments());
    let outcome = run::with(&arguments, &[("PGPREFLIGHT_CLIENT_SECRET", run::CLIENT_SECRET)]).await;
    assert_eq!((outcome.code, outcome.fact("action").as_str()), (Some(0), Some("created")), "{outcome:?}");
    assert_eq!((platform.count("POST /connections"), platform.count("POST /ims")), (2, 2));
    assert_eq!(platform.connections().len(), 1);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let (platform, lab) = (Platform::start().await, play::start("").await);
    let mut arguments = vec![target(&lab), "--name=orders".to_owned()];
    arguments.extend(platform.arguments());
    let outcome = run::register(&arguments).await;
    assert_eq!(
        (outcome.report["cause"].as_str(), outcome.code),
        (Some("register-token-missing"), Some(16)),
        "{outcome:?}"
    );
    assert!(platform.calls().is_empty());
}

#[tokio::test]
async fn what_is_not_ready_is_not_told_to_the_platform() {
    let platform = Platform::start().await;
    let lab = play::start("").await;
    let mut arguments = vec![target(&lab), "--name=orders".to_owned()];
    arguments.extend(platform.arguments());
    let wrong = run::with(&arguments, &[("PGPREFLIGHT_TOKEN", TOKEN), ("PGPASSWORD", "another")]).await;
    assert_eq!((wrong.report["cause"].as_str(), wrong.code), (Some("login-password-rejected"), Some(13)), "{wrong:?}");
    assert_eq!(wrong.stage()["status"], "skipped");
    arguments.push("--strict".to_owned());
    let strict = run::with(&arguments, &[("PGPREFLIGHT_TOKEN", TOKEN)]).await;
    assert_eq!((strict.report["verdict"].as_str(), strict.code), (Some("warnings"), Some(1)), "{strict:?}");
    assert_eq!(strict.stage()["status"], "skipped");
    assert!(platform.calls().is_empty(), "{:?}", platform.calls());
}

#[tokio::test]
async fn the_name_of_another_connection_is_taken_until_it_is_to_be_updated() {
    let platform = Platform::start().await;
    let other = json!({
        "name": "orders", "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
        "auth": {"specName": "Basic Authentication", "params": {"server": "elsewhere.test", "port": "5432",
            "database": "orders", "username": "alice", "password": "old", "sslMode": "Require"}}});
    let id = platform.store(&other);
    let taken = register(&platform, &[]).await;
    assert_eq!((taken.report["cause"].as_str(), taken.code), (Some("register-name-taken"), Some(16)), "{taken:?}");
    let differences = taken.finding("register-name-taken")["evidence"]["differences"].to_string();
    assert!(differences.contains("elsewhere.test") && !differences.contains("old"), "{differences}");
    assert_eq!((platform.count("POST"), platform.count("PATCH")), (0, 0));

    let updated = register(&platform, &["--update", "--description=new"]).await;
    assert_eq!((updated.code, updated.fact("action").as_str()), (Some(0), Some("updated")), "{updated:?}");
    assert_eq!(updated.fact("id"), id.as_str());
    let stored = &platform.connections()[0];
    assert_eq!(
        (&stored["auth"]["params"]["server"], &stored["auth"]["params"]["password"]),
        (&json!("127.0.0.1"), &json!(PASSWORD))
    );
    assert_eq!((&stored["description"], stored["etag"].as_str()), (&json!("new"), updated.fact("etag").as_str()));

    platform.store(&other);
    let several = register(&platform, &["--update", "--description=other"]).await;
    assert_eq!(several.report["cause"], "register-name-taken", "{several:?}");
    assert!(several.text.contains("2 connections have this name"), "{several:?}");
}

#[tokio::test]
async fn somebody_who_was_faster_is_not_overwritten() {
    let conflict = Box::leak(crate::platform::flow("1404-412", "The version does not match.").into_boxed_str());
    let platform = Platform::acting(&[("PATCH", &[Act::Say(412, conflict)])]).await;
    let first = register(&platform, &[]).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    // Another port: another lab.
    let outcome = register(&platform, &["--update"]).await;
    assert_eq!(
        (outcome.report["cause"].as_str(), outcome.code),
        (Some("register-version-conflict"), Some(16)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn the_platforms_own_word_stands_beside_ours() {
    let platform = Platform::start().await;
    platform.tests(false);
    let outcome = register(&platform, &[]).await;
    assert_eq!(
        (outcome.report["cause"].as_str(), outcome.code),
        (Some("register-database-refused"), Some(16)),
        "{outcome:?}"
    );
    assert_eq!((outcome.fact("action"), outcome.fact("platform_test")), (&json!("created"), &json!(false)));
    assert_eq!(platform.connections().len(), 1);
}

#[tokio::test]
async fn a_password_that_has_changed_is_sent_where_the_platform_does_not_get_in() {
    let platform = Platform::start().await;
    let lab = play::start("").await;
    let mut arguments = vec![target(&lab), "--name=orders".to_owned(), "--update".to_owned()];
    arguments.extend(platform.arguments());
    let token = [("PGPREFLIGHT_TOKEN", TOKEN)];
    assert_eq!(run::with(&arguments, &token).await.fact("action"), "created");
    assert_eq!(run::with(&arguments, &token).await.fact("action"), "unchanged");
    platform.tests(false);
    assert_eq!(run::with(&arguments, &token).await.fact("action"), "updated");
    assert_eq!((platform.count("POST /connections"), platform.count("PATCH")), (1, 1));
}

#[tokio::test]
async fn a_string_that_is_shown_to_nobody_is_not_taken_for_equal() {
    let platform = Platform::start().await;
    let first = register(&platform, &["--auth=connection-string"]).await;
    assert_eq!((first.code, first.fact("action").as_str()), (Some(0), Some("created")), "{first:?}");
    let again = register(&platform, &["--auth=connection-string"]).await;
    assert_eq!(again.codes(), ["register-not-compared"], "{again:?}");
    assert_eq!((again.code, again.fact("action").as_str()), (Some(0), Some("unchanged")));
    let sent = register(&platform, &["--auth=connection-string", "--update"]).await;
    assert_eq!((sent.codes().len(), sent.fact("action").as_str()), (0, Some("updated")), "{sent:?}");
    assert_eq!(platform.connections().len(), 1);
}
