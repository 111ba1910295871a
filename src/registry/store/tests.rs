//! What a store promises, on real files: one test per promise.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::registry::api::POSTGRESQL_SPEC;
use crate::registry::auth::{BASIC, CONNECTION_STRING};
use crate::registry::query::Query;

const MARKER: &str = "hunter2-marker-password";

fn request(auth: &Value) -> ConnectionRequest {
    let spec = json!({"id": POSTGRESQL_SPEC, "version": "1.0"});
    serde_json::from_value(json!({"name": "orders", "auth": auth, "connectionSpec": spec})).unwrap()
}

fn basic(server: &str, password: &str) -> ConnectionRequest {
    request(&json!({"specName": BASIC, "params": {"server": server, "port": "5432", "password": password}}))
}

fn by_string(string: &str) -> ConnectionRequest {
    request(&json!({"specName": CONNECTION_STRING, "params": {"connectionString": string}}))
}

fn here() -> Scope {
    Scope::local()
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("registry.db");
    (directory, path)
}

/// `setting stored requested` of each difference that keeps `second` from being registered after `first`.
fn conflict(first: &ConnectionRequest, second: &ConnectionRequest) -> Vec<String> {
    let mut store = Store::in_memory().unwrap();
    store.register(&here(), first).unwrap();
    match store.register(&here(), second) {
        Err(StoreError::NameTaken { differences, .. }) => differences.iter().map(Difference::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_created_connection_is_read_back_as_the_api_shows_it() {
    let mut store = Store::in_memory().unwrap();
    let created = store.create(&here(), &basic("db1", MARKER), None).unwrap();
    let connection = store.read(&here(), created.id).unwrap().unwrap();
    let time = connection.created_at;
    let shown = json!({
        "id": created.id, "createdAt": time, "updatedAt": time,
        "createdBy": "pgpreflight", "updatedBy": "pgpreflight", "createdClient": "pgpreflight",
        "updatedClient": "pgpreflight", "sandboxId": here().sandbox_id(), "sandboxName": "prod",
        "imsOrgId": "local@AdobeOrg", "name": "orders",
        "connectionSpec": {"id": POSTGRESQL_SPEC, "version": "1.0"}, "state": "enabled",
        "auth": {"specName": BASIC, "params": {"server": "db1", "port": "5432", "password": "xxxx"}},
        "version": created.etag, "etag": created.etag});
    assert_eq!(serde_json::to_value(&connection).unwrap(), shown);
    assert!((jiff::Timestamp::now().as_millisecond() - time).abs() < 60_000);
    assert_eq!(store.read(&here(), Uuid::new_v4()).unwrap(), None);
}

#[test]
fn registering_twice_creates_once_and_a_new_password_is_no_new_connection() {
    let mut store = Store::in_memory().unwrap();
    let first = store.register(&here(), &basic("db1", MARKER)).unwrap();
    assert_eq!(first.action, Action::Created);
    let again = store.register(&here(), &basic("db1", "rotated")).unwrap();
    assert_eq!(again, Registered { action: Action::Unchanged, ..first });
    assert_eq!(store.find_by_name(&here(), "orders", POSTGRESQL_SPEC).unwrap().len(), 1);
}

#[test]
fn a_name_that_stands_for_another_endpoint_is_taken() {
    let differences = conflict(&basic("db1", MARKER), &basic("db2", MARKER));
    assert_eq!(differences, [r#"auth.params.server is "db1" there and "db2" here"#]);
    let mut described = basic("db1", MARKER);
    described.description = Some("shop".to_owned());
    assert_eq!(conflict(&basic("db1", MARKER), &described), [r#"description is not set there and "shop" here"#]);
    let forms = conflict(&basic("db1", MARKER), &by_string("Server=db1"));
    assert_eq!(forms, [format!("auth.specName is {BASIC:?} there and {CONNECTION_STRING:?} here")]);
}

#[test]
fn the_same_name_of_another_source_is_another_connection() {
    let mut store = Store::in_memory().unwrap();
    store.register(&here(), &basic("db1", MARKER)).unwrap();
    let mut redshift = basic("db2", MARKER);
    redshift.connection_spec = crate::registry::api::ConnectionSpec::redshift();
    assert_eq!(store.register(&here(), &redshift).unwrap().action, Action::Created);
}

#[test]
fn of_several_namesakes_the_one_with_the_same_settings_counts() {
    let mut store = Store::in_memory().unwrap();
    let older = store.create(&here(), &basic("db1", MARKER), None).unwrap();
    let newer = store.create(&here(), &basic("db2", MARKER), None).unwrap();
    assert_eq!(store.register(&here(), &basic("db1", MARKER)).unwrap().id, older.id);
    match store.register(&here(), &basic("db3", MARKER)) {
        Err(StoreError::NameTaken { id, .. }) => assert_eq!(id, newer.id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn connection_strings_are_compared_by_their_settings_and_never_shown() {
    let mut store = Store::in_memory().unwrap();
    store.register(&here(), &by_string("Server=db1;UID=u;Password=old")).unwrap();
    assert_eq!(store.register(&here(), &by_string("uid=u;server=db1;PWD={ne;w}")).unwrap().action, Action::Unchanged);
    let string = |rest: &str| by_string(&format!("Password={MARKER};{rest}"));
    let path = "auth.params.connectionString";
    assert_eq!(
        conflict(&string("Server=db1"), &string("Server=db2")),
        [format!(r#"{path}.server is "db1" there and "db2" here"#)]
    );
    let unknown = conflict(&string(&format!("KeyPassword={MARKER}")), &string("KeyPassword=other"));
    assert_eq!(unknown, [format!(r#"{path}.keypassword is "set" there and "set" here"#)]);
    let malformed = conflict(&by_string(MARKER), &by_string("other"));
    assert_eq!(malformed, [format!(r#"{path} is "set" there and "set" here"#)]);
}

#[test]
fn what_was_stored_is_there_after_reopening_with_its_secrets() {
    let (_directory, path) = place();
    let created = Store::open(&path).unwrap().create(&here(), &basic("db1", MARKER), None).unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.read(&here(), created.id).unwrap().unwrap().etag, created.etag);
    let (_, auth) = store.credentials(&here(), created.id).unwrap().unwrap();
    assert_eq!(auth.secret("password").unwrap().expose(), MARKER);
}

#[test]
fn no_file_of_the_store_holds_a_secret_and_all_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (directory, path) = place();
    let look = |expected: &[&str]| {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap()) {
            let bytes = std::fs::read(entry.path()).unwrap();
            let held = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
            assert!(!held, "{} holds the password", entry.path().display());
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", entry.path().display());
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        assert_eq!(names, expected);
    };
    let mut store = Store::open(&path).unwrap();
    store.register(&here(), &basic("db1", MARKER)).unwrap();
    store.create(&here(), &by_string(&format!("Server=db1;Password={MARKER}")), None).unwrap();
    look(&["registry.db", "registry.db-shm", "registry.db-wal", "registry.db.key"]);
    drop(store);
    look(&["registry.db", "registry.db.key"]);
    // The same search does find what is not secret, so it would have found a password.
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.windows(6).any(|window| window == b"orders"));
}

#[test]
fn no_answer_or_error_of_the_store_shows_a_secret() {
    let mut store = Store::in_memory().unwrap();
    let created = store.create(&here(), &basic("db1", MARKER), None).unwrap();
    let connection = store.read(&here(), created.id).unwrap().unwrap();
    let (_, auth) = store.credentials(&here(), created.id).unwrap().unwrap();
    let taken = store.register(&here(), &basic("db2", MARKER)).unwrap_err();
    for output in [format!("{connection:?}{auth:?}{store:?}{taken:?}{taken}"), json!(connection).to_string()] {
        assert!(!output.contains(MARKER), "{output}");
    }
}

#[test]
fn a_key_of_another_store_is_refused_by_name() {
    let (directory, path) = place();
    Store::open(&path).unwrap();
    let other = directory.path().join("other.db");
    Store::open(&other).unwrap();
    let key = directory.path().join("other.db.key");
    let error = Store::open_with_key(&path, &key).unwrap_err();
    let expected = format!(
        "the key file {} does not open the store {}; name the one that was made with it",
        key.display(),
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_lost_key_is_reported_and_not_replaced() {
    let (directory, path) = place();
    Store::open(&path).unwrap();
    let key = directory.path().join("registry.db.key");
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::KeyMissing { .. })));
    assert!(!key.exists());
}

#[test]
fn secrets_moved_to_another_row_do_not_open_there() {
    let mut store = Store::in_memory().unwrap();
    let victim = store.create(&here(), &basic("db1", MARKER), None).unwrap();
    let thief = store.create(&here(), &basic("db2", "other"), None).unwrap();
    let sql = "UPDATE connection SET secrets = (SELECT secrets FROM connection WHERE id = ?1) WHERE id = ?2";
    store.db.execute(sql, [victim.id.to_string(), thief.id.to_string()]).unwrap();
    assert!(
        matches!(store.credentials(&here(), thief.id), Err(StoreError::SecretsDamaged { id, .. }) if id == thief.id.to_string())
    );
}

#[test]
fn a_file_that_is_something_else_is_left_as_it_is() {
    let (_directory, path) = place();
    let text = "not a database, ".repeat(64);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::NotAStore { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    std::fs::remove_file(&path).unwrap();
    Database::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::NotAStore { .. })));
    let tables: i64 =
        Database::open(&path).unwrap().query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_store_of_a_later_program_is_left_as_it_is() {
    let (_directory, path) = place();
    Store::open(&path).unwrap().db.pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: 1, .. }), "{error}");
}

#[test]
fn a_place_that_cannot_be_used_is_named() {
    let error = Store::open(Path::new("/nonexistent/registry.db")).unwrap_err().to_string();
    assert!(error.starts_with("cannot use /nonexistent/registry.db as a store: No such file or directory"), "{error}");
    assert!(matches!(Store::open(Path::new("")), Err(StoreError::Path { .. })));
}

#[test]
fn what_is_not_committed_is_not_there() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let record = Record::new(&here(), &basic("db1", MARKER), &store.keys.sealer).unwrap();
    let transaction = store.db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    rows::insert(&transaction, &record, None).unwrap();
    drop(transaction);
    assert_eq!(store.read(&here(), record.connection.id).unwrap(), None);
}

#[test]
fn first_openers_at_the_same_time_agree_on_schema_and_key() {
    for _ in 0..8 {
        let (_directory, path) = place();
        let ids: Vec<Uuid> = std::thread::scope(|scope| {
            let opener = || Store::open(&path).unwrap().create(&here(), &basic("db1", MARKER), None).unwrap().id;
            let openers: Vec<_> = (0..6).map(|_| scope.spawn(opener)).collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect()
        });
        let mut store = Store::open(&path).unwrap();
        assert!(ids.iter().all(|id| store.credentials(&here(), *id).unwrap().is_some()));
    }
}

#[test]
fn two_writers_of_one_file_lose_nothing_and_register_a_name_once() {
    let (_directory, path) = place();
    Store::open(&path).unwrap();
    let writer = || {
        let mut store = Store::open(&path).unwrap();
        let registered = (0..50).map(|i| {
            let mut request = basic("db1", MARKER);
            request.name = format!("orders-{i}");
            store.register(&here(), &request).unwrap().action
        });
        registered.filter(|action| *action == Action::Created).count()
    };
    let created: usize = std::thread::scope(|scope| {
        let writers = [scope.spawn(writer), scope.spawn(writer)];
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(created, 50);
    let rows: i64 =
        Store::open(&path).unwrap().db.query_row("SELECT count(*) FROM connection", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 50);
}

#[test]
fn a_list_goes_by_pages_without_gaps_or_repeats_in_either_direction() {
    let mut store = Store::in_memory().unwrap();
    let mut made: Vec<Uuid> = (0..25).map(|_| store.create(&here(), &basic("db1", MARKER), None).unwrap().id).collect();
    made.sort();
    for descending in [true, false] {
        let order = vec![crate::registry::query::Order { field: crate::registry::query::Field::Name, descending }];
        let mut next = Some(Query { order, ..Query::default() });
        let mut listed = Vec::new();
        while let Some(query) = next {
            let page = store.list(&here(), &query, 7).unwrap();
            assert!(page.documents.len() <= 7);
            listed.extend(page.documents.iter().map(|text| serde_json::from_str::<Connection>(text).unwrap().id));
            next = page.next;
        }
        listed.sort();
        assert_eq!(listed, made);
    }
    assert_eq!(store.count(&here(), &Query::default()).unwrap(), 25);
}

#[test]
fn another_sandbox_or_organization_sees_nothing() {
    let mut store = Store::in_memory().unwrap();
    let created = store.create(&here(), &basic("db1", MARKER), Some("{}")).unwrap();
    let others =
        [Scope { sandbox: "dev".to_owned(), ..here() }, Scope { organization: "other@AdobeOrg".to_owned(), ..here() }];
    for other in others {
        assert_eq!(store.read(&other, created.id).unwrap(), None);
        assert!(store.credentials(&other, created.id).unwrap().is_none());
        assert_eq!(store.report(&other, created.id).unwrap(), Checked::NoConnection);
        assert!(store.list(&other, &Query::default(), 100).unwrap().documents.is_empty());
        assert_eq!(store.count(&other, &Query::default()).unwrap(), 0);
        assert!(!store.delete(&other, created.id).unwrap());
        assert_eq!(store.register(&other, &basic("db2", MARKER)).unwrap().action, Action::Created);
    }
    assert!(store.delete(&here(), created.id).unwrap());
    assert!(!store.delete(&here(), created.id).unwrap());
}

#[test]
fn a_change_needs_the_etag_of_the_moment_and_a_report_that_of_its_check() {
    let mut store = Store::in_memory().unwrap();
    let created = store.create(&here(), &basic("db1", MARKER), Some("first")).unwrap();
    let (before, auth) = store.credentials(&here(), created.id).unwrap().unwrap();
    let change = Change { name: "renamed".to_owned(), description: None, state: before.state.clone(), auth };
    let changed = store.update(&before, &here(), &change, None).unwrap().unwrap();
    assert_ne!(changed.etag, created.etag);
    assert_eq!(store.read(&here(), created.id).unwrap().unwrap().name, "renamed");
    assert_eq!(store.report(&here(), created.id).unwrap(), Checked::Latest("first".to_owned()));
    assert!(store.update(&before, &here(), &change, None).unwrap().is_none(), "the etag is an old one");
    store.set_report(created.id, &created.etag, "late").unwrap();
    assert_eq!(store.report(&here(), created.id).unwrap(), Checked::Latest("first".to_owned()));
    store.set_report(created.id, &changed.etag, "second").unwrap();
    assert_eq!(store.report(&here(), created.id).unwrap(), Checked::Latest("second".to_owned()));
}

#[test]
fn a_rotated_key_opens_everything_and_the_old_one_nothing() {
    let (directory, path) = place();
    let key = directory.path().join("registry.db.key");
    let mut other_process = Store::open(&path).unwrap();
    let first = other_process.create(&here(), &basic("db1", MARKER), None).unwrap();
    let old_key = std::fs::read(&key).unwrap();
    assert_eq!(Store::open(&path).unwrap().rotate_key().unwrap(), 1);
    assert_ne!(std::fs::read(&key).unwrap(), old_key);
    // A process that had the store open goes on, and seals under the new key.
    assert!(other_process.credentials(&here(), first.id).unwrap().is_some());
    let second = other_process.create(&here(), &basic("db2", MARKER), None).unwrap();
    drop(other_process);
    let mut store = Store::open(&path).unwrap();
    for id in [first.id, second.id] {
        let (_, auth) = store.credentials(&here(), id).unwrap().unwrap();
        assert_eq!(auth.secret("password").unwrap().expose(), MARKER);
    }
    std::fs::write(&key, old_key).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::KeyRefused { .. })));
}

#[test]
fn a_rotation_that_was_cut_short_has_lost_nothing() {
    let (directory, path) = place();
    let key = directory.path().join("registry.db.key");
    let created = Store::open(&path).unwrap().create(&here(), &basic("db1", MARKER), None).unwrap();
    Sealer::begin_rotation(&key).unwrap();
    let mut store = Store::open(&path).unwrap();
    assert!(store.credentials(&here(), created.id).unwrap().is_some());
    assert_eq!(store.rotate_key().unwrap(), 1);
    assert_eq!(std::fs::read_to_string(&key).unwrap().lines().count(), 1);
    assert!(Store::open(&path).unwrap().credentials(&here(), created.id).unwrap().is_some());
}

/// The test runs itself as a second process that writes and acknowledges until it is killed.
#[test]
fn every_acknowledged_connection_survives_a_kill() {
    const STORE: &str = "PGPREFLIGHT_TEST_STORE";
    if let Some(path) = std::env::var_os(STORE) {
        let mut store = Store::open(Path::new(&path)).unwrap();
        for _ in 0..100_000 {
            let created = store.create(&here(), &basic("db1", MARKER), None).unwrap();
            writeln!(std::io::stdout().lock(), "acknowledged {}", created.id).unwrap();
        }
        return;
    }
    let (_directory, path) = place();
    let name = format!("{}::every_acknowledged_connection_survives_a_kill", module_path!().split_once("::").unwrap().1);
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(STORE, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ids: Vec<Uuid> = Vec::new();
    for line in BufReader::new(writer.stdout.take().unwrap()).lines().map(|line| line.unwrap()) {
        // A line that the kill cut short is no acknowledgement.
        let Some(id) = line.split_once("acknowledged ").and_then(|(_, id)| id.parse().ok()) else { continue };
        ids.push(id);
        if ids.len() == 200 {
            writer.kill().unwrap();
        }
    }
    assert!(!writer.wait().unwrap().success(), "the writer ended before it was killed");
    assert!(ids.len() >= 200, "{} acknowledged", ids.len());
    let mut store = Store::open(&path).unwrap();
    for id in ids {
        assert!(store.credentials(&here(), id).unwrap().is_some(), "{id} was acknowledged and is lost");
    }
}
