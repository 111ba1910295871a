//! A PostgreSQL server in a container, through testcontainers; or, on a machine without a Docker engine, a local server
//! that is reached the same way. Which of the two it is, is said on stderr.

use std::fs;
use std::time::Duration;

use testcontainers::core::{Healthcheck, IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};

use crate::cluster::{Cluster, ClusterConfig, cache};

const USER: &str = "app";
const PASSWORD: &str = "correct horse 7";
const DATABASE: &str = "orders";

/// How long an image may take to become a server; pulling it is not counted.
const LIMIT: Duration = Duration::from_secs(120);

/// A server that asks for a password by SCRAM-SHA-256, without TLS. Drop removes it.
#[derive(Debug)]
pub struct Server {
    /// A name or address that reaches it from here.
    pub host: String,
    /// The port on `host`.
    pub port: u16,
    /// A role that may log in; a superuser, as the official image makes it.
    pub user: String,
    /// Its password.
    pub password: String,
    /// A database of its own.
    pub database: String,
    _running: Running,
}

#[derive(Debug)]
enum Running {
    Container(#[expect(dead_code, reason = "kept for its Drop")] Box<ContainerAsync<GenericImage>>),
    Local(#[expect(dead_code, reason = "kept for its Drop")] Cluster),
}

/// Starts a server from the image of `PGPREFLIGHT_TEST_IMAGE`, or else of the one that `scripts/setup` found or built;
/// where that is `none`, from a local PostgreSQL 17.
///
/// # Panics
/// When setup has not run, or the server does not start.
#[expect(clippy::print_stderr, reason = "which server was tested must be seen in the test's output")]
pub async fn start() -> Server {
    let image = image();
    if image == "none" {
        eprintln!("no Docker engine: the container test ran against a local PostgreSQL 17 server instead");
        return start_local();
    }
    let server = start_container(&image).await;
    eprintln!("the container test ran against {image} in a container");
    server
}

fn image() -> String {
    std::env::var("PGPREFLIGHT_TEST_IMAGE")
        .or_else(|_| fs::read_to_string(cache().join("image")))
        .expect("no container image is known: run `make setup`")
        .trim()
        .to_owned()
}

async fn start_container(image: &str) -> Server {
    let (name, tag) = name_and_tag(image);
    // The official image first runs a server that listens on its Unix socket only, to fill the database: TCP decides.
    let health = Healthcheck::cmd(["pg_isready", "-q", "-h", "127.0.0.1", "-p", "5432"])
        .with_interval(Duration::from_millis(250))
        .with_timeout(Duration::from_secs(5))
        .with_retries(u32::MAX >> 1); // testcontainers' start-up time-out is the bound
    let container = GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_wait_for(WaitFor::healthcheck())
        .with_health_check(health)
        .with_env_var("POSTGRES_USER", USER)
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_env_var("POSTGRES_DB", DATABASE)
        .with_startup_timeout(LIMIT)
        .start()
        .await
        .unwrap_or_else(|error| panic!("{image} does not start: {error}"));
    let host = match container.get_host().await.expect("the engine's address").to_string() {
        // Its IPv6 address may lead to another container: the engine numbers the two families apart.
        host if host == "localhost" => "127.0.0.1".to_owned(),
        host => host,
    };
    let port = container.get_host_port_ipv4(5432).await.expect("5432 is published");
    server(host, port, Running::Container(Box::new(container)))
}

/// `registry:5000/name:tag`: only a colon after the last slash begins a tag.
fn name_and_tag(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

fn start_local() -> Server {
    let cluster = Cluster::start(
        17,
        &ClusterConfig { hba: vec!["host all all 127.0.0.1/32 scram-sha-256".to_owned()], ..ClusterConfig::default() },
    );
    cluster.sql(&format!(
        "set password_encryption = 'scram-sha-256';\n\
         create role {USER} superuser login password '{PASSWORD}';\n\
         create database {DATABASE};"
    ));
    server("127.0.0.1".to_owned(), cluster.port(), Running::Local(cluster))
}

fn server(host: String, port: u16, running: Running) -> Server {
    Server {
        host,
        port,
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        database: DATABASE.to_owned(),
        _running: running,
    }
}
