//! Lookups that share a thread.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use menjin_domain::common::{PortError, RequestContext, SessionId, Timestamp};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::sessions::{LiveSession, NewSession, SessionRepository};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{add, chain, folder, open, raw};
use crate::SqliteStore;

fn session_id(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

/// A user with this many sessions, numbered from 1. The store has one thread for lookups.
async fn with_sessions(path: &Path, sessions: u128) -> SqliteStore {
    let store = open(path);
    let user_id = add(&store, "ann").await.unwrap();
    for number in 1..=sessions {
        let new = NewSession {
            id: session_id(number),
            user_id,
            verified_version: CredentialVersion(0),
            authenticated_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH + Duration::from_secs(3600),
            ends_at: Timestamp::UNIX_EPOCH + Duration::from_secs(3600),
            has_factor: false,
            limit: None,
            request: RequestContext::local(),
        };
        SessionRepository::create(&store, new).await.unwrap();
    }
    store
}

async fn find(store: SqliteStore, number: u128) -> Result<Option<LiveSession>, PortError> {
    store.find_live(session_id(number), Timestamp::UNIX_EPOCH).await
}

type Found = Vec<(u128, Result<Option<LiveSession>, PortError>)>;

/// Looks up all of these sessions at once.
async fn find_all(store: &SqliteStore, numbers: impl IntoIterator<Item = u128>) -> Found {
    let mut found = JoinSet::new();
    for number in numbers {
        let store = store.clone();
        found.spawn(async move { (number, find(store, number).await) });
    }
    found.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_row_fails_its_own_look_up() {
    let (_folder, path) = folder();
    let store = with_sessions(&path, 150).await;
    let mut sqlite = raw(&path);
    sqlite.batch_execute("PRAGMA ignore_check_constraints = ON").unwrap();
    let broken = format!(
        "UPDATE sessions SET created_at = 9223372036854775807 WHERE id = x'{}'",
        session_id(7).0.simple()
    );
    sqlite.batch_execute(&broken).unwrap();
    for (number, found) in find_all(&store, 1..=150).await {
        match found {
            Err(error) if number == 7 => {
                assert!(matches!(error, PortError::Internal { .. }), "{error:?}");
                assert!(chain(&error).contains("column created_at of row"), "{}", chain(&error));
            }
            found => assert_eq!(found.unwrap().unwrap().session.id, session_id(number)),
        }
    }
}

/// While all connections are taken, waiting lookups get their error in time, and later lookups work
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn f2_without_a_connection_all_are_told_in_time() {
    let (_folder, path) = folder();
    let store = with_sessions(&path, 1).await;
    let now = tokio::time::Instant::now();
    let held = (store.reader(now).await.unwrap(), store.reader(now).await.unwrap());
    let started = Instant::now();
    for (number, found) in find_all(&store, [1; 100]).await {
        let is_unavailable = matches!(found, Err(PortError::Unavailable { .. }));
        assert!(is_unavailable, "{number}: {found:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    drop(held);
    assert!(find(store.clone(), 1).await.unwrap().is_some());
    store.close().await.unwrap();
    for (number, found) in find_all(&store, [1; 100]).await {
        let is_unavailable = matches!(found, Err(PortError::Unavailable { .. }));
        assert!(is_unavailable, "{number}: {found:?}");
    }
}

/// The first caller starts the thread, and that caller may be gone before the thread runs.
#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let (_folder, path) = folder();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let lasting = runtime();
    let store = lasting.block_on(with_sessions(&path, 1));
    for _ in 0..10 {
        let ending = runtime();
        let store_there = store.clone();
        // Polled once at most: the task that it has spawned has not run, and never will.
        drop(
            ending.block_on(async {
                tokio::time::timeout(Duration::ZERO, find(store_there, 1)).await
            }),
        );
        drop(ending);
        assert!(lasting.block_on(find(store.clone(), 1)).unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_leave_do_not_stop_the_others() {
    let (_folder, path) = folder();
    let store = with_sessions(&path, 1).await;
    for round in 0..100 {
        let leaving = async { find_all(&store, [1; 20]).await };
        let staying = find_all(&store, [1; 20]);
        let (left, stayed) =
            tokio::join!(tokio::time::timeout(Duration::from_micros(round * 5), leaving), staying);
        drop(left);
        assert!(stayed.iter().all(|(_, found)| matches!(found, Ok(Some(_)))), "{stayed:?}");
    }
}
