//! A server that is killed, stopped, slow or full.

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_contract as contract;
use menjin_contract::{Administer, at, context, network, session_id};
use menjin_domain::accounts::{AccountRepository, Role};
use menjin_domain::common::UserId;
use menjin_domain::health::HealthProbe as _;
use menjin_domain::lockout::{LockoutRepository as _, LockoutSubject};
use menjin_domain::sessions::SessionRepository as _;
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::servers::postgres::{self, Server};
use tokio_postgres::Client;

use crate::{is_unavailable, of, open};

async fn server() -> Arc<Server> {
    Arc::new(tokio::task::spawn_blocking(Server::start).await.unwrap())
}

/// Does what blocks.
async fn with(server: &Arc<Server>, work: fn(&Server)) {
    let server = Arc::clone(server);
    tokio::task::spawn_blocking(move || work(&server)).await.unwrap();
}

/// Calls of every kind at once are all unavailable, within this time.
async fn nothing_works(store: &PostgresStore, within: Duration) {
    let started = Instant::now();
    let subject = LockoutSubject::Account(UserId::FIRST);
    let (health, find, live, end, throttle) = tokio::join!(
        store.check(),
        store.find(UserId::FIRST),
        store.find_live(session_id(1), at(1)),
        store.end(session_id(1), context(1)),
        store.succeed(&subject, network(1)),
    );
    assert!(started.elapsed() < within, "{:?}", started.elapsed());
    assert!(is_unavailable(&health), "{health:?}");
    assert!(is_unavailable(&find), "{find:?}");
    assert!(is_unavailable(&live), "{live:?}");
    assert!(is_unavailable(&end), "{end:?}");
    assert!(is_unavailable(&throttle), "{throttle:?}");
}

/// How many connections of this database are in a state, other than the asking one.
async fn sessions_in(raw: &Client, state: &str) -> i64 {
    let statement = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE $1 AND pid <> pg_backend_pid()";
    raw.query_one(statement, &[&state]).await.unwrap().get(0)
}

/// Killed: unavailable at once, and all is well after a restart, without a new store (F1).
#[tokio::test(flavor = "multi_thread")]
async fn f1_a_killed_server_is_unavailable_and_recovered_from() {
    let server = server().await;
    let store = open(&server.database().await.url).await;
    let mut told = Vec::new();
    for round in 0..3 {
        let writing = tokio::spawn({
            let store = of(&store);
            async move {
                let mut ids = Vec::new();
                for number in 0.. {
                    let new = contract::new_user(&format!("user{round}-{number}"), Role::STUDENT);
                    match store.accounts.create(new).await {
                        Ok(user) => ids.push(user.id),
                        Err(_) => break,
                    }
                }
                ids
            }
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        with(&server, Server::kill).await;
        told.extend(writing.await.unwrap());
        nothing_works(&store, Duration::from_secs(3)).await;
        with(&server, Server::restart).await;
        let started = Instant::now();
        while store.check().await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(2), "does not recover");
        }
    }
    assert!(!told.is_empty());
    for id in told {
        assert!(store.find(id).await.unwrap().is_some(), "{id} was acknowledged and is lost");
    }
}

/// Stopped: unavailable within three seconds, on new connections and old ones; then it goes on (F2).
#[tokio::test(flavor = "multi_thread")]
async fn f2_a_stopped_server_is_unavailable_in_time() {
    let server = server().await;
    let store = open(&server.database().await.url).await;
    store.check().await.unwrap();
    with(&server, Server::stop).await;
    for _ in 0..2 {
        nothing_works(&store, Duration::from_secs(3)).await;
    }
    let other = PostgresConfig::at(server.url());
    let opening = tokio::time::timeout(Duration::from_secs(15), PostgresStore::open(other)).await;
    assert!(opening.unwrap().is_err());
    with(&server, Server::resume).await;
    let started = Instant::now();
    while store.check().await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(2), "does not recover");
    }
    of(&store).student("ann").await;
}

/// Locked out by somebody else: the server cancels the statement, and it is unavailable (F2).
#[tokio::test(flavor = "multi_thread")]
async fn f2_a_lock_that_is_not_given_is_unavailable_in_time() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let ann = of(&store).student("ann").await;
    let raw = database.connect().await;
    raw.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let started = Instant::now();
    let (find, deactivate) = tokio::join!(store.find(ann), store.deactivate(ann, context(1)));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(is_unavailable(&find), "{find:?}");
    assert!(deactivate.is_err());
    raw.batch_execute("ROLLBACK").await.unwrap();
    assert!(store.find(ann).await.unwrap().unwrap().is_active, "nothing was done");
    assert_eq!(sessions_in(&raw, "idle in transaction%").await, 0);
}

/// All connections lent: unavailable after the time-out, and none is lost (F8).
#[tokio::test(flavor = "multi_thread")]
async fn f8_an_exhausted_pool_is_unavailable_in_time() {
    let database = postgres::database().await;
    let config = PostgresConfig { pool_size: 3, ..PostgresConfig::at(database.url.clone()) };
    let store = PostgresStore::open(config).await.unwrap();
    let ann = of(&store).student("ann").await;
    let raw = database.connect().await;
    for _ in 0..3 {
        raw.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let holding: Vec<_> = (0..3)
            .map(|_| {
                tokio::spawn({
                    let store = store.clone();
                    async move { store.find(ann).await }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let started = Instant::now();
        assert!(is_unavailable(&store.find(ann).await));
        let took = started.elapsed();
        assert!(
            Duration::from_millis(900) < took && took < Duration::from_millis(1300),
            "{took:?}"
        );
        raw.batch_execute("ROLLBACK").await.unwrap();
        for held in holding {
            assert!(held.await.unwrap().unwrap().is_some());
        }
    }
    let all = contract::at_once(30, |_| {
        let store = store.clone();
        async move { store.find(ann).await.is_ok() }
    });
    assert!(all.await.into_iter().all(|found| found));
    assert!(sessions_in(&raw, "%").await <= 3);
}

/// A server without room for another connection is unavailable, and no secret is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_is_unavailable() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let raw = database.connect().await;
    let name: String = raw.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    // Superusers are let in all the same.
    raw.batch_execute(&format!(
        "CREATE ROLE {name} LOGIN PASSWORD 'canary'; GRANT ALL ON ALL TABLES IN SCHEMA public TO {name};
         ALTER ROLE {name} CONNECTION LIMIT 0"
    ))
    .await
    .unwrap();
    store.check().await.unwrap();
    let url = database.url.replacen("postgres:canary@", &format!("{name}:canary@"), 1);
    if url == database.url {
        return; // Another server than ours, whose URL has another form.
    }
    let error = PostgresStore::open(PostgresConfig::at(url)).await.unwrap_err();
    let text = crate::chain(&error);
    assert!(text.contains("too many connections") && !text.contains("canary"), "{text}");
}

/// Callers who leave at any moment leave no transaction behind, and no connection is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_leaves_no_open_transaction() {
    let database = postgres::database().await;
    let config = PostgresConfig { pool_size: 4, ..PostgresConfig::at(database.url.clone()) };
    let store = PostgresStore::open(config).await.unwrap();
    let ids = [of(&store).add("ann", Role::ADMIN).await.id, of(&store).student("bob").await];
    for number in 0..200_u64 {
        let patience = Duration::from_micros(number * 25);
        let id = ids[1];
        drop(tokio::time::timeout(patience, store.deactivate(id, context(1))).await);
        drop(tokio::time::timeout(patience, store.activate(id, context(2))).await);
        let subject = LockoutSubject::Account(id);
        drop(tokio::time::timeout(patience, store.succeed(&subject, network(1))).await);
    }
    let raw = database.connect().await;
    let started = Instant::now();
    // What has begun ends by itself.
    while sessions_in(&raw, "active").await + sessions_in(&raw, "idle in transaction%").await > 0 {
        assert!(started.elapsed() < Duration::from_secs(3), "a transaction stays open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = contract::at_once(40, |number| {
        let (store, id) = (store.clone(), ids[number % 2]);
        async move { store.find(id).await.unwrap().is_some() }
    });
    assert!(all.await.into_iter().all(|found| found));
    assert!(sessions_in(&raw, "%").await <= 4);
}

/// A statement that is cancelled or a connection that is ended from outside is unavailable, once.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_connection_is_replaced() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let ann = of(&store).student("ann").await;
    let raw = database.connect().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..5 {
        raw.execute(end, &[]).await.unwrap();
        let first = store.find(ann).await;
        assert!(first.is_ok() || is_unavailable(&first), "{first:?}");
        let started = Instant::now();
        while store.find(ann).await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(1), "does not recover");
        }
    }
}

/// A session that began while the database took no writes stays so, even when the database takes writes
/// again: it must not be lent again.
#[tokio::test(flavor = "multi_thread")]
async fn j02_a_connection_that_takes_no_writes_is_dropped() {
    let database = postgres::database().await;
    PostgresStore::migrate(&PostgresConfig::at(database.url.clone())).await.unwrap();
    let raw = database.connect().await;
    let name: String = raw.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only =");
    raw.batch_execute(&format!("{read_only} on")).await.unwrap();
    let store = open(&database.url).await;
    for _ in 0..20 {
        assert!(is_unavailable(&store.check().await));
    }
    raw.batch_execute(&format!("{read_only} off")).await.unwrap();
    // Of all that were idle none is left, but the last.
    drop(store.check().await);
    contract::at_once(8, |_| {
        let store = store.clone();
        async move { store.check().await.unwrap() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j02_no_connection_grows_old() {
    let database = postgres::database().await;
    let max_age = Duration::from_millis(300);
    let config =
        PostgresConfig { pool_size: 1, max_age, ..PostgresConfig::at(database.url.clone()) };
    let store = PostgresStore::open(config).await.unwrap();
    let raw = database.connect().await;
    let connection = async || -> i32 {
        store.check().await.unwrap();
        let statement = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'menjin' ORDER BY backend_start DESC LIMIT 1";
        raw.query_one(statement, &[]).await.unwrap().get(0)
    };
    let (first, started) = (connection().await, Instant::now());
    while connection().await == first {
        assert!(started.elapsed() < Duration::from_secs(5), "it is never replaced");
    }
    assert!(started.elapsed() > Duration::from_millis(200), "replaced too early");
}
