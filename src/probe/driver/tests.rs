//! What no live server shows of the driver: keys in forms it does not read, and a peer that never answers.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::log_in;
use crate::lab::pki::{Identity, KeyKind, Spec};
use crate::probe::trace::{Connected, DriverError, DriverSeen, Trace};
use crate::settings::{self, Sources};
use crate::target::{ClientCertificate, Secret, SslMode, Target};

const PASSWORD: &str = "wonderland";

fn target(keywords: &str) -> Target {
    let text = format!("host=localhost user=alice dbname=orders password={PASSWORD} {keywords}");
    settings::read(&Sources { target: Some(Secret::new(text)), ..Sources::default() }).unwrap()
}

async fn dialled(target: &Target, listener: &TcpListener, patience: Duration) -> DriverSeen {
    let address = Some(listener.local_addr().unwrap().to_string());
    let trace = Trace { connected: Connected { address, ..Connected::default() }, ..Trace::default() };
    log_in(target, &trace, Instant::now() + patience).await
}

async fn with_key(directory: &Path, key: &[u8]) -> DriverError {
    let certificate = Identity::self_signed(&Spec { key: KeyKind::P256, ..Spec::leaf("alice") }).unwrap();
    let paths = ["client.crt", "client.key"].map(|name| directory.join(name));
    let [certificate_path, key_path] = paths.clone();
    std::fs::write(&certificate_path, certificate.certificate_pem().unwrap()).unwrap();
    let own = certificate.key().private_key_to_pem_pkcs8().unwrap();
    std::fs::write(&key_path, if key.is_empty() { own } else { key.to_vec() }).unwrap();
    let mut target = target("sslmode=require");
    target.tls.client_certificate =
        Some(ClientCertificate { certificate: certificate_path, key: key_path, key_named: true, password: None });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    if let crate::target::Endpoint::Tcp { port: dialled, .. } = &mut target.endpoint {
        *dialled = port;
    }
    dialled(&target, &listener, Duration::from_millis(200)).await.failure.unwrap().at
}

#[tokio::test]
async fn keys_are_taken_in_one_form_only() {
    let directory = tempfile::tempdir().unwrap();
    let other = Identity::self_signed(&Spec { key: KeyKind::P256, ..Spec::leaf("alice") }).unwrap();
    let sec1 = other.key().ec_key().unwrap().private_key_to_pem().unwrap();
    let der = other.key().private_key_to_der().unwrap();
    for key in [sec1, der, b"no key".to_vec()] {
        assert_eq!(with_key(directory.path(), &key).await, DriverError::Identity);
    }
    // With PKCS#8 it dials, and waits for the listener, that accepts and says nothing.
    assert_eq!(with_key(directory.path(), &[]).await, DriverError::TimedOut);
}

/// What the driver quotes of a server goes through the screen.
#[tokio::test]
async fn no_secret_is_in_its_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = target(&format!("sslmode=disable port={}", listener.local_addr().unwrap().port()));
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
        let fields = format!("SFATAL\0C28000\0MWonderland? {PASSWORD} is no password\0\0");
        stream.write_u8(b'E').await.unwrap();
        stream.write_i32(i32::try_from(fields.len() + 4).unwrap()).await.unwrap();
        stream.write_all(fields.as_bytes()).await.unwrap();
    };
    let (seen, ()) = tokio::join!(dialled(&target, &listener, Duration::from_secs(10)), server);
    let failure = seen.failure.unwrap();
    assert_eq!(failure.at, DriverError::Refused);
    let chain = failure.chain.join(": ");
    assert!(chain.contains("******** is no password") && !chain.to_lowercase().contains(PASSWORD), "{chain}");
}

/// The driver has no limit but that of its TCP connect.
#[tokio::test]
async fn silence_is_cut_off_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for mode in [SslMode::Disable, SslMode::Require] {
        let began = Instant::now();
        let target = target(&format!("sslmode={mode} port={port}"));
        let seen = dialled(&target, &listener, Duration::from_millis(300)).await;
        assert_eq!(seen.failure.unwrap().at, DriverError::TimedOut, "{mode}");
        assert!(began.elapsed() < Duration::from_secs(5), "{mode}");
    }
}
