//! Mails of replicas, one of which is killed now and then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use menjin_domain::common::Clock as _;
use menjin_domain::mail::{Claim, Outbox as _};
use menjin_infra_memory::SystemClock;
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::client::Client;
use menjin_tests::measurements::measured;
use menjin_tests::servers::smtp::SmtpServer;
use menjin_tests::size::kills;
use menjin_tests::waiting::until;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::{Replicas, register};

/// Longer than a worker that died had a mail for itself.
const LEASE: Duration = Duration::from_secs(150);

/// How many ask for a mail around each kill.
const PEOPLE: usize = 40;

/// How many mails one worker sends at once: so many may be on their way when it is killed.
const AT_ONCE: usize = 8;

/// Asks for a mail for each of these through one replica and the other. Returns whom it was acknowledged
/// for: what a killed replica has not answered may be done or not. Says how many were asked for.
async fn forget(
    clients: Vec<Client>,
    names: Vec<String>,
    asked: watch::Sender<usize>,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for (round, name) in names.into_iter().enumerate() {
        let client = &clients[round % clients.len()];
        let request = client.request(Method::POST, "/api/v1/auth/forgot-password");
        let answer = request.json(&json!({ "username": name })).send().await;
        if answer.is_ok_and(|answer| answer.status() == 202) {
            acknowledged.push(format!("{name}@example.com"));
        }
        asked.send_replace(round + 1);
    }
    acknowledged
}

/// Every acknowledged request has its mail, and few have two; these have one id.
#[tokio::test(flavor = "multi_thread")]
async fn m1_m2_no_mail_is_lost_when_a_replica_is_killed() {
    let smtp = tokio::task::spawn_blocking(|| SmtpServer::start(&[])).await.unwrap();
    let port = smtp.port().to_string();
    let mut replicas = Replicas::start_with(
        2,
        &[
            ("MENJIN__MAIL__MODE", "smtp"),
            ("MENJIN__MAIL__FROM", "menjin@site.example"),
            ("MENJIN__MAIL__SMTP__HOST", "127.0.0.1"),
            ("MENJIN__MAIL__SMTP__TLS", "none"),
            ("MENJIN__MAIL__SMTP__PORT", &port),
            ("MENJIN__MAIL__CHECK_EVERY", "10ms"),
            ("MENJIN__MAIL__MAX_PER_HOUR", "100000"),
            ("MENJIN__MAIL__MAX_REQUESTS", "100000"),
        ],
    )
    .await;
    let kills = kills(4).min(200);
    let store = PostgresStore::open(PostgresConfig::at(replicas.database())).await.unwrap();
    let name = |kill, number| format!("user-{kill}-{number}");
    for kill in 0..kills {
        for number in 0..PEOPLE {
            assert_eq!(register(&replicas.on(1), &name(kill, number)).await.status, 201);
        }
    }
    // A mail that asks for a proof would wait for a minute if its worker died.
    let is_empty = async || store.backlog().await.unwrap().queued == 0;
    until("the mails of the registrations are sent", Duration::from_secs(60), is_empty).await;
    let mut acknowledged = Vec::new();
    for kill in 0..kills {
        let names = (0..PEOPLE).map(|number| name(kill, number)).collect();
        let clients = vec![replicas.on(0), replicas.on(1)];
        let (asked, mut progress) = watch::channel(0);
        let asking = tokio::spawn(forget(clients, names, asked));
        progress.wait_for(|asked| *asked >= PEOPLE / 2).await.unwrap();
        replicas.servers[0].kill();
        acknowledged.extend(asking.await.unwrap());
        replicas.servers[0] = replicas.another(&[]);
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut before = u64::MAX;
    loop {
        let queued = store.backlog().await.unwrap().queued;
        if queued == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{queued} mails were not sent");
        if queued == before {
            // What is left was claimed by those who were killed, and comes free after two minutes.
            let now = SystemClock.now();
            let claim = Claim { at: now + LEASE, until: now, limit: 1000 };
            store.claim(claim).await.unwrap();
        }
        before = queued;
        sleep(Duration::from_secs(1)).await;
    }
    let mut came: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mail in smtp.mails() {
        let mail: Value = serde_json::from_str(&mail).unwrap();
        if !mail["text"].as_str().unwrap().contains("/account/reset-password#") {
            continue;
        }
        let to = mail["to"][0].as_str().unwrap().to_owned();
        came.entry(to).or_default().push(mail["headers"]["Message-ID"].clone());
    }
    assert!(acknowledged.len() >= kills * PEOPLE / 2, "{} requests", acknowledged.len());
    for address in &acknowledged {
        assert!(came.contains_key(address), "{address} has no mail");
    }
    let total: usize = came.values().map(Vec::len).sum();
    for (address, ids) in &came {
        assert!(ids.iter().all(|id| *id == ids[0]), "{address}: {ids:?}");
    }
    let twice = total - came.len();
    assert!(twice <= kills * AT_ONCE, "{twice} of {total} came twice after {kills} kills");
    measured("M2", "a replica killed", format!("{kills} times, {total} mails, {twice} twice"));
}
