//! Certificates of clients: asked for, trusted, and taken for the user whom they are to stand for.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use pgpreflight::lab::pki::{Identity, Purpose, Spec};

use super::{Fixes, data, in_data_directory, reload};
use crate::client::Settings;
use crate::cluster::Tls;
use crate::pki::{Pki, issue, tls};
use crate::server::{Server, on_oldest_and_newest};

/// A server that trusts this authority to sign its clients' certificates, or asks for none.
fn start(major: u32, pki: &Pki, ca: Option<&Identity>) -> Server {
    let ca = ca.map(|ca| ca.certificate_pem().unwrap());
    let server = Server::start_with(major, &[], pki, Tls { ca, ..tls(&pki.sound()) });
    server.cluster.sql("create role by_scram; create role by_cert");
    server
}

/// A certificate for clients, in this name.
fn client(issuer: &Identity, name: &str) -> Identity {
    issue(issuer, &Spec { purpose: Some(Purpose::ClientAuth), ..Spec::leaf(name) })
}

/// The settings with this certificate, without those between it and its root.
fn showing(server: &Server, settings: &Settings, identity: &Identity) -> Settings {
    let file = |name: &str| format!("{}/{name}", server.socket());
    fs::write(file("client.crt"), identity.certificate_pem().unwrap()).unwrap();
    fs::write(file("client.key"), identity.key_pem().unwrap()).unwrap();
    fs::set_permissions(file("client.key"), PermissionsExt::from_mode(0o600)).unwrap();
    settings.clone().set("sslcert", file("client.crt")).set("sslkey", file("client.key"))
}

#[test]
fn a_certificate_is_asked_for() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki, None);
        fs::write(data(&server).join("root.crt"), pki.root.certificate_pem().unwrap()).unwrap();
        for (user, group, mode, code) in [
            ("guest", "by_scram", "sslcertmode=require", "login-client-certificate-required"),
            ("member", "by_cert", "sslcertmode=allow", "login-server-error"),
        ] {
            let settings = showing(&server, &server.role(user, group), &client(&pki.root, user)).with(mode);
            let answer = server.check(&settings);
            answer.fails_with(code, 13);
            reload(&server, &Fixes::of(&answer).statements("ALTER SYSTEM SET ssl_ca_file").join("\n"));
            server.check(&settings).passes();
            server.cluster.sql("alter system reset ssl_ca_file");
            server.cluster.reload();
        }
    });
}

#[test]
fn an_issuer_is_trusted() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let intermediate = issue(&pki.root, &Spec::root("Clients"));
        let both = intermediate.certificate_pem().unwrap() + &pki.root.certificate_pem().unwrap();
        for (issuer, up_to_root) in [(&pki.root, pki.root.certificate_pem().unwrap()), (&intermediate, both)] {
            let server = start(major, &pki, Some(&pki.stranger));
            let settings = showing(&server, &server.role("guest", "by_cert"), &client(issuer, "guest"));
            for settings in [&settings, &settings.clone().with("ssl_max_protocol_version=TLSv1.2")] {
                server.check(settings).fails_with("login-client-certificate-refused", 13);
            }
            let fixes = Fixes::of(&server.check(&settings));
            fs::write(data(&server).join("issuer.crt"), up_to_root).unwrap();
            let [show, append, load] = fixes.statements("cat ") else { panic!("three lines") };
            assert!(append.ends_with(&format!(" >> {}", server.cluster.sql(show))), "{append}");
            in_data_directory(&server, append);
            reload(&server, load);
            server.check(&settings).passes();
        }
    });
}

/// Trust would not help there.
#[test]
fn a_certificate_that_is_not_for_clients_is_the_clients() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki, Some(&pki.root));
        let own = server.role("guest", "by_cert");
        let for_servers = issue(&pki.root, &Spec::leaf("guest"));
        let answer = server.check(&showing(&server, &own, &for_servers));
        answer.fails_with("login-client-certificate-refused", 13);
        assert!(Fixes::of(&answer).server_lines().is_empty(), "{answer}");
        server.check(&showing(&server, &own, &client(&pki.root, "guest"))).passes();
    });
}

/// Gives the rule for certificates these options, in the place of those that it has.
fn set_options(server: &Server, options: &str) {
    let file = server.cluster.sql("SHOW hba_file;");
    let rules = fs::read_to_string(&file).unwrap();
    let rules = rules.lines().map(|rule| match rule.split_once("/32 cert") {
        Some((rule, _)) => format!("{rule}/32 cert {options}\n"),
        None => format!("{rule}\n"),
    });
    fs::write(file, rules.collect::<String>()).unwrap();
}

#[test]
fn a_name_stands_for_a_user() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki, Some(&pki.root));
        let settings = server.role("The \"Guest\"", "by_cert");
        let settings = showing(&server, &settings, &client(&pki.root, "Some \"Body\""));
        let answer = server.check(&settings);
        answer.fails_with("login-client-certificate-user", 13);
        let fixes = Fixes::of(&answer);
        let [map, load] = fixes.statements("clients ") else { panic!("two lines: {answer}") };
        set_options(&server, "map=clients");
        fs::write(data(&server).join("pg_ident.conf"), format!("{map}\n")).unwrap();
        reload(&server, load);
        server.check(&settings).passes();
    });
}

#[test]
fn a_name_is_not_mapped() {
    on_oldest_and_newest(|major| {
        let pki = Pki::new();
        let server = start(major, &pki, Some(&pki.root));
        let settings = showing(&server, &server.role("guest", "by_cert"), &client(&pki.root, "guest"));
        let by_subject: &[&str] = if major < 14 { &[] } else { &["clientname=DN", "clientname=DN map=nobody"] };
        for options in [&["map=nobody"], by_subject].concat() {
            set_options(&server, options);
            server.cluster.reload();
            let answer = server.check(&settings);
            answer.fails_with("login-client-certificate-user", 13);
            let fixes = Fixes::of(&answer);
            set_options(&server, "");
            reload(&server, fixes.statements("SHOW hba_file;").last().unwrap());
            server.check(&settings).passes();
        }
    });
}
