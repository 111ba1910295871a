//! What every fuzz target holds the settings to: nothing panics, and no piece of a password is shown, neither in the
//! failure nor in a report.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use pgpreflight::render::{human, json};
use pgpreflight::report::Report;
use pgpreflight::settings::{self, InputFailure, LookUp, Payload, Sources};
use pgpreflight::target::{Secret, Target};
use tempfile::TempDir;

/// A piece of a password. Whatever stands around it, it must not be seen again, unless something public holds it too.
pub const MARKER: &str = "Zq7kWx9JvR2m";

/// So many characters of it give something away.
const TELLING: usize = 4;

/// Reads a TARGET, and looks at what is shown of it.
pub fn target(text: String) {
    let telling = tells(text.as_bytes());
    check(&Sources { target: Some(Secret::new(text)), ..Sources::default() }, telling);
}

/// Reads a body of `POST /connections`, and looks at what is shown of it.
pub fn payload(body: Vec<u8>) {
    let telling = tells(&body);
    let payload = Some(Payload { path: PathBuf::from("body.json"), body });
    check(&Sources { payload, ..Sources::default() }, telling);
}

/// Reads a TARGET and a file that this variable names.
pub fn file(text: &str, variable: &'static str, contents: &[u8]) {
    let path = scratch_file();
    fs::write(path, contents).expect("the directory is ours");
    let look_up: Box<LookUp> = Box::new(move |name| (name == variable).then(|| path.display().to_string()));
    let target = Some(Secret::new(text.to_owned()));
    check(&Sources { target, environment: Some(&look_up), ..Sources::default() }, tells(contents));
}

fn check(sources: &Sources<'_>, telling: bool) {
    let (shown, is_public) = match settings::read(sources) {
        Ok(target) => (shown(&Report::dry_run(&target, false)), holds_marker(&target)),
        Err(failure) => (format!("{failure:?}\n{}", shown(&Report::refused(&failure, false))), shows_public(&failure)),
    };
    let hidden = !telling || pieces(TELLING).all(|piece| !shown.contains(piece));
    assert!(is_public || hidden, "{shown}");
}

/// It holds the marker once, and no piece of it elsewhere, where it may be public.
fn tells(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((before, behind)) = text.split_once(MARKER) else {
        return false;
    };
    !is_in_path(before) && pieces(TELLING - 1).all(|piece| !before.contains(piece) && !behind.contains(piece))
}

/// What stands before is the beginning of a path, which is public.
fn is_in_path(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let value = word.rsplit_once('=').map_or("", |(_, value)| value.trim_start_matches('\''));
    ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start))
}

fn shown(report: &Report) -> String {
    let mut written = Vec::new();
    human::render(report, &mut written).expect("a Vec takes everything");
    json::render(report, &mut written).expect("a Vec takes everything");
    String::from_utf8(written).expect("reports are text")
}

fn pieces(length: usize) -> impl Iterator<Item = &'static str> {
    (0..=MARKER.len() - length).map(move |start| &MARKER[start..start + length])
}

/// It was read as a part of something else than a password.
fn holds_marker(target: &Target) -> bool {
    let paths = target.oddities.iter().map(|oddity| format!("{oddity:?}"));
    let hosts = target.candidates().into_iter().map(|candidate| candidate.endpoint.host().to_owned());
    let texts = target.parameters.values().cloned().chain(paths).chain(hosts);
    // The digits of an escape and what follows them can make up a piece.
    let escaped = |c: char| if c.is_control() { format!("{:02x}", u32::from(c)) } else { c.to_string() };
    let texts = texts.chain([target.user.clone(), target.database.clone()]);
    let mut both = texts.map(|text| format!("{text} {}", text.chars().map(escaped).collect::<String>()));
    both.any(|text| pieces(TELLING).any(|piece| text.contains(piece)))
}

/// The failure shows a value because it is public: the name of a service or a file, the host beside a port.
fn shows_public(failure: &InputFailure) -> bool {
    matches!(
        failure.cause(),
        InputFailure::ServiceNotFound { .. }
            | InputFailure::RootCertificateMissing { .. }
            | InputFailure::RootCertificateUnreadable { .. }
            | InputFailure::ClientCertificate(_)
            | InputFailure::HostHasPort { parts: Some(_) }
    )
}

/// One file for all runs of a process, readable by its owner alone.
fn scratch_file() -> &'static PathBuf {
    static PLACE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PLACE.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "").expect("the directory is ours");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, private).expect("the file is ours");
        (directory, path)
    });
    path
}
