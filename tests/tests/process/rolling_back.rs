//! A binary on a schema that a newer one has migrated.

use std::process::Command;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use menjin_tests::client::Client;
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::postgres;
use serde_json::json;
use tempfile::TempDir;

use crate::MENJIN;
use crate::postgres::on;

/// What a later release might add, and does not need.
const ADDED: &str = "ALTER TABLE users ADD COLUMN nickname TEXT;
     CREATE TABLE of_the_next_version (id BIGINT PRIMARY KEY);
     INSERT INTO menjin_schema (version, oldest_program) VALUES (98, 1)";

/// What a later release might take away.
const TAKEN_AWAY: &str = "INSERT INTO menjin_schema (version, oldest_program) VALUES (99, 99)";

/// All that a server does still works.
async fn serves(mut command: Command, name: &str) {
    let server = Server::start(&mut command);
    let client = Client::new(&server.url);
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "password": "password123" });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let user = client.log_in(name, "password123").await;
    assert_eq!(user.me().await.status, 200);
    assert_eq!(user.refresh().await.status, 200);
    assert_eq!(client.get("/health/ready").await.status, 200);
    assert!(tokio::task::spawn_blocking(|| server.terminate()).await.unwrap().0.success());
}

/// It says why, and does not wait for the schema to change.
fn refuses(mut command: Command) {
    let refused = output(&mut command);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("newer than this program") && text.contains("99"), "{text}");
    assert!(!text.contains("database_awaited"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn j06_an_older_binary_starts_on_a_newer_sqlite_that_allows_it() {
    let folder = TempDir::new().unwrap();
    let menjin = || command(MENJIN, folder.path());
    serves(menjin(), "ann").await;
    let file = folder.path().join("data/menjin.db");
    let mut raw = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    raw.batch_execute(ADDED).unwrap();
    serves(menjin(), "bob").await;
    let migrated = output(menjin().arg("migrate"));
    assert!(String::from_utf8(migrated.stdout).unwrap().ends_with(": nothing to do\n"));
    raw.batch_execute(TAKEN_AWAY).unwrap();
    refuses(menjin());
}

#[tokio::test(flavor = "multi_thread")]
async fn j06_an_older_binary_starts_on_a_newer_postgresql_that_allows_it() {
    let database = postgres::database().await;
    let folder = TempDir::new().unwrap();
    let menjin = || on(&database.url, folder.path());
    serves(menjin(), "ann").await;
    let raw = database.connect().await;
    raw.batch_execute(ADDED).await.unwrap();
    serves(menjin(), "bob").await;
    let migrated = output(menjin().arg("migrate"));
    assert!(String::from_utf8(migrated.stdout).unwrap().ends_with(": nothing to do\n"));
    raw.batch_execute(TAKEN_AWAY).await.unwrap();
    refuses(menjin());
}
