//! Eighty columns, and the few styles there are.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

/// The width of everything that is not a line to copy.
pub const WIDTH: usize = 80;

/// Good.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Could be better.
pub const ODD: Style = AnsiColor::Yellow.on_default().bold();
/// Beside the point.
pub const FAINT: Style = Style::new().dimmed();
/// A name that stands out.
pub const STRONG: Style = Style::new().bold();
/// A line to copy.
pub const COPY: Style = AnsiColor::Cyan.on_default();

/// Writes text wrapped to the width; the first line after `first`, the others indented by as many blanks. `first` may be
/// styled; `taken` is its width on the screen.
pub fn paragraph(out: &mut dyn Write, first: &str, taken: usize, text: &str) -> io::Result<()> {
    let options = textwrap::Options::new(WIDTH - taken)
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    let mut before = first.to_owned();
    for line in textwrap::wrap(text, options) {
        writeln!(out, "{before}{line}")?;
        before = " ".repeat(taken);
    }
    Ok(())
}

/// A time for people: three digits at most, and the unit.
pub fn milliseconds(elapsed: f64) -> String {
    match elapsed {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.2} s", ms / 1000.0),
    }
}
