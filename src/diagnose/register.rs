//! What the Flow Service, or what answered in its place, did not do: by its code, else by what came.

use super::code::{Code, Confidence};
use super::finding::{Finding, Side};
use crate::registry::service::{Absence, Fault, Said, ServiceError, Stranger};

/// Why a call to the service failed. None where it is trouble of our own (the local store).
pub fn explain(error: &ServiceError) -> Option<Finding> {
    let finding = cause(&error.fault)?;
    Some(match &error.request_id {
        Some(id) => finding
            .because(format!("the service's id of the call is {id}: whoever runs it finds it by that"))
            .evidence("request_id", id.as_str()),
        None => finding,
    })
}

fn cause(fault: &Fault) -> Option<Finding> {
    Some(match fault {
        Fault::TokenMissing => token_missing(),
        Fault::TokenRejected(said) => token_rejected(said),
        Fault::ApiKeyRejected(said) => api_key(said),
        Fault::OrganizationRejected(said) => organization(said),
        Fault::SandboxUnknown(said) => sandbox(said),
        Fault::Forbidden { permission, said } => forbidden(*permission, said),
        Fault::PayloadRejected { field, said } => payload(field.as_deref(), said),
        Fault::DatabaseRefused { said, .. } => database(said),
        Fault::NotFound => not_found(),
        Fault::VersionConflict(said) => conflict(said),
        Fault::Throttled { retry_after, attempts } => throttled(retry_after.map(|it| it.as_secs()), *attempts),
        Fault::Unavailable(absence) => unavailable(absence),
        Fault::NotTheService(stranger) => not_the_service(stranger),
        Fault::Other { status, said } => other(*status, said),
        Fault::Store(_) => return None,
    })
}

/// In the service's words, which are the evidence.
fn quoted(finding: Finding, said: &Said) -> Finding {
    let finding = match &said.code {
        Some(code) => finding.evidence("code", code.as_str()),
        None => finding,
    };
    let words = if said.text.is_empty() { "nothing more".to_owned() } else { said.text.clone() };
    let code = said.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    finding.because(format!("it says{code}: {words}")).evidence("message", said.text.as_str())
}

fn token_missing() -> Finding {
    Finding::new(Code::RegisterTokenMissing, "there is no access token to call the service with")
        .because(
            "neither PGPREFLIGHT_TOKEN nor --client-id with PGPREFLIGHT_CLIENT_SECRET is given, or none arrived there",
        )
        .evidence("code", "403010")
        .fix(Side::Client, "give a token", ["export PGPREFLIGHT_TOKEN=…"])
        .fix(
            Side::Client,
            "or the credentials of an OAuth server-to-server client, which get one",
            ["export PGPREFLIGHT_CLIENT_SECRET=…", "--client-id CLIENT_ID"],
        )
}

fn token_rejected(said: &Said) -> Finding {
    let finding = Finding::new(
        Code::RegisterTokenRejected,
        "the access token is not taken, or none is given for these credentials",
    );
    quoted(finding, said)
        .fix(
            Side::Client,
            "get a new token (one lives 24 hours), or let pgpreflight get it",
            ["unset PGPREFLIGHT_TOKEN", "export PGPREFLIGHT_CLIENT_SECRET=…", "--client-id CLIENT_ID"],
        )
        .advise(Side::Client, "check that token, client and --ims are of the service that --platform names")
}

fn api_key(said: &Said) -> Finding {
    let finding = Finding::new(Code::RegisterApiKeyRejected, "the API key is missing or unknown to the service");
    quoted(finding, said).fix(
        Side::Client,
        "give the client id of the project that the token was issued to",
        ["--api-key CLIENT_ID"],
    )
}

fn organization(said: &Said) -> Finding {
    let finding =
        Finding::new(Code::RegisterOrganizationRejected, "the organisation is not one that this client belongs to");
    quoted(finding, said)
        .fix(Side::Client, "give the organisation of the client's project, with its ending", ["--org NAME@AdobeOrg"])
        .advise(Side::Server, "add the platform's API and a product profile to the project, in the developer console")
}

fn sandbox(said: &Said) -> Finding {
    let finding = Finding::new(Code::RegisterSandboxUnknown, "there is no such sandbox, or this client may not use it");
    quoted(finding, said)
        .fix(Side::Client, "give the sandbox's name (in lower case; not its title)", ["--sandbox prod"])
        .advise(Side::Server, "add the client to a role that has the sandbox")
}

fn forbidden(permission: Option<&str>, said: &Said) -> Finding {
    let named = permission.map_or_else(|| "`View Sources` or `Manage Sources`".to_owned(), |it| format!("`{it}`"));
    let finding = Finding::new(Code::RegisterForbidden, format!("the client lacks a permission: {named}"));
    quoted(finding, said)
        .because("reading connections takes `View Sources`, changing them `Manage Sources`")
        .evidence("permission", permission)
        .advise(Side::Server, format!("give the client a role with {named} in this sandbox"))
}

fn payload(field: Option<&str>, said: &Said) -> Finding {
    let summary = match field {
        Some(field) => format!("the service refuses the request because of `{field}`"),
        None => "the service refuses the request".to_owned(),
    };
    let finding = quoted(Finding::new(Code::RegisterPayloadRejected, summary), said).evidence("field", field);
    match field {
        Some("auth.specName") => {
            finding.fix(Side::Client, "use an authentication that the source has", ["--auth basic"])
        }
        Some("connectionSpec.id") => finding.advise(Side::Client, "use the id of a source that this service has"),
        _ => finding.fix(
            Side::Client,
            "look at what would be sent, and correct it",
            ["pgpreflight register … --dry-run"],
        ),
    }
}

fn other(status: u16, said: &Said) -> Finding {
    let finding =
        Finding::new(Code::RegisterPayloadRejected, "the service refuses the request for a reason of its own");
    quoted(finding, said)
        .confidence(Confidence::Likely)
        .evidence("status", status)
        .advise(Side::Client, "change what the sentence names, and try again")
}

fn database(said: &Said) -> Finding {
    let finding = Finding::new(Code::RegisterDatabaseRefused, "the service could not get into the database");
    quoted(finding, said)
        .fix(Side::Client, "look at the database from here", ["pgpreflight check TARGET"])
        .advise(Side::Network, "let the service's addresses reach the database; they are not those of this machine")
}

fn not_found() -> Finding {
    Finding::new(Code::RegisterConnectionNotFound, "there is no such connection in this organisation and sandbox")
        .because("the service knows no connection of that id or name")
        .evidence("code", "1439-404")
        .fix(Side::Client, "see which there are", ["pgpreflight connections list"])
        .advise(Side::Client, "check --platform, --org and --sandbox: connections of one are not seen in another")
}

fn conflict(said: &Said) -> Finding {
    let finding = Finding::new(Code::RegisterVersionConflict, "somebody changed the connection since it was read");
    quoted(finding, said).because("nothing of this change was stored").fix(
        Side::Client,
        "look at it as it is now, then change it again",
        ["pgpreflight connections show ID"],
    )
}

fn throttled(retry_after: Option<u64>, attempts: u32) -> Finding {
    let asked =
        retry_after.map_or_else(|| "it does not say for how long".to_owned(), |it| format!("it asks to wait {it} s"));
    Finding::new(Code::RegisterThrottled, "the service takes no more calls for now")
        .because(format!("{attempts} calls were answered with 429 (too many requests); {asked}"))
        .evidence("attempts", attempts)
        .evidence("retry_after", retry_after)
        .fix(Side::Client, "try again later, or allow more time to wait in", ["--timeout 5m"])
}

fn unavailable(absence: &Absence) -> Finding {
    let finding = |summary: &str| Finding::new(Code::RegisterUnavailable, summary);
    match absence {
        Absence::Connect(said) => finding("no connection to the service comes about")
            .because(format!("connecting failed: {said}"))
            .evidence("error", said.as_str())
            .advise(Side::Client, "check the URL of --platform (and --ims), and HTTPS_PROXY where there is a proxy")
            .advise(Side::Network, "let this machine reach it"),
        Absence::Silent => uncertain(finding("the service does not answer in time"))
            .because("the connection was made, and no whole answer came before the limit of this run")
            .evidence("answer", "none")
            .fix(Side::Client, "allow more time", ["--timeout 2m"]),
        Absence::Cut => uncertain(finding("the service's answer was cut off"))
            .because("the connection ended before the answer was whole")
            .evidence("answer", "cut off")
            .advise(Side::Network, "look at what is between: a proxy or balancer that ends connections"),
        Absence::Status { status, said } => uncertain(quoted(finding("the service is not available"), said))
            .because(format!("it answered with HTTP status {status}"))
            .evidence("status", *status)
            .advise(Side::Server, "look at the service's status page, or at its log by the id of the call"),
    }
}

/// What is known of a change whose answer did not come.
fn uncertain(finding: Finding) -> Finding {
    finding.fix(
        Side::Client,
        "see whether it was done before it is tried again (it is not repeated by itself)",
        ["pgpreflight connections list"],
    )
}

fn not_the_service(stranger: &Stranger) -> Finding {
    let finding = Finding::new(Code::RegisterNotTheService, "what answers there is not a Flow Service");
    let finding = match stranger {
        Stranger::Redirect { status, host } => finding
            .because("it redirects; redirects are not followed, so that the token goes nowhere else")
            .evidence("status", *status)
            .evidence("redirect_host", host.as_deref()),
        Stranger::Html { status } => finding.because("it answers with a web page").evidence("status", *status),
        Stranger::NotJson { status } => finding.because("its answer is no JSON").evidence("status", *status),
        Stranger::Shape { status, lacks } => finding
            .because(format!("its answer is JSON of another shape: {lacks} is missing"))
            .evidence("status", *status)
            .evidence("lacks", *lacks),
        Stranger::TooLong { status, limit } => finding
            .because(format!("its answer goes on beyond {limit} bytes"))
            .evidence("status", *status)
            .evidence("limit", *limit),
        Stranger::Endless => finding
            .because("a page of its list leads to one that was read already")
            .evidence("continuation_token", "repeated"),
        Stranger::NotHttp => finding.because("its answer is no HTTP").evidence("answer", "no HTTP"),
    };
    finding
        .fix(
            Side::Client,
            "give the base URL of the service, without a path",
            ["--platform https://platform.adobe.io", "--platform http://127.0.0.1:8642"],
        )
        .advise(Side::Network, "or go past the proxy or sign-in page that answers in its place")
}
