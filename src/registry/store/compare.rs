//! Whether a stored connection already is what is asked for. Secrets do not count, and their values are never shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::registry::api::{Connection, ConnectionRequest};
use crate::registry::auth::{Auth, CONNECTION_STRING_PARAM};
use crate::registry::connection_string;

use super::error::Difference;

/// How a value that may be a secret is shown.
const SET: &str = "set";

/// What differs, in a fixed order; empty when registering would change nothing but secrets.
///
/// `auth` is the stored one with its secrets. A description that is not asked for is no difference.
pub(super) fn differences(stored: &Connection, auth: &Auth, request: &ConnectionRequest) -> Vec<Difference> {
    let mut all = shown_differences(stored, request);
    if auth.spec_name == request.auth.spec_name {
        all.extend(between_strings(auth, &request.auth));
    }
    all
}

/// What differs of that which every service shows: a connection string is not compared.
pub(crate) fn shown_differences(stored: &Connection, request: &ConnectionRequest) -> Vec<Difference> {
    let mut all = Vec::new();
    if request.description.is_some() {
        all.extend(difference("description", stored.description.clone(), request.description.clone()));
    }
    let text = |text: &str| Some(text.to_owned());
    let (old, new) = (&stored.connection_spec.version, &request.connection_spec.version);
    all.extend(difference("connectionSpec.version", text(old), text(new)));
    let (old, new) = (stored.auth.spec_name(), request.auth.spec_name.as_str());
    if old != new {
        // Parameters of different forms have nothing to compare.
        all.extend(difference("auth.specName", text(old), text(new)));
        return all;
    }
    let shown = |name: &String| Some((name.clone(), stored.auth.setting(name)?.to_owned()));
    let stored = stored.auth.params().keys().filter_map(shown).collect();
    all.extend(between("auth.params", &stored, &settings(&request.auth)));
    all
}

fn settings(auth: &Auth) -> BTreeMap<String, String> {
    auth.settings().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A connection string is a secret that settings stand in; one that cannot be taken apart is compared as a whole.
fn between_strings(stored: &Auth, requested: &Auth) -> Vec<Difference> {
    let path = format!("auth.params.{CONNECTION_STRING_PARAM}");
    let string = |auth: &Auth| auth.secret(CONNECTION_STRING_PARAM).cloned();
    let (Some(old), Some(new)) = (string(stored), string(requested)) else {
        let presence = |auth| string(auth).map(|_| SET.to_owned());
        return difference(&path, presence(stored), presence(requested)).into_iter().collect();
    };
    let (Some(old_settings), Some(new_settings)) =
        (connection_string::settings(old.expose()), connection_string::settings(new.expose()))
    else {
        let set = || Some(SET.to_owned());
        let differs = old.expose() != new.expose();
        return differs.then(|| Difference { setting: path, stored: set(), requested: set() }).into_iter().collect();
    };
    let mut all = between(&path, &old_settings, &new_settings);
    for difference in &mut all {
        let key = difference.setting.strip_prefix(&path).unwrap_or_default().trim_start_matches('.');
        if !connection_string::is_open(key) {
            let hide = |value: &mut String| SET.clone_into(value);
            difference.stored.as_mut().map(hide);
            difference.requested.as_mut().map(hide);
        }
    }
    all
}

fn between(path: &str, stored: &BTreeMap<String, String>, requested: &BTreeMap<String, String>) -> Vec<Difference> {
    let keys: BTreeSet<&String> = stored.keys().chain(requested.keys()).collect();
    let differs =
        |key: &String| difference(&format!("{path}.{key}"), stored.get(key).cloned(), requested.get(key).cloned());
    keys.into_iter().filter_map(differs).collect()
}

fn difference(setting: &str, stored: Option<String>, requested: Option<String>) -> Option<Difference> {
    (stored != requested).then(|| Difference { setting: setting.to_owned(), stored, requested })
}
