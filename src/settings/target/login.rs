//! What the login may be like, and what the session has to be.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::{Reader, encoding};
use crate::settings::InputFailure;
use crate::target::{AuthMethod, ChannelBinding, ProtocolRange, ProtocolVersion, RequireAuth, SessionAttrs};

/// The length of a key of SCRAM-SHA-256, in bytes.
const SCRAM_KEY: usize = 32;

const METHODS: &str = "password, md5, gss, sspi, scram-sha-256, oauth, none";

pub fn channel_binding(reader: &Reader<'_>) -> Result<ChannelBinding, InputFailure> {
    let words = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    let chosen = reader.choice("channel_binding", "disable, prefer, require", &words)?;
    Ok(chosen.unwrap_or(ChannelBinding::Prefer))
}

pub fn session_attrs(reader: &Reader<'_>) -> Result<SessionAttrs, InputFailure> {
    let words = SessionAttrs::ALL.map(|attrs| (attrs.as_str(), attrs));
    let allowed = "any, read-write, read-only, primary, standby, prefer-standby";
    Ok(reader.choice("target_session_attrs", allowed, &words)?.unwrap_or(SessionAttrs::Any))
}

pub fn load_balance(reader: &Reader<'_>) -> Result<bool, InputFailure> {
    let chosen = reader.choice("load_balance_hosts", "disable, random", &[("disable", false), ("random", true)])?;
    Ok(chosen.unwrap_or(false))
}

/// A list of methods, all of them with `!` before them or none (`fe-connect.c`, `pqConnectOptions2`).
///
/// An empty list is no list. libpq means that too, and by a slip then refuses every server that asks for a password
/// (`fe-auth.c`, `check_expected_areq`).
pub fn require_auth(reader: &Reader<'_>) -> Result<Option<RequireAuth>, InputFailure> {
    let Some(text) = reader.text("require_auth") else {
        return Ok(None);
    };
    let contradiction = |twice| InputFailure::MethodsContradict { twice, source: reader.source("require_auth") };
    let negated = text.starts_with('!');
    let mut methods = Vec::new();
    for word in text.split(',') {
        let bare = word.strip_prefix('!');
        let method = AuthMethod::ALL.into_iter().find(|method| method.as_str() == bare.unwrap_or(word));
        let method = method.ok_or_else(|| reader.invalid("require_auth", METHODS))?;
        if bare.is_some() != negated {
            return Err(contradiction(None));
        }
        if methods.contains(&method) {
            return Err(contradiction(Some(method.as_str())));
        }
        methods.push(method);
    }
    Ok(Some(RequireAuth { text: text.to_owned(), methods, negated }))
}

/// Without a maximum libpq asks for 3.0, or for the latest where 3.0 will not do.
pub fn protocol(reader: &Reader<'_>) -> Result<ProtocolRange, InputFailure> {
    let latest = ProtocolVersion::V3_2;
    let words = [("3.0", ProtocolVersion::V3_0), ("3.2", ProtocolVersion::V3_2), ("latest", latest)];
    let version = |keyword| reader.choice(keyword, "3.0, 3.2, latest", &words);
    let min = version("min_protocol_version")?.unwrap_or(ProtocolVersion::V3_0);
    let max = version("max_protocol_version")?.unwrap_or(if min > ProtocolVersion::V3_0 { latest } else { min });
    if min > max {
        return Err(reader.invalid("max_protocol_version", "no lower than min_protocol_version"));
    }
    Ok(ProtocolRange { min, max })
}

/// Keys are not used here, but libpq looks at them before it dials.
pub fn check_scram_keys(reader: &Reader<'_>) -> Result<(), InputFailure> {
    for keyword in ["scram_client_key", "scram_server_key"] {
        if reader.given(keyword).is_some_and(|text| !is_scram_key(text)) {
            return Err(reader.invalid(keyword, "a key of 32 bytes in Base64"));
        }
    }
    Ok(())
}

fn is_scram_key(text: &str) -> bool {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(text).is_ok_and(|key| key.len() == SCRAM_KEY)
}

/// The parameters of the startup packet beside user and database. One that is set to nothing is not sent.
pub fn startup(reader: &Reader<'_>) -> Vec<(&'static str, String)> {
    let name = reader.given("application_name").or_else(|| reader.given("fallback_application_name"));
    let given = [
        ("application_name", Some(name.unwrap_or("pgpreflight"))),
        ("client_encoding", Some(encoding::sent(reader.text("client_encoding")))),
        ("options", reader.text("options")),
        ("replication", reader.text("replication")),
    ];
    let sent =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).filter(|(_, value)| !value.is_empty());
    sent.map(|(name, value)| (name, value.to_owned())).collect()
}
