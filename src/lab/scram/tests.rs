#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use openssl::rand::rand_bytes;
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

use super::*;

const PLAIN: Binding<'static> = Binding { plus: false, offered: false, end_point: None };

/// Runs the whole exchange against the client of postgres-protocol.
fn exchange(
    password: &str,
    binding: ChannelBinding,
    verifier: &Verifier,
    server: Binding<'_>,
) -> Result<(), ScramError> {
    let mut client = ScramSha256::new(password.as_bytes(), binding);
    let exchange = Exchange::start(verifier, server, client.message())?;
    client.update(exchange.server_first().as_bytes()).unwrap();
    let server_final = exchange.finish(client.message())?;
    client.finish(server_final.as_bytes()).unwrap(); // the client verifies the server too
    Ok(())
}

#[test]
fn the_right_password_is_accepted_and_the_server_proves_itself() {
    let verifier = Verifier::new("wonderland").unwrap();
    exchange("wonderland", ChannelBinding::unsupported(), &verifier, PLAIN).unwrap();
}

#[test]
fn the_example_of_rfc_7677_verifies() {
    // RFC 7677, section 3: user "user", password "pencil"; the server's nonce and salt are given.
    let mut salted = [0; 32];
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    pbkdf2_hmac(b"pencil", &salt, 4096, MessageDigest::sha256(), &mut salted).unwrap();
    let verifier = Verifier {
        salt: salt.try_into().unwrap(),
        stored_key: sha256(&hmac(&salted, b"Client Key").unwrap()),
        server_key: hmac(&salted, b"Server Key").unwrap(),
        genuine: true,
    };
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let exchange = Exchange {
        verifier: &verifier,
        client_first_bare: "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned(),
        server_first: format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        nonce: nonce.to_owned(),
        channel_binding: Some("biws".to_owned()),
        plus: false,
    };
    let client_final = format!("c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    let server_final = exchange.finish(client_final.as_bytes()).unwrap();
    assert_eq!(server_final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn a_wrong_password_is_rejected() {
    let verifier = Verifier::new("wonderland").unwrap();
    let result = exchange("looking-glass", ChannelBinding::unsupported(), &verifier, PLAIN);
    assert!(matches!(result, Err(ScramError::ProofRejected)));
}

#[test]
fn an_unknown_role_looks_like_a_wrong_password_every_time() {
    let mut secret = [0; 32];
    rand_bytes(&mut secret).unwrap();
    let [first, second] = [Verifier::mock("ghost", &secret), Verifier::mock("ghost", &secret)];
    assert_eq!(first.salt, second.salt);
    assert_ne!(first.salt, Verifier::mock("phantom", &secret).salt);
    let result = exchange("", ChannelBinding::unsupported(), &first, PLAIN);
    assert!(matches!(result, Err(ScramError::ProofRejected)));
}

#[test]
fn plus_accepts_the_certificate_that_the_client_saw_and_no_other() {
    let verifier = Verifier::new("wonderland").unwrap();
    let server = Binding { plus: true, offered: true, end_point: Some(b"digest") };
    let seen = |digest: &[u8]| ChannelBinding::tls_server_end_point(digest.to_vec());
    exchange("wonderland", seen(b"digest"), &verifier, server).unwrap();

    let result = exchange("wonderland", seen(b"another"), &verifier, server);
    assert!(matches!(result, Err(ScramError::BindingMismatch)));

    let undefined = Binding { end_point: None, ..server };
    let result = exchange("wonderland", seen(b"digest"), &verifier, undefined);
    assert!(matches!(result, Err(ScramError::BindingUndefined)));
}

#[test]
fn a_client_that_was_told_of_no_binding_where_there_is_one_notices() {
    let verifier = Verifier::new("wonderland").unwrap();
    let offered = Binding { plus: false, offered: true, end_point: Some(b"digest") };
    let result = exchange("wonderland", ChannelBinding::unrequested(), &verifier, offered);
    assert!(matches!(result, Err(ScramError::BindingDowngraded)));
    exchange("wonderland", ChannelBinding::unrequested(), &verifier, PLAIN).unwrap();
}

#[test]
fn what_is_not_scram_is_refused() {
    let verifier = Verifier::new("wonderland").unwrap();
    for message in [
        "",
        "n",
        "n,,",
        "n,,n=",
        "n,,r=abc,n=",
        "n,,n=,r=",
        "n,a=alice,n=,r=abc",
        "q,,n=,r=abc",
        "p=tls-unique,,n=,r=abc",
    ] {
        let result = Exchange::start(&verifier, PLAIN, message.as_bytes());
        assert!(matches!(result, Err(ScramError::Malformed(_))), "{message:?} was taken");
    }
    for message in ["", "c=biws", "c=biws,r=x,p=AAAA", "c=biws,r=x,p=!", "c=eSws,r=x,p=AAAA"] {
        let exchange = Exchange::start(&verifier, PLAIN, b"n,,n=,r=abc").unwrap();
        let result = exchange.finish(message.as_bytes());
        assert!(matches!(result, Err(ScramError::Malformed(_))), "{message:?} was taken");
    }
}

#[test]
fn a_proof_of_the_wrong_length_is_refused() {
    let verifier = Verifier::new("wonderland").unwrap();
    let exchange = Exchange::start(&verifier, PLAIN, b"n,,n=,r=abc").unwrap();
    let message = format!("c=biws,r={},p=AAAA", exchange.nonce);
    assert!(matches!(exchange.finish(message.as_bytes()), Err(ScramError::Malformed(_))));
}
