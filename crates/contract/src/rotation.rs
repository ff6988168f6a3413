//! Rotating refresh tokens.

use std::collections::HashSet;
use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::audit::AuditAction;
use menjin_domain::common::{SessionId, UserId};
use menjin_domain::sessions::{Generation, Lineage, LiveSession, Rotation, RotationOutcome};

use super::{Administer, Store, at, at_once, both, context, request, session_id};

/// The first session of the first user, and how to rotate it.
#[derive(Clone)]
struct Subject {
    store: Store,
    user_id: UserId,
    session_id: SessionId,
}

impl Subject {
    async fn new(store: Store) -> Self {
        let user_id = store.student("ann").await;
        let session_id = store.log_in(1, user_id).await;
        Self { store, user_id, session_id }
    }

    fn rotation(&self, presented: i64, seconds: i64) -> Rotation {
        Rotation {
            session_id: self.session_id,
            user_id: self.user_id,
            presented: Generation(presented),
            at: at(seconds),
            grace: Duration::from_secs(10),
            idle_ttl: None,
            request: request(),
            recorded: true,
        }
    }

    async fn present(&self, presented: i64, seconds: i64) -> RotationOutcome {
        self.store.sessions.rotate(self.rotation(presented, seconds)).await.unwrap()
    }

    /// Presents a token that must be accepted, and returns the session after it.
    async fn rotated(&self, presented: i64, seconds: i64) -> LiveSession {
        match self.present(presented, seconds).await {
            RotationOutcome::Rotated(live) => *live,
            outcome => panic!("{presented} at {seconds}: {outcome:?}"),
        }
    }

    /// Presents a token that must be a replay. After it, no token of the session works.
    async fn replayed(&self, presented: i64, seconds: i64) {
        assert_eq!(self.present(presented, seconds).await, RotationOutcome::Replayed);
        assert!(!self.store.is_live(self.session_id, seconds).await);
        for generation in 0..10 {
            assert_eq!(self.present(generation, seconds).await, RotationOutcome::NotLive);
        }
        assert!(!self.store.sessions.end(self.session_id, context(seconds)).await.unwrap());
    }
}

/// The current token gives the next one, and the session notes its use.
#[apply(row!)]
async fn the_current_token_gives_the_next(store: Store) {
    let subject = Subject::new(store).await;
    let before =
        subject.store.sessions.find_live(subject.session_id, at(1)).await.unwrap().unwrap();
    let live = subject.rotated(0, 100).await;
    assert_eq!(live.session.generation, Generation(1));
    assert_eq!((live.session.last_used_at, live.session.expires_at), (at(100), at(3600)));
    assert_eq!((live.session.created_at, &live.session.client), (at(0), &before.session.client));
    assert_eq!(live.user, before.user);
    let found = subject.store.sessions.find_live(subject.session_id, at(101)).await.unwrap();
    assert_eq!(found.unwrap(), live);
    assert_eq!(subject.rotated(1, 200).await.session.generation, Generation(2));
    assert_eq!(subject.store.user(subject.user_id).await.updated_at, None);
}

/// The answer was lost: the predecessor is accepted again within the grace, and its lost successor
/// is void (T14).
#[apply(row!)]
async fn t14_a_predecessor_within_the_grace_is_taken_again(store: Store) {
    let subject = Subject::new(store).await;
    assert_eq!(subject.rotated(0, 100).await.session.generation, Generation(1));
    let again = subject.rotated(0, 109).await;
    assert_eq!((again.session.generation, again.session.last_used_at), (Generation(2), at(109)));
    assert_eq!(subject.rotated(0, 109).await.session.generation, Generation(3));
    assert_eq!(subject.rotated(3, 110).await.session.generation, Generation(4));
    subject.replayed(1, 110).await;
}

/// A retry is recorded, and a session has five of them; uses within ten seconds count as one.
#[apply(row!)]
async fn t14_j22_the_sixth_retry_ends_the_session(store: Store) {
    let subject = Subject::new(store).await;
    let day = Duration::from_secs(24 * 60 * 60);
    let present = async |presented, seconds| {
        let rotation = Rotation { grace: day, ..subject.rotation(presented, seconds) };
        subject.store.sessions.rotate(rotation).await.unwrap()
    };
    for (seconds, presented) in
        [(100, 0), (101, 0), (200, 0), (201, 0), (300, 0), (400, 0), (401, 6), (500, 6), (600, 6)]
    {
        let outcome = present(presented, seconds).await;
        assert!(matches!(outcome, RotationOutcome::Rotated(_)), "at {seconds}: {outcome:?}");
    }
    assert_eq!(present(6, 700).await, RotationOutcome::Replayed);
    assert!(!subject.store.is_live(subject.session_id, 700).await);
    let actions: Vec<_> =
        subject.store.recorded().await.into_iter().map(|event| event.action).collect();
    let count = |action| actions.iter().filter(|each| **each == action).count();
    assert_eq!(count(AuditAction::RefreshRetried), 7);
    assert_eq!((count(AuditAction::Refreshed), count(AuditAction::RefreshReplayed)), (2, 1));
}

/// The grace begins at the first use of the predecessor. Its end is not part of it.
#[apply(row!)]
async fn the_grace_ends(store: Store) {
    let subject = Subject::new(store).await;
    subject.rotated(0, 100).await;
    subject.rotated(0, 105).await;
    subject.replayed(0, 110).await;
}

/// One microsecond before its end, the grace still holds.
#[apply(row!)]
async fn the_grace_lasts_until_its_end(store: Store) {
    let subject = Subject::new(store).await;
    subject.rotated(0, 100).await;
    let last = at(110) - Duration::from_micros(1);
    let rotation = Rotation { at: last, ..subject.rotation(0, 0) };
    let outcome = subject.store.sessions.rotate(rotation).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated(_)), "{outcome:?}");
}

/// With a grace of zero, a predecessor is a replay at once.
#[apply(row!)]
async fn without_a_grace_every_second_use_is_a_replay(store: Store) {
    let subject = Subject::new(store).await;
    subject.rotated(0, 100).await;
    let rotation = Rotation { grace: Duration::ZERO, ..subject.rotation(0, 100) };
    let outcome = subject.store.sessions.rotate(rotation).await.unwrap();
    assert_eq!(outcome, RotationOutcome::Replayed);
}

/// A token that is two generations old is a replay, also within the grace (T15).
#[apply(row!)]
async fn t15_two_generations_old_is_a_replay(store: Store) {
    let subject = Subject::new(store).await;
    subject.rotated(0, 100).await;
    subject.rotated(1, 101).await;
    subject.replayed(0, 102).await;
}

/// Once the successor was used, its predecessor is a replay (T13).
#[apply(row!)]
async fn t13_a_predecessor_is_a_replay_once_the_successor_was_used(store: Store) {
    let subject = Subject::new(store).await;
    for (presented, seconds) in [(0, 100), (0, 101), (2, 102), (2, 103), (4, 104)] {
        subject.rotated(presented, seconds).await;
    }
    subject.replayed(2, 105).await;
}

/// The lost successor is presented after the predecessor was accepted again: a replay.
#[apply(row!)]
async fn a_replaced_successor_is_a_replay(store: Store) {
    let subject = Subject::new(store).await;
    subject.rotated(0, 100).await;
    subject.rotated(0, 101).await;
    subject.replayed(1, 102).await;
}

/// A generation that was never issued is a replay too.
#[apply(row!)]
async fn an_unknown_generation_is_a_replay(store: Store) {
    let subject = Subject::new(store).await;
    subject.replayed(7, 100).await;
}

/// Another user's token for the session does not change the session.
#[apply(row!)]
async fn a_token_of_another_user_is_not_live(store: Store) {
    let subject = Subject::new(store).await;
    let user_id = subject.store.student("bob").await;
    for presented in [0, 1] {
        let rotation = Rotation { user_id, ..subject.rotation(presented, 100) };
        let outcome = subject.store.sessions.rotate(rotation).await.unwrap();
        assert_eq!(outcome, RotationOutcome::NotLive);
    }
    subject.rotated(0, 101).await;
}

/// No session, an expired one, an ended one, an inactive account: gone (T17).
#[apply(row!)]
async fn t17_a_session_that_is_over_is_not_live(store: Store) {
    let subject = Subject::new(store).await;
    subject.rotated(0, 3599).await;
    assert_eq!(subject.present(1, 3600).await, RotationOutcome::NotLive);
    let unknown = Subject { session_id: session_id(9), ..subject.clone() };
    assert_eq!(unknown.present(0, 1).await, RotationOutcome::NotLive);
    let second = subject.store.log_in(2, subject.user_id).await;
    let second = Subject { session_id: second, ..subject.clone() };
    subject.store.sessions.end(second.session_id, context(5)).await.unwrap();
    assert_eq!(second.present(0, 6).await, RotationOutcome::NotLive);
    let third = subject.store.log_in(3, subject.user_id).await;
    let third = Subject { session_id: third, ..subject.clone() };
    subject.store.accounts.deactivate(subject.user_id, context(7)).await.unwrap();
    assert_eq!(third.present(0, 8).await, RotationOutcome::NotLive);
}

/// 20 refreshes of one token at once, within the grace: each has a generation of its own, and the
/// last is the only one that works (X2).
#[apply(row!)]
async fn x2_concurrent_refreshes_leave_one_live_branch(store: Store) {
    let subject = Subject::new(store).await;
    for round in 0..20 {
        let first = round * 20;
        let seconds = 100 + round;
        let generations = at_once(20, |_| {
            let subject = subject.clone();
            async move { subject.rotated(first, seconds).await.session.generation.0 }
        })
        .await;
        let distinct: HashSet<_> = generations.iter().copied().collect();
        assert_eq!(distinct, (first + 1..=first + 20).collect(), "round {round}");
    }
    assert_eq!(subject.rotated(400, 120).await.session.generation, Generation(401));
    subject.replayed(399, 120).await;
}

/// Concurrent refreshes of many sessions: each gives its own user's session, or fails for its own
/// reason, whatever the others do.
#[apply(row!)]
async fn concurrent_refreshes_of_many_sessions_do_not_mix(store: Store) {
    const SESSIONS: usize = 80;
    let mut users = Vec::new();
    for name in ["ann", "bob", "cid", "dan"] {
        users.push(store.student(name).await);
    }
    let mut subjects = Vec::new();
    for index in 0..SESSIONS {
        let user_id = users[index % users.len()];
        let session_id = store.log_in(index as u128, user_id).await;
        subjects.push(Subject { store: store.clone(), user_id, session_id });
        if index % 8 == 5 {
            assert!(store.sessions.end(session_id, context(1)).await.unwrap());
        }
    }
    // Each twice.
    let outcomes = at_once(2 * SESSIONS, |number| {
        let index = number % SESSIONS;
        let never_given = index % 8 == 3;
        let subject = subjects[index].clone();
        let rotation = subject.rotation(if never_given { 7 } else { 0 }, 100);
        let rotation = Rotation { recorded: index % 8 != 1, ..rotation };
        async move { (index, subject.store.sessions.rotate(rotation).await.unwrap()) }
    })
    .await;
    let mut told = vec![Vec::new(); SESSIONS];
    for (index, outcome) in outcomes {
        told[index].push(match outcome {
            RotationOutcome::Rotated(live) => {
                let (session, user_id) = (live.session, subjects[index].user_id);
                assert_eq!(session.id, subjects[index].session_id);
                assert_eq!((session.user_id, live.user.id), (user_id, user_id));
                assert_eq!(session.last_used_at, at(100));
                session.generation.0
            }
            RotationOutcome::Replayed => -1,
            RotationOutcome::NotLive => -2,
        });
    }
    let mut recorded = vec![0; SESSIONS];
    for event in store.recorded().await {
        if [AuditAction::Refreshed, AuditAction::RefreshRetried].contains(&event.action) {
            let session_id = event.context.session_id.unwrap();
            recorded[subjects.iter().position(|each| each.session_id == session_id).unwrap()] += 1;
        }
    }
    for (index, mut told) in told.into_iter().enumerate() {
        told.sort_unstable();
        let expected = match index % 8 {
            1 => ([1, 2], 1),
            3 => ([-2, -1], 0),
            5 => ([-2, -2], 0),
            _ => ([1, 2], 2),
        };
        assert_eq!((told, recorded[index]), (expected.0.to_vec(), expected.1), "{index}");
    }
}

/// 20 concurrent uses of one token without a grace: one is accepted, the next ends the session.
#[apply(row!)]
async fn x2_without_a_grace_concurrent_refreshes_end_the_session(store: Store) {
    let subject = Subject::new(store).await;
    let outcomes = at_once(20, |_| {
        let rotation = Rotation { grace: Duration::ZERO, ..subject.rotation(0, 100) };
        let sessions = subject.store.sessions.clone();
        async move { sessions.rotate(rotation).await.unwrap() }
    })
    .await;
    let count = |is: fn(&RotationOutcome) -> bool| outcomes.iter().filter(|each| is(each)).count();
    assert_eq!(count(|each| matches!(each, RotationOutcome::Rotated(_))), 1);
    assert_eq!(count(|each| matches!(each, RotationOutcome::Replayed)), 1);
    assert_eq!(count(|each| matches!(each, RotationOutcome::NotLive)), 18);
    assert!(!subject.store.is_live(subject.session_id, 101).await);
}

/// A refresh that races a logout leaves no live session once the logout has returned (X3).
#[apply(row!)]
async fn x3_no_refresh_survives_the_logout(store: Store) {
    let subject = Subject::new(store).await;
    for round in 2..102 {
        let session_id = subject.store.log_in(round, subject.user_id).await;
        let subject = Subject { session_id, ..subject.clone() };
        let (refreshing, sessions) = (subject.clone(), subject.store.sessions.clone());
        let refresh = async move { refreshing.present(0, 100).await };
        let log_out = async move { sessions.end(session_id, context(100)).await.unwrap() };
        let (outcome, ended) = both(refresh, log_out).await;
        assert!(ended && outcome != RotationOutcome::Replayed, "round {round}: {outcome:?}");
        assert!(!subject.store.is_live(session_id, 101).await);
        for presented in [0, 1] {
            assert_eq!(subject.present(presented, 101).await, RotationOutcome::NotLive);
        }
    }
}

/// A refresh that races a deactivation leaves no live session either.
#[apply(row!)]
async fn x3_no_refresh_survives_a_deactivation(store: Store) {
    let subject = Subject::new(store).await;
    for round in 2..52 {
        let session_id = subject.store.log_in(round, subject.user_id).await;
        let subject = Subject { session_id, ..subject.clone() };
        let (refreshing, users, id) =
            (subject.clone(), subject.store.accounts.clone(), subject.user_id);
        let refresh = async move { refreshing.present(0, 100).await };
        let deactivation =
            async move { users.deactivate(id, context(100)).await.unwrap().unwrap() };
        both(refresh, deactivation).await;
        subject.store.accounts.activate(id, context(101)).await.unwrap();
        assert!(!subject.store.is_live(session_id, 102).await, "round {round}");
    }
}

/// For any tokens at any times, a store does what the rule of the domain says, however many
/// statements it uses.
#[apply(row!)]
async fn rotations_follow_the_rule(store: Store) {
    let user_id = store.student("ann").await;
    // Pseudo-random numbers, the same in each run.
    let mut chance: u64 = 7;
    let mut draw = |below: u64| {
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((chance >> 33) % below).unwrap()
    };
    let mut seen = HashSet::new();
    for number in 1..=40 {
        let session_id = store.log_in(number, user_id).await;
        let mut lineage = Some(Lineage {
            current: Generation::FIRST,
            predecessor: None,
            last_used_at: at(0),
            retries: 0,
        });
        let mut seconds = 100;
        for _ in 0..8 {
            let current = lineage.map_or(0, |lineage| lineage.current.0);
            let before = lineage.and_then(|lineage| lineage.predecessor).map_or(-1, |(g, _)| g.0);
            let presented = [current, current, before, before, current - draw(4) + 1];
            let rotation = Rotation {
                session_id,
                user_id,
                presented: Generation(presented[usize::try_from(draw(5)).unwrap()]),
                at: at(seconds),
                grace: Duration::from_secs(draw(3).unsigned_abs() * 10),
                idle_ttl: None,
                request: request(),
                recorded: draw(2) == 0,
            };
            let is_current = rotation.presented.0 == current;
            let next = lineage.and_then(|lineage| rotation.next(lineage)).map(|next| next.lineage);
            let outcome = store.sessions.rotate(rotation.clone()).await.unwrap();
            match (lineage, next, outcome) {
                (None, _, RotationOutcome::NotLive) => seen.insert("not live"),
                (Some(_), None, RotationOutcome::Replayed) => seen.insert("replay"),
                (_, Some(next), RotationOutcome::Rotated(live)) => {
                    let current = next.current;
                    assert_eq!(live.session.generation, current, "{lineage:?} {rotation:?}");
                    seen.insert(if is_current { "current" } else { "retry" })
                }
                (_, _, outcome) => panic!("{lineage:?} {rotation:?}: {outcome:?}"),
            };
            lineage = next;
            // Clocks of several machines differ.
            seconds += draw(14) - 3;
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

/// Each refresh puts the end off, to the last moment at most; without a limit it is there at once.
#[apply(row!)]
async fn d4_a_session_that_is_not_refreshed_expires(store: Store) {
    let subject = Subject::new(store).await;
    let idle = |presented, seconds, idle: Option<u64>| Rotation {
        idle_ttl: idle.map(Duration::from_secs),
        ..subject.rotation(presented, seconds)
    };
    let expires_at = async |rotation: Rotation| match subject.store.sessions.rotate(rotation).await
    {
        Ok(RotationOutcome::Rotated(live)) => Some(live.session.expires_at),
        _ => None,
    };
    assert_eq!(expires_at(idle(0, 10, Some(60))).await, Some(at(70)));
    assert_eq!(expires_at(idle(1, 50, Some(60))).await, Some(at(110)));
    // A retry, whose answer was lost, counts as a use.
    assert_eq!(expires_at(idle(1, 55, Some(60))).await, Some(at(115)));
    let live = async |seconds| subject.store.is_live(subject.session_id, seconds).await;
    assert!(live(114).await && !live(115).await);
    assert_eq!(expires_at(idle(3, 115, Some(60))).await, None);
    assert_eq!(expires_at(idle(3, 114, None)).await, Some(at(3600)), "the limit was taken away");
    assert_eq!(expires_at(idle(4, 3590, Some(60))).await, Some(at(3600)), "the end stays the end");
}
