//! Service files and password files drawn at random, and the variables that name them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use fastrand::Rng;
use tempfile::TempDir;

use crate::compare::difference;
use crate::conninfo::{Question, ask};
use crate::drawn::{rng, seed};
use crate::text;

const DRAWS: usize = 1500;

#[test]
fn service_files_are_read_as_libpq_reads_them() {
    agree(|rng, home| {
        let conninfo =
            rng.choice(["service=one", "service=two", "service=''", "service=one host=mine", "", "user=x"]).unwrap();
        let mut question = question(conninfo, home);
        let mut put = |name: &str, value: String| question.environment.insert(name.to_owned(), value);
        let place = home.path().to_str().unwrap();
        put("PGSYSCONFDIR", format!("{place}/sys"));
        match rng.u8(0..4) {
            0 => drop(put("PGSERVICEFILE", format!("{place}/named"))),
            1 => drop(put("PGSERVICE", (*rng.choice(&["one", "two", ""]).unwrap()).to_owned())),
            2 => drop(put("PGUSER", "env".to_owned())),
            _ => {}
        }
        fs::create_dir(home.path().join("sys")).unwrap();
        for file in [".pg_service.conf", "named", "sys/pg_service.conf"] {
            if rng.u8(0..4) > 0 {
                fs::write(home.path().join(file), service_file(rng)).unwrap();
            }
        }
        question
    });
}

#[test]
fn password_files_are_read_as_libpq_reads_them() {
    agree(|rng, home| {
        let conninfo = rng.choice(PLACES).unwrap();
        let mut question = question(conninfo, home);
        let path = home.path().join(rng.choice([".pgpass", "named"]).unwrap());
        if rng.bool() {
            question.environment.insert("PGPASSFILE".to_owned(), path.to_str().unwrap().to_owned());
        }
        fs::write(&path, password_file(rng)).unwrap();
        let mode = *rng.choice(&[0o600, 0o600, 0o600, 0o400, 0o640, 0o604]).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        question
    });
}

const PLACES: &[&str] = &[
    "host=db port=1 dbname=orders user=alice",
    "host=db,other port=1 dbname=orders user=alice",
    "host=db hostaddr=10.0.0.1 dbname=orders user=alice",
    "hostaddr=10.0.0.1 dbname=orders user=alice",
    "dbname=orders user=alice",
    "host=/run/x user=alice",
    "host=db port=1 user=a:b",
    "host=db port=' 1 ' user=a\\\\b dbname=orders",
    "host=db,,other port=1,2,1 user=alice dbname=orders password=''",
    "host=db user=alice password=given",
    "host=::1,db user=alice dbname=orders",
];

fn question(conninfo: &str, home: &TempDir) -> Question {
    let environment = BTreeMap::from([("HOME".to_owned(), home.path().to_str().unwrap().to_owned())]);
    Question { conninfo: conninfo.to_owned(), environment, tls: false }
}

fn service_file(rng: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..rng.usize(0..9) {
        match rng.u8(0..12) {
            0..=3 => {
                let line = rng
                    .choice(["[one]", "[two]", " [one]", "[one] # x", "[one", "[ONE]", "[]", "[one]x=1", "[on]"])
                    .unwrap();
                text += line;
            }
            4 => {
                let lines = ["# comment", "  #x", "", "   ", "nonsense", "=x", "service=two", "host = h"];
                text += rng.choice(lines).unwrap();
            }
            5 if rng.u8(0..8) == 0 => write!(text, "options={}", "x".repeat(rng.usize(1010..1030))).unwrap(),
            _ => {
                let (keyword, value) = text::pair(rng);
                if !["ssl", "requiressl", "uzer", "Host", "service"].contains(&keyword) || rng.u8(0..8) == 0 {
                    write!(text, "{keyword}={value}").unwrap();
                }
            }
        }
        text += rng.choice(["\n", "\n", "\n", "\r\n", "  \n", "\t\n"]).unwrap();
    }
    if rng.bool() { text.trim_end().to_owned() } else { text }
}

fn password_file(rng: &mut Rng) -> String {
    let mut text = String::new();
    for index in 0..rng.usize(0..6) {
        let mut field = |values: &[&str]| -> String {
            let value = if rng.bool() { "*" } else { rng.choice(values).unwrap() };
            value.to_owned()
        };
        let fields = [
            field(&["db", "DB", "localhost", "10.0.0.1", "/run/x", r"\:\:1", "::1", "d*", "*b", ""]),
            field(&["1", "5432", "2", " 1 ", "01", ""]),
            field(&["orders", "alice", r"a\:b", "a:b", r"ord\ers", ""]),
            field(&["alice", r"a\:b", r"a\\b", r"a\b", "", r"alice\"]),
        ];
        let password = rng.choice(["", "s:t", r"s\:t", r"s\\t", r"s\t", r"end\", " blank ", "plain"]).unwrap();
        match rng.u8(0..10) {
            0 => text += rng.choice(["# comment", " # comment", "", "*:*", "\u{feff}*:*:*:*:bom"]).unwrap(),
            1 => write!(text, "#{}:{password}{index}", fields.join(":")).unwrap(),
            2 => write!(text, "{}:{password}", fields.join(":")).unwrap(),
            _ => write!(text, "{}:{index}{password}", fields.join(":")).unwrap(),
        }
        text += rng.choice(["\n", "\n", "\n", "\r\n", "\r\r\n", " \n"]).unwrap();
    }
    if rng.bool() { text.trim_end_matches('\n').to_owned() } else { text }
}

fn agree(draw: impl Fn(&mut Rng, &TempDir) -> Question) {
    let rng = &mut rng();
    let homes: Vec<TempDir> = (0..DRAWS).map(|_| tempfile::tempdir().unwrap()).collect();
    let questions: Vec<Question> = homes.iter().map(|home| draw(rng, home)).collect();
    let answers = ask(&questions);
    let accepted = answers.iter().filter(|answer| answer.refused.is_none()).count();
    assert!(accepted * 5 > DRAWS, "{accepted} of {DRAWS}");
    let cases = homes.iter().zip(&questions).zip(&answers);
    let differences: Vec<String> = cases
        .filter_map(|((home, question), answer)| Some(format!("{}\n{}", difference(question, answer)?, texts(home))))
        .collect();
    assert!(differences.is_empty(), "{} (PGPREFLIGHT_SEED={}):\n{}", differences.len(), seed(), differences.join("\n"));
}

fn texts(home: &TempDir) -> String {
    let files = [".pg_service.conf", "named", "sys/pg_service.conf", ".pgpass"].map(|file| home.path().join(file));
    files.map(|file| format!("    {}: {:?}", file.display(), fs::read_to_string(&file))).join("\n")
}
