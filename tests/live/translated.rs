//! Servers that speak other languages. Where SQLSTATE and routine are the same for two causes, the words decide, in every
//! language that Debian's package has; nothing else may depend on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Settings, WRONG};
use crate::cluster::{Cluster, ClusterConfig, Programs, Tls, cache, client, poll};
use crate::pki::{self, Pki};
use crate::play::Play;
use crate::server::{LIMIT, role};
use crate::session::Session;

/// The territory that Debian's package of translations goes with.
const LOCALES: [&str; 17] = [
    "de_DE", "es_ES", "fr_FR", "id_ID", "it_IT", "ja_JP", "ka_GE", "ko_KR", "pl_PL", "pt_BR", "ru_RU", "sv_SE",
    "tr_TR", "uk_UA", "zh_CN", "zh_TW", "en_US",
];

/// The server of Debian's package, which knows its translations.
struct Translated {
    major: u32,
    cluster: Cluster,
    locales: Vec<String>,
}

impl Translated {
    fn start(ctype: &str) -> Self {
        let programs = client("psql").parent().expect("a directory").to_owned();
        let major: u32 = programs.parent().and_then(Path::file_name).unwrap().to_str().unwrap().parse().unwrap();
        let locales = translations(major);
        assert!(locales.len() > 8, "the server's translations are missing: {locales:?}");
        let pki = Pki::new();
        let config = ClusterConfig {
            hba: [
                "host    all rejected 127.0.0.1/32 reject",
                "hostssl all certified 127.0.0.1/32 cert",
                "host    all ghost,nologin 127.0.0.1/32 trust",
                "host    all app 127.0.0.1/32 scram-sha-256",
            ]
            .map(str::to_owned)
            .to_vec(),
            settings: vec![("include_if_exists".to_owned(), "'language.conf'".to_owned())],
            tls: Some(Tls { ca: Some(pki.root.certificate_pem().unwrap()), ..pki::tls(&pki.sound()) }),
            programs: Some(Programs {
                directory: programs,
                environment: vec![
                    ("LOCPATH".to_owned(), made(&locales).display().to_string()),
                    ("LC_ALL".to_owned(), ctype.to_owned()),
                ],
            }),
            ..ClusterConfig::default()
        };
        let cluster = Cluster::start(major, &config);
        cluster.sql(&format!("create role nologin; create role by_scram; {}", role("app", "by_scram")));
        Self { major, cluster, locales }
    }

    /// Lets the postmaster, and every session from then on, speak this language.
    fn speak(&self, locale: &str) {
        self.write_language(locale, "");
        self.cluster.reload();
        assert_eq!(self.cluster.sql("show lc_messages"), locale);
    }

    fn write_language(&self, locale: &str, further: &str) {
        self.write("language.conf", &format!("lc_messages = '{locale}'\n{further}\n"));
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.cluster.socket_dir().join("data").join(name);
        fs::write(&file, text).expect("a server's directory is writable");
        crate::cluster::give_to_server_user(&file, 0o600);
    }

    /// The same where nobody can log in to see when it is done.
    fn speak_unseen(&self, locale: &str, further: &str) {
        let read = || self.cluster.log().matches("SIGHUP").count();
        let before = read();
        self.write_language(locale, further);
        self.signal(Signal::HUP);
        poll(LIMIT, || (read() > before).then_some(())).expect("the postmaster reads its files");
    }

    fn settings(&self, user: &str) -> Settings {
        Settings::new(self.cluster.port(), user).with("sslmode=require")
    }

    /// The language stands in what psql says.
    fn play(&self, fault: &str, settings: &Settings) -> Play {
        Play::new(fault, self.major, self.cluster.socket_dir().join("home"), settings).of("PostgreSQL, translated")
    }

    #[track_caller]
    fn fails(&self, user: &str, code: &str, sure: bool) {
        let fault = format!("{} of a server in another language", code.trim_start_matches("login-").replace('-', " "));
        let answer = self.play(&fault, &self.settings(user)).gives(&[code]);
        let confidence = &answer.finding(code).unwrap()["confidence"];
        assert_eq!(confidence == "certain", sure, "{answer}");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.cluster.pid()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("our server");
    }
}

/// The locales for which the server has a translation.
fn translations(major: u32) -> Vec<String> {
    let has = |locale: &&&str| {
        let names = [&locale[..2], locale];
        names
            .iter()
            .any(|name| Path::new(&format!("/usr/share/locale/{name}/LC_MESSAGES/postgres-{major}.mo")).is_file())
    };
    LOCALES.iter().filter(has).map(|locale| format!("{locale}.UTF-8")).collect()
}

/// A directory with these locales, made once.
fn made(locales: &[String]) -> PathBuf {
    let directory = cache().join("locales");
    fs::create_dir_all(&directory).expect("the cache is writable");
    let lock = fs::File::create(directory.join("lock")).expect("the cache is writable");
    lock.lock().expect("a lock");
    for locale in locales.iter().filter(|locale| !directory.join(locale).is_dir()) {
        let name = locale.trim_end_matches(".UTF-8");
        let unfinished = directory.join(format!("{name}.unfinished"));
        let _ = fs::remove_dir_all(&unfinished); // of a run that was killed
        // It warns of what it cannot check here, and then ends with 1.
        let output = Command::new("localedef").args(["-i", name, "-f", "UTF-8"]).arg(&unfinished).output();
        let output = output.expect("localedef is missing: run `make setup`");
        assert!(unfinished.join("LC_CTYPE").is_file(), "{locale}: {}", String::from_utf8_lossy(&output.stderr));
        fs::rename(&unfinished, directory.join(locale)).expect("the same directory");
    }
    directory
}

#[test]
fn rules_and_roles_in_every_language() {
    let server = Translated::start("C.UTF-8");
    for locale in &server.locales {
        server.speak(locale);
        server.fails("nobody", "login-no-hba-entry", true);
        server.fails("rejected", "login-hba-reject", true);
        server.fails("certified", "login-client-certificate-required", true);
        server.fails("ghost", "login-role-missing", true);
        server.fails("nologin", "login-role-cannot-login", true);
        let app = server.settings("app");
        let check = |settings: &Settings| crate::client::check(&server.cluster.socket_dir().join("home"), settings);
        check(&app).passes();
        let play = |fault: &str, settings: &Settings| {
            server.play(&format!("{fault}, of a server in another language"), settings)
        };
        play("Wrong password", &app.clone().password(Some(WRONG))).gives(&["login-password-rejected"]);
        play("Missing database", &app.clone().with("dbname=nowhere")).gives(&["login-database-missing"]);
        play("Refused parameter", &app.set("options", "-c no_such=1")).gives(&["login-parameter-refused"]);
    }
}

/// Under LC_CTYPE=C what is not ASCII is lost; where too much is, the more general code is given, and marked.
#[test]
fn languages_in_ascii() {
    let server = Translated::start("C");
    for locale in &server.locales {
        let latin = ["de", "es", "fr", "it", "sv", "ru", "uk"].contains(&&locale[..2]);
        server.speak(locale);
        server.fails("nobody", "login-no-hba-entry", latin);
        if latin {
            server.fails("rejected", "login-hba-reject", true);
            server.fails("nologin", "login-role-cannot-login", true);
        }
        server.fails("ghost", "login-role-missing", latin);
    }
}

#[test]
fn states_in_every_language() {
    let mut server = Translated::start("C.UTF-8");
    let locales = server.locales.clone();
    let held = Session::open(&server.settings("app"));
    // A smart stop waits for the session, and a postmaster that waits still reads its files.
    server.signal(Signal::TERM);
    for locale in &locales {
        server.speak_unseen(locale, "");
        server.fails("app", "login-shutting-down", true);
    }
    drop(held);
    server.write("standby.signal", "");
    for (setting, state, code) in [
        ("hot_standby = off", "standby", "login-standby-closed"),
        // A restore that does not end keeps the server where it is.
        ("restore_command = 'sleep 60'", "starting", "login-starting-up"),
    ] {
        server.write_language("C", setting);
        server.cluster.restart_into(state);
        for locale in &locales {
            server.speak_unseen(locale, setting);
            server.fails("app", code, true);
        }
    }
}
