//! The target in the driver's words, and which of its settings have none.

use std::fs;
use std::net::SocketAddr;

use native_tls::{Certificate, Identity, Protocol, TlsConnector};
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation, TargetSessionAttrs};

use super::Failed;
use crate::probe::trace::{DriverError, Trace};
use crate::target::{
    self, ClientCertificate, Endpoint, ProtocolRange, Roots, SessionAttrs, SslCertMode, Target, TlsSettings,
    TlsVersion, Verification,
};

/// Everything the driver is given.
pub struct Setup {
    /// Its settings.
    pub config: Config,
    /// Its TLS; None where it does without.
    pub connector: Option<TlsConnector>,
}

/// Says the target in the driver's words. What has none is noted down, and done without.
pub fn express(target: &Target, trace: &Trace, not_expressed: &mut Vec<String>) -> Result<Setup, Failed> {
    let mut config = Config::new();
    config.user(&target.user).dbname(&target.database);
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    let place = &target.endpoint;
    config.port(place.port());
    match place {
        Endpoint::Unix { directory, .. } => config.host_path(directory),
        Endpoint::Tcp { host, .. } => config.host(host),
    };
    // It would try every address of a name, and log in at each: it gets the one that answered.
    if let Some(Ok(address)) = trace.connected.address.as_ref().map(|address| address.parse::<SocketAddr>()) {
        config.hostaddr(address.ip());
    }
    if let Some(patience) = target.limits.connect_timeout {
        config.connect_timeout(patience);
    }
    let mut words = Words { config, not_expressed };
    words.startup(target);
    words.session(target);
    words.login(target);
    let connector = if place.is_unix() { words.without_tls() } else { words.tls(&target.tls)? };
    Ok(Setup { config: words.config, connector })
}

struct Words<'a> {
    config: Config,
    not_expressed: &'a mut Vec<String>,
}

impl Words<'_> {
    fn lacks(&mut self, keyword: &str, value: &str) {
        self.not_expressed.push(format!("{keyword}={value}"));
    }

    fn startup(&mut self, target: &Target) {
        for (name, value) in &target.startup {
            match *name {
                "application_name" => drop(self.config.application_name(value)),
                "options" => drop(self.config.options(value)),
                // What it always asks for.
                "client_encoding" if value.eq_ignore_ascii_case("utf8") => {}
                other => self.lacks(other, value),
            }
        }
    }

    fn session(&mut self, target: &Target) {
        let attrs = match target.session_attrs {
            SessionAttrs::Any => TargetSessionAttrs::Any,
            SessionAttrs::ReadWrite => TargetSessionAttrs::ReadWrite,
            SessionAttrs::ReadOnly => TargetSessionAttrs::ReadOnly,
            other @ (SessionAttrs::Primary | SessionAttrs::Standby | SessionAttrs::PreferStandby) => {
                self.lacks("target_session_attrs", other.as_str());
                TargetSessionAttrs::Any
            }
        };
        self.config.target_session_attrs(attrs);
        if target.protocol != ProtocolRange::default() {
            self.lacks("min_protocol_version", target.protocol.min.as_str());
            self.lacks("max_protocol_version", target.protocol.max.as_str());
        }
    }

    fn login(&mut self, target: &Target) {
        self.config.channel_binding(match target.channel_binding {
            target::ChannelBinding::Disable => ChannelBinding::Disable,
            target::ChannelBinding::Prefer => ChannelBinding::Prefer,
            target::ChannelBinding::Require => ChannelBinding::Require,
        });
        if let Some(required) = &target.require_auth {
            self.lacks("require_auth", &required.text);
        }
        if let Some(owner) = &target.require_peer {
            self.lacks("requirepeer", owner);
        }
    }

    fn without_tls(&mut self) -> Option<TlsConnector> {
        self.config.ssl_mode(SslMode::Disable);
        None
    }

    fn tls(&mut self, tls: &TlsSettings) -> Result<Option<TlsConnector>, Failed> {
        let mode = match tls.mode {
            target::SslMode::Disable => return Ok(self.without_tls()),
            target::SslMode::Allow => {
                self.lacks("sslmode", tls.mode.as_str());
                SslMode::Prefer
            }
            target::SslMode::Prefer => SslMode::Prefer,
            target::SslMode::Require | target::SslMode::VerifyCa | target::SslMode::VerifyFull => SslMode::Require,
        };
        self.config.ssl_mode(mode);
        for (keyword, path) in [("sslcrl", &tls.revocation.file), ("sslcrldir", &tls.revocation.directory)] {
            if let Some(path) = path {
                self.lacks(keyword, &path.display().to_string());
            }
        }
        if tls.cert_mode == SslCertMode::Require {
            self.lacks("sslcertmode", "require");
        }
        let mut builder = TlsConnector::builder();
        builder.use_sni(tls.sni);
        builder.min_protocol_version(tls.min_version.map(protocol)).max_protocol_version(tls.max_version.map(protocol));
        if tls.negotiation == target::SslNegotiation::Direct {
            self.config.ssl_negotiation(SslNegotiation::Direct);
            postgres_native_tls::set_postgresql_alpn(&mut builder);
        }
        let verification = tls.verification();
        builder.danger_accept_invalid_certs(verification == Verification::None);
        builder.danger_accept_invalid_hostnames(verification < Verification::ChainAndName);
        if let Roots::File(path) = &tls.roots {
            let read = fs::read(path).map_err(|error| failed(DriverError::Roots, error))?;
            let roots = Certificate::stack_from_pem(&read).map_err(|error| failed(DriverError::Roots, error))?;
            builder.disable_built_in_roots(true);
            for root in roots {
                builder.add_root_certificate(root);
            }
        }
        if let Some(certificate) = tls.client_certificate.as_ref().filter(|_| tls.cert_mode != SslCertMode::Disable) {
            builder.identity(identity(certificate)?);
        }
        builder.build().map(Some).map_err(|error| failed(DriverError::Tls, error))
    }
}

/// It takes one form of key: PKCS#8 in PEM, not encrypted.
fn identity(certificate: &ClientCertificate) -> Result<Identity, Failed> {
    let read = |path| fs::read(path).map_err(|error| failed(DriverError::Identity, error));
    let (chain, key) = (read(&certificate.certificate)?, read(&certificate.key)?);
    Identity::from_pkcs8(&chain, &key).map_err(|error| failed(DriverError::Identity, error))
}

fn failed(at: DriverError, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failed {
    Failed { at, error: error.into() }
}

fn protocol(version: TlsVersion) -> Protocol {
    match version {
        TlsVersion::V1_0 => Protocol::Tlsv10,
        TlsVersion::V1_1 => Protocol::Tlsv11,
        TlsVersion::V1_2 => Protocol::Tlsv12,
        TlsVersion::V1_3 => Protocol::Tlsv13,
    }
}
