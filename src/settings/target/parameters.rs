//! What the report shows of the settings: each value's source, and the keywords that are not at libpq's default.

use std::collections::BTreeMap;

use super::Reader;
use crate::settings::keywords::{KEYWORDS, Keyword, Use};
use crate::target::{SslMode, Target};

/// What stands for a secret.
const SET: &str = "set";

/// Keyword to source, of those that are always in force and of all that were given.
pub fn sources(reader: &Reader<'_>) -> BTreeMap<&'static str, String> {
    let known = ["host", "port", "dbname", "user", "sslmode"];
    let mut sources: BTreeMap<&'static str, String> =
        known.into_iter().map(|keyword| (keyword, "default".to_owned())).collect();
    let given = reader.values.iter().filter(|(_, value)| !value.text.is_empty());
    sources.extend(given.map(|(keyword, value)| (*keyword, value.source.clone())));
    sources
}

/// Keyword to value as libpq holds it, of those that are not at its default.
pub fn parameters(reader: &Reader<'_>, target: &Target) -> BTreeMap<&'static str, String> {
    let mut parameters: BTreeMap<&'static str, String> = KEYWORDS
        .iter()
        .filter_map(|keyword| Some((keyword.name, shown(keyword, reader.given(keyword.name)?)?)))
        .collect();
    // sslrootcert=system makes another mode the default.
    if target.tls.mode != SslMode::Prefer {
        parameters.insert("sslmode", target.tls.mode.as_str().to_owned());
    }
    if target.password.is_some() {
        parameters.insert("password", SET.to_owned());
    }
    parameters
}

fn shown(keyword: &Keyword, text: &str) -> Option<String> {
    match keyword.use_made {
        Use::Secret => (!text.is_empty()).then(|| SET.to_owned()),
        Use::Applied | Use::Harmless => (keyword.default != Some(text)).then(|| text.to_owned()),
    }
}
