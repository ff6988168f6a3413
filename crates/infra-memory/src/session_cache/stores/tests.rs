//! Tests of the repositories with the session cache in front of them.

use std::sync::Mutex;

use menjin_domain::common::{RequestContext, UserId};
use menjin_domain::sessions::{Generation, MockInvalidationChannel, MockSessionRepository};

use super::*;
use crate::session_cache::cache::tests::{SESSION, at, live};

fn rotation() -> Rotation {
    Rotation {
        session_id: SESSION,
        user_id: UserId::FIRST,
        presented: Generation::FIRST,
        at: at(0),
        grace: Duration::from_secs(30),
        idle_ttl: None,
        request: RequestContext::local(),
        recorded: true,
    }
}

/// Refreshes a cached session. Returns what other processes are told, and whether the session is
/// still cached.
async fn refresh(outcome: Result<RotationOutcome, PortError>) -> (Vec<Vec<u8>>, bool) {
    let mut store = MockSessionRepository::new();
    store.expect_rotate().return_once(|_rotation| outcome);
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut channel = MockInvalidationChannel::new();
    let messages = Arc::clone(&told);
    channel.expect_publish().returning(move |message| {
        messages.lock().unwrap().push(message.to_vec());
        Ok(())
    });
    let cache = Arc::new(SessionCache::new(10, Duration::from_secs(1)));
    cache.fill(cache.begin(at(0)), &live(1));
    let sessions = CachedSessions::new(Arc::new(store), cache.clone(), Some(Arc::new(channel)));
    drop(sessions.rotate(rotation()).await);
    let told = told.lock().unwrap().clone();
    (told, cache.get(SESSION, at(1)).is_some())
}

#[tokio::test]
async fn others_need_not_hear_of_a_refresh_that_succeeds() {
    let (told, has_copy) = refresh(Ok(RotationOutcome::Rotated(Box::new(live(1))))).await;
    assert!(told.is_empty(), "{told:?}");
    assert!(!has_copy, "it shows the generation before");
}

#[tokio::test]
async fn others_hear_of_a_refresh_that_ends_the_session_or_may_have() {
    let message = Invalidation::Session(SESSION).to_bytes();
    for outcome in [
        Ok(RotationOutcome::Replayed),
        Ok(RotationOutcome::NotLive),
        Err(PortError::unavailable("database", "it did not answer")),
    ] {
        let (told, has_copy) = refresh(outcome).await;
        assert_eq!(told, std::slice::from_ref(&message));
        assert!(!has_copy);
    }
}
