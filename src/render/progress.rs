//! What a walk shows while it goes on: a spinner on a terminal, and for people a line as each stage ends.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::human;
use crate::probe::Watch;
use crate::probe::trace::{Stage, Trace};
use crate::report::Report;
use crate::target::Target;

/// Watches one walk.
pub struct Progress<'a> {
    target: &'a Target,
    spinner: ProgressBar,
    /// Where the lines go; None where only the finished report is written.
    lines: Option<&'a mut (dyn Write + Send)>,
    /// The first error of writing; the walk goes on, and the caller is told.
    pub failed: Option<io::Error>,
}

impl<'a> Progress<'a> {
    /// Begins. The spinner is drawn on standard error, if that is a terminal.
    pub fn new(target: &'a Target, lines: Option<&'a mut (dyn Write + Send)>) -> Self {
        let spinner = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        spinner.set_style(ProgressStyle::default_spinner());
        let mut progress = Self { target, spinner, lines, failed: None };
        progress.write(|target, lines| {
            let report = Report::new(target, &Trace::default(), false);
            human::heading(&report, lines)?;
            report.stages.first().map_or(Ok(()), |input| human::stage_line(&report, input, lines))
        });
        progress
    }

    fn write(&mut self, act: impl FnOnce(&Target, &mut dyn Write) -> io::Result<()>) {
        let Some(lines) = self.lines.as_deref_mut() else {
            return;
        };
        let target = self.target;
        let written = self.spinner.suspend(|| act(target, lines).and_then(|()| lines.flush()));
        self.failed = self.failed.take().or(written.err());
    }
}

impl Watch for Progress<'_> {
    fn enter(&mut self, stage: Stage) {
        if self.spinner.is_hidden() {
            return;
        }
        self.spinner.set_message(stage.as_str());
        self.spinner.enable_steady_tick(Duration::from_millis(80));
    }

    fn leave(&mut self, stage: Stage, trace: &Trace) {
        self.write(|target, lines| {
            let report = Report::new(target, trace, false);
            let line = report.stages.iter().find(|line| line.stage == stage);
            line.map_or(Ok(()), |line| human::stage_line(&report, line, lines))
        });
        if trace.failure.is_some() || stage == Stage::Privileges {
            self.spinner.finish_and_clear();
        }
    }

    fn retreat(&mut self, stage: Stage, _trace: &Trace) {
        self.write(|target, lines| human::retreat_line(stage, target.tls.mode.as_str(), lines));
    }

    fn give_up(&mut self, stage: Stage, trace: &Trace) {
        self.write(|target, lines| {
            let report = Report::new(target, trace, false);
            let line = report.stages.iter().find(|line| line.stage == stage);
            line.map_or(Ok(()), |line| human::give_up_line(&report, line, lines))
        });
    }
}
