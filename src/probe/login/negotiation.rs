//! The startup packet, and the version of the protocol that comes of it: libpq 18's rules (`fe-protocol3.c`,
//! `pqGetNegotiateProtocolVersion3` and `getBackendKeyData`).

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use crate::probe::trace::LoginFailure;
use crate::target::{ProtocolRange, ProtocolVersion, Target};

/// Bytes of a cancel key: those of protocol 3.0, which are the least, and the most that 3.2 allows.
const CANCEL_KEY: std::ops::RangeInclusive<usize> = 4..=256;

/// Writes the startup packet, which asks for the highest version wanted.
pub fn startup(target: &Target, buffer: &mut BytesMut) -> io::Result<()> {
    let own = [("user", target.user.as_str()), ("database", target.database.as_str())];
    let further = target.startup.iter().map(|(name, value)| (*name, value.as_str()));
    let begin = buffer.len();
    frontend::startup_message(own.into_iter().chain(further), buffer)?;
    // The codec asks for 3.0, always. The version stands behind the length.
    if let Some(version) = buffer.get_mut(begin + 4..begin + 8) {
        version.copy_from_slice(&target.protocol.max.code().to_be_bytes());
    }
    Ok(())
}

/// What NegotiateProtocolVersion leads to.
pub fn settle(offered: u32, options: &[String], wanted: ProtocolRange) -> Result<ProtocolVersion, LoginFailure> {
    let (major, minor) = (offered >> 16, offered & 0xffff);
    if offered > wanted.max.code() {
        return Err(garbage(format!("the server negotiated up, to protocol {major}.{minor}")));
    }
    let Some(version) = ProtocolVersion::of_code(offered) else {
        return Err(garbage(format!("the server negotiated protocol {major}.{minor}, which there is not")));
    };
    if version == wanted.max && options.is_empty() {
        return Err(garbage("the server negotiated, and asked for no change".to_owned()));
    }
    if version < wanted.min {
        return Err(LoginFailure::ProtocolTooOld { offered: version });
    }
    match options.first() {
        Some(option) => Err(garbage(format!("the server refused the protocol option {option:?}, which was not sent"))),
        None => Ok(version),
    }
}

/// Whether a cancel key of this many bytes belongs to this version.
pub fn check_cancel_key(length: usize, version: Option<ProtocolVersion>) -> Result<(), LoginFailure> {
    let newer = version == Some(ProtocolVersion::V3_2);
    let allowed = if newer { CANCEL_KEY } else { *CANCEL_KEY.start()..=*CANCEL_KEY.start() };
    if allowed.contains(&length) {
        return Ok(());
    }
    let version = version.map_or("3.0", ProtocolVersion::as_str);
    Err(garbage(format!("the server sent a cancel key of {length} bytes, which protocol {version} does not allow")))
}

fn garbage(reason: String) -> LoginFailure {
    LoginFailure::Garbage { reason }
}
