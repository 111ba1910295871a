//! Secrets at rest: XChaCha20-Poly1305 under a key that lives in a file of its own.
//!
//! A sealed value is one byte of format, a random nonce of 24 bytes, and the ciphertext with its tag. It is bound to the
//! place it was sealed for, so that a value copied to another row does not open there. A key file has one key, and during
//! a rotation two, a line each: the first seals, all open.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};

use crate::target::Secret;

/// The only format so far.
const FORMAT: u8 = 1;
const NONCE_LEN: usize = 24;
const KEY_LEN: usize = 32;

/// Seals under one key, and opens also what others sealed. `Debug` does not show a key.
#[derive(Clone)]
pub struct Sealer {
    key: XChaCha20Poly1305,
    former: Vec<XChaCha20Poly1305>,
}

impl Sealer {
    /// A key that is kept nowhere.
    pub fn ephemeral() -> Result<Self, SealError> {
        Ok(Self { key: cipher(random()?), former: Vec::new() })
    }

    /// The keys in `file`.
    pub fn read(file: &Path) -> Result<Self, SealError> {
        let malformed = || SealError::KeyMalformed { key: file.to_owned() };
        let text = read_text(file)?;
        let key = |line: &str| Some(cipher(BASE64.decode(line).ok()?.try_into().ok()?));
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Option<Vec<XChaCha20Poly1305>> = lines.map(key).collect();
        let mut keys = keys.ok_or_else(malformed)?.into_iter();
        Ok(Self { key: keys.next().ok_or_else(malformed)?, former: keys.collect() })
    }

    /// The key in `file`, made with mode 0600 when there is none. Whoever makes it first wins, and nobody sees half a key.
    pub fn read_or_make(file: &Path) -> Result<Self, SealError> {
        if !file.exists() {
            make_key(file).map_err(|source| SealError::KeyUnwritable { key: file.to_owned(), source })?;
        }
        Self::read(file)
    }

    /// Puts a new key before those of `file`, so that from now on it seals, and what was sealed still opens.
    pub fn begin_rotation(file: &Path) -> Result<Self, SealError> {
        let unwritable = |source| SealError::KeyUnwritable { key: file.to_owned(), source };
        Self::read(file)?;
        let new: [u8; KEY_LEN] = random()?;
        let lines = format!("{}\n{}", BASE64.encode(new), read_text(file)?);
        replace(file, &lines).map_err(unwritable)?;
        Self::read(file)
    }

    /// Leaves the first key of `file` alone in it: nothing may be sealed under the others any more.
    pub fn end_rotation(file: &Path) -> Result<(), SealError> {
        let text = read_text(file)?;
        let first = text.lines().next().unwrap_or_default();
        replace(file, &format!("{first}\n")).map_err(|source| SealError::KeyUnwritable { key: file.to_owned(), source })
    }

    /// Encrypts `secret` so that it opens only with this key and the same `place`.
    pub fn seal(&self, place: &str, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: place.as_bytes() };
        let ciphertext = self.key.encrypt(&nonce.into(), payload).map_err(|_| SealError::TooLong)?;
        Ok([&[FORMAT][..], &nonce, &ciphertext].concat())
    }

    /// Decrypts what [`Sealer::seal`] made for the same `place`.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Secret, SealError> {
        let (&format, rest) = sealed.split_first().ok_or(SealError::Refused)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Refused)?;
        if format != FORMAT {
            return Err(SealError::Refused);
        }
        let opened = std::iter::once(&self.key)
            .chain(&self.former)
            .find_map(|key| key.decrypt(&(*nonce).into(), Payload { msg: ciphertext, aad: place.as_bytes() }).ok());
        let plain = opened.ok_or(SealError::Refused)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| SealError::Refused)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(key)")
    }
}

fn cipher(key: [u8; KEY_LEN]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.into())
}

fn read_text(file: &Path) -> Result<String, SealError> {
    std::fs::read_to_string(file).map_err(|source| SealError::KeyUnreadable { key: file.to_owned(), source })
}

/// Written beside its place, flushed, then moved there if nothing is there yet.
fn make_key(file: &Path) -> io::Result<()> {
    let key: [u8; KEY_LEN] = random().map_err(io::Error::other)?;
    match written_beside(file, &format!("{}\n", BASE64.encode(key)))?.persist_noclobber(file) {
        Ok(_) => sync_directory(file),
        Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(failed) => Err(failed.error),
    }
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    written_beside(file, text)?.persist(file).map_err(|failed| failed.error)?;
    sync_directory(file)
}

/// `tempfile` makes it with mode 0600.
fn written_beside(file: &Path, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut new = tempfile::NamedTempFile::new_in(directory(file))?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    Ok(new)
}

/// Else the store could outlive its key at a power cut.
fn sync_directory(file: &Path) -> io::Result<()> {
    std::fs::File::open(directory(file))?.sync_all()
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    <[u8; N]>::try_generate().map_err(|_| SealError::NoRandomness)
}

/// What went wrong with a key or a sealed value.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key file is not there, or not for us to read.
    #[error("cannot read the key file {}: {source}", key.display())]
    KeyUnreadable {
        /// The file.
        key: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no key file, and none could be made.
    #[error("cannot make the key file {}: {source}", key.display())]
    KeyUnwritable {
        /// The file.
        key: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of the file is not 32 bytes in base64.
    #[error("{} is not a key file: it must hold 32 bytes in base64", key.display())]
    KeyMalformed {
        /// The file.
        key: PathBuf,
    },
    /// The system has no random numbers to give.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// Longer than the cipher takes, 256 GiB.
    #[error("too long to be sealed")]
    TooLong,
    /// Sealed under another key, for another place, or damaged.
    #[error("does not open under this key")]
    Refused,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new("hunter2".to_owned())
    }

    #[test]
    fn what_was_sealed_opens_for_its_place_only() {
        let sealer = Sealer::ephemeral().unwrap();
        let opaque = sealer.seal("row 1", &secret()).unwrap();
        assert_eq!(sealer.open("row 1", &opaque).unwrap().expose(), "hunter2");
        assert!(matches!(sealer.open("row 2", &opaque), Err(SealError::Refused)));
    }

    #[test]
    fn the_same_secret_never_looks_the_same_twice() {
        let sealer = Sealer::ephemeral().unwrap();
        assert_ne!(sealer.seal("row 1", &secret()).unwrap(), sealer.seal("row 1", &secret()).unwrap());
    }

    #[test]
    fn a_changed_or_shortened_value_does_not_open() {
        let sealer = Sealer::ephemeral().unwrap();
        let opaque = sealer.seal("row 1", &secret()).unwrap();
        for position in 0..opaque.len() {
            let mut changed = opaque.clone();
            changed[position] ^= 1;
            assert!(sealer.open("row 1", &changed).is_err(), "byte {position} changed");
            assert!(sealer.open("row 1", &opaque[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn a_key_is_made_once_for_the_owner_alone_and_read_after_that() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.key");
        let opaque = Sealer::read_or_make(&file).unwrap().seal("row 1", &secret()).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Sealer::read_or_make(&file).unwrap().open("row 1", &opaque).unwrap().expose(), "hunter2");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing but the key is left");
    }

    #[test]
    fn many_makers_of_one_key_agree_on_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.key");
        let sealers: Vec<Sealer> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| Sealer::read_or_make(&file).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        let opaque = sealers[0].seal("row 1", &secret()).unwrap();
        assert!(sealers.iter().all(|sealer| sealer.open("row 1", &opaque).is_ok()));
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_not_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.key");
        for content in ["", "hunter2", "aHVudGVyMg=="] {
            std::fs::write(&file, content).unwrap();
            let error = Sealer::read(&file).unwrap_err().to_string();
            assert_eq!(error, format!("{} is not a key file: it must hold 32 bytes in base64", file.display()));
        }
    }

    #[test]
    fn during_a_rotation_both_keys_open_and_after_it_the_new_one_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("store.key");
        let old = Sealer::read_or_make(&file).unwrap();
        let before = old.seal("row 1", &secret()).unwrap();
        let both = Sealer::begin_rotation(&file).unwrap();
        let after = both.seal("row 1", &secret()).unwrap();
        assert!(both.open("row 1", &before).is_ok() && both.open("row 1", &after).is_ok());
        assert!(old.open("row 1", &after).is_err());
        Sealer::end_rotation(&file).unwrap();
        let new = Sealer::read(&file).unwrap();
        assert!(new.open("row 1", &before).is_err() && new.open("row 1", &after).is_ok());
    }

    #[test]
    fn a_directory_that_is_not_there_is_not_made() {
        let file = Path::new("/nonexistent/store.key");
        assert!(matches!(Sealer::read_or_make(file), Err(SealError::KeyUnwritable { .. })));
    }
}
