//! The values on top → one [`Target`], with everything refused that libpq would refuse before it dials.

mod client_certificate;
mod encoding;
mod hosts;
mod keepalives;
mod login;
mod number;
mod parameters;
mod tls;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use self::hosts::Host;
use super::manner::Manner;
use super::passfile::{self, Found};
use super::{InputFailure, Sources, Values};
use crate::target::{Alternative, Engine, Limits, Oddity, Secret, Target};

/// The whole check may take this long where nobody says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// Makes the target.
pub fn assemble(
    values: &Values,
    sources: &Sources<'_>,
    manner: &Manner,
    began: Instant,
) -> Result<Target, InputFailure> {
    let reader = Reader { values, sources, manner };
    let mut oddities = manner.oddities.clone();
    let mode = tls::mode(&reader)?;
    let hosts = hosts::read(&reader, mode, &mut oddities)?;
    let spoken = [&hosts.first].into_iter().chain(&hosts.others).any(|host| !host.endpoint.is_unix());
    let tls = tls::read(&reader, mode, spoken, &mut oddities)?;
    login::check_scram_keys(&reader)?;
    if reader.text("scram_client_key").is_some() {
        oddities.push(Oddity::NotApplied("scram_client_key"));
    }
    let user = reader.text("user").map_or_else(|| whoami::username().unwrap_or_default(), str::to_owned);
    let database = reader.text("dbname").unwrap_or(&user).to_owned();
    let mut passwords =
        Passwords { reader: &reader, database: &database, user: &user, from_file: false, ignored: None };
    let mut with_password = |host: Host| {
        let password = passwords.of(&host);
        Alternative { endpoint: host.endpoint, password }
    };
    let first = with_password(hosts.first);
    let alternatives = hosts.others.into_iter().map(with_password).collect();
    oddities.extend(passwords.ignored);
    let mut shown = parameters::sources(&reader);
    if passwords.from_file {
        shown.insert("password", "passfile".to_owned());
    }
    shown.extend(sources.token.iter().map(|(_, source)| ("token", (*source).to_owned())));
    let mut target = Target {
        engine: manner.engine.unwrap_or(Engine::Postgresql),
        endpoint: first.endpoint,
        alternatives,
        session_attrs: login::session_attrs(&reader)?,
        load_balance: login::load_balance(&reader)?,
        password: first.password,
        password_until: sources.password_until,
        token: sources.token.as_ref().map(|(token, _)| token.clone()),
        tls,
        channel_binding: login::channel_binding(&reader)?,
        require_auth: login::require_auth(&reader)?,
        require_peer: reader.text("requirepeer").map(str::to_owned),
        protocol: login::protocol(&reader)?,
        startup: login::startup(&reader).into_iter().chain(sources.identity_provider.iter().cloned()).collect(),
        limits: reader.limits()?,
        sources: shown,
        parameters: BTreeMap::new(),
        database,
        user,
        oddities,
        read_in: Duration::ZERO,
    };
    target.parameters = parameters::parameters(&reader, &target);
    target.read_in = began.elapsed();
    Ok(target)
}

struct Reader<'a> {
    values: &'a Values,
    sources: &'a Sources<'a>,
    manner: &'a Manner,
}

impl Reader<'_> {
    /// The value of a keyword, as it was given.
    fn given(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword).map(|value| value.text.as_str())
    }

    /// The value of a keyword to which nothing is as good as none.
    fn text(&self, keyword: &str) -> Option<&str> {
        self.given(keyword).filter(|text| !text.is_empty())
    }

    fn source(&self, keyword: &str) -> String {
        self.values.get(keyword).map_or_else(|| "default".to_owned(), |value| value.source.clone())
    }

    fn invalid(&self, keyword: &'static str, allowed: &'static str) -> InputFailure {
        let value = self.given(keyword).filter(|text| is_misspelt(text, allowed)).map(str::to_owned);
        InputFailure::ValueInvalid { keyword, value, allowed, source: self.source(keyword) }
    }

    /// One of a few words, or None for the default. Nothing is no such word.
    fn choice<T: Copy>(
        &self,
        keyword: &'static str,
        allowed: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, InputFailure> {
        let Some(text) = self.given(keyword) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| self.invalid(keyword, allowed))
    }

    fn limits(&self) -> Result<Limits, InputFailure> {
        let seconds = match self.given("connect_timeout").map(number::parse) {
            None => 0,
            Some(Some(seconds)) => seconds,
            Some(None) => return Err(self.invalid("connect_timeout", "a whole number of seconds")),
        };
        // Zero and below wait for ever in libpq; here the whole check has its limit.
        let from_keyword = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Ok(Limits {
            timeout: self.sources.timeout.unwrap_or(DEFAULT_TIMEOUT),
            connect_timeout: self.sources.connect_timeout.or(from_keyword),
        })
    }
}

/// The password of each host: the one that was given, else the password file's, where libpq then looks.
struct Passwords<'a> {
    reader: &'a Reader<'a>,
    database: &'a str,
    user: &'a str,
    /// The file had one for a host.
    from_file: bool,
    /// The file is there, and must not be read.
    ignored: Option<Oddity>,
}

impl Passwords<'_> {
    fn of(&mut self, host: &Host) -> Option<Secret> {
        if let Some(text) = self.reader.text("password") {
            return Some(Secret::new(text.to_owned()));
        }
        let path = passfile::path(self.reader.text("passfile"), self.reader.sources.environment?)?;
        let (name, port) = &host.in_passfile;
        let port = if port.is_empty() { "5432" } else { port };
        match passfile::look(&path, &passfile::Key { host: name, port, database: self.database, user: self.user }) {
            Found::Password(password) => {
                self.from_file = true;
                Some(password)
            }
            Found::Ignored => {
                self.ignored = Some(Oddity::PassfileIgnored(path));
                None
            }
            Found::Nothing => None,
        }
    }
}

/// Close to a word that is allowed, or one that other products have there: surely not a stray piece of a password.
fn is_misspelt(text: &str, allowed: &str) -> bool {
    const FOREIGN: [&str; 16] = [
        "0",
        "1",
        "disabled",
        "enabled",
        "false",
        "full",
        "no",
        "no-verify",
        "none",
        "off",
        "on",
        "true",
        "verify",
        "verify_identity",
        "verified",
        "yes",
    ];
    let text = text.to_ascii_lowercase();
    FOREIGN.contains(&text.as_str()) || allowed.split(", ").any(|word| strsim::jaro_winkler(&text, word) > 0.85)
}
