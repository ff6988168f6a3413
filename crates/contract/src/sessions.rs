//! Sessions, without their rotation.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use macro_rules_attribute::apply;
use menjin_domain::audit::AuditAction;
use menjin_domain::common::{ClientInfo, Error, RequestContext, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::sessions::{
    CodeVerifier, CreateSessionError, Generation, HAND_OFF_TTL, HandOffCode, NewSession, OnExcess,
    Reauthentication, Session, SessionCookie, SessionLimit, SessionQuery, StaleCredentials,
    TakenHandOff,
};
use tokio::task::JoinSet;

use super::{Administer, Store, at, at_once, authority, context, new_session, session_id};

/// A login makes a session that reads back as written, with its user, and sets `last_login_at`.
#[apply(row!)]
async fn a_session_reads_back_as_written(store: Store) {
    let ann = store.student("ann").await;
    let address = IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | 7));
    let client = ClientInfo::at(address).with_user_agent(Some("Mozilla/5.0 (安卓)"));
    let new = NewSession {
        created_at: at(5),
        request: client.clone().into(),
        ..new_session(1, ann, CredentialVersion(0))
    };
    let user = store.sessions.create(new).await.unwrap();
    assert_eq!((user.id, user.last_login_at, user.updated_at), (ann, Some(at(5)), None));
    let live = store.sessions.find_live(session_id(1), at(6)).await.unwrap().unwrap();
    assert_eq!(*live.user, user);
    assert_eq!(store.user(ann).await, user);
    let session = live.session;
    assert_eq!((session.id, session.user_id), (session_id(1), ann));
    assert_eq!((session.generation, session.client), (Generation::FIRST, client));
    assert_eq!(
        (session.created_at, session.last_used_at, session.expires_at),
        (at(5), at(5), at(3600))
    );
}

/// A client that sends no `User-Agent` has none in its session.
#[apply(row!)]
async fn a_user_agent_may_be_missing(store: Store) {
    let ann = store.student("ann").await;
    let new = NewSession {
        request: RequestContext::local(),
        ..new_session(1, ann, CredentialVersion(0))
    };
    store.sessions.create(new).await.unwrap();
    let live = store.sessions.find_live(session_id(1), at(1)).await.unwrap().unwrap();
    assert_eq!(live.session.client, ClientInfo::local());
}

/// If the account is inactive or has another credential version, nothing is created or changed.
#[apply(row!)]
async fn a_stale_login_changes_nothing(store: Store) {
    let ann = store.student("ann").await;
    let stale =
        |result| matches!(result, Err(Error::Refused(CreateSessionError::Stale(StaleCredentials))));
    assert!(stale(store.sessions.create(new_session(1, ann, CredentialVersion(1))).await));
    let nobody = UserId::try_from(9).unwrap();
    assert!(stale(store.sessions.create(new_session(2, nobody, CredentialVersion(0))).await));
    store.accounts.deactivate(ann, context(1)).await.unwrap();
    for credential_version in [0, 1] {
        assert!(stale(
            store.sessions.create(new_session(3, ann, CredentialVersion(credential_version))).await
        ));
    }
    assert_eq!(store.user(ann).await.last_login_at, None);
    store.accounts.activate(ann, context(2)).await.unwrap();
    for n in 1..=3 {
        assert!(!store.is_live(session_id(n), 3).await);
    }
}

/// A session is live before the moment of its expiry, and no longer at that moment.
#[apply(row!)]
async fn a_session_dies_when_it_expires(store: Store) {
    let ann = store.student("ann").await;
    let id = store.log_in(1, ann).await;
    assert!(store.is_live(id, 3599).await);
    assert!(!store.is_live(id, 3600).await);
    assert!(!store.is_live(id, 3601).await);
    assert!(!store.is_live(session_id(2), 1).await, "nobody made this one");
}

/// Ending affects one session, and returns `true` only once.
#[apply(row!)]
async fn a_session_ends_once(store: Store) {
    let ann = store.student("ann").await;
    let (id, other) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    assert!(store.sessions.end(id, context(5)).await.unwrap());
    assert!(!store.sessions.end(id, context(6)).await.unwrap());
    assert!(!store.is_live(id, 6).await && store.is_live(other, 6).await);
    assert!(!store.sessions.end(session_id(9), context(6)).await.unwrap());
}

/// Concurrent lookups: each finds its own session, or none.
#[apply(row!)]
async fn concurrent_lookups_each_find_their_own_session(store: Store) {
    let users = [store.student("ann").await, store.student("bob").await];
    for number in 0..50 {
        let id = store.log_in(number, users[number as usize % 2]).await;
        if number % 5 == 3 {
            assert!(store.sessions.end(id, context(1)).await.unwrap());
        }
    }
    // Each id four times. The last ten ids have no session.
    let found = at_once(240, |number| {
        let (sessions, id) = (store.sessions.clone(), session_id(number as u128 % 60));
        async move { sessions.find_live(id, at(2)).await.unwrap() }
    })
    .await;
    for (number, found) in found.into_iter().enumerate() {
        let index = number % 60;
        let told = found.map(|live| (live.session.id, live.session.user_id, live.user.id));
        let user = users[index % 2];
        let expected =
            (index < 50 && index % 5 != 3).then(|| (session_id(index as u128), user, user));
        assert_eq!(told, expected, "{number}");
    }
}

/// After `end` has returned, no lookup finds the session, however many run at that time.
#[apply(row!)]
async fn x3_no_lookup_finds_an_ended_session(store: Store) {
    let ann = store.student("ann").await;
    let staying = store.log_in(0, ann).await;
    let over = Arc::new(AtomicBool::new(false));
    let mut looking = JoinSet::new();
    for _ in 0..8 {
        let (store, over) = (store.clone(), Arc::clone(&over));
        looking.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                assert!(store.is_live(staying, 1).await);
                // A read from a cache never waits, so it must yield to let the other tasks run.
                tokio::task::yield_now().await;
            }
        });
    }
    for number in 1..=100 {
        let id = store.log_in(number, ann).await;
        assert!(store.is_live(id, 1).await);
        assert!(store.sessions.end(id, context(1)).await.unwrap());
        assert!(!store.is_live(id, 1).await, "{number}");
    }
    over.store(true, Ordering::SeqCst);
    looking.join_all().await;
    assert!(store.is_live(staying, 1).await);
}

/// The live sessions of a user are listed, the newest first, page by page, and counted on all
/// pages.
#[apply(row!)]
async fn d1_live_sessions_are_listed_newest_first(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    store.log_in(9, bob).await;
    for n in 1..=5 {
        let version = CredentialVersion(0);
        // Two sessions of one moment are ordered by their ids.
        let created_at = at(i64::try_from(n / 2).unwrap());
        let expires_at = if n == 5 { at(50) } else { at(3600) };
        let new = NewSession { created_at, expires_at, ..new_session(n, ann, version) };
        store.sessions.create(new).await.unwrap();
    }
    store.sessions.end(session_id(1), context(20)).await.unwrap();
    let list = async |after, limit, seconds| {
        let query = SessionQuery { user_id: ann, at: at(seconds), after, limit };
        let (found, total) = store.sessions.list_live(query).await.unwrap();
        let ids: Vec<_> = found.iter().map(|session| session.id).collect();
        (ids, total, found.last().map(Session::position))
    };
    let ids = |numbers: &[u128]| numbers.iter().copied().map(session_id).collect::<Vec<_>>();
    let (first, total, next) = list(None, 2, 30).await;
    assert_eq!((first, total), (ids(&[5, 4]), 4));
    let (second, total, next) = list(next, 2, 30).await;
    assert_eq!((second, total), (ids(&[3, 2]), 4));
    assert_eq!(list(next, 2, 30).await, (Vec::new(), 4, None));
    let (later, total, _) = list(None, 100, 50).await;
    assert_eq!((later, total), (ids(&[4, 3, 2]), 3), "what has expired is not live");
    store.accounts.deactivate(ann, context(51)).await.unwrap();
    assert_eq!(list(None, 100, 52).await, (Vec::new(), 0, None));
}

/// Only the owner's live session is ended, and that is recorded once.
#[apply(row!)]
async fn d2_only_the_owner_ends_a_live_session(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let (session, staying) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    let before = store.recorded().await;
    assert!(!store.sessions.revoke(bob, session, authority(5)).await.unwrap(), "somebody else's");
    assert!(!store.sessions.revoke(ann, session_id(7), authority(5)).await.unwrap(), "nobody's");
    assert!(!store.sessions.revoke(ann, session, authority(3600)).await.unwrap(), "it has expired");
    assert!(store.is_live(session, 6).await);
    assert!(store.sessions.revoke(ann, session, authority(6)).await.unwrap());
    assert!(!store.sessions.revoke(ann, session, authority(7)).await.unwrap(), "it has ended");
    assert!(!store.is_live(session, 6).await);
    assert!(store.is_live(staying, 6).await);
    let expected = [context(6).event(AuditAction::SessionRevoked).on(ann)];
    assert_eq!(store.recorded().await[before.len()..], expected);
}

/// All other live sessions of the user end, and no sessions of others. That is recorded once.
#[apply(row!)]
async fn d3_all_other_sessions_end_at_once(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    for n in 1..=3 {
        store.log_in(n, ann).await;
    }
    let of_bob = store.log_in(9, bob).await;
    let before = store.recorded().await;
    let revoke = async |seconds| {
        store.sessions.revoke_all(ann, Some(session_id(2)), authority(seconds)).await.unwrap()
    };
    assert_eq!(revoke(5).await, 2);
    assert_eq!(revoke(6).await, 0, "there is no other");
    for (n, live) in [(1, false), (2, true), (3, false)] {
        assert_eq!(store.is_live(session_id(n), 7).await, live, "{n}");
    }
    assert!(store.is_live(of_bob, 7).await);
    let expected = [context(5).event(AuditAction::OtherSessionsRevoked).on(ann)];
    assert_eq!(store.recorded().await[before.len()..], expected);
}

/// All live sessions of a user end, and no sessions of others. That is recorded once.
#[apply(row!)]
async fn d3_all_sessions_of_a_user_end_at_once(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    for n in 1..=3 {
        store.log_in(n, ann).await;
    }
    let of_bob = store.log_in(9, bob).await;
    let before = store.recorded().await;
    let revoke =
        async |seconds| store.sessions.revoke_all(ann, None, authority(seconds)).await.unwrap();
    assert_eq!(revoke(5).await, 3);
    assert_eq!(revoke(6).await, 0, "there is none");
    for n in 1..=3 {
        assert!(!store.is_live(session_id(n), 7).await, "{n}");
    }
    assert!(store.is_live(of_bob, 7).await);
    let expected = [context(5).event(AuditAction::AllSessionsRevoked).on(ann)];
    assert_eq!(store.recorded().await[before.len()..], expected);
}

/// No id stands for "none is kept".
#[apply(row!)]
async fn d3_a_session_whose_id_is_nil_ends_with_the_others(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let nil = store.log_in(0, ann).await;
    assert_eq!(store.sessions.revoke_all(ann, None, authority(5)).await.unwrap(), 1);
    assert!(!store.is_live(nil, 6).await);
    store.sessions.delete_finished(at(7)).await.unwrap();
    store.log_in(0, bob).await;
    store.accounts.deactivate(bob, context(8)).await.unwrap();
    store.accounts.activate(bob, context(9)).await.unwrap();
    assert!(!store.is_live(nil, 10).await);
}

/// Sessions that ended or expired before a moment are deleted; those that did at that moment or
/// later are not.
#[apply(row!)]
async fn only_finished_sessions_are_deleted(store: Store) {
    let ann = store.student("ann").await;
    let (live, ended) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    store.sessions.end(ended, context(100)).await.unwrap();
    let short = NewSession { expires_at: at(50), ..new_session(3, ann, CredentialVersion(0)) };
    store.sessions.create(short).await.unwrap();
    for (before, deleted) in [(50, 0), (51, 1), (100, 0), (101, 1), (102, 0), (3600, 0)] {
        let count = store.sessions.delete_finished(at(before)).await.unwrap();
        assert_eq!(count, deleted, "before {before}");
    }
    assert!(store.is_live(live, 101).await);
    assert!(!store.is_live(ended, 101).await);
    assert!(!store.sessions.end(ended, context(102)).await.unwrap());
    assert_eq!(store.sessions.delete_finished(at(3601)).await.unwrap(), 1);
}

/// All are deleted, even if there are more than fit into one part.
#[apply(row!)]
async fn many_finished_sessions_are_deleted(store: Store) {
    let ann = store.student("ann").await;
    for n in 0..1200 {
        store.sessions.create(new_session(n, ann, CredentialVersion(0))).await.unwrap();
    }
    assert_eq!(store.sessions.delete_finished(at(3601)).await.unwrap(), 1200);
}

/// The mark is the session's, and is made only while the password is the one that was given.
#[apply(row!)]
async fn a10_a_session_is_marked_when_the_password_is_given_again(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let (id, other) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    let marked_at = async |id, seconds| {
        let live = store.sessions.find_live(id, at(seconds)).await.unwrap().unwrap();
        live.session.authenticated_at
    };
    let created = marked_at(id, 5).await;
    let again = |session_id, user_id, version, seconds| Reauthentication {
        session_id,
        user_id,
        verified_version: CredentialVersion(version),
        context: context(seconds),
    };
    let before = store.recorded().await.len();
    for refused in [
        again(id, ann, 1, 10),
        again(id, bob, 0, 10),
        again(session_id(9), ann, 0, 10),
        again(id, ann, 0, 3600),
    ] {
        assert!(!store.sessions.reauthenticate(refused.clone()).await.unwrap(), "{refused:?}");
    }
    assert_eq!((marked_at(id, 20).await, store.recorded().await.len()), (created, before));
    assert!(store.sessions.reauthenticate(again(id, ann, 0, 30)).await.unwrap());
    assert_eq!((marked_at(id, 31).await, marked_at(other, 31).await), (at(30), created));
    let expected = [context(30).event(AuditAction::Reauthenticated).on(ann)];
    assert_eq!(store.recorded().await[before..], expected);
    store.accounts.deactivate(ann, context(40)).await.unwrap();
    assert!(!store.sessions.reauthenticate(again(id, ann, 0, 41)).await.unwrap());
}

/// A cookie names one session at a time, which is held by one cookie at a time.
#[apply(row!)]
async fn g3_a_session_has_one_cookie_while_it_is_live(store: Store) {
    let ann = store.student("ann").await;
    let (id, other) = (store.log_in(1, ann).await, store.log_in(2, ann).await);
    let cookie = |letter: &str| SessionCookie::parse(&letter.repeat(43)).unwrap().digest();
    let holder = async |letter| store.sessions.find_by_cookie(cookie(letter)).await.unwrap();
    assert_eq!(holder("a").await, None);
    assert!(store.sessions.bind_cookie(id, cookie("a"), at(1)).await.unwrap());
    assert!(store.sessions.bind_cookie(other, cookie("b"), at(1)).await.unwrap());
    assert_eq!((holder("a").await, holder("b").await), (Some(id), Some(other)));
    assert!(store.sessions.bind_cookie(id, cookie("c"), at(2)).await.unwrap());
    assert_eq!((holder("a").await, holder("c").await), (None, Some(id)));
    assert!(!store.sessions.bind_cookie(session_id(9), cookie("d"), at(2)).await.unwrap());
    assert!(
        !store.sessions.bind_cookie(id, cookie("d"), at(3600)).await.unwrap(),
        "it has expired"
    );
    store.sessions.end(id, context(3)).await.unwrap();
    assert!(!store.sessions.bind_cookie(id, cookie("d"), at(4)).await.unwrap(), "it has ended");
    assert_eq!(holder("d").await, None);
}

/// A code is taken once, while it and its session are good.
#[apply(row!)]
async fn g9_a_code_of_a_live_session_is_taken_once(store: Store) {
    let ann = store.student("ann").await;
    let id = store.log_in(1, ann).await;
    let digest = |letter: &str| {
        let challenge = CodeVerifier::parse(&letter.repeat(43)).unwrap().challenge();
        HandOffCode::parse("code").unwrap().digest(&challenge)
    };
    let offer = async |letter, seconds| {
        let until = at(seconds) + HAND_OFF_TTL;
        store.sessions.offer_hand_off(id, digest(letter), at(seconds), until).await.unwrap()
    };
    let take = async |letter, seconds| {
        store.sessions.take_hand_off(digest(letter), at(seconds)).await.unwrap()
    };
    assert_eq!(take("a", 1).await, None);
    assert!(offer("a", 1).await && offer("b", 2).await);
    assert_eq!(take("a", 3).await, None, "a session has one at a time");
    let sessions = store.sessions.clone();
    let taken = at_once(20, move |_| {
        let (sessions, code) = (sessions.clone(), digest("b"));
        async move { sessions.take_hand_off(code, at(3)).await.unwrap() }
    });
    let taken: Vec<_> = taken.await.into_iter().flatten().collect();
    let version = CredentialVersion(0);
    let session = store.sessions.find_live(session_id(1), at(4)).await.unwrap().unwrap().session;
    let (authenticated_at, ends_at) = (session.authenticated_at, session.ends_at);
    let expected =
        TakenHandOff { user_id: ann, version, has_factor: false, authenticated_at, ends_at };
    assert_eq!(taken, [expected]);
    assert!(offer("c", 10).await);
    assert_eq!(take("c", 70).await, None, "a minute has passed");
    assert!(take("c", 69).await.is_some());
    assert!(offer("d", 80).await);
    store.sessions.end(id, context(81)).await.unwrap();
    assert_eq!(take("d", 82).await, None, "the session has ended");
    assert!(!offer("e", 83).await);
}

/// Using a session by its cookie sets when it was used and when it ends unless it is used again.
#[apply(row!)]
async fn g3_a_session_that_is_used_lasts_longer(store: Store) {
    let ann = store.student("ann").await;
    let id = store.log_in(1, ann).await;
    let found = async |seconds| store.sessions.find_live(id, at(seconds)).await.unwrap();
    assert!(found(10).await.is_some());
    assert!(store.sessions.touch(id, at(20), at(3000)).await.unwrap());
    let session = found(21).await.unwrap().session;
    assert_eq!((session.last_used_at, session.expires_at), (at(20), at(3000)));
    assert_eq!(session.generation, Generation::FIRST, "its tokens stay");
    assert!(found(3000).await.is_none());
    assert!(!store.sessions.touch(id, at(3001), at(9000)).await.unwrap(), "it is over");
    assert!(!store.sessions.touch(session_id(9), at(1), at(9)).await.unwrap());
}

/// Of the sessions of a user so many stay as may: the newest, and nobody else's end.
#[apply(row!)]
async fn d4_a_login_beyond_the_limit_ends_the_oldest(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let of_bob = store.log_in(90, bob).await;
    let log_in = async |number: u128, seconds, max: Option<u32>| {
        let new = NewSession {
            created_at: at(seconds),
            limit: max.map(|max| SessionLimit { max, on_excess: OnExcess::EndOldest }),
            ..new_session(number, ann, CredentialVersion(0))
        };
        store.sessions.create(new).await.unwrap();
    };
    for number in 1..=4_u8 {
        log_in(number.into(), number.into(), None).await;
    }
    store.sessions.end(session_id(3), context(5)).await.unwrap();
    let before = store.recorded().await.len();
    log_in(5, 6, Some(3)).await;
    let live = async || {
        let mut live = Vec::new();
        for number in 1..=7_u8 {
            if store.is_live(session_id(number.into()), 20).await {
                live.push(number);
            }
        }
        live
    };
    assert_eq!(live().await, [2, 4, 5]);
    let recorded = store.recorded().await.split_off(before);
    let actions: Vec<_> = recorded.iter().map(|event| (event.action, event.subject)).collect();
    let expected = [AuditAction::LoggedIn, AuditAction::OldestSessionsEnded];
    assert_eq!(actions, expected.map(|action| (action, Some(ann))));
    log_in(6, 7, Some(1)).await;
    assert_eq!(live().await, [6]);
    let before = store.recorded().await.len();
    log_in(7, 8, Some(2)).await;
    assert_eq!(live().await, [6, 7]);
    assert_eq!(store.recorded().await.len(), before + 1, "there was none to end");
    assert!(store.is_live(of_bob, 20).await);
}

/// A login beyond the limit is refused, and changes nothing; once a session has ended there is room.
#[apply(row!)]
async fn d4_a_login_beyond_the_limit_is_refused(store: Store) {
    let ann = store.student("ann").await;
    let log_in = async |number: u128, seconds| {
        let limit = Some(SessionLimit { max: 2, on_excess: OnExcess::Refuse });
        let of_version = new_session(number, ann, CredentialVersion(0));
        let new = NewSession { created_at: at(seconds), limit, ..of_version };
        store.sessions.create(new).await
    };
    log_in(1, 1).await.unwrap();
    log_in(2, 2).await.unwrap();
    let (before, user) = (store.recorded().await, store.user(ann).await);
    let refused = log_in(3, 3).await;
    let expected = CreateSessionError::TooManySessions;
    assert!(matches!(refused, Err(Error::Refused(error)) if error == expected), "{refused:?}");
    assert_eq!((store.recorded().await, store.user(ann).await), (before, user));
    assert!(!store.is_live(session_id(3), 4).await);
    store.sessions.end(session_id(1), context(5)).await.unwrap();
    log_in(4, 6).await.unwrap();
    assert!(store.is_live(session_id(2), 7).await && store.is_live(session_id(4), 7).await);
}

/// However many log in at once, no more sessions stay than may; and where the others are refused, none is
/// refused too many.
#[apply(row!)]
async fn d4_the_limit_holds_under_parallel_logins(store: Store) {
    for (name, on_excess) in [("ann", OnExcess::EndOldest), ("bob", OnExcess::Refuse)] {
        let user = store.student(name).await;
        holds_under_parallel_logins(&store, user, on_excess).await;
    }
}

async fn holds_under_parallel_logins(store: &Store, ann: UserId, on_excess: OnExcess) {
    let first = if on_excess == OnExcess::EndOldest { 1 } else { 101 };
    let made = at_once(20, |number| {
        let sessions = store.sessions.clone();
        let new = NewSession {
            limit: Some(SessionLimit { max: 3, on_excess }),
            ..new_session(number as u128 + first, ann, CredentialVersion(0))
        };
        async move { sessions.create(new).await.is_ok() }
    })
    .await;
    let made = made.iter().filter(|made| **made).count();
    if on_excess == OnExcess::Refuse {
        assert_eq!(made, 3);
    }
    let query = SessionQuery { user_id: ann, at: at(1), after: None, limit: 100 };
    let (_, live) = store.sessions.list_live(query).await.unwrap();
    assert_eq!(live, 3);
}
