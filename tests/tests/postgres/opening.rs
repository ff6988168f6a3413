//! Opening and migrating.

use std::path::Path;
use std::time::{Duration, Instant};

use menjin_contract as contract;
use menjin_infra_postgres::{OpenError, PostgresConfig, PostgresStore, SchemaError};
use menjin_tests::servers::postgres;

use crate::{chain, open};

fn migrations() -> Vec<String> {
    menjin_tests::migrations("postgres")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_open_at_once_migrate_once() {
    let database = postgres::database().await;
    let config = PostgresConfig::at(database.url.clone());
    assert_eq!(PostgresStore::pending_migrations(&config).await.unwrap(), migrations());
    let applied = contract::at_once(8, |_| {
        let config = config.clone();
        async move { PostgresStore::migrate(&config).await.unwrap() }
    })
    .await;
    assert_eq!(applied.into_iter().flatten().collect::<Vec<_>>(), migrations());
    assert!(PostgresStore::pending_migrations(&config).await.unwrap().is_empty());
    contract::at_once(8, |_| {
        let config = config.clone();
        async move { PostgresStore::open(config).await.unwrap() }
    })
    .await;
}

/// A runtime of one thread will do: migrations block a thread of their own.
#[tokio::test]
async fn it_opens_on_a_single_thread() {
    let store = open(&postgres::database().await.url).await;
    menjin_domain::health::HealthProbe::check(&store).await.unwrap();
}

/// Why the schema cannot be used, if that is the reason.
fn schema_error(error: &OpenError) -> Option<SchemaError> {
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    std::error::Error::source(error).and_then(|source| source.downcast_ref()).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_says_whether_it_is_refused() {
    let database = postgres::database().await;
    let config = PostgresConfig::at(database.url.clone());
    PostgresStore::open(config.clone()).await.unwrap();
    let raw = database.connect().await;
    raw.batch_execute("INSERT INTO menjin_schema (version, oldest_program) VALUES (98, 1)")
        .await
        .unwrap();
    assert!(PostgresStore::migrate(&config).await.unwrap().is_empty());
    PostgresStore::open(config.clone()).await.unwrap();
    raw.batch_execute("INSERT INTO menjin_schema (version, oldest_program) VALUES (99, 98)")
        .await
        .unwrap();
    for error in [
        PostgresStore::open(config.clone()).await.unwrap_err(),
        PostgresStore::pending_migrations(&config).await.unwrap_err(),
    ] {
        assert_eq!(schema_error(&error), Some(SchemaError::Newer { version: 99 }));
    }
}

/// An application may keep its tables, and diesel's table of migrations, in the same database. Only
/// menjin's own migrations of before the first release stop the start, and nothing is changed then.
#[tokio::test(flavor = "multi_thread")]
async fn migrations_of_others_are_left_alone_and_obsolete_ones_refused() {
    let database = postgres::database().await;
    let config = PostgresConfig::at(database.url.clone());
    let raw = database.connect().await;
    raw.batch_execute(
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY);
         INSERT INTO __diesel_schema_migrations VALUES ('20200101000000'), ('20261121000001')",
    )
    .await
    .unwrap();
    for error in [
        PostgresStore::open(config.clone()).await.unwrap_err(),
        PostgresStore::pending_migrations(&config).await.unwrap_err(),
    ] {
        assert_eq!(schema_error(&error), Some(SchemaError::Obsolete));
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(raw.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 1);
    raw.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '20261121000001'")
        .await
        .unwrap();
    assert_eq!(PostgresStore::migrate(&config).await.unwrap(), migrations());
    PostgresStore::open(config).await.unwrap();
}

#[tokio::test]
async fn the_migrations_can_be_undone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/postgres");
    let read = |name: &str, file| std::fs::read_to_string(folder.join(name).join(file)).unwrap();
    let raw = postgres::database().await.connect().await;
    for _ in 0..2 {
        for name in migrations() {
            raw.batch_execute(&read(&name, "up.sql")).await.unwrap();
        }
        for name in migrations().iter().rev() {
            raw.batch_execute(&read(name, "down.sql")).await.unwrap();
        }
    }
}

/// A schema of the URL's choice is migrated for itself.
#[tokio::test(flavor = "multi_thread")]
async fn the_search_path_of_the_url_holds() {
    let database = postgres::database().await;
    let raw = database.connect().await;
    raw.batch_execute("CREATE SCHEMA one; CREATE SCHEMA two").await.unwrap();
    for schema in ["one", "two"] {
        let url = format!("{}?options=-c%20search_path%3D{schema}", database.url);
        let store = crate::of(&open(&url).await);
        assert_eq!(store.student("ann").await, menjin_domain::common::UserId::FIRST);
    }
    // Triggers find the tables of their schema, whatever the path of the session is.
    raw.batch_execute(
        "INSERT INTO two.users (username, username_canonical, email, email_canonical,
             password_hash, credential_version, role, is_active, is_verified, created_at)
         VALUES ('b', 'b', 'b@b', 'b@b', 'x', 0, 'student', true, false, now());
         UPDATE two.users SET role = 'teacher' WHERE username = 'b';
         DELETE FROM one.users",
    )
    .await
    .unwrap();
    for (schema, count) in [("one", 0), ("two", 2)] {
        let total = format!("SELECT sum(total)::bigint FROM {schema}.user_counts");
        assert_eq!(raw.query_one(&total, &[]).await.unwrap().get::<_, i64>(0), count, "{schema}");
    }
}

/// Nothing that is said of a database holds the password (`canary` in every URL of the tests).
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_not_shown() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    assert!(database.url.contains("canary") || std::env::var("MENJIN_TEST_DATABASE_URL").is_ok());
    assert!(!format!("{store:?} {:?}", PostgresConfig::at(database.url)).contains("canary"));
    let started = Instant::now();
    for url in [
        "postgres://ann:canary@127.0.0.1:1/menjin",
        "postgres://ann:canary@nowhere.invalid/menjin",
        "postgres://ann:canary@127.0.0.1/menjin?sslmode=canary",
        "postgres://ann:ca?nary@127.0.0.1:99999/menjin",
    ] {
        let error = PostgresStore::open(PostgresConfig::at(url)).await.unwrap_err();
        let text = format!("{} {error:?}", chain(&error));
        assert!(!text.contains("canary") && !text.contains("nary@"), "{text}");
    }
    assert!(started.elapsed() < Duration::from_secs(30));
}

/// What no code of menjin's writes, the tables do not take.
#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_refused() {
    let database = postgres::database().await;
    let store = crate::of(&open(&database.url).await);
    let ann = store.student("ann").await;
    let id = store.log_in(1, ann).await;
    let raw = database.connect().await;
    for change in [
        "UPDATE users SET role = ''",
        "UPDATE users SET email_canonical = 'a'",
        "UPDATE users SET username_canonical = 'a@b'",
        "UPDATE users SET username = ''",
        "UPDATE users SET credential_version = -1",
        "UPDATE users SET bio = ''",
        "UPDATE users SET created_at = 'infinity'",
        "UPDATE users SET id = 7",
        "UPDATE sessions SET predecessor = 0",
        "UPDATE sessions SET predecessor = 0, rotated_at = now()",
        "UPDATE sessions SET user_id = 99",
        "UPDATE sessions SET expires_at = 'infinity'",
        "UPDATE sessions SET client_address = '10.0.0.0/8'",
        "INSERT INTO login_throttles VALUES ('account:1', '', 0, now())",
        "UPDATE user_counts SET total = -1",
        "UPDATE audit_events SET action = 'lock_lifted'",
        "UPDATE audit_events SET actor_id = NULL WHERE id = 4711",
        "TRUNCATE audit_events",
        "INSERT INTO audit_events (at, action, outcome, client_address)
            VALUES (now(), 'logged_in', 'perhaps', '10.0.0.1')",
        "INSERT INTO audit_events (at, action, outcome, reason, client_address)
            VALUES (now(), 'logged_in', 'success', 'wrong_password', '10.0.0.1')",
        "INSERT INTO audit_events (at, action, outcome, client_address)
            VALUES (now(), 'logged_in', 'success', '10.0.0.0/8')",
        "INSERT INTO audit_events (at, action, outcome, client_address, subject_id)
            VALUES (now(), 'logged_in', 'success', '10.0.0.1', 0)",
    ] {
        assert!(raw.batch_execute(change).await.is_err(), "{change}");
    }
    assert!(store.is_live(id, 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_is_named() {
    let database = postgres::database().await;
    let store = crate::of(&open(&database.url).await);
    let ann = store.student("ann").await;
    let raw = database.connect().await;
    raw.batch_execute(
        "ALTER TABLE users DROP CONSTRAINT users_times_finite;
         ALTER TABLE users DISABLE TRIGGER USER",
    )
    .await
    .unwrap();
    for (change, column) in
        [("role = 'Wizard'", "role"), ("role = 'student', created_at = 'infinity'", "created_at")]
    {
        raw.batch_execute(&format!("UPDATE users SET {change}")).await.unwrap();
        let error = store.accounts.find(ann).await.unwrap_err();
        assert!(matches!(error, menjin_domain::common::PortError::Internal { .. }));
        let text = chain(&error);
        assert!(text.contains(&format!("column {column} of row 1 of table users")), "{text}");
    }
}
