//! Amazon's temporary credentials: RDS tokens in place of a password, and Redshift's `IAM:` users. A token is a signed
//! address, whose own times can be read without asking anybody; nothing of it is ever shown.

use jiff::{SignedDuration, Timestamp};

use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use super::provider;
use super::refusal::Refusal;
use crate::probe::trace::Admission;
use crate::target::{Encryption, Secret, Target};

/// Users of Redshift's GetClusterCredentials: as they are, created on the way, and of a role.
const IAM_USERS: [&str; 3] = ["IAM:", "IAMA:", "IAMR:"];

/// A refusal that temporary credentials explain.
pub fn explain(refusal: &Refusal<'_>) -> Option<Finding> {
    let Refusal { error, target, trace } = refusal;
    if trace.login.authenticated || !matches!(error.sqlstate.as_str(), "28P01" | "28000") {
        return None;
    }
    let by_rule = error.routine() == "ClientAuthentication";
    let tls_admitted = matches!(trace.other_encryption, Some((Encryption::Tls, Admission::Admitted)));
    let plain = !trace.tls.negotiated && !target.endpoint.is_unix();
    if plain && is_iam(target) && (!by_rule || tls_admitted) {
        return Some(needs_tls(target));
    }
    let until = target.password_until.or_else(|| Some(Token::of(target.password.as_ref()?)?.until));
    let ago = expired_since(until?, trace.started)?;
    (trace.login.credentials_sent && !by_rule).then(|| expired(ago, target))
}

/// Whether these settings are temporary credentials, which are taken over TLS only.
pub fn is_iam(target: &Target) -> bool {
    is_iam_user(&target.user) || target.password.as_ref().and_then(Token::of).is_some()
}

/// Whether it is a user of temporary credentials of Redshift's.
pub fn is_iam_user(user: &str) -> bool {
    IAM_USERS.iter().any(|prefix| user.starts_with(prefix))
}

/// Temporary credentials over a connection without TLS.
pub fn needs_tls(target: &Target) -> Finding {
    let what = if is_iam_user(&target.user) {
        "the user is one of temporary credentials (IAM:), which Redshift takes over TLS only"
    } else {
        "the password is a token of IAM authentication, which RDS takes over TLS only"
    };
    Finding::new(Code::LoginIamNeedsTls, "temporary credentials of IAM were refused: the connection is not encrypted")
        .because(what)
        .because("without TLS they are refused like a wrong password, however valid they are")
        .fix(Side::Client, "demand TLS, and better a verified certificate", ["sslmode=require"])
        .evidence("sslmode", target.tls.mode.as_str())
        .evidence("user", target.user.as_str())
}

/// The server asks for a token of an identity provider where anybody could read it.
pub fn kept(target: &Target) -> Finding {
    Finding::new(Code::LoginIamNeedsTls, "the server asks for a token, and the connection is not encrypted")
        .because("a token is good for whoever reads it, so none was sent; Amazon's own drivers send none either")
        .fix(Side::Client, "demand TLS, and better a verified certificate", ["sslmode=require"])
        .evidence("sslmode", target.tls.mode.as_str())
        .evidence("user", target.user.as_str())
}

/// The server asks for a token of an identity provider.
pub fn missing(target: &Target) -> Finding {
    let user = &target.user;
    Finding::new(
        Code::LoginTokenMissing,
        format!("the server asks for an identity provider's token for {user:?}, and none was given"),
    )
    .because("the authentication request has code 14, Amazon Redshift's for IAM Identity Center and other providers")
    .fix(
        Side::Client,
        "give it in the environment, or by a command that prints it",
        ["export PGPREFLIGHT_IDP_TOKEN='…'", "--token-command 'COMMAND'"],
    )
    .evidence("user", user.as_str())
}

fn expired(ago: SignedDuration, target: &Target) -> Finding {
    let finding = Finding::new(
        Code::LoginTokenExpired,
        format!("the temporary credentials have expired {} ago", minutes(ago)),
    )
    .because("they say themselves until when they are good, 15 minutes unless asked otherwise; by this machine's clock that has passed");
    region(target)
        .into_iter()
        .fold(finding, |finding, region| finding.evidence("region", region))
        .fix(Side::Client, "make a new one right before the login, and export it", [generate(target), TAKE.to_owned()])
        .evidence("expired_s", ago.as_secs())
}

const TAKE: &str = "export PGPASSWORD=\"$TOKEN\"";

/// What else is wrong with a token that PAM has refused, likeliest first.
pub fn doubts(finding: Finding, target: &Target) -> Finding {
    let host = target.endpoint.host();
    let on_rds = provider::of(host, None).is_some_and(|provider| provider.name == "Amazon RDS");
    let token = target.password.as_ref().and_then(Token::of);
    if token.is_none() && !on_rds {
        return finding;
    }
    let finding = finding.confidence(Confidence::Likely);
    let finding =
        match token {
            None => finding.because("users with the role rds_iam log in by token alone, and what was sent is none"),
            Some(token) if token.user.as_deref().is_some_and(|user| user != target.user) => {
                finding.because("the token was made for another user")
            }
            Some(token) if !token.host.eq_ignore_ascii_case(host) => finding
                .because("the token was made for another host name than is dialled; an alias (CNAME) does not do"),
            Some(_) => finding
                .because("the token has not expired; it may be of another region or account, or lack rds-db:connect"),
        };
    finding.fix(Side::Client, "make a new token, and export it", [generate(target), TAKE.to_owned()]).fix(
        Side::Server,
        "let the user log in by token",
        [format!("GRANT rds_iam TO {};", super::finding::identifier(&target.user))],
    )
}

/// The command that makes a token.
fn generate(target: &Target) -> String {
    let region = region(target).unwrap_or_else(|| "REGION".to_owned());
    let (host, port, user) = (target.endpoint.host(), target.endpoint.port(), &target.user);
    format!(
        "TOKEN=$(aws rds generate-db-auth-token --region {region} --hostname {host} --port {port} --username {user})"
    )
}

/// The region stands in the names of RDS: `NAME.ID.REGION.rds.amazonaws.com`.
fn region(target: &Target) -> Option<String> {
    let before = target.endpoint.host().split(".rds.amazonaws.com").next()?;
    (before != target.endpoint.host()).then(|| before.rsplit('.').next().unwrap_or_default().to_owned())
}

fn minutes(ago: SignedDuration) -> String {
    match ago.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// A token of RDS: `HOST:PORT/?Action=connect&DBUser=…&X-Amz-Date=…&X-Amz-Expires=…&…` (Signature Version 4).
struct Token {
    host: String,
    user: Option<String>,
    until: Timestamp,
}

impl Token {
    fn of(password: &Secret) -> Option<Self> {
        let text = password.expose().trim();
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (authority, query) = text.split_once("/?")?;
        let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let value = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        if value("Action") != Some("connect") {
            return None;
        }
        let made: Timestamp = value("X-Amz-Date")?.parse().ok()?;
        let lasts: i64 = value("X-Amz-Expires")?.parse().ok()?;
        let until = made.checked_add(SignedDuration::from_secs(lasts)).ok()?;
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host).to_owned();
        // An escaped name is compared with none.
        let user = value("DBUser").filter(|user| !user.contains('%')).map(str::to_owned);
        Some(Self { host, user, until })
    }
}

/// How long ago that was, where it was.
fn expired_since(until: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let ago = now.duration_since(until);
    ago.is_positive().then_some(ago)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Option<Token> {
        Token::of(&Secret::new(text.to_owned()))
    }

    #[test]
    fn a_token_tells_until_when_it_is_good() {
        let text = "db.abc.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=ingest&X-Amz-Algorithm=AWS4-HMAC-SHA256\
                    &X-Amz-Credential=AKIA%2F20261122&X-Amz-Date=20261122T050000Z&X-Amz-Expires=900&X-Amz-Signature=ab";
        let read = token(text).map(|token| (token.host, token.user, token.until.to_string()));
        let expected = ("db.abc.eu-west-1.rds.amazonaws.com", "ingest", "2026-11-22T05:15:00Z");
        assert_eq!(read, Some((expected.0.to_owned(), Some(expected.1.to_owned()), expected.2.to_owned())));
        for (now, expired) in [("2026-11-22T05:14:59Z", None), ("2026-11-22T05:15:01Z", Some(1))] {
            let since = now.parse().ok().and_then(|now| expired_since(token(text)?.until, now));
            assert_eq!(since.map(|since| since.as_secs()), expired, "{now}");
        }
    }

    #[test]
    fn other_passwords_are_no_tokens() {
        for text in
            ["", "wonderland", "a/?b", "host:5432/?Action=connect", "h/?Action=delete&X-Amz-Date=20261122T050000Z"]
        {
            assert!(token(text).is_none(), "{text}");
        }
        let broken = "h:1/?Action=connect&X-Amz-Date=yesterday&X-Amz-Expires=900";
        assert!(token(broken).is_none());
    }
}
