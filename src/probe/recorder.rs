//! The recorder: owns the clock of a walk and its trace, and tells the watcher. Where several hosts and addresses are
//! tried, each has a trace of its own, and one of them is what the walk brings back.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Watch;
use super::trace::{Attempt, Dialled, Failure, Stage, Trace};
use crate::wire::meter::Meter;

/// Writes a walk down.
pub struct Recorder<'a> {
    /// What has been seen so far at the host and address under way.
    pub trace: Trace,
    set_aside: Vec<Trace>,
    started: Timestamp,
    began: Instant,
    current: Option<(Stage, Instant)>,
    meter: Meter,
    watch: &'a mut dyn Watch,
}

impl<'a> Recorder<'a> {
    /// The clock starts.
    pub fn new(meter: Meter, watch: &'a mut dyn Watch) -> Self {
        Self {
            trace: Trace::default(),
            set_aside: Vec::new(),
            started: Timestamp::now(),
            began: Instant::now(),
            current: None,
            meter,
            watch,
        }
    }

    /// Begins with the host at this place of the list.
    pub fn begin_host(&mut self, host: usize) {
        self.trace = Trace { host, turn: self.set_aside.len(), ..Trace::default() };
    }

    /// Gives up the address under way; another address of the same host follows.
    pub fn give_up_address(&mut self, failure: Failure) {
        let (host, resolved) = (self.trace.host, self.trace.resolved.clone());
        let looked_up = self.trace.timings.iter().copied().filter(|(stage, _)| *stage == Stage::Resolve).collect();
        self.give_up(failure);
        self.begin_host(host);
        self.trace.resolved = resolved;
        self.trace.timings = looked_up;
    }

    /// Gives up the host under way; another one follows, or has gone before and is taken up again.
    pub fn give_up(&mut self, failure: Failure) {
        self.trace.at_deadline = self.meter.at_deadline().filter(|_| failure.is_silence());
        self.trace.failure = Some(failure);
        if let Some(left) = self.stop_clock() {
            self.watch.give_up(left, &self.trace);
        }
        self.set_aside.push(std::mem::take(&mut self.trace));
    }

    /// What has been given up so far.
    pub fn given_up(&self) -> &[Trace] {
        &self.set_aside
    }

    /// Takes up again what was given up in this turn.
    pub fn take_up(&mut self, turn: usize) {
        if let Some(at) = self.set_aside.iter().position(|trace| trace.turn == turn) {
            self.trace = self.set_aside.remove(at);
            self.trace.failure = None;
        }
    }

    /// Nothing is left to try. The cause is what failed first, unless another got further.
    pub fn conclude(&mut self, failure: Failure) -> Failure {
        let stage = |trace: &Trace| trace.failure.as_ref().map(Failure::stage);
        let furthest = self.set_aside.iter().enumerate().max_by_key(|(at, trace)| (stage(trace), Reverse(*at)));
        let further = furthest.filter(|(_, trace)| stage(trace) >= Some(failure.stage()));
        let Some(at) = further.map(|(at, _)| at) else {
            return failure;
        };
        let mut cause = self.set_aside.remove(at);
        let Some(told) = cause.failure.take() else {
            return failure;
        };
        self.give_up(failure);
        self.trace = cause;
        told
    }

    /// Ends the stage under way and begins the next. A stage entered again (a second attempt) adds to its time.
    pub fn enter(&mut self, stage: Stage) {
        if let Some(left) = self.stop_clock() {
            self.watch.leave(left, &self.trace);
        }
        self.current = Some((stage, Instant::now()));
        self.watch.enter(stage);
    }

    /// Whether other ports may be tried.
    pub fn looks_around(&self) -> bool {
        self.watch.looks_around()
    }

    /// The addresses that may be dialled. The others are attempts that this machine's own rules have ended.
    pub fn permitted(&mut self) -> Vec<SocketAddr> {
        let (permitted, barred): (Vec<_>, Vec<_>) =
            self.trace.resolved.addresses.iter().copied().partition(|address| self.watch.permits(*address));
        let attempt = |address: SocketAddr| Attempt {
            address: address.to_string(),
            outcome: Dialled::BlockedLocally,
            icmp: None,
            elapsed: Duration::ZERO,
        };
        self.trace.connected.attempts = barred.into_iter().map(attempt).collect();
        permitted
    }

    /// Gives up the attempt under way; another one follows, to the same address.
    pub fn retreat(&mut self) {
        if let Some(left) = self.stop_clock() {
            self.watch.retreat(left, &self.trace);
        }
    }

    /// Ends the walk.
    pub fn finish(mut self, failure: Option<Failure>) -> Trace {
        let failed = failure.as_ref().map(Failure::stage);
        if failure.as_ref().is_some_and(Failure::is_silence) && self.trace.at_deadline.is_none() {
            self.trace.at_deadline = self.meter.at_deadline();
        }
        self.trace.failure = failure;
        self.trace.round_trips = self.meter.round_trips();
        self.trace.started = self.started;
        self.trace.elapsed = self.began.elapsed();
        self.trace.others = std::mem::take(&mut self.set_aside);
        if let Some(left) = self.stop_clock().or(failed) {
            self.watch.leave(left, &self.trace);
        }
        self.trace
    }

    fn stop_clock(&mut self) -> Option<Stage> {
        let (stage, since) = self.current.take()?;
        match self.trace.timings.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, elapsed)) => *elapsed += since.elapsed(),
            None => self.trace.timings.push((stage, since.elapsed())),
        }
        Some(stage)
    }
}
