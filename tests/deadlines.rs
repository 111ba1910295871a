//! Whatever a server does, and at whatever byte it stops, a check ends in time, with a verdict, in bounded memory.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "support/flood.rs"]
mod flood;
#[path = "support/play.rs"]
mod play;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flood::{Flood, check_flooded};
use pgpreflight::diagnose::code::Code;
use pgpreflight::report::Verdict;
use play::{check, start};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::{JoinSet, LocalSet};

/// `--timeout` where a server falls silent.
const TIMEOUT: Duration = Duration::from_millis(250);

/// How much longer than that a check may take.
const GRACE: Duration = Duration::from_millis(250);

/// `--timeout` where a server closes: none of it may be used up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks at the same time: most of them only wait.
const PARALLEL: usize = 16;

/// Memory of a whole process that is flooded, in bytes. One that is not takes about a third of it.
const MOST_MEMORY: u64 = 64 << 20;

/// Each test has the processor to itself: time is what they measure.
static TURN: Mutex<()> = Mutex::const_new(());

const PLAIN: &str = "sslmode=disable";
const TLS: &str = "sslmode=verify-full";

#[derive(Clone, Copy)]
enum Stop {
    Stall,
    Close,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_at_any_byte_is_left_in_time() {
    let _turn = TURN.lock().await;
    let total = bytes_of(PLAIN).await;
    stop_at(PLAIN, Stop::Stall, 0..total, 1).await;
    assert_eq!(stopped(PLAIN, Stop::Stall, total).await.1, Verdict::Warnings, "all bytes came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_within_tls_is_left_in_time() {
    let _turn = TURN.lock().await;
    let total = bytes_of(TLS).await;
    stop_at(TLS, Stop::Stall, 0..3, 1).await;
    stop_at(TLS, Stop::Stall, 3..total, total / 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_at_any_byte_is_told_at_once() {
    let _turn = TURN.lock().await;
    let total = bytes_of(PLAIN).await;
    stop_at(PLAIN, Stop::Close, 0..total, 1).await;
    let total = bytes_of(TLS).await;
    stop_at(TLS, Stop::Close, 0..total, total / 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_is_heard_out() {
    let _turn = TURN.lock().await;
    let drip = |keywords| async move {
        let lab = start("byte_at_a_time = 1").await;
        check(&lab, keywords, Duration::from_secs(60)).await.verdict
    };
    assert_eq!(tokio::join!(drip(PLAIN), drip(TLS)), (Verdict::Warnings, Verdict::Ready));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_for_longer_than_allowed_is_left_in_time() {
    let _turn = TURN.lock().await;
    let lab = start("byte_at_a_time = 20").await;
    let began = Instant::now();
    let report = check(&lab, PLAIN, TIMEOUT).await;
    assert!(began.elapsed() < TIMEOUT + GRACE, "{:?}", began.elapsed());
    assert_eq!(report.cause, Some(Code::LoginNoReply));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_stops_talking_is_left_in_time_and_in_bounded_memory() {
    let _turn = TURN.lock().await;
    for flood in Flood::ALL {
        let checked = check_flooded(flood, TIMEOUT).await;
        assert_eq!(checked.verdict, "not-ready", "{flood:?}");
        assert!(checked.elapsed < TIMEOUT + GRACE, "{flood:?} took {:?}", checked.elapsed);
        assert!(checked.memory < MOST_MEMORY, "{flood:?} took {} MiB", checked.memory >> 20);
        assert_eq!(checked.cause, flood.cause(), "{flood:?}");
    }
}

/// How many bytes a server sends in a whole check, but for the last few of TLS (signatures vary in length, and the
/// last alert comes when everything is over).
async fn bytes_of(keywords: &str) -> u64 {
    let lab = start("").await;
    let report = check(&lab, keywords, PATIENCE).await;
    assert_ne!(report.verdict, Verdict::NotReady, "{report:?}");
    lab.bytes_sent() - if keywords == TLS { 64 } else { 0 }
}

/// A server for each of these counts of bytes.
async fn stop_at(keywords: &'static str, stop: Stop, counts: Range<u64>, every: u64) {
    let permits = Arc::new(Semaphore::new(PARALLEL));
    // The checks share this thread, the servers have the others.
    let (local, mut checks) = (LocalSet::new(), JoinSet::new());
    for count in counts.step_by(usize::try_from(every).unwrap()) {
        let permits = Arc::clone(&permits);
        let check = async move {
            let _permit = permits.acquire().await.unwrap();
            (count, stopped(keywords, stop, count).await)
        };
        checks.spawn_local_on(check, &local);
    }
    let mut failures = Vec::new();
    while let Some(checked) = local.run_until(checks.join_next()).await {
        let (count, (elapsed, verdict)) = checked.unwrap();
        let in_time = match stop {
            Stop::Stall => (TIMEOUT..TIMEOUT + GRACE).contains(&elapsed),
            Stop::Close => elapsed < PATIENCE / 4,
        };
        if !in_time || verdict != Verdict::NotReady {
            failures.push(format!("{keywords}, stopped after {count} bytes: {verdict:?} after {elapsed:?}"));
        }
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

async fn stopped(keywords: &str, stop: Stop, count: u64) -> (Duration, Verdict) {
    let (fault, timeout) = match stop {
        Stop::Stall => (format!("stall_after_bytes = {count}"), TIMEOUT),
        Stop::Close => (format!("close_after_bytes = {count}"), PATIENCE),
    };
    let lab = start(&fault).await;
    let began = Instant::now();
    let report = check(&lab, keywords, timeout).await;
    (began.elapsed(), report.verdict)
}
