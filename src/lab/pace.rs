//! The endpoint's end of the raw byte stream, TLS records included: counts what is sent, drips it byte by byte,
//! falls silent after a chosen byte, or ends there.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::scenario::Scenario;

/// A stream under a scenario's pacing.
pub(super) struct Paced<'a, S> {
    inner: S,
    /// Bytes taken from the client too early, which the next read gives again.
    unread: Vec<u8>,
    drip: Option<Duration>,
    pause: Option<Pin<Box<Sleep>>>,
    stall_after: Option<u64>,
    close_after: Option<u64>,
    sent: u64,
    total: &'a AtomicU64,
}

impl<'a, S> Paced<'a, S> {
    pub(super) fn new(inner: S, scenario: &Scenario, total: &'a AtomicU64) -> Self {
        Self {
            inner,
            unread: Vec::new(),
            drip: scenario.byte_at_a_time.map(Duration::from_millis),
            pause: None,
            stall_after: scenario.stall_after_bytes,
            close_after: scenario.close_after_bytes,
            sent: 0,
            total,
        }
    }

    /// Puts bytes back in front of the stream.
    pub(super) fn unread(&mut self, bytes: &[u8]) {
        self.unread.splice(0..0, bytes.iter().copied());
    }

    /// The stream has fallen silent: what is written now is lost, and the end of it is not told either.
    pub(super) fn stalled(&self) -> bool {
        self.stall_after.is_some_and(|limit| self.sent >= limit)
    }

    /// The stream has sent its last byte and is to be closed.
    pub(super) fn used_up(&self) -> bool {
        self.close_after.is_some_and(|limit| self.sent >= limit)
    }

    /// The stream without its pacing.
    pub(super) fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    /// How many of `wanted` bytes may go out at once.
    fn allowance(&self, wanted: usize) -> usize {
        let wanted = if self.drip.is_some() { wanted.min(1) } else { wanted };
        let left = [self.stall_after, self.close_after]
            .into_iter()
            .flatten()
            .map(|limit| limit.saturating_sub(self.sent))
            .min()
            .and_then(|left| usize::try_from(left).ok());
        left.map_or(wanted, |left| wanted.min(left))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.used_up() {
            return Poll::Ready(Ok(()));
        }
        if !self.unread.is_empty() {
            let count = self.unread.len().min(buffer.remaining());
            for byte in self.unread.drain(..count) {
                buffer.put_slice(&[byte]);
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<'_, S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.stalled() {
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.used_up() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let count = self.allowance(bytes.len());
        let allowed = bytes.get(..count).unwrap_or_default();
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, allowed))?;
        let written_here = u64::try_from(written).unwrap_or(u64::MAX);
        self.sent = self.sent.saturating_add(written_here);
        self.total.fetch_add(written_here, Ordering::SeqCst);
        self.pause = self.drip.filter(|delay| !delay.is_zero()).map(|delay| Box::pin(sleep(delay)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stalled() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
