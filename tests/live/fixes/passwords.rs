//! A password that is refused, for each of the causes that look the same. The server's log tells which it is, in the
//! words that are quoted; so does the printed query; and the statement for it ends it.

use super::Fixes;
use crate::answer::Answer;
use crate::client::WRONG;
use crate::server::{Server, servers};

/// What is quoted of the server's log in the reason with this word.
fn quoted(answer: &Answer, word: &str) -> Vec<String> {
    let reasons = answer.finding("login-password-rejected").unwrap()["because"].as_array().unwrap();
    let reason = reasons.iter().filter_map(|reason| reason.as_str()).find(|reason| reason.contains(word));
    let (_, detail) = reason.unwrap_or_else(|| panic!("{word}: {answer}")).split_once("DETAIL: ").unwrap();
    detail.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The log has it, by one of its names.
fn is_logged(server: &Server, about: &str, texts: &[String]) {
    let known = |line: &str| line.contains(about) && texts.iter().any(|text| line.contains(text.as_str()));
    server.cluster.wait_log(known);
}

/// The row of the printed query, without the name.
fn stored(server: &Server, fixes: &Fixes) -> String {
    let row = server.cluster.sql(&fixes.statements("SELECT rolname").join("\n"));
    row.split_once('|').map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

#[test]
fn a_password_that_has_expired() {
    for server in servers() {
        let settings = server.role("Mr. Expired", "by_scram");
        server.cluster.sql("alter role \"Mr. Expired\" valid until '2001-01-01 00:00:00+00'");
        let answer = server.check(&settings);
        answer.fails_with("login-password-rejected", 13);
        is_logged(server, "Mr. Expired", &quoted(&answer, "has expired"));
        let fixes = Fixes::of(&answer);
        assert!(stored(server, &fixes).starts_with("t|2001-01-01"));
        fixes.run("ALTER ROLE", server, "postgres");
        server.check(&settings).passes();
    }
}

#[test]
fn a_role_without_a_password() {
    for server in servers() {
        let settings = server.role("It's Unset", "by_scram");
        server.cluster.sql("alter role \"It's Unset\" password null");
        let answer = server.check(&settings);
        answer.fails_with("login-password-rejected", 13);
        is_logged(server, "It's Unset", &quoted(&answer, "has no password"));
        let fixes = Fixes::of(&answer);
        assert_eq!(stored(server, &fixes), "t||");
        fixes.type_in("SET password_encryption", server, "postgres");
        server.check(&settings).passes();
    }
}

#[test]
fn a_password_that_is_stored_in_another_form() {
    for server in servers() {
        let settings = server.role("Old Form", "by_md5"); // so it is stored
        server.cluster.sql("revoke by_md5 from \"Old Form\"; grant by_scram to \"Old Form\"");
        let answer = server.check(&settings);
        answer.fails_with("login-password-rejected", 13);
        // The words have changed with 14, and both are quoted.
        let quoted = quoted(&answer, "stored as MD5");
        let both = [quoted.clone(), vec![quoted[0].replace("secret", &quoted[1])]].concat();
        is_logged(server, "Old Form", &both);
        let fixes = Fixes::of(&answer);
        assert_eq!(stored(server, &fixes), "t||md5");
        fixes.type_in("SET password_encryption", server, "postgres");
        server.check(&settings).passes();
    }
}

#[test]
fn a_role_that_is_missing() {
    for server in servers() {
        let settings = server.settings("unknown too");
        let answer = server.check(&settings);
        answer.fails_with("login-password-rejected", 13);
        is_logged(server, "unknown too", &quoted(&answer, "no such role"));
        let fixes = Fixes::of(&answer);
        assert_eq!(stored(server, &fixes), "");
        fixes.type_in("CREATE ROLE", server, "postgres");
        server.check(&settings).passes();
    }
}

/// `\password` stores it as the server likes to have it; every method but SCRAM can check that.
#[test]
fn a_wrong_password_for_other_methods() {
    for server in servers() {
        for group in ["by_md5", "by_password"] {
            let name = format!("Forgetful {group}");
            let settings = server.role(&name, group);
            server.cluster.sql(&format!("alter role \"{name}\" password '{WRONG}'"));
            let answer = server.check(&settings);
            answer.fails_with("login-password-rejected", 13);
            Fixes::of(&answer).type_in("\\password", server, "postgres");
            server.check(&settings).passes();
        }
    }
}
