//! The recorder: owns the clock of a walk and its trace, and tells the watcher.

use jiff::Timestamp;
use tokio::time::Instant;

use super::Watch;
use super::trace::{Failure, Stage, Trace};

/// Writes a walk down.
pub struct Recorder<'a> {
    /// What has been seen so far.
    pub trace: Trace,
    began: Instant,
    current: Option<(Stage, Instant)>,
    watch: &'a mut dyn Watch,
}

impl<'a> Recorder<'a> {
    /// The clock starts.
    pub fn new(watch: &'a mut dyn Watch) -> Self {
        let trace = Trace { started: Timestamp::now(), ..Trace::default() };
        Self { trace, began: Instant::now(), current: None, watch }
    }

    /// Ends the stage under way and begins the next. A stage entered again (a second attempt) adds to its time.
    pub fn enter(&mut self, stage: Stage) {
        if let Some(left) = self.stop_clock() {
            self.watch.leave(left, &self.trace);
        }
        self.current = Some((stage, Instant::now()));
        self.watch.enter(stage);
    }

    /// Gives up the attempt under way; another one follows.
    pub fn retreat(&mut self) {
        if let Some(left) = self.stop_clock() {
            self.watch.retreat(left, &self.trace);
        }
    }

    /// Ends the walk.
    pub fn finish(mut self, failure: Option<Failure>, round_trips: u32) -> Trace {
        self.trace.failure = failure;
        self.trace.round_trips = round_trips;
        self.trace.elapsed = self.began.elapsed();
        if let Some(left) = self.stop_clock() {
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
