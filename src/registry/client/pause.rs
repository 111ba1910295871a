//! How long to wait before a call is made again.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};

/// Where a service does not say how long.
const DEFAULT: Duration = Duration::from_secs(1);

/// The longest that is waited without having been asked to.
const LONGEST: Duration = Duration::from_secs(16);

/// `Retry-After`: seconds, or a date (RFC 9110 10.2.3). None where it is neither.
pub(super) fn asked_for(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(header).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// Before the next attempt, counted from 1: what was asked for, else twice as long each time.
pub(super) fn before(attempt: u32, asked_for: Option<Duration>) -> Duration {
    let doubled = || DEFAULT.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST);
    asked_for.unwrap_or_else(doubled)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_seconds_or_as_a_date() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let rows = [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Fri, 27 Nov 2026 12:00:30 GMT", Some(30)),
            ("Fri, 27 Nov 2026 11:59:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("18446744073709551616", None),
        ];
        for (header, expected) in rows {
            assert_eq!(asked_for(header, now), expected.map(Duration::from_secs), "{header}");
        }
    }

    #[test]
    fn without_a_word_of_the_service_the_pauses_grow() {
        let pauses: Vec<u64> = (1..=6).map(|attempt| before(attempt, None).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 16]);
        assert_eq!(before(3, Some(Duration::ZERO)), Duration::ZERO);
        assert_eq!(before(u32::MAX, None), LONGEST);
    }
}
