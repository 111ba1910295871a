//! The values on top → one [`Target`], with everything refused that libpq would refuse before it dials.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use openssl::x509::X509;

use super::keywords::{KEYWORDS, Use};
use super::passfile::{self, Found};
use super::{InputFailure, Sources, Values};
use crate::target::{
    ChannelBinding, Endpoint, Engine, Limits, Oddity, ProtocolRange, Revocation, Roots, Secret, SessionAttrs,
    SslCertMode, SslMode, SslNegotiation, Target, TlsSettings, TlsVersion,
};

/// The whole check may take this long where nobody says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// The directories in which PostgreSQL builds put their Unix sockets: Debian's and Red Hat's, then upstream's.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

const SSLMODES: &str = "disable, allow, prefer, require, verify-ca, verify-full";

/// Makes the target.
pub fn assemble(
    values: &Values,
    sources: &Sources<'_>,
    mut oddities: Vec<Oddity>,
    began: Instant,
) -> Result<Target, InputFailure> {
    let reader = Reader { values, sources };
    let endpoint = reader.endpoint()?;
    let tls = reader.tls(endpoint.is_unix())?;
    let user = reader.text("user").map_or_else(|| whoami::username().unwrap_or_default(), str::to_owned);
    let database = reader.text("dbname").unwrap_or(&user).to_owned();
    oddities.extend(reader.not_applied());
    let mut target = Target {
        engine: Engine::Postgresql,
        alternatives: Vec::new(),
        session_attrs: SessionAttrs::Any,
        load_balance: false,
        require_auth: None,
        require_peer: None,
        protocol: ProtocolRange::default(),
        parameters: BTreeMap::new(),
        database,
        user,
        password: reader.text("password").map(|text| Secret::new(text.to_owned())),
        tls,
        channel_binding: reader.channel_binding()?,
        startup: reader.startup(),
        limits: reader.limits()?,
        sources: reader.sources_of_values(&endpoint),
        endpoint,
        oddities,
        read_in: Duration::ZERO,
    };
    if target.password.is_none() {
        reader.look_in_passfile(&mut target);
    }
    target.read_in = began.elapsed();
    Ok(target)
}

struct Reader<'a> {
    values: &'a Values,
    sources: &'a Sources<'a>,
}

impl Reader<'_> {
    /// The value of a keyword; an empty one is as good as none.
    fn text(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }

    fn source(&self, keyword: &str) -> String {
        let given = self.values.get(keyword).filter(|value| !value.text.is_empty());
        given.map_or_else(|| "default".to_owned(), |value| value.source.clone())
    }

    fn invalid(&self, keyword: &'static str, allowed: &'static str) -> InputFailure {
        let value = self.text(keyword).filter(|text| is_misspelt(text, allowed)).map(str::to_owned);
        InputFailure::ValueInvalid { keyword, value, allowed, source: self.source(keyword) }
    }

    /// One of a few words, or the default.
    fn choice<T: Copy>(
        &self,
        keyword: &'static str,
        allowed: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, InputFailure> {
        let Some(text) = self.text(keyword) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.map(Some).ok_or_else(|| self.invalid(keyword, allowed))
    }

    fn endpoint(&self) -> Result<Endpoint, InputFailure> {
        let port = self.port()?;
        let hostaddr = self.hostaddr()?;
        let host = match (self.text("host"), hostaddr) {
            (Some(host), _) => host.to_owned(),
            (None, Some(address)) => address.to_string(),
            (None, None) => return Ok(Endpoint::Unix { directory: default_socket_directory(), port }),
        };
        if host.starts_with('/') {
            return Ok(Endpoint::Unix { directory: PathBuf::from(host), port });
        }
        self.lint_host(&host)?;
        Ok(Endpoint::Tcp { host, hostaddr, port })
    }

    fn port(&self) -> Result<u16, InputFailure> {
        let Some(text) = self.text("port") else {
            return Ok(5432);
        };
        if text.contains(',') {
            return Err(InputFailure::SeveralHosts { keyword: "port" });
        }
        let port = text.trim().parse().ok().filter(|port| *port > 0);
        port.ok_or_else(|| InputFailure::PortInvalid { source: self.source("port") })
    }

    fn hostaddr(&self) -> Result<Option<IpAddr>, InputFailure> {
        let Some(text) = self.text("hostaddr") else {
            return Ok(None);
        };
        if text.contains(',') {
            return Err(InputFailure::SeveralHosts { keyword: "hostaddr" });
        }
        text.parse().map(Some).map_err(|_| self.invalid("hostaddr", "an IPv4 or IPv6 address"))
    }

    fn lint_host(&self, host: &str) -> Result<(), InputFailure> {
        if host.contains(',') {
            return Err(InputFailure::SeveralHosts { keyword: "host" });
        }
        if host.contains('@') {
            return Err(InputFailure::ReservedCharacter('@'));
        }
        if host.contains("://") || host.contains('/') {
            return Err(InputFailure::HostHasScheme { source: self.source("host") });
        }
        let (name, port) = host.split_once(':').unwrap_or((host, ""));
        if !port.is_empty() && host.parse::<IpAddr>().is_err() && !port.contains(':') {
            let number = port.bytes().all(|byte| byte.is_ascii_digit());
            return Err(InputFailure::HostHasPort { parts: number.then(|| (name.to_owned(), port.to_owned())) });
        }
        Ok(())
    }

    fn tls(&self, unix: bool) -> Result<TlsSettings, InputFailure> {
        let system = self.text("sslrootcert") == Some("system");
        let mode = self.sslmode(system)?;
        let negotiation = self.choice(
            "sslnegotiation",
            "postgres, direct",
            &[("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)],
        )?;
        let negotiation = negotiation.unwrap_or(SslNegotiation::Postgres);
        if negotiation == SslNegotiation::Direct && !mode.demands_tls() {
            return Err(InputFailure::Conflict {
                keyword: "sslmode",
                value: mode.as_str(),
                with: "sslnegotiation=direct",
                allowed: "require, verify-ca, verify-full",
            });
        }
        let max_version = self.tls_version("ssl_max_protocol_version")?;
        let min_version = self.tls_version("ssl_min_protocol_version")?.unwrap_or(TlsVersion::V1_2);
        if max_version.is_some_and(|max| max < min_version) {
            return Err(self.invalid("ssl_max_protocol_version", "no lower than ssl_min_protocol_version"));
        }
        Ok(TlsSettings {
            mode,
            roots: if unix || mode == SslMode::Disable { Roots::None } else { self.roots(mode)? },
            negotiation,
            sni: self.text("sslsni") != Some("0"),
            min_version: Some(min_version),
            max_version,
            revocation: Revocation::default(),
            client_certificate: None,
            cert_mode: SslCertMode::Allow,
        })
    }

    fn sslmode(&self, system: bool) -> Result<SslMode, InputFailure> {
        let Some(text) = self.text("sslmode") else {
            return Ok(if system { SslMode::VerifyFull } else { SslMode::Prefer });
        };
        let mode = SslMode::parse(text).ok_or_else(|| self.invalid("sslmode", SSLMODES))?;
        if system && mode != SslMode::VerifyFull {
            return Err(InputFailure::Conflict {
                keyword: "sslmode",
                value: mode.as_str(),
                with: "sslrootcert=system",
                allowed: "verify-full",
            });
        }
        Ok(mode)
    }

    /// libpq's rules (`fe-secure-openssl.c`, `initialize_SSL`): a root file that does not exist matters to the verifying
    /// modes only; one that exists matters to all.
    fn roots(&self, mode: SslMode) -> Result<Roots, InputFailure> {
        let named = self.text("sslrootcert");
        if named == Some("system") {
            return Ok(Roots::System);
        }
        let path = named.map(PathBuf::from).or_else(|| self.default_root_file());
        let Some(path) = path else {
            return Ok(Roots::None);
        };
        if !path.exists() {
            if mode < SslMode::VerifyCa {
                return Ok(Roots::None);
            }
            return Err(InputFailure::RootCertificateMissing { path, named: named.is_some() });
        }
        if mode.demands_tls() && !holds_certificate(&path) {
            return Err(InputFailure::RootCertificateUnreadable { path });
        }
        Ok(Roots::File(path))
    }

    fn default_root_file(&self) -> Option<PathBuf> {
        let home = self.sources.environment.and_then(|look_up| look_up("HOME"))?;
        Some(Path::new(&home).join(".postgresql/root.crt"))
    }

    fn tls_version(&self, keyword: &'static str) -> Result<Option<TlsVersion>, InputFailure> {
        // libpq compares these without regard to letter case.
        let Some(text) = self.text(keyword) else {
            return Ok(None);
        };
        let found = TlsVersion::ALL.into_iter().find(|version| version.as_str().eq_ignore_ascii_case(text));
        found.map(Some).ok_or_else(|| self.invalid(keyword, "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"))
    }

    fn channel_binding(&self) -> Result<ChannelBinding, InputFailure> {
        let words = [
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ];
        let chosen = self.choice("channel_binding", "disable, prefer, require", &words)?;
        Ok(chosen.unwrap_or(ChannelBinding::Prefer))
    }

    fn startup(&self) -> Vec<(&'static str, String)> {
        let name = self.text("application_name").or_else(|| self.text("fallback_application_name"));
        let given = [
            ("application_name", Some(name.unwrap_or("pgpreflight"))),
            ("client_encoding", Some("UTF8")),
            ("options", self.text("options")),
            ("replication", self.text("replication")),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
    }

    /// libpq looks there when nobody else has given a password.
    fn look_in_passfile(&self, target: &mut Target) {
        let Some(path) = self.sources.environment.and_then(|look_up| passfile::path(self.text("passfile"), look_up))
        else {
            return;
        };
        let default_socket = self.text("host").is_none() && target.endpoint.is_unix();
        let host = if default_socket { "localhost" } else { target.endpoint.host() };
        let port = target.endpoint.port().to_string();
        let key = passfile::Key { host, port: &port, database: &target.database, user: &target.user };
        match passfile::look(&path, &key) {
            Found::Password(password) => {
                target.password = Some(password);
                target.sources.insert("password", "passfile".to_owned());
            }
            Found::Ignored => target.oddities.push(Oddity::PassfileIgnored(path)),
            Found::Nothing => {}
        }
    }

    fn limits(&self) -> Result<Limits, InputFailure> {
        let seconds = match self.text("connect_timeout") {
            None => 0,
            Some(text) => {
                text.trim().parse::<i64>().map_err(|_| self.invalid("connect_timeout", "a whole number of seconds"))?
            }
        };
        // Zero and below wait for ever in libpq; here the whole check has its limit.
        let from_keyword = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
        Ok(Limits {
            timeout: self.sources.timeout.unwrap_or(DEFAULT_TIMEOUT),
            connect_timeout: self.sources.connect_timeout.or(from_keyword),
        })
    }

    fn sources_of_values(&self, endpoint: &Endpoint) -> BTreeMap<&'static str, String> {
        let known = ["host", "port", "dbname", "user", "sslmode"];
        let mut sources: BTreeMap<&'static str, String> =
            known.into_iter().map(|keyword| (keyword, self.source(keyword))).collect();
        let given = self.values.iter().filter(|(_, value)| !value.text.is_empty());
        sources.extend(given.map(|(keyword, value)| (*keyword, value.source.clone())));
        if endpoint.is_unix() && self.text("host").is_none() {
            sources.insert("host", "default".to_owned());
        }
        sources
    }

    fn not_applied(&self) -> impl Iterator<Item = Oddity> {
        KEYWORDS.iter().filter_map(|keyword| {
            let text = self.text(keyword.name)?;
            (keyword.use_made == Use::NotApplied && keyword.default != Some(text))
                .then_some(Oddity::NotApplied(keyword.name))
        })
    }
}

fn default_socket_directory() -> PathBuf {
    let existing = SOCKET_DIRECTORIES.iter().map(Path::new).find(|directory| directory.is_dir());
    existing.unwrap_or(Path::new("/tmp")).to_owned()
}

fn holds_certificate(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|pem| X509::stack_from_pem(&pem).is_ok_and(|found| !found.is_empty()))
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
