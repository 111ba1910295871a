//! The rules by which a mode tries the other encryption, fact by fact; live servers have the same in `tests/live`.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use super::{Outcome, Row, table};
use crate::diagnose::code::Code;
use crate::probe::trace::{
    Failure, LoginFailure, LoginSeen, LoginTried, ModesSeen, Objection, Probed, TlsFailure, TlsSeen, TlsTried, Trace,
};
use crate::settings::modes::plans;
use crate::settings::{self, Sources};
use crate::target::Secret;
use crate::wire::message::ServerError;

fn refused(sqlstate: &str, routine: &str) -> LoginTried {
    let error = ServerError { sqlstate: sqlstate.into(), routine: Some(routine.into()), ..ServerError::default() };
    LoginTried { seen: LoginSeen::default(), failure: Some(LoginFailure::Refused(Box::new(error))) }
}

fn by_rule() -> LoginTried {
    refused("28000", "ClientAuthentication")
}

fn asks() -> LoginTried {
    LoginTried { seen: LoginSeen::default(), failure: Some(LoginFailure::PasswordMissing) }
}

fn lets_in() -> LoginTried {
    LoginTried { seen: LoginSeen { authenticated: true, ..LoginSeen::default() }, failure: None }
}

fn over_tls(login: Result<LoginTried, TlsFailure>, objections: &[i32]) -> TlsTried {
    let objections = objections.iter().map(|code| Objection { depth: 0, verify_code: *code }).collect();
    TlsTried { seen: TlsSeen { name_matches: Some(true), objections, ..TlsSeen::default() }, login }
}

/// The rows of a target whose own mode was not let in, and has sent no password.
fn rows(keywords: &str, plain: LoginTried, tls: TlsTried) -> Vec<Row> {
    let text = Secret::new(format!("host=db password=wonderland {keywords}"));
    let sources = Sources { target: Some(text), ..Sources::default() };
    let target = settings::read(&sources).unwrap();
    let trace = Trace { failure: Some(Failure::Tls(TlsFailure::VersionUnsupported)), ..Trace::default() };
    let libpq = Probed { plain: Some(plain), tls: Some(tls) };
    table(&target, &plans(&sources), &trace, &ModesSeen { libpq, ..ModesSeen::default() })
}

fn told(rows: &[Row], name: &str) -> (Outcome, bool, Option<Code>) {
    let row = rows.iter().find(|row| row.sslmode == name).unwrap();
    (row.outcome, row.encrypted, row.cause)
}

const FAILS: Outcome = Outcome::Fails;
const UNKNOWN: Outcome = Outcome::Unknown;
const CONNECTS: Outcome = Outcome::Connects;

#[test]
fn the_other_encryption_is_tried_where_libpq_tries_it() {
    let unchecked = Some(Code::LoginPasswordUnchecked);
    let own = "sslmode=require";
    let rule = rows(own, by_rule(), over_tls(Ok(lets_in()), &[]));
    assert_eq!(told(&rule, "disable"), (FAILS, false, Some(Code::LoginTlsRequired)));
    assert_eq!(told(&rule, "allow"), (CONNECTS, true, None));
    assert_eq!(told(&rule, "prefer"), (CONNECTS, true, None));
    let rule = rows(own, asks(), over_tls(Ok(by_rule()), &[]));
    assert_eq!(told(&rule, "prefer"), (UNKNOWN, false, unchecked));
    assert_eq!(told(&rule, "EncryptionMethod=6"), (FAILS, false, Some(Code::LoginTlsForbidden)));
    // 57P03 is the same with the other encryption.
    let starting = rows(own, refused("57P03", "ProcessStartupPacket"), over_tls(Ok(lets_in()), &[]));
    assert_eq!(told(&starting, "allow"), (FAILS, false, Some(Code::LoginStartingUp)));
    // What the server refuses before AuthenticationOk, it may not refuse over the other.
    let full = rows(own, lets_in(), over_tls(Ok(refused("53300", "InitProcess")), &[]));
    assert_eq!(told(&full, "prefer"), (CONNECTS, false, None));
    for (failure, prefer, six) in [
        (TlsFailure::NotOffered, (CONNECTS, false, None), (CONNECTS, false, None)),
        (TlsFailure::NoCommonCipher, (CONNECTS, false, None), (FAILS, false, Some(Code::TlsNoCommonCipher))),
        (
            TlsFailure::ClosedBeforeReply { reset: false },
            (FAILS, false, Some(Code::TlsClosedBeforeReply)),
            (FAILS, false, Some(Code::TlsClosedBeforeReply)),
        ),
    ] {
        let broken = rows(own, lets_in(), over_tls(Err(failure), &[]));
        assert_eq!((told(&broken, "prefer"), told(&broken, "EncryptionMethod=6")), (prefer, six));
    }
    // Where neither gets in, the first one tells why.
    let neither = rows(own, by_rule(), over_tls(Err(TlsFailure::NoCommonCipher), &[]));
    assert_eq!(told(&neither, "prefer"), (FAILS, false, Some(Code::TlsNoCommonCipher)));
    assert_eq!(told(&neither, "allow"), (FAILS, false, Some(Code::LoginNoHbaEntry)));
}

/// A client certificate was not shown to a server that the checked mode had to verify: what a mode that need not would
/// come to has not been seen.
#[test]
fn what_a_careful_probe_has_not_seen_is_not_known() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/sound.toml");
    let seen =
        rows(&format!("sslmode=disable sslrootcert={root}"), lets_in(), over_tls(Err(TlsFailure::Certificate), &[19]));
    assert_eq!(told(&seen, "prefer"), (CONNECTS, false, None));
    assert_eq!(told(&seen, "EncryptionMethod=1"), (UNKNOWN, false, Some(Code::TlsVersionUnsupported)));
}

/// The system's roots could not be asked: nothing is taken for verified.
#[test]
fn without_a_verdict_nothing_is_verified() {
    let rows = rows("sslmode=require", lets_in(), over_tls(Ok(lets_in()), &[]));
    let verified = "EncryptionMethod=1;ValidateServerCertificate=1";
    assert_eq!(told(&rows, verified), (UNKNOWN, false, Some(Code::TlsVersionUnsupported)));
    assert_eq!(told(&rows, "EncryptionMethod=1"), (CONNECTS, true, None));
}
