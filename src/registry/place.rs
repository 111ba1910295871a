//! Where the local store is, unless somebody says otherwise.

use std::path::{Path, PathBuf};

/// `pgpreflight` in the user's state directory (XDG Base Directory Specification); None where nobody says which that is.
pub fn state_directory(environment: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |text: String| Some(PathBuf::from(text)).filter(|path| path.is_absolute());
    let state = environment("XDG_STATE_HOME").and_then(absolute);
    let home = || environment("HOME").and_then(absolute).map(|home| home.join(".local/state"));
    state.or_else(home).map(|state| state.join("pgpreflight"))
}

/// The store in that directory.
pub fn store_file(state: &Path) -> PathBuf {
    state.join("registry.db")
}

/// Makes the directory, for its owner alone, if it is not there.
pub fn make_directory(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_directory_is_where_the_specification_says() {
        let place = |state: Option<&str>, home: Option<&str>| {
            let look_up = |name: &str| if name == "HOME" { home } else { state }.map(str::to_owned);
            state_directory(look_up).map(|path| path.display().to_string())
        };
        assert_eq!(place(Some("/state"), Some("/home/u")).as_deref(), Some("/state/pgpreflight"));
        assert_eq!(place(Some("relative"), Some("/home/u")).as_deref(), Some("/home/u/.local/state/pgpreflight"));
        assert_eq!(place(None, Some("/home/u")).as_deref(), Some("/home/u/.local/state/pgpreflight"));
        assert_eq!(place(None, None), None);
    }
}
