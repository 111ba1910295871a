//! The signals that are meant to end a process. Once listened for they no longer kill, so that nothing is left behind.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::error::Trouble;

/// The signals, as they come in.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    /// Listens from here on; what comes before somebody waits for it is kept.
    pub fn listen() -> Result<Self, Trouble> {
        let listen = |kind| signal(kind).map_err(|error| Trouble::Lab(format!("cannot listen for signals: {error}")));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
        }
    }
}
