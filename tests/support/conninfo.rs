//! libpq 18 itself, asked what it makes of settings: `conninfo.c`, compiled and linked to the library that `scripts/setup`
//! installed. Nothing is resolved or dialled.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::installed::server_bin;

/// What libpq is asked about.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// A connection string.
    pub conninfo: String,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// The server is to agree to TLS, so that its files are looked at.
    pub tls: bool,
}

/// What libpq makes of it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Why it dials nothing.
    pub refused: Option<String>,
    /// Keyword to value, of all that are in force.
    pub parameters: BTreeMap<String, String>,
    /// What it dials, in order.
    pub hosts: Vec<Dialled>,
    /// With TLS, how the whole attempt failed.
    pub attempt: String,
}

/// One host of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dialled {
    /// `PQhost`
    pub host: String,
    /// `PQpass`
    pub password: String,
    /// Address and port, or the path of a socket.
    pub address: String,
}

/// Asks everything of one process.
pub fn ask(questions: &[Question]) -> Vec<Answer> {
    let mut input = Vec::new();
    for question in questions {
        let variables = question.environment.iter().map(|(name, value)| format!("E{name}={value}"));
        let tls = question.tls.then(|| "S".to_owned());
        let fields =
            [format!("C{}", question.conninfo)].into_iter().chain(variables).chain(tls).chain([".".to_owned()]);
        for field in fields {
            assert!(!field.contains('\0'), "{question:?}");
            input.extend(field.bytes().chain([0]));
        }
    }
    // libpq warns of password files on standard error.
    let mut command = Command::new(program());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success(), "after {} bytes", output.len());
    let answers = read(&output);
    assert_eq!(answers.len(), questions.len());
    answers
}

fn read(output: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut answer = Answer::default();
    let mut dialled = Dialled::default();
    for field in output.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
        let (kind, text) = field.split_first().unwrap();
        let text = String::from_utf8_lossy(text).into_owned();
        match kind {
            b'P' => {
                let (keyword, value) = text.split_once('=').unwrap();
                answer.parameters.insert(keyword.to_owned(), value.to_owned());
            }
            b'X' | b'B' | b'T' => answer.refused = Some(text),
            b'H' => dialled.host = text,
            b'W' => dialled.password = text,
            b'D' => answer.hosts.push(Dialled { address: text, ..std::mem::take(&mut dialled) }),
            b'M' => answer.attempt = text,
            b'.' => answers.push(std::mem::take(&mut answer)),
            kind => panic!("{kind}: {text}"),
        }
    }
    answers
}

/// Compiled once a test program.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PROGRAM.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("conninfo");
        let library = server_bin(18).parent().unwrap().join("lib");
        let library = library.to_str().unwrap();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/conninfo.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-Wall", "-Werror", "-O1", "-o"]).arg(&path).arg(source);
        // The libraries of libpq lie beside it: what is found by an RPATH finds those too.
        compiler.args(["-L", library, "-l:libpq.so.5", "-ldl", "-Wl,--disable-new-dtags"]);
        let output = compiler.arg(format!("-Wl,-rpath,{library}")).output().expect("cc: run `make setup`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (directory, path)
    });
    path
}
