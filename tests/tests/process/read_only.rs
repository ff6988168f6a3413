//! A database that takes no writes: a full disk, a file that may only be read, a server that has become
//! read-only, a database that could not hold what users write.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use menjin_tests::client::{Answer, Client};
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::{postgres, unprivileged};
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::json;
use tempfile::TempDir;

use crate::MENJIN;
use crate::postgres::on;

/// How long recovering may take.
const PATIENCE: Duration = Duration::from_secs(10);

async fn register(client: &Client, name: &str) -> Answer {
    let email = format!("{name}@example.com");
    let body = json!({ "username": name, "email": email, "password": "password123" });
    client.post("/api/v1/auth/register", &body).await
}

/// Not ready, and no login either; both say when to try again.
async fn takes_no_writes(client: &Client) {
    let login = client.try_log_in("mike", "password123").await;
    assert_eq!((login.status, login.header("retry-after")), (503, Some("1")), "{login}");
    let started = Instant::now();
    loop {
        let ready = client.get("/health/ready").await;
        if ready.status == 503 {
            assert_eq!(ready.header("retry-after"), Some("1"), "{ready}");
            assert_eq!(ready.body["checks"]["database"]["status"], "unhealthy", "{ready}");
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{ready}");
    }
    assert_eq!(client.get("/health/live").await.status, 200);
}

/// Ready and log-ins, without a restart.
async fn recovers(client: &Client) {
    let started = Instant::now();
    while client.get("/health/ready").await.status != 200
        || client.try_log_in("mike", "password123").await.status != 200
    {
        assert!(started.elapsed() < PATIENCE, "it does not recover");
    }
}

/// The limit on the size of files is as a disk without room, except that nobody else has to do without.
#[tokio::test(flavor = "multi_thread")]
async fn j02_a_full_disk_is_not_ready_and_recovers() {
    let folder = TempDir::new().unwrap();
    // The signal that goes with the limit would end the process.
    let mut command = command("sh", folder.path());
    command.args(["-c", "trap '' XFSZ; exec \"$0\"", MENJIN]);
    let server = Server::start(&mut command);
    let client = Client::new(&server.url);
    assert_eq!(register(&client, "mike").await.status, 201);
    let mike = client.log_in("mike", "password123").await;
    let limit = |current| {
        prlimit(Some(server.id()), Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    };
    limit(Some(0));
    takes_no_writes(&client).await;
    assert_eq!(mike.me().await.status, 200, "reads go on");
    limit(None);
    recovers(&client).await;
    assert!(server.terminate().0.success());
}

/// A file that may only be read stops the start, and leaves nothing that is in the way later.
#[test]
fn j02_a_file_that_may_only_be_read_is_told() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join("data").join(name);
    let run = |arguments: &[&str]| {
        let mut command = command(MENJIN, folder.path());
        command.args(arguments).env("MENJIN__DATABASE__WAIT", "0s");
        // Nothing is closed to root.
        if let Some((uid, gid)) = unprivileged() {
            command.uid(uid).gid(gid);
        }
        output(&mut command)
    };
    if let Some((uid, gid)) = unprivileged() {
        chown(folder.path(), Some(uid), Some(gid)).unwrap();
    }
    assert!(run(&["migrate"]).status.success());
    let set_mode = |name: &str, mode| fs::set_permissions(file(name), Permissions::from_mode(mode));
    set_mode("menjin.db", 0o444).unwrap();
    for command in ["migrate", "serve"] {
        let refused = run(&[command]);
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains("menjin.db") && text.contains("ermission denied"), "{text}");
        assert!(!file("menjin.db-wal").exists() && !file("menjin.db-shm").exists(), "{command}");
    }
    set_mode("menjin.db", 0o644).unwrap();
    // What an older version has left.
    for name in ["menjin.db-wal", "menjin.db-shm"] {
        fs::write(file(name), "").unwrap();
        if let Some((uid, gid)) = unprivileged() {
            chown(file(name), Some(uid), Some(gid)).unwrap();
        }
        set_mode(name, 0o444).unwrap();
    }
    let migrated = run(&["migrate"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn j02_a_read_only_postgresql_is_not_ready_and_recovers() {
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    let database = server.database().await;
    let folder = TempDir::new().unwrap();
    let menjin = Server::start(&mut on(&database.url, folder.path()));
    let client = Client::new(&menjin.url);
    assert_eq!(register(&client, "mike").await.status, 201);
    let mike = client.log_in("mike", "password123").await;
    let raw = database.connect().await;
    raw.batch_execute("SET default_transaction_read_only = off").await.unwrap();
    for statement in
        ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"]
    {
        raw.batch_execute(statement).await.unwrap();
    }
    takes_no_writes(&client).await;
    assert_eq!(mike.me().await.status, 200, "reads go on");
    raw.batch_execute("ALTER SYSTEM RESET default_transaction_read_only").await.unwrap();
    raw.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    recovers(&client).await;
    assert!(menjin.terminate().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn j02_a_database_that_is_not_utf8_stops_the_start() {
    let database = postgres::database().await;
    let raw = database.connect().await;
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let (server, name) = database.url.rsplit_once('/').unwrap();
        let name = format!("{name}_{}", encoding.to_lowercase());
        raw.batch_execute(&format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        ))
        .await
        .unwrap();
        let folder = TempDir::new().unwrap();
        for arguments in [["serve"].as_slice(), &["migrate"]] {
            let mut command: Command = on(&format!("{server}/{name}"), folder.path());
            let refused = output(command.args(arguments));
            let text = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(2), "{text}");
            assert!(text.contains(encoding) && text.contains("UTF8"), "{text}");
            assert!(!text.contains("canary"), "{text}");
        }
    }
}
