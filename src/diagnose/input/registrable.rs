//! What can be dialled, and not said to the sources platform.

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::settings::NotRegistrable;

/// Why there is nothing that could be registered.
pub fn explain(what: &NotRegistrable) -> Finding {
    match what {
        NotRegistrable::Socket => {
            Finding::new(Code::InputNotRegistrable, "a Unix socket cannot be registered: only this machine reaches it")
                .because("the platform dials a host and a port, over the network")
                .fix(Side::Client, "name the host that the platform would dial", ["host=HOST port=5432"])
                .evidence("keyword", "host")
        }
        NotRegistrable::NoConnectionString { of } => {
            Finding::new(Code::InputNotRegistrable, format!("there is no connection string for {of}"))
                .because("it knows `Basic Authentication` alone")
                .fix(Side::Client, "leave the flag out, or say", ["--auth basic"])
                .evidence("keyword", "auth")
        }
        NotRegistrable::Temporary => Finding::new(
            Code::InputNotRegistrable,
            "temporary credentials cannot be registered: they end within the hour",
        )
        .because("the platform keeps one password, and logs in with it whenever a flow runs")
        .advise(
            Side::Client,
            "check with them as often as you like, and register a user that has a password of its own",
        )
        .evidence("keyword", "password"),
        NotRegistrable::Token => {
            Finding::new(Code::InputNotRegistrable, "a token of an identity provider cannot be registered")
                .because("the platform logs in with a user and a password, and has no place for a token")
                .advise(
                    Side::Client,
                    "check with it as often as you like, and register a user that has a password of its own",
                )
                .evidence("keyword", "token")
        }
        NotRegistrable::Contradicted { given, by } => contradicted(given, by),
    }
}

fn contradicted(given: &str, by: &[(&'static str, String)]) -> Finding {
    let keywords: Vec<&str> = by.iter().map(|(keyword, _)| *keyword).collect();
    let named: Vec<String> = by.iter().map(|(keyword, source)| format!("{keyword} (from {source})")).collect();
    let summary = format!("{given} would be registered as it is, and does not say {}", named.join(", "));
    Finding::new(Code::InputNotRegistrable, summary)
        .because("what is checked has to be what is registered")
        .advise(Side::Client, "write it there, or leave it out everywhere else")
        .fix(Side::Client, "or have what is registered made of what was checked", ["--auth basic"])
        .evidence("keywords", keywords)
        .evidence("given", given)
}
