//! What becomes of the settings on the platform: which of them it has no word for, and which of its words would protect more.

use serde_json::Value;

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};
use crate::diagnose::modes::{Outcome, Row};
use crate::diagnose::token;
use crate::settings::NotRegistrable;
use crate::target::{Engine, SslMode, Target};

/// How the platform is told about TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `sslMode` with the words of an Azure-hosted platform.
    Words,
    /// `sslMode` true or false, as AWS-hosted platforms have it.
    Switch,
    /// `EncryptionMethod` and its like, in a connection string.
    String,
    /// Not at all: Amazon Redshift.
    None,
}

/// Why these credentials cannot be kept by a platform, where they cannot.
pub fn not_lasting(target: &Target) -> Option<NotRegistrable> {
    if target.password_until.is_some() || token::is_iam(target) {
        return Some(NotRegistrable::Temporary);
    }
    let by_token = target.engine == Engine::Redshift && target.token.is_some() && target.password.is_none();
    by_token.then_some(NotRegistrable::Token)
}

/// Settings of the check that the registered connection is without.
pub fn setting_lost(keywords: &[&str]) -> Option<Finding> {
    let first = keywords.first()?;
    let list = keywords.join(", ");
    let finding = Finding::new(
        Code::RegisterSettingLost,
        format!("the platform has no counterpart of {list}: the check was made with it, the platform dials without"),
    );
    let reason = match *first {
        "host" => "only one host can be registered: the one that this check was made with",
        "hostaddr" => "the platform looks the host's name up itself, and dials what it finds",
        _ => "its connections have server, port, database, user, password and how far TLS is demanded, no more",
    };
    Some(
        finding
            .because(reason)
            .fix(
                Side::Client,
                "see what it comes to without them, by the platform's own settings",
                ["pgpreflight check TARGET --all-modes"],
            )
            .advise(Side::Client, "or leave them out of the check, so that it tells what the platform will find")
            .evidence("keywords", keywords.to_vec()),
    )
}

/// The strongest setting of the platform that works now, where the one that is registered is weaker. `objections` are
/// what the certificate of an encrypted walk would fail.
pub fn stronger_mode(target: &Target, form: Form, rows: &[Row], objections: Option<&Value>) -> Option<Finding> {
    let own = target.tls.mode;
    let best = strongest(rows, objections)?;
    // On AWS it is on or off.
    let own = if form == Form::Switch && own > SslMode::Require { SslMode::Require } else { own };
    let best = if form == Form::Switch { best.min(SslMode::Require) } else { best };
    if best <= own {
        return None;
    }
    let (best_line, own_line) = (line(form, best, target)?, line(form, own, target)?);
    let flags =
        if best > SslMode::Require { "--sslmode verify-full --sslrootcert system" } else { "--sslmode require" };
    let flags = if best == SslMode::VerifyCa { "--sslmode verify-ca --sslrootcert ROOT.crt" } else { flags };
    Some(
        Finding::new(
            Code::RegisterStrongerMode,
            format!("the platform could be told {best_line}, which protects more"),
        )
        .because(format!("registered is {own_line}; the probes of this run show that {best_line} would work too"))
        .because("the platform verifies by its own roots, for which this machine's system roots were taken")
        .fix(Side::Client, "what the connection should say", [best_line.clone()])
        .fix(Side::Client, "what has it said, unless a string or a file is registered as it is", [flags])
        .evidence("registered", own_line)
        .evidence("strongest", best_line),
    )
}

fn strongest(rows: &[Row], objections: Option<&Value>) -> Option<SslMode> {
    let connects = |name: &str| rows.iter().any(|row| row.sslmode == name && row.outcome == Outcome::Connects);
    let named = match objections.and_then(Value::as_array) {
        Some(objections) => {
            let name = [Code::TlsCertificateNameMismatch, Code::TlsCertificateAddressNotListed].map(Code::as_str);
            !objections.iter().any(|code| code.as_str().is_some_and(|code| name.contains(&code)))
        }
        None => connects("verify-full"),
    };
    if connects("EncryptionMethod=1;ValidateServerCertificate=1") {
        return Some(if named { SslMode::VerifyFull } else { SslMode::VerifyCa });
    }
    connects("EncryptionMethod=1").then_some(SslMode::Require)
}

/// The setting as it stands in a body.
fn line(form: Form, mode: SslMode, target: &Target) -> Option<String> {
    let word = match mode {
        SslMode::Disable => "Disable",
        SslMode::Allow => "Allow",
        SslMode::Prefer => "Prefer",
        SslMode::Require => "Require",
        SslMode::VerifyCa => "Verify Ca",
        SslMode::VerifyFull => "Verify Full",
    };
    match form {
        Form::None => None,
        Form::Words => Some(format!("\"sslMode\": \"{word}\"")),
        Form::Switch => Some(format!("\"sslMode\": \"{}\"", mode >= SslMode::Require)),
        Form::String => Some(match mode {
            SslMode::Disable => "EncryptionMethod=0".to_owned(),
            SslMode::Allow | SslMode::Prefer => "EncryptionMethod=6".to_owned(),
            SslMode::Require => "EncryptionMethod=1".to_owned(),
            SslMode::VerifyCa => "EncryptionMethod=1;ValidateServerCertificate=1".to_owned(),
            SslMode::VerifyFull => {
                let name = target.certificate_name();
                format!("EncryptionMethod=1;ValidateServerCertificate=1;HostNameInCertificate={name}")
            }
        }),
    }
}
