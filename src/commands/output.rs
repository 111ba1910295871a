//! Where a report goes: standard output, in colour if it is a terminal and the environment allows it, or a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, StripStream};

use crate::error::Trouble;

/// An open place to write to, and its name.
pub struct Output {
    writer: Box<dyn Write + Send>,
    place: PathBuf,
}

impl Output {
    /// Opens the place. A file is made or emptied at once, so that trouble shows before anything is dialled.
    pub fn open(file: Option<&Path>) -> Result<Self, Trouble> {
        let Some(path) = file else {
            // NO_COLOR, CLICOLOR, CLICOLOR_FORCE and the kind of terminal decide.
            let writer = Box::new(AutoStream::auto(io::stdout()));
            return Ok(Self { writer, place: PathBuf::from("standard output") });
        };
        let file = File::create(path).map_err(|source| Trouble::Output { place: path.to_owned(), source })?;
        Ok(Self { writer: Box::new(StripStream::new(file)), place: path.to_owned() })
    }

    /// Writes with the error named.
    pub fn write(&mut self, act: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Trouble> {
        let written = act(&mut self.writer).and_then(|()| self.writer.flush());
        written.or_else(|error| self.judge(error))
    }

    /// A reader that has gone away (`pgpreflight check | head`) is no trouble.
    pub fn judge(&self, source: io::Error) -> Result<(), Trouble> {
        if source.kind() == io::ErrorKind::BrokenPipe {
            return Ok(());
        }
        Err(Trouble::Output { place: self.place.clone(), source })
    }

    /// The writer itself.
    pub fn writer(&mut self) -> &mut (dyn Write + Send) {
        &mut self.writer
    }
}
