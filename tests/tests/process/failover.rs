//! Several servers of one database, of which one takes writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use menjin_tests::client::{Client, Send as _};
use menjin_tests::process::Server;
use menjin_tests::servers::postgres;
use menjin_tests::waiting::until;
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::postgres::on;

/// How soon writes work again once there is a server that takes them.
const RECOVERY: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);

/// A primary and a standby that has everything that was acknowledged.
struct Pair {
    primary: postgres::Server,
    standby: postgres::Server,
    url: String,
}

async fn pair() -> Pair {
    let start = || {
        let primary = postgres::Server::start();
        let standby = primary.standby();
        (primary, standby)
    };
    let (primary, standby) = tokio::task::spawn_blocking(start).await.unwrap();
    primary.wait_for_standby().await;
    let url = primary.database().await.url;
    let one = format!(":{}/", primary.port());
    let both = format!(":{},127.0.0.1:{}/", primary.port(), standby.port());
    let url = url.replacen(&one, &both, 1) + "?target_session_attrs=read-write";
    Pair { primary, standby, url }
}

async fn promote(server: &postgres::Server) {
    let raw = postgres::connect(&server.url()).await;
    let promoted: bool = raw.query_one("SELECT pg_promote()", &[]).await.unwrap().get(0);
    assert!(promoted);
}

/// Registers accounts for ever, and remembers those that were acknowledged. Nothing but 503 is an excuse.
async fn register_for_ever(client: Client, state: Arc<State>, worker: usize) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if state.is_over.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("user{worker}x{number}");
        let body = json!({
            "username": name, "email": format!("{name}@example.com"), "password": "password123",
        });
        let answer =
            client.request(Method::POST, "/api/v1/auth/register").json(&body).answer().await;
        match answer.status {
            201 => {
                state.done.fetch_add(1, Ordering::SeqCst);
                acknowledged.push(name);
            }
            503 => drop(state.refused.fetch_add(1, Ordering::SeqCst)),
            _ => assert_eq!(answer.status, 503, "{answer}"),
        }
    }
    acknowledged
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    done: AtomicUsize,
    refused: AtomicUsize,
}

/// The first host is dead (it refuses), or silent (it accepts, and says nothing).
#[tokio::test(flavor = "multi_thread")]
async fn j03_a_promoted_standby_takes_over_under_load() {
    for fail in [postgres::Server::kill as fn(&_), postgres::Server::stop] {
        let Pair { primary, standby, url } = pair().await;
        let folder = TempDir::new().unwrap();
        let menjin = Server::start(&mut on(&url, folder.path()));
        let client = Client::new(&menjin.url);
        let state = Arc::new(State::default());
        let mut load: JoinSet<Vec<String>> =
            (0..8).map(|n| register_for_ever(client.clone(), Arc::clone(&state), n)).collect();
        let done = || state.done.load(Ordering::SeqCst);
        until("accounts are registered", PATIENCE, async || done() >= 20).await;
        fail(&primary);
        until("refusals", PATIENCE, async || state.refused.load(Ordering::SeqCst) > 0).await;
        let before = done();
        promote(&standby).await;
        until("the standby is used", RECOVERY, async || done() > before).await;
        until("the standby is used for long", PATIENCE, async || done() > before + 20).await;
        state.is_over.store(true, Ordering::SeqCst);
        while let Some(acknowledged) = load.join_next().await {
            for name in acknowledged.unwrap() {
                let login = client.try_log_in(&name, "password123").await;
                assert_eq!(login.status, 200, "{name} was acknowledged and is lost: {login}");
            }
        }
        // A server that starts meanwhile finds the one that takes writes.
        let another = Server::start(&mut on(&url, folder.path()));
        assert_eq!(Client::new(&another.url).get("/health/ready").await.status, 200);
        assert!(tokio::task::spawn_blocking(|| menjin.terminate()).await.unwrap().0.success());
    }
}

/// A standby before the primary in the URL is passed over, named `read-write` or not.
#[tokio::test(flavor = "multi_thread")]
async fn j03_a_standby_is_passed_over() {
    let Pair { primary, standby, url } = pair().await;
    let (one, two) = (primary.port(), standby.port());
    let both = format!(":{one},127.0.0.1:{two}/");
    let turned = url.replacen(&both, &format!(":{two},127.0.0.1:{one}/"), 1);
    for url in [turned.split('?').next().unwrap(), &turned] {
        let folder = TempDir::new().unwrap();
        let menjin = Server::start(&mut on(url, folder.path()));
        assert_eq!(Client::new(&menjin.url).get("/health/ready").await.status, 200, "{url}");
    }
}
