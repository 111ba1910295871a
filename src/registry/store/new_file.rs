//! An empty database in WAL mode, of mode 0600, that appears under its name whole or not at all.
//!
//! Switching a file to WAL in place fails when two do it at once, without waiting for the busy timeout.

use std::io;
use std::path::Path;

use rusqlite::Connection;
use tempfile::NamedTempFile;

/// Makes `file`, an absolute path, unless somebody else is faster.
pub(super) fn make(file: &Path) -> io::Result<()> {
    let directory = file.parent().unwrap_or(file);
    // Only the path is kept: to close a descriptor of ours later would drop the locks that SQLite holds on the file.
    let new = NamedTempFile::new_in(directory)?.into_temp_path();
    let in_wal_mode = Connection::open(&new).and_then(|db| db.pragma_update(None, "journal_mode", "WAL"));
    in_wal_mode.map_err(io::Error::other)?;
    match new.persist_noclobber(file) {
        Ok(()) => std::fs::File::open(directory)?.sync_all(),
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(failed) => Err(failed.error),
    }
}
