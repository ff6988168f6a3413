//! Tests of what is specific to SQLite. The contract suite tests what the ports promise.

mod lookups;
mod writes;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use menjin_domain::accounts::{
    AccountRepository, CreateUserError, Email, NewUser, Profile, Role, UserQuery, Username,
    UsernameLength,
};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Error, PageStart, PortError, RequestContext, Timestamp, UserId};
use menjin_domain::credentials::PasswordHash;
use menjin_domain::health::HealthProbe;
use tempfile::TempDir;

use crate::error::OrPortError;
use crate::{OpenError, SchemaError, SqliteConfig, SqliteStore};

/// The migrations there are, by their folders.
fn migrations() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
    let folders = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("menjin.db");
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteConfig { path: path.into(), readers: 2 }).unwrap()
}

fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

async fn add(store: &SqliteStore, name: &str) -> Result<UserId, Error<CreateUserError>> {
    let new = NewUser {
        username: Username::parse(name, UsernameLength::DEFAULT).unwrap(),
        email: Email::parse(&format!("{name}@example.com")).unwrap(),
        hash: PasswordHash::new("x".repeat(1000)),
        role: Role::STUDENT,
        profile: Profile::default(),
        locale: None,
        is_active: true,
        is_verified: false,
        mail: None,
        first_password: None,
        action: AuditAction::Registered,
        context: AuditContext::anonymous(Timestamp::UNIX_EPOCH, RequestContext::local()),
    };
    AccountRepository::create(store, new).await.map(|user| user.id)
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn json_valid(text: diesel::sql_types::Nullable<Text>) -> diesel::sql_types::Bool;
}

/// Before 3.45, the `json_valid` of SQLite called NULL invalid.
#[test]
fn an_account_without_attributes_suits_an_older_sqlite() {
    let (_folder, path) = folder();
    drop(open(&path));
    let mut older = raw(&path);
    json_valid_utils::register_impl(&mut older, |text: Option<String>| text.is_some()).unwrap();
    let insert = |name: &str, attributes: &str| {
        format!(
            "INSERT INTO users (username, username_canonical, email, email_canonical, password_hash,
                credential_version, role, is_active, is_verified, created_at, attributes)
             VALUES ('{name}', '{name}', '{name}@a.example', '{name}@a.example', 'hash', 0, 'student', 1, 0, 0,
                {attributes})"
        )
    };
    older.batch_execute(&insert("ann", "NULL")).unwrap();
    older.batch_execute(&insert("bob", r#"'{"number":"1"}'"#)).unwrap();
    assert!(older.batch_execute(&insert("cid", "'{}'")).is_err());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// An error with its causes, as logs show it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[derive(QueryableByName)]
struct Pragmas {
    #[diesel(sql_type = Text)]
    journal_mode: String,
    #[diesel(sql_type = BigInt)]
    synchronous: i64,
    #[diesel(sql_type = BigInt)]
    foreign_keys: i64,
    #[diesel(sql_type = BigInt)]
    query_only: i64,
    #[diesel(sql_type = BigInt)]
    temp_store: i64,
    #[diesel(sql_type = BigInt)]
    timeout: i64,
}

fn pragmas(sqlite: &mut SqliteConnection) -> QueryResult<Pragmas> {
    let all = "SELECT * FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys,
               pragma_query_only, pragma_temp_store, pragma_busy_timeout";
    diesel::sql_query(all).get_result(sqlite)
}

#[tokio::test]
async fn the_pragmas_are_in_force() {
    let (_folder, path) = folder();
    let store = open(&path);
    let (full, memory) = (2, 2);
    let writer = store.write(|sqlite| pragmas(sqlite).or_port_error()).await.unwrap();
    assert_eq!((writer.journal_mode.as_str(), writer.synchronous), ("wal", full));
    assert_eq!((writer.foreign_keys, writer.query_only, writer.temp_store), (1, 0, memory));
    assert!((1..=2500).contains(&writer.timeout), "{}", writer.timeout);
    let reader = store.read(|sqlite| pragmas(sqlite).or_port_error()).await.unwrap();
    assert_eq!((reader.journal_mode.as_str(), reader.foreign_keys), ("wal", 1));
    assert_eq!((reader.query_only, reader.temp_store, reader.timeout), (1, memory, 2000));
}

#[tokio::test]
async fn file_and_folder_are_their_owners() {
    let (folder, _) = folder();
    let path = folder.path().join("a/b/menjin.db");
    let store = open(&path);
    add(&store, "ann").await.unwrap();
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    assert_eq!(mode(&folder.path().join("a/b")), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.path().join("a/b/menjin.db-wal")), 0o600);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let (folder, path) = folder();
    std::fs::write(&path, "not a database, by any means").unwrap();
    for path in [path.clone(), path.join("below/a/file.db"), folder.path().to_path_buf()] {
        let error = SqliteStore::open(SqliteConfig::at(&path)).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn odd_names_are_names_of_files() {
    let (folder, _) = folder();
    for name in [":memory:", "file:x?mode=memory", "ö 例?.db"] {
        let path = folder.path().join(name);
        open(&path);
        assert!(path.exists(), "{name}");
    }
}

#[test]
fn many_that_open_at_once_migrate_once() {
    let (_folder, path) = folder();
    assert_eq!(SqliteStore::pending_migrations(&path).unwrap(), migrations());
    assert!(!path.exists());
    let applied: Vec<_> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| SqliteStore::migrate(&path).unwrap());
        let threads: Vec<_> = (0..8).map(|_| start()).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let applied: Vec<_> = applied.into_iter().flatten().collect();
    assert_eq!(applied, migrations());
    assert!(SqliteStore::pending_migrations(&path).unwrap().is_empty());
}

/// The reason why the schema cannot be used, if that is the error.
fn schema_error(error: &OpenError) -> Option<SchemaError> {
    assert!(error.to_string().contains("menjin.db"), "{error}");
    std::error::Error::source(error).and_then(|source| source.downcast_ref()).copied()
}

#[test]
fn a_newer_database_says_whether_it_is_refused() {
    let (_folder, path) = folder();
    drop(open(&path));
    raw(&path)
        .batch_execute("INSERT INTO menjin_schema (version, oldest_program) VALUES (98, 1)")
        .unwrap();
    assert!(SqliteStore::migrate(&path).unwrap().is_empty());
    drop(open(&path));
    raw(&path)
        .batch_execute("INSERT INTO menjin_schema (version, oldest_program) VALUES (99, 98)")
        .unwrap();
    for error in [
        SqliteStore::open(SqliteConfig::at(&path)).unwrap_err(),
        SqliteStore::pending_migrations(&path).unwrap_err(),
    ] {
        assert_eq!(schema_error(&error), Some(SchemaError::Newer { version: 99 }));
    }
}

/// An application may keep its own tables, and diesel's table of migrations, in the same file. Only
/// menjin's own migrations from before the first release stop the start, and then nothing is
/// changed.
#[test]
fn migrations_of_others_are_left_alone_and_obsolete_ones_refused() {
    let (_folder, path) = folder();
    raw(&path)
        .batch_execute(
            "CREATE TABLE __diesel_schema_migrations (version TEXT PRIMARY KEY);
             INSERT INTO __diesel_schema_migrations VALUES ('20200101000000'), ('20261121000001')",
        )
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    for error in [
        SqliteStore::open(SqliteConfig::at(&path)).unwrap_err(),
        SqliteStore::pending_migrations(&path).unwrap_err(),
    ] {
        assert_eq!(schema_error(&error), Some(SchemaError::Obsolete));
    }
    assert_eq!(std::fs::read(&path).unwrap(), before, "it stays as it is");
    let delete = "DELETE FROM __diesel_schema_migrations WHERE version = '20261121000001'";
    raw(&path).batch_execute(delete).unwrap();
    assert_eq!(SqliteStore::migrate(&path).unwrap(), migrations());
    drop(open(&path));
}

#[test]
fn the_migrations_can_be_undone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let read = |name: &str, file| std::fs::read_to_string(folder.join(name).join(file)).unwrap();
    let mut sqlite = SqliteConnection::establish(":memory:").unwrap();
    for _ in 0..2 {
        for name in migrations() {
            sqlite.batch_execute(&read(&name, "up.sql")).unwrap();
        }
        for name in migrations().iter().rev() {
            sqlite.batch_execute(&read(name, "down.sql")).unwrap();
        }
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let (_folder, path) = folder();
    let store = open(&path);
    let id = add(&store, "ann").await.unwrap();
    for (change, column) in [
        ("role = 'Wizard'", "role"),
        ("role = 'student', created_at = 9223372036854775807", "created_at"),
    ] {
        raw(&path)
            .batch_execute(&format!(
                "PRAGMA ignore_check_constraints = ON; UPDATE users SET {change}"
            ))
            .unwrap();
        let error = store.find(id).await.unwrap_err();
        assert!(matches!(error, PortError::Internal { .. }));
        let text = chain(&error);
        assert!(text.contains(&format!("column {column} of row 1 of table users")), "{text}");
    }
}

#[test]
fn bad_rows_are_refused() {
    let (_folder, path) = folder();
    drop(open(&path));
    let mut sqlite = raw(&path);
    let row = |role: &str, email: &str, active: &str| {
        format!(
            "INSERT INTO users (username, username_canonical, email, email_canonical,
                 password_hash, credential_version, role, is_active, is_verified, created_at)
             VALUES ('a', 'a', 'a', '{email}', 'x', 0, '{role}', {active}, 0, 0)"
        )
    };
    for (role, email, active) in [
        ("", "a@b.c", "1"),
        ("admin", "a", "1"),
        ("admin", "a@b.c", "2"),
        ("admin", "a@b.c", "'x'"),
    ] {
        assert!(
            sqlite.batch_execute(&row(role, email, active)).is_err(),
            "{role} {email} {active}"
        );
    }
    sqlite.batch_execute(&row("admin", "a@b.c", "1")).unwrap();
    let event = |columns: &str, values: &str| {
        format!(
            "INSERT INTO audit_events (at, action, outcome, client_address{columns})
             VALUES (0, 'logged_in', 'success', '192.0.2.1'{values})"
        )
    };
    sqlite.batch_execute(&event("", "")).unwrap();
    for (columns, values) in
        [(", reason", ", 'x'"), (", actor_id", ", 0"), (", session_id", ", x'00'"), (", id", ", 0")]
    {
        assert!(sqlite.batch_execute(&event(columns, values)).is_err(), "{columns}");
    }
    for change in ["UPDATE audit_events SET at = 1", "UPDATE audit_events SET user_agent = 'x'"] {
        let error = sqlite.batch_execute(change).unwrap_err();
        assert!(error.to_string().contains("not changed"), "{error}");
    }
}

#[tokio::test]
async fn pages_are_right_where_ids_are_missing() {
    let (_folder, path) = folder();
    let store = open(&path);
    for number in 0..10 {
        add(&store, &format!("user{number}")).await.unwrap();
    }
    let sql = "DELETE FROM users WHERE id IN (3, 4); UPDATE users SET role = 'admin' WHERE id = 5";
    raw(&path).batch_execute(sql).unwrap();
    for (role, skip, expected, total) in [
        (None, 2, vec![5, 6], 8),
        (None, 7, vec![10], 8),
        (Some(Role::STUDENT), 2, vec![6, 7], 7),
        (Some(Role::ADMIN), 0, vec![5], 1),
    ] {
        let page =
            store.list(UserQuery { start: PageStart::Skip(skip), limit: 2, role }).await.unwrap();
        let ids: Vec<_> = page.users.iter().map(|user| user.id.get()).collect();
        assert_eq!((ids, page.total), (expected, total), "{role:?} {skip}");
    }
}

fn is_unavailable<T>(result: &Result<T, Error<CreateUserError>>) -> bool {
    matches!(result, Err(Error::Port(PortError::Unavailable { component: "database", .. })))
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_full_disk_is_unavailable_and_reads_go_on() {
    let (_folder, path) = folder();
    let store = open(&path);
    let id = add(&store, "ann").await.unwrap();
    let limit = |pages: u32| {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        let set = move |sqlite: &mut SqliteConnection| {
            sqlite.batch_execute(&pragma).unwrap();
            Ok::<_, PortError>(())
        };
        store.write(set)
    };
    limit(1).await.unwrap();
    let mut refused = 0;
    for number in 0..50 {
        let result = add(&store, &format!("user{number}")).await;
        // A full disk closes the connection: the new one has no limit, so set it again.
        if let Err(error) = result {
            assert!(is_unavailable(&Err::<(), _>(error)));
            refused += 1;
            assert!(store.find(id).await.unwrap().is_some());
            limit(1).await.unwrap();
        }
    }
    assert!(refused > 0);
    limit(1_000_000).await.unwrap();
    add(&store, "bob").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_holds_the_lock_makes_it_unavailable_in_time() {
    let (_folder, path) = folder();
    let store = open(&path);
    let id = add(&store, "ann").await.unwrap();
    let mut other = raw(&path);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let (one, two) = tokio::join!(add(&store, "bob"), add(&store, "eve"));
    assert!(is_unavailable(&one) && is_unavailable(&two), "{one:?} {two:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(store.find(id).await.unwrap().is_some(), "readers do not wait");
    store.check().await.unwrap();
    other.batch_execute("ROLLBACK").unwrap();
    add(&store, "bob").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_transaction_leaves_nothing_behind() {
    let (_folder, path) = folder();
    let store = open(&path);
    let panic = store
        .write(|sqlite| -> Result<(), PortError> {
            sqlite.batch_execute("DELETE FROM user_counts").unwrap();
            panic!("as a test")
        })
        .await;
    assert!(matches!(panic, Err(PortError::Internal { .. })));
    add(&store, "ann").await.unwrap();
    let query = UserQuery { start: PageStart::Skip(0), limit: 1, role: None };
    assert_eq!(store.list(query).await.unwrap().total, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_does_not_stop_the_write() {
    let (_folder, path) = folder();
    let store = open(&path);
    for number in 0..20 {
        let name = format!("user{number}");
        let caller = add(&store, &name);
        let _ = tokio::time::timeout(Duration::from_micros(number * 50), caller).await;
    }
    let last = add(&store, "ann").await.unwrap();
    let query = UserQuery { start: PageStart::Skip(0), limit: 100, role: None };
    let page = store.list(query).await.unwrap();
    assert_eq!(page.total, u64::try_from(last.get()).unwrap());
}

#[tokio::test]
async fn closing_leaves_one_file() {
    let (folder, path) = folder();
    let store = open(&path);
    add(&store, "ann").await.unwrap();
    store.close().await.unwrap();
    assert!(is_unavailable(&add(&store, "bob").await));
    drop(store);
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}
