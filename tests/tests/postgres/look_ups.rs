//! The read behind every request, on the connections that its callers share.

use std::time::{Duration, Instant};

use menjin_contract as contract;
use menjin_contract::{Administer, at, context, network, session_id};
use menjin_domain::accounts::{AccountRepository as _, FullName, ProfileChanges, Role};
use menjin_domain::common::Patch;
use menjin_domain::lockout::{LockoutRepository as _, LockoutSubject};
use menjin_domain::sessions::{LiveSession, SessionRepository as _};
use menjin_infra_postgres::{PostgresConfig, PostgresStore};
use menjin_tests::servers::postgres::{self, Database};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::{is_unavailable, of, open, until_locked_out};

/// How many connections were last used for a lookup as readers make it.
async fn shared(raw: &Client) -> i64 {
    let statement = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT s.user_id, s.generation%'";
    raw.query_one(statement, &[]).await.unwrap().get(0)
}

/// Looks a session up until it is done on a shared connection: one is made beside the first lookup.
async fn warm_up(store: &PostgresStore, raw: &Client) {
    let started = Instant::now();
    while shared(raw).await == 0 {
        drop(store.find_live(session_id(1), at(1)).await);
        assert!(started.elapsed() < Duration::from_secs(10), "no shared connection is used");
    }
}

/// A store whose lookups share a connection, and one whose lookups do not.
async fn both(database: &Database) -> [PostgresStore; 2] {
    let config = PostgresConfig::at(database.url.clone());
    let plain = PostgresConfig { prepared_statements: false, ..config.clone() };
    [PostgresStore::open(config).await.unwrap(), PostgresStore::open(plain).await.unwrap()]
}

#[tokio::test]
async fn shared_connections_and_the_pool_answer_alike() {
    let database = postgres::database().await;
    let [store, plain] = both(&database).await;
    let raw = database.connect().await;
    let contract = of(&store);
    let ann = contract.add("ann", Role::ADMIN).await.id;
    let bob = contract.student("bob").await;
    for (session, user) in [(1, ann), (2, ann), (3, bob), (4, ann)] {
        contract.log_in(session, user).await;
    }
    let named = ProfileChanges {
        full_name: Patch::Set(FullName::parse("Änn 门").unwrap().unwrap()),
        ..ProfileChanges::default()
    };
    store.update_profile(ann, named, context(2)).await.unwrap();
    assert!(store.end(session_id(2), context(3)).await.unwrap());
    store.deactivate(bob, context(4)).await.unwrap();
    warm_up(&store, &raw).await;
    let far = at(100 * 365 * 86_400);
    for (session, when, live) in [
        (1, at(5), true),
        (1, far, false),
        (2, at(5), false),
        (3, at(5), false),
        (4, at(5), true),
        (9, at(5), false),
    ] {
        let found: Option<LiveSession> = store.find_live(session_id(session), when).await.unwrap();
        assert_eq!(found.is_some(), live, "{session}");
        assert_eq!(found, plain.find_live(session_id(session), when).await.unwrap(), "{session}");
    }
    plain.close();
    assert_eq!(shared(&raw).await, 1, "one thread, one connection");
}

#[tokio::test]
async fn look_ups_do_not_queue_for_the_pool() {
    let database = postgres::database().await;
    let config = PostgresConfig { pool_size: 4, ..PostgresConfig::at(database.url.clone()) };
    let store = PostgresStore::open(config).await.unwrap();
    let raw = database.connect().await;
    let ann = of(&store).student("ann").await;
    of(&store).log_in(1, ann).await;
    warm_up(&store, &raw).await;
    raw.batch_execute("BEGIN; LOCK TABLE login_throttles IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let subject = LockoutSubject::Account(ann);
    let mut waiting = JoinSet::new();
    for _ in 0..3 {
        let (store, subject) = (store.clone(), subject.clone());
        waiting.spawn(async move { store.succeed(&subject, network(1)).await });
    }
    // That one is in a transaction.
    let watching = database.connect().await;
    until_locked_out(&watching, 3).await;
    let all = contract::at_once(200, |_| {
        let store = store.clone();
        async move { store.find_live(session_id(1), at(1)).await.unwrap().is_some() }
    });
    assert!(all.await.into_iter().all(|found| found));
    // Those of this test aside.
    let all = "SELECT count(*) - 2 FROM pg_stat_activity WHERE datname = current_database()";
    let connections: i64 = watching.query_one(all, &[]).await.unwrap().get(0);
    assert!(connections <= 4, "shared ones count: {connections}");
    raw.batch_execute("ROLLBACK").await.unwrap();
    for done in waiting.join_all().await {
        done.unwrap();
    }
}

/// Ended from outside: the session is never taken for gone, and a connection is shared again.
#[tokio::test]
async fn f1_a_shared_connection_that_ends_is_replaced() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let raw = database.connect().await;
    let ann = of(&store).student("ann").await;
    of(&store).log_in(1, ann).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        warm_up(&store, &raw).await;
        raw.execute(end, &[]).await.unwrap();
        let started = Instant::now();
        loop {
            let found = store.find_live(session_id(1), at(1)).await;
            assert!(is_unavailable(&found) || found.as_ref().unwrap().is_some(), "{found:?}");
            if found.is_ok() {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(1), "does not recover");
        }
    }
}

/// A table that somebody has locked: unavailable in time, for all who wait, and then as before (F2).
#[tokio::test]
async fn f2_a_look_up_that_waits_for_a_lock_is_unavailable_in_time() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let raw = database.connect().await;
    let ann = of(&store).student("ann").await;
    of(&store).log_in(1, ann).await;
    warm_up(&store, &raw).await;
    raw.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let started = Instant::now();
    let waiting = contract::at_once(20, |_| {
        let store = store.clone();
        async move { is_unavailable(&store.find_live(session_id(1), at(1)).await) }
    });
    assert!(waiting.await.into_iter().all(|unavailable| unavailable));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    raw.batch_execute("ROLLBACK").await.unwrap();
    assert!(store.find_live(session_id(1), at(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_closed_store_looks_nothing_up() {
    let database = postgres::database().await;
    let store = open(&database.url).await;
    let raw = database.connect().await;
    warm_up(&store, &raw).await;
    store.close();
    for _ in 0..3 {
        assert!(is_unavailable(&store.find_live(session_id(1), at(1)).await));
    }
    let started = Instant::now();
    while shared(&raw).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(5), "a connection stays open");
    }
}

/// As in front of a `PgBouncer` that keeps no statements.
#[tokio::test]
async fn without_prepared_statements_nothing_is_shared() {
    let database = postgres::database().await;
    let [_, plain] = both(&database).await;
    let raw = database.connect().await;
    for _ in 0..20 {
        assert_eq!(plain.find_live(session_id(1), at(1)).await.unwrap(), None);
    }
    assert_eq!(shared(&raw).await, 0);
}
