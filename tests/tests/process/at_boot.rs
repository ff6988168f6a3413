//! A database that is not there when the server starts.

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::process::{Server, output};
use menjin_tests::servers::postgres;
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::postgres::on;

/// How long starting may take once the database is there.
const PATIENCE: Duration = Duration::from_secs(20);

/// Killed (nobody listens), or stopped (somebody listens and says nothing).
#[tokio::test(flavor = "multi_thread")]
async fn j04_the_server_waits_for_its_database() {
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    for (fail, mend) in [
        (postgres::Server::kill as fn(&_), postgres::Server::restart as fn(&_)),
        (postgres::Server::stop, postgres::Server::resume),
    ] {
        let url = server.database().await.url;
        fail(&server);
        let folder = TempDir::new().unwrap();
        let menjin = Server::start_waiting(&mut on(&url, folder.path()));
        let client = Client::new(&menjin.url);
        let alive = client.get("/health/live").await;
        // A connection that is kept would break once the database is there.
        assert_eq!((alive.status, alive.header("connection")), (200, Some("close")));
        for path in ["/health", "/health/ready"] {
            let health = client.get(path).await;
            assert_eq!((health.status, health.header("retry-after")), (503, Some("1")), "{health}");
            assert_eq!(health.body["checks"]["database"]["status"], "unhealthy", "{health}");
        }
        let login = client.try_log_in("mike", "password123").await;
        assert_eq!((login.status, login.header("retry-after")), (503, Some("1")), "{login}");
        assert_eq!(login.faults_of_headers("/api/v1/auth/login"), Vec::<String>::new());
        assert_eq!(login.body["code"], "unavailable", "{login}");
        mend(&server);
        let started = Instant::now();
        let ready = || client.request(Method::GET, "/health/ready").send();
        while !ready().await.is_ok_and(|ready| ready.status() == 200) {
            assert!(started.elapsed() < PATIENCE, "it does not start");
        }
        let body =
            json!({ "username": "mike", "email": "m@example.com", "password": "password123" });
        assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
        let (status, _) = tokio::task::spawn_blocking(|| menjin.terminate()).await.unwrap();
        assert!(status.success());
    }
}

#[test]
fn j04_the_server_waits_no_longer_than_it_may_and_says_why() {
    let folder = TempDir::new().unwrap();
    let mut command = on("postgres://ann:canary@127.0.0.1:1/menjin", folder.path());
    let given_up = output(command.env("MENJIN__DATABASE__WAIT", "1s"));
    let text = String::from_utf8(given_up.stderr).unwrap();
    assert_eq!(given_up.status.code(), Some(1), "{text}");
    assert!(!text.contains("canary"), "{text}");
    let awaited: Vec<&str> =
        text.lines().filter(|line| line.contains("database_awaited")).collect();
    assert_eq!(awaited.len(), 1, "{text}");
    assert!(awaited[0].contains("127.0.0.1:1/menjin"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.contains("database.wait") && last.contains("127.0.0.1:1/menjin"), "{text}");
}

#[test]
fn j04_a_server_that_waits_can_be_stopped() {
    let folder = TempDir::new().unwrap();
    let url = "postgres://ann:canary@127.0.0.1:1/menjin";
    let server = Server::start_waiting(&mut on(url, folder.path()));
    let started = Instant::now();
    assert!(server.terminate().0.success());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// Waiting does not help against settings that are wrong.
#[tokio::test(flavor = "multi_thread")]
async fn j04_a_refused_role_is_not_waited_for() {
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    let url = server.url().replacen("postgres:canary@", "nobody:canary@", 1);
    let folder = TempDir::new().unwrap();
    let started = Instant::now();
    let refused = output(&mut on(&url, folder.path()));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("nobody") && !text.contains("database_awaited"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
