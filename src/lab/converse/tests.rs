//! Conversations over an in-memory stream with a client that knows nothing but bytes.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::net::Ipv4Addr;

use openssl::ssl::{SslContext, SslMethod};
use tokio::io::{DuplexStream, duplex};

use super::*;
use crate::lab::ServerError;
use crate::lab::session::{Cell, Query};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn trusting() -> Scenario {
    Scenario { authentication: crate::lab::scenario::Authentication::Trust, ..Scenario::default() }
}

fn startup(version: u32, parameters: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + parameters.len()).unwrap();
    [&length.to_be_bytes(), &version.to_be_bytes(), parameters].concat()
}

fn alice() -> Vec<u8> {
    startup(0x0003_0000, b"user\0alice\0\0")
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + body.len()).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

/// Everything the endpoint sends to a client that writes `bytes` at once and then leaves.
async fn answers(endpoint: &Endpoint, bytes: &[u8]) -> Vec<u8> {
    let (mut client, server) = duplex(1 << 16);
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(converse(server, PEER, endpoint).await, Ending::Closed);
    rest(&mut client).await
}

async fn rest(client: &mut DuplexStream) -> Vec<u8> {
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    received
}

/// Message types and bodies.
fn messages(mut bytes: &[u8]) -> Vec<(char, Vec<u8>)> {
    let mut messages = Vec::new();
    while let Some(([tag, length @ ..], after)) = bytes.split_first_chunk::<5>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap() - 4;
        messages.push((char::from(*tag), after.get(..length).unwrap().to_vec()));
        bytes = after.get(length..).unwrap();
    }
    assert!(bytes.is_empty());
    messages
}

fn tags(bytes: &[u8]) -> String {
    messages(bytes).iter().map(|(tag, _)| tag).collect()
}

#[tokio::test]
async fn queries_in_one_flight_are_answered_in_order() {
    let mut scenario = trusting();
    let query = |sql: &str, value| Query {
        sql: sql.to_owned(),
        columns: vec!["c".to_owned()],
        rows: vec![vec![value]],
        ..Query::default()
    };
    scenario.session.queries = vec![query("one", Cell::Text("1".to_owned())), query("two", Cell::Null)];
    let endpoint = Endpoint::new(scenario).unwrap();
    let flight =
        [alice(), message(b'Q', b"one\0"), message(b'Q', b"x\0"), message(b'Q', b" two ;\0"), message(b'X', b"")]
            .concat();
    let received = answers(&endpoint, &flight).await;
    assert_eq!(tags(&received), "RSSSSSSSSSSSSSSSKZTDCZEZTDCZ");
    let rows: Vec<_> = messages(&received).into_iter().filter(|(tag, _)| *tag == 'D').map(|(_, body)| body).collect();
    assert_eq!(rows, [b"\0\x01\0\0\0\x011".to_vec(), b"\0\x01\xff\xff\xff\xff".to_vec()]);
}

/// Parse, Bind, Describe, Execute and Close of the extended protocol, each with what matters here.
fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

fn bind(portal: &str, name: &str, formats: &[u8]) -> Vec<u8> {
    message(b'B', &[format!("{portal}\0{name}\0\0\0\0\0").as_bytes(), formats].concat())
}

fn describe(what: &str) -> Vec<u8> {
    message(b'D', format!("{what}\0").as_bytes())
}

fn execute(portal: &str, limit: u8) -> Vec<u8> {
    message(b'E', &[format!("{portal}\0").as_bytes(), &[0, 0, 0, limit]].concat())
}

const TEXT: &[u8] = &[0, 0];
const BINARY: &[u8] = &[0, 1, 0, 1];

/// What comes after `ReadyForQuery` of the login.
async fn session(scenario: Scenario, flight: &[Vec<u8>]) -> Vec<(char, Vec<u8>)> {
    let endpoint = Endpoint::new(scenario).unwrap();
    let received = messages(&answers(&endpoint, &[alice(), flight.concat()].concat()).await);
    let login = received.iter().position(|(tag, _)| *tag == 'Z').unwrap();
    received.into_iter().skip(login + 1).collect()
}

fn said(messages: &[(char, Vec<u8>)]) -> String {
    messages.iter().map(|(tag, _)| tag).collect()
}

fn sync() -> Vec<u8> {
    message(b'S', b"")
}

#[tokio::test]
async fn statements_are_prepared_bound_described_and_executed() {
    let flight = [
        parse("one", "select 1"),
        describe("Sone"),
        sync(),
        bind("", "one", BINARY),
        describe("P"),
        execute("", 0),
        sync(),
        bind("", "one", TEXT),
        execute("", 0),
        message(b'H', b""),
        message(b'C', b"Sone\0"),
        sync(),
        bind("", "one", TEXT),
        describe("P"),
        sync(),
    ];
    let received = session(trusting(), &flight).await;
    assert_eq!(said(&received), "1tTZ2TDCZ2DC3ZEZ");
    let rows: Vec<&[u8]> = received.iter().filter(|(tag, _)| *tag == 'D').map(|(_, body)| body.as_slice()).collect();
    assert_eq!(rows, [&b"\0\x01\0\0\0\x04\0\0\0\x01"[..], b"\0\x01\0\0\0\x011"]);
    let error = String::from_utf8_lossy(&received.iter().find(|(tag, _)| *tag == 'E').unwrap().1).into_owned();
    assert!(error.contains("VERROR\0C26000\0Mprepared statement \"one\" does not exist\0"), "{error}");
}

#[tokio::test]
async fn an_error_in_the_extended_protocol_passes_over_everything_up_to_sync() {
    let flight = [
        parse("", "select nothing"),
        bind("", "", TEXT),
        message(b'Q', b"select 1\0"),
        sync(),
        message(b'Q', b"select 1\0"),
    ];
    assert_eq!(said(&session(trusting(), &flight).await), "EZTDCZ");
    for broken in [message(b'P', b"no end"), message(b'B', b"\0\0\0\x02\0"), message(b'E', b"\0"), message(b'D', b"")] {
        assert_eq!(said(&session(trusting(), &[broken, sync()]).await), "EZ");
    }
}

#[tokio::test]
async fn a_portal_gives_as_many_rows_as_it_is_asked_for() {
    let mut scenario = trusting();
    let row = |text: &str| vec![Cell::Text(text.to_owned())];
    scenario.session.queries = vec![Query {
        sql: "select $1, $2".to_owned(),
        columns: vec!["c".to_owned()],
        rows: ["a", "b", "c"].map(row).to_vec(),
        ..Query::default()
    }];
    let values = b"\0p\0\0\0\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0";
    let flight = [
        parse("p", "select $1, $2"),
        describe("Sp"),
        bind("", "p", TEXT),
        sync(),
        message(b'B', values),
        execute("", 2),
        execute("", 2),
        execute("", 2),
        sync(),
        execute("", 0),
        sync(),
    ];
    let received = session(scenario, &flight).await;
    assert_eq!(said(&received), "1tTEZ2DDsDCCZEZ");
    assert_eq!(received.get(1).unwrap().1, b"\0\x02\0\0\0\x19\0\0\0\x19");
}

#[tokio::test]
async fn transactions_have_their_states() {
    let query = |sql: &str| message(b'Q', format!("{sql}\0").as_bytes());
    let flight = [
        query("begin; select 1"),
        query("BEGIN"),
        query("select nothing"),
        query("select 1"),
        query("rollback to a"),
        query("select nothing"),
        query("commit"),
        query("commit"),
        query("select 1; select nothing; select 1"),
        query(" ; -- nothing"),
    ];
    let received = session(trusting(), &flight).await;
    assert_eq!(said(&received), "CTDCZNCZEZEZCZEZCZNCZTDCEZIZ");
    let status: Vec<u8> =
        received.iter().filter(|(tag, _)| *tag == 'Z').filter_map(|(_, body)| body.first().copied()).collect();
    assert_eq!(String::from_utf8(status).unwrap(), "TTEETEIIII");
    let errors: Vec<String> =
        received.iter().filter(|(tag, _)| *tag == 'E').map(|(_, body)| String::from_utf8_lossy(body).into()).collect();
    assert!(errors.get(1).unwrap().contains("C25P02\0"), "{errors:?}");
    let tags: Vec<&[u8]> = received.iter().filter(|(tag, _)| *tag == 'C').map(|(_, body)| body.as_slice()).collect();
    assert_eq!(tags.get(4).unwrap(), b"ROLLBACK\0", "COMMIT of what has failed");
}

#[tokio::test]
async fn parameters_are_set_shown_and_reported() {
    let query = |sql: &str| message(b'Q', format!("{sql}\0").as_bytes());
    let flight = [
        query("SET application_name = 'x y'"),
        query("set session timezone to utc; show TimeZone"),
        query("set extra_float_digits = 3; show extra_float_digits; reset extra_float_digits"),
        query("reset application_name"),
        query("show transaction isolation level"),
        query("show nothing"),
    ];
    let received = session(trusting(), &flight).await;
    assert_eq!(said(&received), "CSZCSTDCZCTDCCZCSZTDCZEZ");
    let of =
        |wanted| received.iter().filter(|(tag, _)| *tag == wanted).map(|(_, body)| body.clone()).collect::<Vec<_>>();
    assert_eq!(of('S'), [&b"application_name\0x y\0"[..], b"TimeZone\0utc\0", b"application_name\0\0"]);
    assert!(String::from_utf8_lossy(&of('E').concat()).contains("C42704\0"));
}

#[tokio::test]
async fn the_startup_packet_sets_what_is_reported() {
    let endpoint = Endpoint::new(trusting()).unwrap();
    let parameters = b"user\0alice\0application_name\0test\0client_encoding\0utf-8\0options\0-c a=b\0\0";
    let received = answers(&endpoint, &startup(0x0003_0000, parameters)).await;
    let reported = String::from_utf8_lossy(&received).into_owned();
    assert!(reported.contains("application_name\0test\0") && reported.contains("client_encoding\0UTF8\0"));
}

#[tokio::test]
async fn what_is_not_listed_fails_as_the_scenario_says() {
    let query = |sql: &str| message(b'Q', format!("{sql}\0").as_bytes());
    let otherwise = |query| Scenario {
        session: crate::lab::session::Session { otherwise: Some(query), ..Default::default() },
        ..trusting()
    };
    let error = ServerError::error("57014", "canceling statement due to statement timeout");
    let refusing = otherwise(Query { error: Some(error), ..Query::default() });
    let received = session(
        refusing,
        &[
            query("begin"),
            query("select 1"),
            query("rollback"),
            parse("", "x"),
            bind("", "", TEXT),
            describe("P"),
            execute("", 0),
            sync(),
        ],
    )
    .await;
    assert_eq!(said(&received), "CZEZCZ12nEZ");
    let closing = otherwise(Query { hangup: Some(Hangup::Close), ..Query::default() });
    for first in [query("begin"), query(""), parse("", "begin")] {
        assert_eq!(said(&session(closing.clone(), &[first, sync()]).await), "");
    }
}

#[tokio::test]
async fn protocol_versions_are_negotiated_as_servers_do() {
    let endpoint = Endpoint::new(trusting()).unwrap();
    let newer = answers(&endpoint, &startup(0x0003_0002, b"user\0alice\0\0")).await;
    assert_eq!(messages(&newer).first().unwrap(), &('v', vec![0, 3, 0, 0, 0, 0, 0, 0]));
    let option = answers(&endpoint, &startup(0x0003_0000, b"user\0alice\0_pq_.foo\0\x31\0\0")).await;
    assert_eq!(messages(&option).first().unwrap(), &('v', b"\0\x03\0\0\0\0\0\x01_pq_.foo\0".to_vec()));
    let unknown = answers(&endpoint, &startup(0x0004_0000, b"user\0alice\0\0")).await;
    assert!(
        String::from_utf8_lossy(&unknown)
            .contains("C0A000\0Munsupported frontend protocol 4.0: server supports 3.0 to 3.0\0")
    );
    let version_2 = answers(&endpoint, &startup(0x0002_0000, &[0; 288])).await;
    assert_eq!(version_2, b"EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.0\n\0");

    let key = |bytes: &[u8]| messages(bytes).iter().find(|(tag, _)| *tag == 'K').unwrap().1.len();
    let newest = crate::lab::scenario::Protocol::V3_2;
    let endpoint = Endpoint::new(Scenario { newest_protocol: newest, ..trusting() }).unwrap();
    assert_eq!(key(&answers(&endpoint, &startup(0x0003_0002, b"user\0alice\0\0")).await), 36);
    assert_eq!(key(&answers(&endpoint, &alice()).await), 8);
    let newer = answers(&endpoint, &startup(0x0003_270f, b"user\0alice\0\0")).await;
    assert_eq!(messages(&newer).first().unwrap(), &('v', vec![0, 3, 0, 2, 0, 0, 0, 0]));
    assert_eq!(key(&newer), 36);
}

#[tokio::test]
async fn packets_before_the_login_are_answered_as_servers_do() {
    let endpoint = Endpoint::new(Scenario { ssl_request: SslRequest::Refuse, ..trusting() }).unwrap();
    let [cancel, ssl, gss] = [(16_u32, 80_877_102_u32), (8, 80_877_103), (8, 80_877_104)]
        .map(|(length, code)| [length.to_be_bytes(), code.to_be_bytes()].concat());
    assert_eq!(answers(&endpoint, &[cancel, vec![0; 8]].concat()).await, b"");
    assert!(answers(&endpoint, &[&gss[..], &ssl, &alice()].concat()).await.starts_with(b"NNR"));
    assert_eq!(answers(&endpoint, b"GET / HTTP/1.1\r\n\r\n").await, b"");
    assert_eq!(answers(&endpoint, b"").await, b"");
    let nobody = answers(&endpoint, &startup(0x0003_0000, b"database\0db\0\0")).await;
    assert!(
        String::from_utf8_lossy(&nobody).contains("C28000\0Mno PostgreSQL user name specified in startup packet\0")
    );
    let unterminated = answers(&endpoint, &startup(0x0003_0000, b"user\0alice")).await;
    assert!(String::from_utf8_lossy(&unterminated).contains("C08P01\0"));
    let twice = answers(&endpoint, &[&ssl[..], &ssl].concat()).await;
    assert!(String::from_utf8_lossy(&twice).contains("unsupported frontend protocol 1234.5679"));
}

#[tokio::test]
async fn stalling_sends_exactly_so_many_bytes_and_then_waits() {
    let whole = answers(&Endpoint::new(trusting()).unwrap(), &alice()).await.len();
    for limit in 0..=whole {
        let scenario = Scenario { stall_after_bytes: Some(u64::try_from(limit).unwrap()), ..trusting() };
        let endpoint = Endpoint::new(scenario).unwrap();
        let (mut client, server) = duplex(1 << 16);
        client.write_all(&alice()).await.unwrap();
        let watch = async {
            let mut received = vec![0; limit];
            client.read_exact(&mut received).await.unwrap();
            // Terminate would end a session; a server that has stalled waits for the client to leave all the same.
            client.write_all(&message(b'X', b"")).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let (ending, ()) = tokio::join!(converse(server, PEER, &endpoint), watch);
        assert_eq!((ending, rest(&mut client).await), (Ending::Closed, Vec::new()), "{limit}");
        assert_eq!(endpoint.bytes_sent(), u64::try_from(limit).unwrap());
    }
}

#[tokio::test]
async fn closing_sends_exactly_so_many_bytes_while_the_client_still_listens() {
    let whole = answers(&Endpoint::new(trusting()).unwrap(), &alice()).await.len();
    for limit in 0..=whole {
        let scenario = Scenario { close_after_bytes: Some(u64::try_from(limit).unwrap()), ..trusting() };
        let endpoint = Endpoint::new(scenario).unwrap();
        let (mut client, server) = duplex(1 << 16);
        client.write_all(&alice()).await.unwrap();
        let watch = async {
            let received = rest(&mut client).await; // ends although the client has not
            client.shutdown().await.unwrap();
            received.len()
        };
        let (ending, received) = tokio::join!(converse(server, PEER, &endpoint), watch);
        assert_eq!((ending, received), (Ending::Closed, limit));
    }
}

#[tokio::test]
async fn a_reset_is_left_to_the_caller() {
    let reset = Scenario { transport: Transport::AcceptThenReset, ..Scenario::default() };
    let (_client, server) = duplex(64);
    assert_eq!(converse(server, PEER, &Endpoint::new(reset).unwrap()).await, Ending::Reset);
}

/// What a client gets that starts TLS without asking, offering `alpn`, and then logs in.
async fn directly(direct_tls: bool, alpn: &[u8]) -> Result<String, &'static str> {
    let endpoint = Endpoint::new(Scenario { direct_tls, ..trusting() }).unwrap();
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    if !alpn.is_empty() {
        context.set_alpn_protos(alpn).unwrap();
    }
    let (client, server) = duplex(1 << 16);
    let client = async {
        let mut tls = SslStream::new(Ssl::new(&context.build()).unwrap(), client).unwrap();
        Pin::new(&mut tls).connect().await.map_err(|_| "handshake")?;
        let flight = [alice(), message(b'X', b"")].concat();
        tls.write_all(&flight).await.map_err(|_| "write")?;
        let mut received = Vec::new();
        tls.read_to_end(&mut received).await.map_err(|_| "read")?;
        Ok(tags(&received))
    };
    tokio::join!(converse(server, PEER, &endpoint), client).1
}

#[tokio::test]
async fn direct_tls_demands_the_alpn_of_postgresql() {
    assert_eq!(directly(true, b"\x0apostgresql").await.unwrap(), "RSSSSSSSSSSSSSSSKZ");
    assert_eq!(directly(true, b"\x02h2").await, Err("handshake")); // alert no_application_protocol
    assert_eq!(directly(true, b"").await.unwrap(), ""); // the handshake succeeds, then EOF
    assert_eq!(directly(false, b"\x0apostgresql").await, Err("handshake"));
}

/// An endpoint of Amazon Redshift that asks for nothing.
fn redshift() -> Endpoint {
    Endpoint::new(Scenario { engine: Engine::Redshift, ..trusting() }).unwrap()
}

#[tokio::test]
async fn redshift_is_as_old_as_it_says() {
    let endpoint = redshift();
    let gss = [8_u32.to_be_bytes(), 80_877_104_u32.to_be_bytes()].concat();
    for (packet, version) in [(startup(0x0003_0002, b"user\0alice\0\0"), "3.2"), (gss, "1234.5680")] {
        let told = String::from_utf8_lossy(&answers(&endpoint, &packet).await).into_owned();
        let expected = format!("C0A000\0Munsupported frontend protocol {version}: server supports 1.0 to 3.0\0");
        assert!(told.contains(&expected) && !told.contains("VFATAL"), "{told}");
    }
    assert_eq!(answers(&endpoint, &[TLS_HANDSHAKE, 3, 1, 0, 0]).await, b"");
    // What the drivers of Amazon add is taken, and options of the protocol are not negotiated.
    let packet = startup(0x0003_0000, b"user\0alice\0driver_version\0x\0_pq_.compression\0off\0\0");
    assert!(messages(&answers(&endpoint, &packet).await).iter().all(|(tag, _)| "RSKZ".contains(*tag)));
}

#[tokio::test]
async fn redshift_describes_a_column_in_the_format_that_was_agreed_on() {
    let plain = b"\0\x01?column?\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0".to_vec();
    let extended = [&plain[..], b"\0\0\0\0\0\x01"].concat();
    let rows = [
        (&b""[..], "0", &plain),
        (b"client_protocol_version\x001\0", "1", &extended),
        (b"client_protocol_version\x009\0", "2", &extended),
    ];
    for (asked, agreed, description) in rows {
        let packet = startup(0x0003_0000, &[b"user\0alice\0", asked, b"\0"].concat());
        let received = messages(&answers(&redshift(), &[packet, message(b'Q', b"select 1\0")].concat()).await);
        let parameter = format!("server_protocol_version\0{agreed}\0").into_bytes();
        assert!(received.contains(&('S', parameter)), "{agreed}");
        assert_eq!(received.iter().find(|(tag, _)| *tag == 'T').map(|(_, body)| body), Some(description), "{agreed}");
    }
}
