//! Lists the scenario files, so that the program holds every one of them. No macro can: the compiler does not watch
//! directories, and a scenario added would not be in the program until something else changed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const SCENARIOS: &str = "tests/scenarios";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={SCENARIOS}");
    let files = fs::read_dir(place("CARGO_MANIFEST_DIR")?.join(SCENARIOS))?;
    let mut paths = files.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    let mut list = String::from("&[");
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        let name = path.file_stem().map_or(path.as_path(), Path::new).display().to_string();
        let path = path.display().to_string();
        // Writing to a String cannot fail.
        let _ = write!(list, "({name:?}, include_str!({path:?})),");
    }
    list.push(']');
    fs::write(place("OUT_DIR")?.join("scenarios.rs"), list)
}

/// A directory that cargo names in the environment.
fn place(variable: &str) -> io::Result<PathBuf> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("cargo sets no {variable}")))
}
