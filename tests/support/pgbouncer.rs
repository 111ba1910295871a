//! A real PgBouncer in front of a real server, on a free port of 127.0.0.1, as the servers' user.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::cluster::{Cluster, LIMIT, as_server_user, free_port, give_to_server_user, poll};

/// Ends the pooler at the end of input, also when the test process dies.
const KEEPER: &str = r#"
"$1" -q "$2/pgbouncer.ini" </dev/null >>"$2/log" 2>&1 &
read -r _
kill -s INT $! 2>/dev/null
wait $!
"#;

/// A running pooler, ended by drop. Its files go with those of the server.
pub struct PgBouncer {
    directory: PathBuf,
    port: u16,
    keeper: Child,
}

impl PgBouncer {
    /// Starts one with these lines under `[databases]` and `[pgbouncer]`, and these users: name and password, or what
    /// the database stores in its place. `{port}` stands for the server's port, `{data}` for its directory.
    ///
    /// # Panics
    /// When PgBouncer is missing or does not start; the message holds its log.
    pub fn start(server: &Cluster, databases: &[&str], settings: &[&str], users: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let directory = server.socket_dir().join(format!("pooler-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&directory).expect("a server's directory is writable");
        give_to_server_user(&directory, 0o700);
        let port = free_port();
        let path = directory.display();
        let fill = |line: &&str| {
            let data = server.socket_dir().join("data").display().to_string();
            line.replace("{port}", &server.port().to_string()).replace("{data}", &data)
        };
        let databases: Vec<String> = databases.iter().map(fill).collect();
        let settings: Vec<String> = settings.iter().map(fill).collect();
        let ini = format!(
            "[databases]\n{}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {path}/userlist.txt\nlogfile = {path}/pgbouncer.log\n\
             admin_users = admin\n{}\n",
            databases.join("\n"),
            settings.join("\n")
        );
        let pooler = Self { directory: directory.clone(), port, keeper: keep(&directory, &ini, users) };
        // Until it has let go of this connection: it would count as one of its clients.
        let listens = || {
            let mut asked = TcpStream::connect(("127.0.0.1", port)).ok()?;
            asked.shutdown(Shutdown::Write).ok()?;
            asked.read(&mut [0]).ok()
        };
        assert!(poll(LIMIT, listens).is_some(), "PgBouncer does not start:\n{}", pooler.log());
        pooler
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Adds a line after the one that begins so, as somebody does who edits `pgbouncer.ini`.
    pub fn add(&self, after: &str, line: &str) {
        let ini = self.read("pgbouncer.ini");
        let place = ini.lines().position(|known| known.starts_with(after)).expect("the line is there");
        let mut lines: Vec<&str> = ini.lines().collect();
        lines.insert(place + 1, line);
        write(&self.directory.join("pgbouncer.ini"), &(lines.join("\n") + "\n"));
    }

    /// Puts a line in the place of the one for the same setting.
    pub fn change(&self, line: &str) {
        let name = line.split('=').next().expect("a setting").trim();
        let ini = self.read("pgbouncer.ini");
        let changed = ini.lines().map(|known| if known.starts_with(name) { line } else { known });
        write(&self.directory.join("pgbouncer.ini"), &(changed.collect::<Vec<&str>>().join("\n") + "\n"));
    }

    /// Adds a line to the list of users.
    pub fn add_user(&self, line: &str) {
        write(&self.directory.join("userlist.txt"), &format!("{}{line}\n", self.read("userlist.txt")));
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        ["log", "pgbouncer.log"].map(|name| self.read(name)).concat()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.join(name)).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let stopped = poll(LIMIT, || self.keeper.try_wait().ok().flatten()).is_some();
        assert!(stopped || std::thread::panicking(), "PgBouncer on port {} does not stop", self.port);
    }
}

fn keep(directory: &Path, ini: &str, users: &[(&str, &str)]) -> Child {
    let list: Vec<String> = users.iter().map(|(name, password)| format!("\"{name}\" \"{password}\"\n")).collect();
    write(&directory.join("userlist.txt"), &list.concat());
    write(&directory.join("pgbouncer.ini"), ini);
    let mut keeper = as_server_user("/bin/sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(program()).arg(directory).process_group(0);
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sh runs")
}

fn program() -> PathBuf {
    let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
    let found = places.iter().map(PathBuf::from).find(|path| path.is_file());
    found.expect("pgbouncer is missing: run `make setup`")
}

fn write(path: &Path, text: &str) {
    let mut file = fs::File::create(path).expect("a server's directory is writable");
    file.write_all(text.as_bytes()).expect("space");
    give_to_server_user(path, 0o600);
}
