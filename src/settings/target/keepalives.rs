//! keepalives and their like: they say nothing of whether a connection can be made, but a value that the system refuses
//! makes libpq give the host up before it dials (`fe-connect.c`, `useKeepalives` and what follows it).

use super::{Reader, number};
use crate::settings::InputFailure;

/// What Linux takes (`include/net/tcp.h`, `MAX_TCP_KEEPIDLE` and its like), from 1 on; others take what is positive.
const MOST: [(&str, i32); 3] = if cfg!(target_os = "linux") {
    [("keepalives_idle", 32_767), ("keepalives_interval", 32_767), ("keepalives_count", 127)]
} else {
    [("keepalives_idle", i32::MAX), ("keepalives_interval", i32::MAX), ("keepalives_count", i32::MAX)]
};

/// The first of them that will not do, and how.
pub fn check(reader: &Reader<'_>) -> Result<(), (&'static str, InputFailure)> {
    let number = |keyword: &'static str| match reader.given(keyword).map(number::parse) {
        Some(None) => Err((keyword, reader.invalid(keyword, "a whole number"))),
        number => Ok(number.flatten()),
    };
    if number("keepalives")? == Some(0) {
        // Nothing else is looked at then.
        return Ok(());
    }
    for (keyword, most) in MOST {
        if number(keyword)?.is_some_and(|value| !(1..=most).contains(&value)) {
            return Err((keyword, reader.invalid(keyword, "a whole number above 0 that the system takes")));
        }
    }
    number("tcp_user_timeout").map(|_| ())
}
