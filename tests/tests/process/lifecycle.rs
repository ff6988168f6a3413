//! Starting, logging and stopping.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::process::{Server, command, output};
use menjin_tests::raw;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::MENJIN;
use crate::command_line::{ROOT, create_admin_by};

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let client = Client::new(&server.url);
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let mike = client.log_in("mike", "password123").await;
    let (status, _) = server.terminate();
    assert!(status.success());
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let mike = Client::new(&server.url).with_tokens(&json!({
        "access_token": mike.access_token, "refresh_token": mike.refresh_token,
    }));
    assert_eq!(mike.me().await.status, 200, "who was logged in still is");
    assert_eq!(mike.refresh().await.status, 200);
}

#[test]
fn f7_sigterm_answers_what_is_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    // A hash of half a second is in flight for long enough, also where a busy machine makes it ten times
    // as long.
    let server = Server::start(command(MENJIN, folder.path()).env("MENJIN__HASHING__COST", "13"));
    let body = json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
    let body = body.to_string();
    let mut connection = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nHost: menjin\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    // What asks for the body has begun to serve the request.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    connection.read_exact(&mut go_on).unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", go_on.escape_ascii());
    connection.write_all(body.as_bytes()).unwrap();
    let started = Instant::now();
    let (status, _) = server.terminate();
    assert!(status.success());
    assert!(started.elapsed() < Duration::from_secs(10));
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_logs_are_json_with_request_ids_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(command(MENJIN, folder.path()).env("MENJIN__LOG__LEVEL", "trace"));
    let client = Client::new(&server.url);
    let body =
        json!({ "username": "mike", "email": "m@example.com", "password": "canary-password" });
    let request = client.request(Method::POST, "/api/v1/auth/register?x=canary-query");
    let answer = request.header("x-canary", "canary-header").json(&body).answer().await;
    assert_eq!(answer.status, 201);
    let id = answer.header("x-request-id").unwrap().to_owned();
    client.try_log_in("mike", "canary-wrong").await;
    client.try_log_in("canary-name\r\n\u{1b}[31m", "canary-wrong").await;
    client.get("/canary%0d%0aforged").await;
    let mike = client.log_in("mike", "canary-password").await;
    let refreshed = mike.refresh().await;
    assert_eq!(mike.me().await.status, 200);
    mike.get("/api/v1/audit?before=canary-query&action=canary-query").await;
    mike.request(Method::GET, "/api/v1/users/1/lock")
        .header("x-canary", "canary-header")
        .answer()
        .await;
    let (_, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    let mut export = command(MENJIN, folder.path());
    let export = output(export.args(["audit", "export"]).env("MENJIN__LOG__LEVEL", "trace"));
    let records = String::from_utf8(export.stdout).unwrap();
    assert_eq!(records.lines().count(), 7, "{records}");
    for line in &log {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    let text = log.join("\n");
    assert!(text.contains(&id), "the id that the client got is in the log");
    assert!(records.contains(&id), "and on record");
    let refreshed = refreshed.body["access_token"].as_str().unwrap().to_owned();
    let secret = std::fs::read_to_string(folder.path().join("data/auth.secret")).unwrap();
    for canary in [
        "canary-password",
        "canary-query",
        "canary-header",
        "canary-wrong",
        "canary-name",
        mike.access_token.as_deref().unwrap(),
        mike.refresh_token.as_deref().unwrap(),
        &refreshed,
        &secret,
    ] {
        assert!(!text.contains(canary), "{canary} is in the log");
        assert!(!records.contains(canary), "{canary} is on record");
    }
}

/// Lines of busy moments are written together: none may be left behind at the end.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_line_when_the_process_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let client = Client::new(&server.url);
    let mut answers = JoinSet::new();
    for _ in 0..500 {
        let client = client.clone();
        answers.spawn(async move { client.get("/health/live").await });
    }
    let answers = answers.join_all().await;
    let id = |answer: &Answer| answer.header("x-request-id").unwrap().to_owned();
    let mut ids: Vec<_> = answers.iter().map(id).collect();
    let (status, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert!(status.success());
    let lines = log.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<_> = lines.filter(|line| line["event"] == "request").collect();
    let mut told: Vec<_> = lines.iter().map(|line| line["span"]["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, ids);
    assert!(log.last().unwrap().contains("stopped"), "{:?}", log.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn h5_what_is_no_request_is_no_fault_of_the_servers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let url = server.url.clone();
    let sent = tokio::task::spawn_blocking(move || {
        [b"nonsense\r\n\r\n".to_vec(), vec![b'x'; 200_000]]
            .map(|request| raw::exchange(&url, &request, Duration::from_secs(5)).answers.remove(0))
    });
    let [nonsense, too_long] = sent.await.unwrap();
    assert_eq!((nonsense.status, nonsense.body.as_str()), (400, ""), "{nonsense}");
    let id = too_long.header("x-request-id").unwrap();
    let (_, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = lines.iter().find(|line| line["span"]["id"] == id).unwrap();
    assert_eq!((&line["level"], &line["status"]), (&json!("INFO"), &json!(431)), "{line}");
    assert_eq!((&line["event"], &line["peer"]), (&json!("refused"), &json!("127.0.0.1")));
    assert!(!lines.iter().any(|line| line["level"] == "ERROR"), "{log:#?}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = output(command(MENJIN, folder.path()).args(["--port", &port]));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&port) && text.contains("server.port"), "{text}");
}

/// Of servers that start at once on one new file, one serves. The others are told why they do not, and
/// leave the file as it is.
#[test]
fn j13_of_first_starts_at_once_one_serves() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = command(MENJIN, folder.path());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let is_last = |line: &String| {
            line.contains("\"event\":\"listening\"") || line.starts_with("menjin: ")
        };
        let last = log.find(is_last).unwrap();
        (child, last)
    };
    let mut servers = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
    });
    let is_up = |(_, last): &&(Child, String)| last.contains("\"event\":\"listening\"");
    assert_eq!(servers.iter().filter(is_up).count(), 1, "{servers:?}");
    for (child, last) in &mut servers {
        if last.starts_with("menjin: ") {
            assert!(last.contains("another server") && last.contains("menjin.db"), "{last}");
            assert_eq!(child.wait().unwrap().code(), Some(1));
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    // Who was killed holds nothing.
    drop(Server::start(&mut command(MENJIN, folder.path())));
}

/// By another name too. What is no server works beside one.
#[test]
fn j13_a_second_server_on_one_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&mut command(MENJIN, folder.path()));
    let (data, link) = (folder.path().join("data"), folder.path().join("link"));
    std::os::unix::fs::symlink(&data, &link).unwrap();
    let file = folder.path().join("file.db");
    std::os::unix::fs::symlink(data.join("menjin.db"), &file).unwrap();
    let absolute = data.join("menjin.db");
    for path in [absolute, link.join("menjin.db"), file, "data/../data/menjin.db".into()] {
        let mut second = command(MENJIN, folder.path());
        second.env("MENJIN__DATABASE__URL", format!("sqlite://{}", path.display()));
        let refused = output(&mut second);
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{text}");
        assert!(text.contains("another server") && text.contains("PostgreSQL"), "{text}");
    }
    for arguments in [&["migrate"][..], &["audit", "export"], &["config", "check"]] {
        let beside = output(command(MENJIN, folder.path()).args(arguments));
        assert!(beside.status.success(), "{}", String::from_utf8_lossy(&beside.stderr));
    }
    let made = create_admin_by(command(MENJIN, folder.path()), &ROOT, "correct horse battery\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Another file is another server's.
    let mut other = command(MENJIN, folder.path());
    drop(Server::start(other.env("MENJIN__DATABASE__URL", "sqlite://data/other.db")));
    assert!(server.terminate().0.success());
    drop(Server::start(&mut command(MENJIN, folder.path())));
}
