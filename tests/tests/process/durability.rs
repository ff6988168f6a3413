//! What was acknowledged survives `kill -9`. `MENJIN_TEST_KILLS` says how many.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::prelude::*;
use menjin_tests::client::Client;
use menjin_tests::measurements::measured;
use menjin_tests::process::{Server, command};
use menjin_tests::size::kills;
use reqwest::Method;
use serde_json::{Value, json};

use crate::MENJIN;

const PASSWORD: &str = "password123";

fn settings(folder: &std::path::Path) -> std::process::Command {
    let mut command = command(MENJIN, folder);
    command.env("MENJIN__THROTTLE__ENABLED", "false");
    // A refresh may be done and its answer lost with the server: the token before is taken again for
    // as long as the test goes on.
    command.env("MENJIN__AUTH__REFRESH_GRACE", "1h");
    command
}

/// What clients were told, over all rounds.
#[derive(Default)]
struct Acknowledged {
    names: Vec<String>,
    /// The newest refresh token of each client that refreshes.
    tokens: Vec<(String, String)>,
}

async fn registering(client: Client, worker: usize, round: usize, told: Arc<Mutex<Acknowledged>>) {
    for n in 0.. {
        let name = format!("user-{round}-{worker}-{n}");
        let body = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
        let request = client.request(Method::POST, "/api/v1/auth/register").json(&body);
        let Ok(response) = request.send().await else { return };
        if response.status() == 201 {
            told.lock().unwrap().names.push(name);
        }
    }
}

async fn refreshing(mut client: Client, name: String, told: Arc<Mutex<Acknowledged>>) {
    loop {
        let body = json!({ "refresh_token": client.refresh_token });
        let request = client.request(Method::POST, "/api/v1/auth/refresh").json(&body);
        let Ok(response) = request.send().await else { return };
        assert_eq!(response.status(), 200);
        let Ok(tokens) = response.json::<Value>().await else { return };
        client = client.with_tokens(&tokens);
        let token = client.refresh_token.clone().unwrap();
        told.lock().unwrap().tokens.push((name.clone(), token));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f4_nothing_acknowledged_is_lost_when_killed_in_mid_write() {
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Acknowledged::default()));
    let rounds = kills(20);
    for round in 0..rounds {
        let mut server = Server::start(&mut settings(folder.path()));
        let client = Client::new(&server.url);
        let name = format!("refresher-{round}");
        let body = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
        assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
        let refresher = client.log_in(&name, PASSWORD).await;
        let mut work = tokio::task::JoinSet::new();
        for worker in 0..4 {
            work.spawn(registering(client.clone(), worker, round, Arc::clone(&told)));
        }
        work.spawn(refreshing(refresher, name, Arc::clone(&told)));
        // Not awaiting anything: the moment of the kill is to be any.
        let moment = Duration::from_millis(20 + u64::try_from(round * 7 % 140).unwrap());
        tokio::time::sleep(moment).await;
        server.kill();
        while let Some(done) = work.join_next().await {
            done.unwrap();
        }
    }
    let told = std::mem::take(&mut *told.lock().unwrap());
    verify(folder.path(), &told, rounds).await;
    let value = format!("{rounds} kills, {} accounts acknowledged, 0 lost", told.names.len());
    measured("F4", "killed in mid-write", value);
}

async fn verify(folder: &std::path::Path, told: &Acknowledged, rounds: usize) {
    let server = Server::start(&mut settings(folder));
    let client = Client::new(&server.url);
    assert!(told.names.len() > rounds, "only {} registrations were acknowledged", told.names.len());
    for name in &told.names {
        assert_eq!(client.try_log_in(name, PASSWORD).await.status, 200, "{name} is lost");
    }
    let mut newest = std::collections::BTreeMap::new();
    newest.extend(told.tokens.iter().cloned());
    assert!(newest.len() > rounds / 2, "only {} sessions were refreshed", newest.len());
    for (name, token) in newest {
        let answer = client.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await;
        assert_eq!(answer.status, 200, "the newest token of {name} is lost: {answer}");
    }
    drop(server);
    assert_eq!(integrity_check(&folder.join("data/menjin.db")), ["ok"]);
}

/// What SQLite finds wrong with a database: `ok` if nothing.
fn integrity_check(database: &std::path::Path) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Finding {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let findings = diesel::sql_query("PRAGMA integrity_check").load::<Finding>(&mut connection);
    findings.unwrap().into_iter().map(|finding| finding.integrity_check).collect()
}
