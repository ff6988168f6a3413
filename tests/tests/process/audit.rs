//! `menjin audit export`, and records while the database is away.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use menjin_tests::client::{Client, Send as _};
use menjin_tests::process::{Server, command, output};
use menjin_tests::servers::postgres;
use reqwest::Method;
use serde_json::{Value, json};

use crate::MENJIN;
use crate::command_line::{ROOT, create_admin_by};
use crate::postgres::on;

/// What `menjin audit export` with these arguments writes, line by line.
fn export(mut command: Command, arguments: &[&str]) -> Vec<Value> {
    let output = output(command.args(["audit", "export"]).args(arguments));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

/// An export holds what happened, oldest first, as the API shows it; beside a running server too.
async fn holds_what_happened(of: impl Fn() -> Command) {
    let made = create_admin_by(of(), &ROOT, "correct horse battery\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Server::start(&mut of());
    let client = Client::new(&server.url);
    let root = client.log_in("root", "correct horse battery").await;
    let refreshed = root.refresh().await;
    assert_eq!(refreshed.status, 200);
    let root = root.with_tokens(&refreshed.body);
    let told = ["admin_created", "logged_in", "refreshed"];
    assert_eq!(actions(&export(of(), &[])), told);
    assert_eq!(client.try_log_in("root", "wrong").await.status, 401);
    assert_eq!(root.post_empty("/api/v1/auth/logout").await.status, 200);
    let (status, _) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert!(status.success());

    let all = export(of(), &[]);
    let told = ["admin_created", "logged_in", "refreshed", "log_in_failed", "logged_out"];
    assert_eq!(actions(&all), told, "what waited was written at the end");
    let times: Vec<_> = all.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let since = export(of(), &["--since", times[2]]);
    assert_eq!(since, all[2..], "the moment itself is in the span");
    assert_eq!(export(of(), &["--since", times[1], "--until", times[3]]), all[1..3]);
    assert_eq!(export(of(), &["--until", "2000-01-01T00:00:00Z"]), Vec::<Value>::new());

    let server = Server::start(&mut of());
    let root = Client::new(&server.url).log_in("root", "correct horse battery").await;
    let mut shown = root.get("/api/v1/audit").await.body["events"].as_array().unwrap().clone();
    shown.reverse();
    assert_eq!(shown, export(of(), &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    holds_what_happened(|| command(MENJIN, folder.path())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_what_happened_on_postgres() {
    let (url, folder) = (postgres::database().await.url, tempfile::tempdir().unwrap());
    holds_what_happened(|| on(&url, folder.path())).await;
}

#[test]
fn a_time_that_is_none_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(command(MENJIN, folder.path()).args(["audit", "export", "--since", "x"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--since"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn where_there_is_no_database_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let output = output(command(MENJIN, folder.path()).args(["audit", "export"]));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("menjin.db") && text.contains("database.url"), "{text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Adds this many failures at once, as the years would.
fn fill(folder: &Path, count: u32) {
    use diesel::connection::SimpleConnection as _;
    use diesel::{Connection as _, SqliteConnection};
    let path = folder.join("data/menjin.db");
    let mut sqlite = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let sql = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
         INSERT INTO audit_events (at, action, outcome, client_address)
         SELECT 1700000000000000 + n / 3, 'log_in_failed', 'failure', '192.0.2.1' FROM n"
    );
    sqlite.batch_execute(&sql).unwrap();
}

/// More than fit a part come all the same, each once; who has seen enough may leave.
#[test]
fn an_export_is_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    assert!(output(command(MENJIN, folder.path()).arg("migrate")).status.success());
    fill(folder.path(), 12_345);
    let ids: Vec<_> = export(command(MENJIN, folder.path()), &[])
        .iter()
        .map(|event| event["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=12_345).collect::<Vec<_>>());

    let mut child = command(MENJIN, folder.path())
        .args(["audit", "export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["id"], 1);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What is old goes by itself, and nothing else does.
#[tokio::test(flavor = "multi_thread")]
async fn old_records_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    assert!(output(command(MENJIN, folder.path()).arg("migrate")).status.success());
    fill(folder.path(), 5000);
    let made = create_admin_by(command(MENJIN, folder.path()), &ROOT, "correct horse battery\n");
    assert!(made.status.success());
    let mut settings = command(MENJIN, folder.path());
    let server = Server::start(settings.env("MENJIN__AUDIT__KEEP", "1h"));
    let root = Client::new(&server.url).log_in("root", "correct horse battery").await;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let page = root.get("/api/v1/audit?limit=100").await.body;
        let events = page["events"].as_array().unwrap();
        if page["next"].is_null() && events.len() < 100 {
            assert_eq!(actions(events), ["logged_in", "admin_created"]);
            break;
        }
        assert!(std::time::Instant::now() < deadline, "still {page}");
    }
}

/// Without the database failures are answered as ever, and dropped; the log says how many.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_failures_are_dropped_and_counted() {
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    let url = server.database().await.url;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = on(&url, folder.path());
    let menjin = Server::start(settings.env("MENJIN__AUDIT__QUEUE", "8"));
    let client = Client::new(&menjin.url);
    let forged = json!({ "refresh_token": "canary-token" });
    let refused = async || {
        let request = client.request(Method::POST, "/api/v1/auth/refresh").json(&forged);
        tokio::time::timeout(Duration::from_secs(2), request.answer()).await.unwrap().status
    };
    assert_eq!(refused().await, 401);
    server.stop();
    for _ in 0..50 {
        assert_eq!(refused().await, 401, "nothing waits for the record");
    }
    server.resume();
    let (status, log) = tokio::task::spawn_blocking(|| menjin.terminate()).await.unwrap();
    assert!(status.success(), "{log:#?}");
    let lines = log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = lines.filter(|line| line["event"] == "audit_dropped").collect();
    let dropped: i64 = told.iter().map(|line| line["dropped"].as_i64().unwrap()).sum();
    assert!(told.iter().all(|line| line["level"] == "WARN"), "{told:#?}");
    let kept = export(on(&url, folder.path()), &[]).len();
    let kept = i64::try_from(kept).unwrap();
    assert!(dropped > 0, "51 do not fit a queue of 8: {told:#?}");
    assert!(told.len() <= 5, "the log is not flooded in turn: {told:#?}");
    // One that was given up may be kept all the same, but never twice.
    assert!(kept <= 51 && kept + dropped >= 51, "{kept} kept: {told:#?}");
}
