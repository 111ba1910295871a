//! Stages tls and login over a stream in memory, against the lab's endpoints.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::io::{DuplexStream, duplex};

use super::login;
use super::tls::{self, Channel, Context};
use super::trace::{Admission, LoginFailure, LoginSeen, Method, TlsFailure, TlsSeen};
use crate::lab::{Endpoint, converse};
use crate::settings::{self, Sources};
use crate::target::{Encryption, Secret, Target};
use crate::wire::meter::Meter;
use crate::wire::screen::Screen;

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// One endpoint, and the target that dials it.
struct Stage {
    endpoint: Arc<Endpoint>,
    target: Target,
    screen: Screen,
    meter: Meter,
    // The root file goes when this does.
    _directory: tempfile::TempDir,
}

impl Stage {
    /// The endpoint as TOML; `{root}` in the keywords is its root file.
    fn set(faults: &str, keywords: &str) -> Self {
        let endpoint = Arc::new(Endpoint::new(toml::from_str(faults).unwrap()).unwrap());
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root.crt");
        std::fs::write(&root, endpoint.root_pem()).unwrap();
        let text = format!("host=localhost user=alice dbname=orders {keywords}");
        let text = text.replace("{root}", root.to_str().unwrap());
        let sources = Sources { target: Some(Secret::new(text)), ..Sources::default() };
        let target = settings::read(&sources).unwrap();
        let screen = Screen::new(target.secrets());
        Self { endpoint, target, screen, meter: Meter::default(), _directory: directory }
    }

    /// A new connection to the endpoint.
    fn connect(&self) -> DuplexStream {
        let (near, far) = duplex(4096);
        let endpoint = Arc::clone(&self.endpoint);
        tokio::spawn(async move { converse(far, IpAddr::V4(Ipv4Addr::LOCALHOST), &endpoint).await });
        near
    }

    /// The first attempt of the mode.
    async fn secure(&self, seen: &mut TlsSeen) -> Result<Channel, TlsFailure> {
        let (wanted, fallback) = self.target.tls.mode.plan();
        let context = Context {
            settings: &self.target.tls,
            demanded: self.target.tls.verification(),
            host: self.target.endpoint.host(),
            meter: &self.meter,
            screen: &self.screen,
        };
        tls::run(self.connect(), wanted, fallback == Some(Encryption::Plain), &context, seen).await
    }

    async fn log_in(&self) -> (Result<(), LoginFailure>, LoginSeen) {
        let channel = self.secure(&mut TlsSeen::default()).await.ok().unwrap();
        let mut seen = LoginSeen::default();
        let logged_in = login::run(channel, &self.target, &self.screen, &mut seen).await;
        let Ok(mut connection) = logged_in else {
            return (logged_in.map(drop), seen);
        };
        connection.ask(&["select 1"]).await.unwrap();
        let rows = connection.answer().await.unwrap().unwrap();
        assert_eq!(rows, [[Some("1".to_owned())]]);
        (Ok(()), seen)
    }

    async fn ask_admission(&self) -> Admission {
        let channel = self.secure(&mut TlsSeen::default()).await.ok().unwrap();
        login::ask_admission(channel, &self.target, &self.screen).await
    }
}

#[tokio::test]
async fn each_mode_takes_the_certificates_it_should() {
    // With a root file `prefer` and `require` check the chain, as `verify-ca` does; a name is for `verify-full` alone.
    let rows = [
        ("valid", ["plain", "plain", "tls", "tls", "tls", "tls"]),
        ("self-signed", ["plain", "plain", "refused", "refused", "refused", "refused"]),
        ("wrong-name", ["plain", "plain", "tls", "tls", "tls", "refused"]),
    ];
    for (certificate, expected) in rows {
        for (mode, expected) in MODES.into_iter().zip(expected) {
            let stage = Stage::set(
                &format!("certificate = '{certificate}'"),
                &format!("sslmode={mode} sslrootcert='{{root}}'"),
            );
            let mut seen = TlsSeen::default();
            let outcome = match stage.secure(&mut seen).await {
                Ok(Channel { encryption: Encryption::Tls, end_point, .. }) => {
                    assert!(end_point.is_some(), "{certificate} {mode}");
                    "tls"
                }
                Ok(_) => "plain",
                Err(TlsFailure::Certificate) => "refused",
                Err(other) => unreachable!("{certificate} {mode}: {other:?}"),
            };
            assert_eq!(outcome, expected, "{certificate} {mode}");
            // What the certificate is like is written down whatever the mode makes of it.
            assert_eq!(seen.negotiated, expected != "plain", "{certificate} {mode}");
            assert_eq!(!seen.objections.is_empty(), seen.negotiated && certificate == "self-signed", "{mode}");
            assert_eq!(seen.name_matches, seen.negotiated.then_some(certificate != "wrong-name"), "{mode}");
            assert_eq!(stage.endpoint.credentials_seen(), 0);
        }
    }
}

#[tokio::test]
async fn without_a_root_file_everything_is_objected_to_and_taken() {
    for certificate in ["valid", "self-signed", "wrong-name", "expired"] {
        for mode in ["prefer", "require"] {
            let stage = Stage::set(&format!("certificate = '{certificate}'"), &format!("sslmode={mode}"));
            let mut seen = TlsSeen::default();
            assert!(stage.secure(&mut seen).await.is_ok(), "{certificate} {mode}");
            assert!(!seen.objections.is_empty() && seen.chain.len() == 1, "{certificate} {mode}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn each_method_logs_in_and_is_called_by_its_name() {
    let rows = [
        ("authentication = 'trust'", "require", Method::Trust, false),
        ("authentication = 'password'", "require", Method::Password, true),
        ("authentication = 'md5'", "require", Method::Md5, true),
        ("", "require", Method::ScramPlus, true),
        ("", "disable", Method::Scram, true),
        ("channel_binding = false", "require", Method::Scram, true),
        ("", "require channel_binding=disable", Method::Scram, true),
        ("", "require channel_binding=require", Method::ScramPlus, true),
        ("certificate = 'ed25519'", "require channel_binding=disable", Method::Scram, true),
        ("newest_protocol = '3.2'", "require", Method::ScramPlus, true),
    ];
    for (faults, mode, method, proves) in rows {
        let stage = Stage::set(faults, &format!("password=wonderland sslmode={mode}"));
        let (logged_in, seen) = stage.log_in().await;
        assert!(logged_in.is_ok(), "{faults} {mode}: {logged_in:?}");
        assert_eq!((seen.method, seen.credentials_sent), (Some(method), proves), "{faults} {mode}");
        assert_eq!(seen.password_checked(), proves, "{faults} {mode}");
        assert_eq!(seen.parameter("server_version"), Some("18.4"));
        assert_eq!(stage.endpoint.credentials_seen(), u64::from(proves), "{faults} {mode}");
    }
}

/// libpq fails too, with channel_binding=prefer as with require.
#[tokio::test]
async fn scram_is_not_bound_to_a_certificate_without_a_hash() {
    for binding in ["prefer", "require"] {
        let keywords = format!("password=wonderland sslmode=require channel_binding={binding}");
        let stage = Stage::set("certificate = 'ed25519'", &keywords);
        let (logged_in, seen) = stage.log_in().await;
        assert!(matches!(logged_in, Err(LoginFailure::CertificateUnbindable)), "{binding}: {logged_in:?}");
        assert!(!seen.credentials_sent && stage.endpoint.credentials_seen() == 0, "{binding}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_after_one_attempt() {
    for method in ["password", "md5", "scram-sha-256"] {
        let stage = Stage::set(&format!("authentication = '{method}'"), "password=looking-glass sslmode=require");
        let (logged_in, seen) = stage.log_in().await;
        let Err(LoginFailure::Refused(error)) = logged_in else { unreachable!("{method}: {logged_in:?}") };
        assert_eq!((error.sqlstate.as_str(), error.routine()), ("28P01", "auth_failed"), "{method}");
        assert!(seen.credentials_sent && !seen.authenticated, "{method}");
        assert_eq!(stage.endpoint.credentials_seen(), 1, "{method}");
    }
}

#[tokio::test]
async fn without_a_password_nothing_is_sent() {
    for method in ["password", "md5", "scram-sha-256"] {
        let stage = Stage::set(&format!("authentication = '{method}'"), "sslmode=require");
        let (logged_in, seen) = stage.log_in().await;
        assert!(matches!(logged_in, Err(LoginFailure::PasswordMissing)), "{method}: {logged_in:?}");
        assert!(!seen.credentials_sent, "{method}");
        assert_eq!(stage.endpoint.credentials_seen(), 0, "{method}");
    }
}

#[tokio::test]
async fn asking_for_admission_stops_before_a_secret_is_sent() {
    for method in ["trust", "password", "md5", "scram-sha-256"] {
        for mode in ["disable", "require"] {
            let faults = format!("authentication = '{method}'");
            let stage = Stage::set(&faults, &format!("password=wonderland sslmode={mode}"));
            let admission = stage.ask_admission().await;
            assert!(matches!(admission, Admission::Admitted), "{method} {mode}: {admission:?}");
            assert_eq!((stage.endpoint.startups(), stage.endpoint.credentials_seen()), (1, 0), "{method} {mode}");
        }
    }
}

#[tokio::test]
async fn asking_for_admission_tells_a_refusal_from_silence() {
    for rule in ["no-entry", "reject"] {
        let stage = Stage::set(&format!("hba = {{ plain = '{rule}' }}"), "password=wonderland sslmode=disable");
        let admission = stage.ask_admission().await;
        let Admission::Refused(error) = admission else { unreachable!("{rule}: {admission:?}") };
        assert_eq!((error.sqlstate.as_str(), error.routine()), ("28000", "ClientAuthentication"), "{rule}");
    }
    let stage = Stage::set("login = { at = 'before-auth', does = 'close' }", "sslmode=disable");
    assert!(matches!(stage.ask_admission().await, Admission::Unknown));
}

#[tokio::test]
async fn no_offer_of_tls_is_taken_by_the_modes_that_can_do_without() {
    for mode in MODES {
        let keywords = if mode.starts_with("verify") { " sslrootcert='{root}'" } else { "" };
        let stage = Stage::set("ssl_request = 'refuse'", &format!("sslmode={mode}{keywords}"));
        let outcome = stage.secure(&mut TlsSeen::default()).await.map(|channel| channel.encryption);
        if stage.target.tls.mode.demands_tls() {
            assert!(matches!(outcome, Err(TlsFailure::NotOffered)), "{mode}: {outcome:?}");
        } else {
            assert!(matches!(outcome, Ok(Encryption::Plain)), "{mode}: {outcome:?}");
        }
    }
}
