//! A stream that counts round trips, remembers the first bytes received, and never waits past its deadline.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::delivery::{Delivery, Gauge};

/// How many of the first bytes received are kept to name a stranger by.
const REMEMBERED: usize = 512;

/// What has gone over one or several streams.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    round_trips: u32,
    awaiting: bool,
    first_bytes: Vec<u8>,
    at_deadline: Option<Delivery>,
}

impl Meter {
    /// Answers received to something sent, TCP connects included. Bytes that come in several pieces count once.
    pub fn round_trips(&self) -> u32 {
        self.with(|counts| counts.round_trips)
    }

    /// The first bytes that came over the newest stream.
    pub fn first_bytes(&self) -> Vec<u8> {
        self.with(|counts| counts.first_bytes.clone())
    }

    /// How the packets of the newest stream fared when it met its deadline, if it did.
    pub fn at_deadline(&self) -> Option<Delivery> {
        self.with(|counts| counts.at_deadline)
    }

    /// A new stream was connected: one round trip for TCP's own handshake.
    pub fn connected(&self) {
        self.with(|counts| {
            counts.round_trips += 1;
            counts.awaiting = false;
            counts.first_bytes.clear();
            counts.at_deadline = None;
        });
    }

    fn sent(&self) {
        self.with(|counts| counts.awaiting = true);
    }

    fn received(&self, bytes: &[u8]) {
        self.with(|counts| {
            counts.round_trips += u32::from(std::mem::take(&mut counts.awaiting));
            let room = REMEMBERED.saturating_sub(counts.first_bytes.len()).min(bytes.len());
            counts.first_bytes.extend(bytes.iter().take(room));
        });
    }

    fn ran_out(&self, delivery: Option<Delivery>) {
        self.with(|counts| counts.at_deadline = delivery);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counts) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A moment in time that can be moved while somebody waits for it.
#[derive(Clone, Debug)]
pub struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    /// At this moment.
    pub fn at(moment: Instant) -> Self {
        Self(Arc::new(Mutex::new(moment)))
    }

    /// When it is.
    pub fn moment(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it. A read or write that is waiting already keeps the old one; the next one has the new.
    pub fn move_to(&self, moment: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
}

/// A stream under a [`Meter`] and a deadline: past it every read and write is an [`io::ErrorKind::TimedOut`], also when
/// the other side keeps sending.
pub struct Metered<S> {
    stream: S,
    meter: Meter,
    deadline: Deadline,
    alarm: Pin<Box<Sleep>>,
}

impl<S: Gauge> Metered<S> {
    /// Puts a stream that has just been connected under a meter.
    pub fn new(stream: S, meter: Meter, deadline: Deadline) -> Self {
        let alarm = Box::pin(sleep_until(deadline.moment()));
        Self { stream, meter, deadline, alarm }
    }

    /// The timer wakes whoever waits. While data keeps coming the runtime looks at its timers too rarely: the clock is
    /// asked as well.
    fn out_of_time(&mut self, cx: &mut Context<'_>) -> bool {
        let moment = self.deadline.moment();
        if self.alarm.deadline() != moment {
            self.alarm.as_mut().reset(moment);
        }
        let out_of_time = Instant::now() >= moment || self.alarm.as_mut().poll(cx).is_ready();
        if out_of_time {
            self.meter.ran_out(self.stream.delivery());
        }
        out_of_time
    }
}

impl<S: AsyncRead + Gauge + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.out_of_time(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some(bytes) = buf.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
            self.meter.received(bytes);
        }
        done
    }
}

impl<S: AsyncWrite + Gauge + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.out_of_time(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(1..)) = done {
            self.meter.sent();
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out_of_time(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.out_of_time(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn an_answer_in_pieces_is_one_round_trip() -> io::Result<()> {
        let (near, mut far) = duplex(64);
        let meter = Meter::default();
        let mut near = Metered::new(near, meter.clone(), Deadline::at(Instant::now() + Duration::from_secs(5)));
        meter.connected();
        let mut buf = [0; 8];
        for _ in 0..2 {
            near.write_all(b"ask").await?;
            near.write_all(b" more").await?;
            far.write_all(b"ab").await?;
            near.read_exact(buf.get_mut(..2).unwrap_or_default()).await?;
            far.write_all(b"cd").await?;
            near.read_exact(buf.get_mut(..2).unwrap_or_default()).await?;
        }
        assert_eq!(meter.round_trips(), 3);
        assert_eq!(meter.first_bytes(), b"abcdabcd");
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_stops_sending_is_cut_off() {
        let (near, mut far) = duplex(64);
        let deadline = Deadline::at(Instant::now() + Duration::from_millis(100));
        let mut near = Metered::new(near, Meter::default(), deadline);
        let flood = tokio::spawn(async move { while far.write_all(&[b'x'; 32]).await.is_ok() {} });
        let mut buf = [0; 16];
        let error = loop {
            tokio::time::advance(Duration::from_millis(1)).await;
            if let Err(error) = near.read(&mut buf).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(near);
        assert!(flood.await.is_ok());
    }
    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_moved_holds_from_the_next_read_on() {
        let (near, _far) = duplex(64);
        let (soon, later) = (Duration::from_secs(1), Duration::from_secs(7));
        let began = Instant::now();
        let deadline = Deadline::at(began + soon);
        let mut near = Metered::new(near, Meter::default(), deadline.clone());
        let mut buf = [0; 16];
        for expected in [soon, later] {
            deadline.move_to(began + expected);
            assert_eq!(near.read(&mut buf).await.map_err(|error| error.kind()), Err(io::ErrorKind::TimedOut));
            assert_eq!(began.elapsed().as_secs(), expected.as_secs());
        }
    }
}
