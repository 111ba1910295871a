//! What commands print that make a password: the password alone, or JSON that has the user and the time of its end in it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::target::Secret;

/// A password, and what was said with it.
pub struct Credentials {
    /// The password.
    pub password: Secret,
    /// The user it is of, where that was said.
    pub user: Option<String>,
    /// Until when it is good, where that was said.
    pub until: Option<Timestamp>,
}

/// The names of a user, a password and its end: of `aws redshift get-cluster-credentials`, of `aws redshift-serverless
/// get-credentials`, and of a database's secret in AWS Secrets Manager.
const FORMS: [[&str; 3]; 3] = [
    ["DbUser", "DbPassword", "Expiration"],
    ["dbUser", "dbPassword", "expiration"],
    ["username", "password", "expiration"],
];

/// Reads the output of a command: an object of one of the forms, else its first line.
pub fn read(output: &str) -> Credentials {
    let object = serde_json::from_str::<Map<String, Value>>(output).ok();
    object.and_then(|object| FORMS.iter().find_map(|form| of_form(&object, form))).unwrap_or_else(|| Credentials {
        password: Secret::new(output.lines().next().unwrap_or_default().to_owned()),
        user: None,
        until: None,
    })
}

fn of_form(object: &Map<String, Value>, [user, password, until]: &[&str; 3]) -> Option<Credentials> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Credentials {
        password: Secret::new(text(password)?),
        user: text(user).filter(|user| !user.is_empty()),
        until: object.get(*until).and_then(moment),
    })
}

/// Version 2 of the AWS command line writes ISO 8601, version 1 seconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(seconds) => {
            let seconds = jiff::SignedDuration::try_from_secs_f64(seconds.as_f64()?).ok()?;
            Timestamp::from_duration(seconds).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_aws_are_known_and_anything_else_is_a_password() {
        let provisioned = r#"{
            "DbUser": "IAM:alice",
            "DbPassword": "wonder{land}",
            "Expiration": "2026-11-22T05:15:00.087000+00:00"
        }"#;
        let serverless = r#"{"dbPassword": "wonder{land}", "dbUser": "IAM:alice", "expiration": 1795324500.087}"#;
        let secret = r#"{"username": "alice", "password": "wonder{land}", "engine": "redshift", "port": 5439}"#;
        let end = Some("2026-11-22T05:15:00");
        let rows = [
            (provisioned, "wonder{land}", Some("IAM:alice"), end),
            (serverless, "wonder{land}", Some("IAM:alice"), end),
            (secret, "wonder{land}", Some("alice"), None),
            ("wonderland\nand more\n", "wonderland", None, None),
            ("{\"DbUser\": \"IAM:alice\"}", "{\"DbUser\": \"IAM:alice\"}", None, None),
            ("{wonder", "{wonder", None, None),
            ("\"quoted\"", "\"quoted\"", None, None),
            ("", "", None, None),
        ];
        for (output, password, user, until) in rows {
            let read = read(output);
            assert_eq!(read.password.expose(), password);
            assert_eq!(read.user.as_deref(), user, "{output}");
            let told = read.until.map(|until| until.to_string());
            assert_eq!(told.as_ref().and_then(|told| told.get(..19)), until, "{output}");
        }
    }
}
