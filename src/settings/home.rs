//! The home directory, in which libpq looks for its files (`fe-connect.c`, `pqGetHomeDirectory`).

use std::path::PathBuf;

use super::LookUp;

/// `HOME`, else what `/etc/passwd` says of the operating system's user.
pub fn directory(look_up: &LookUp) -> Option<PathBuf> {
    let named = look_up("HOME").filter(|home| !home.is_empty());
    named.or_else(|| of_user(&std::fs::read_to_string("/etc/passwd").ok()?, &whoami::username().ok()?)).map(Into::into)
}

fn of_user(passwd: &str, user: &str) -> Option<String> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(user))?;
    line.split(':').nth(5).filter(|home| !home.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_field_of_the_users_line_is_home() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001:::\n";
        for (user, home) in [("alice", Some("/home/alice")), ("bob", None), ("ali", None)] {
            assert_eq!(of_user(passwd, user).as_deref(), home, "{user}");
        }
    }

    #[test]
    fn an_empty_home_is_none() {
        let empty: &LookUp = &|name| (name == "HOME").then(String::new);
        assert_eq!(directory(empty), directory(&|_| None));
        assert_eq!(directory(&|_| Some("/somewhere".to_owned())), Some(PathBuf::from("/somewhere")));
    }
}
