//! The parts of URIs and JDBC URLs.

use super::{Outline, is_harmless};
use crate::settings::jdbc::Driver;
use crate::settings::keywords::{self, Use};

/// How the names of parameters are known.
type Known = dyn Fn(&str) -> Option<&'static str>;

impl Outline<'_> {
    /// `user:password@host:port/database?parameters`. The password ends at the last `@` of all. `unsure` says that it is
    /// not known to be a URI at all.
    pub(super) fn url(&mut self, unsure: bool) {
        let unsure = self.credentials() || unsure;
        if self.authority(unsure) {
            self.path(&['?']);
            self.parameters(&['&'], &|name| keywords::find(name).map(|keyword| keyword.name));
        }
    }

    pub(super) fn jdbc(&mut self, driver: Driver) {
        let (_, properties, separators) = driver.split(self.rest());
        let known = move |name: &str| match name.to_ascii_lowercase().as_str() {
            "ssl" => Some("ssl"),
            _ => driver.keyword(name),
        };
        let named = self.rest().starts_with("//");
        if named {
            self.show(2);
        }
        let unsure = self.credentials();
        if !named || self.authority(unsure) {
            let end: &[char] = if separators.len() > 1 { &['?', ';'] } else { &['?'] };
            self.path(end);
            if !properties.is_empty() {
                self.parameters(separators, &known);
            }
        }
    }

    /// What stands before the last `@`. Gives whether there are more of them.
    fn credentials(&mut self) -> bool {
        let Some(last) = self.rest().rfind('@') else {
            return false;
        };
        let before = self.rest().get(..last).unwrap_or_default();
        match before.find(':') {
            Some(colon) => {
                self.value(colon, "user");
                self.show(1);
                self.push(last - colon - 1, Some("password"), false);
            }
            None => self.value(last, "user"),
        }
        self.show(1);
        before.contains('@')
    }

    /// Hosts and ports. What is no host may be a password whose `@` is missing, and so may all that follows it. Gives
    /// whether to go on.
    fn authority(&mut self, unsure: bool) -> bool {
        loop {
            let rest = self.rest();
            let bracketed = rest.starts_with('[');
            let ends: &[char] = if bracketed { &[']', '/', '?'] } else { &[':', ',', '/', '?', ';'] };
            let end = rest.find(ends).unwrap_or(rest.len());
            let host = rest.get(..end).unwrap_or_default();
            let fine = if bracketed {
                host.chars().skip(1).all(|c| c.is_ascii_hexdigit() || ":.%".contains(c))
            } else {
                is_harmless("host", &host.replace("%2F", "/")) && (!unsure || host.contains('.') || host == "localhost")
            };
            if !fine {
                self.hide_rest();
                return false;
            }
            // A word behind a password may be the rest of it, where the host is forgotten.
            let word = !bracketed && !host.contains('.') && host != "localhost" && !host.is_empty();
            let alone = !self.rest().get(end..).unwrap_or_default().starts_with(':');
            self.push(end, Some("host"), !(word && alone && self.has_secret()));
            let closing = usize::from(bracketed && self.rest().starts_with(']'));
            self.show(closing);
            if self.rest().starts_with(':') {
                self.show(1);
                let end = self.rest().find([',', '/', '?', ';']).unwrap_or(self.rest().len());
                let port = self.rest().get(..end).unwrap_or_default();
                if !is_harmless("port", port) {
                    self.hide_rest();
                    return false;
                }
                self.push(end, Some("port"), true);
            }
            if !self.rest().starts_with(',') {
                break;
            }
            self.show(1);
        }
        if !self.rest().is_empty() && !self.rest().starts_with(['/', '?', ';']) {
            self.hide_rest();
            return false;
        }
        true
    }

    fn has_secret(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece.keyword, Some("user" | "password")) && !piece.shown)
    }

    fn path(&mut self, ends: &[char]) {
        let slashes = self.rest().len() - self.rest().trim_start_matches('/').len();
        self.show(slashes);
        let end = self.rest().find(ends).unwrap_or(self.rest().len());
        let name = self.rest().get(..end).unwrap_or_default();
        // Only here an escape is shown, where it is one.
        let escapes =
            |after: &str| after.get(..2).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let mut parts = name.split('%');
        let before = parts.next().unwrap_or_default();
        let fine = is_harmless("dbname", before)
            && parts.all(|after| escapes(after) && is_harmless("dbname", after.get(2..).unwrap_or_default()));
        self.push(end, Some("dbname"), fine);
    }

    /// `name=value` and so on, after their first separator. A name that is not known may be a piece of a password, and so
    /// may all that follows it.
    fn parameters(&mut self, separators: &[char], known: &Known) {
        while !self.rest().is_empty() {
            let rest = self.rest().get(1..).unwrap_or_default();
            let parameter = rest.split(separators).next().unwrap_or_default();
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let keyword = known(name.trim());
            if keyword.is_none() && !is_tellable(name) {
                // The separator itself is one of the password then.
                self.show(usize::from(self.pieces.last().is_none_or(|piece| piece.shown)));
                return self.hide_rest();
            }
            self.show(1);
            self.show(name.len());
            if parameter.contains('=') {
                self.show(1);
            }
            match keyword.or_else(|| keywords::nearest(name)) {
                Some(keyword) => self.value(value.len(), keyword),
                None => self.push(value.len(), None, false),
            }
        }
    }
}

/// Whether a name that is none of libpq's is surely no piece of a password: another product has it, or it is a slip, and
/// not a keyword that a password has run into.
pub fn is_tellable(name: &str) -> bool {
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let is_slip = |meant: &str| {
        let near = strsim::jaro_winkler(&lower, meant) > 0.9;
        // What is far from what it means is one of a few synonyms, to the letter.
        lower == meant || !near || (lower == name && name.len().abs_diff(meant.len()) <= 2)
    };
    keywords::product_of(name).is_some() || keywords::nearest(name).is_some_and(is_slip)
}

/// Whether what follows this value may be the rest of it: it is a password, or the value of a slip for one.
pub fn is_secret(keyword: Option<&str>) -> bool {
    keyword.and_then(keywords::find).is_none_or(|keyword| keyword.use_made == Use::Secret)
}
