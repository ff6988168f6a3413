//! Changes and their records: one event per change, in the same atomic change, and no event if
//! nothing changed (S3).

use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::accounts::{Bio, ProfileChanges, Role};
use menjin_domain::audit::{
    AuditAction, AuditContext, AuditEvent, AuditFilter, AuditOrder, AuditQuery, ChangedField,
};
use menjin_domain::common::{Patch, SessionId, UserId};
use menjin_domain::credentials::{CredentialVersion, PasswordChange};
use menjin_domain::lockout::{AttemptLimits, LockoutSubject};
use menjin_domain::sessions::{Generation, Rotation, RotationOutcome};

use super::{
    Administer, Store, at, at_once, context, email, hash, network, new_session, new_user, request,
    session_id,
};

impl Store {
    /// All records, the oldest first.
    pub async fn recorded(&self) -> Vec<AuditEvent> {
        let (filter, order) = (AuditFilter::default(), AuditOrder::OldestFirst);
        let query = AuditQuery { filter, order, beyond: None, limit: 100_000 };
        let records = self.records.list(query).await.unwrap();
        records.into_iter().map(|record| record.event).collect()
    }

    /// The records since the last call.
    async fn news(&self, known: &mut usize) -> Vec<AuditEvent> {
        let mut all = self.recorded().await;
        let news = all.split_off(*known);
        *known += news.len();
        news
    }
}

/// An event of a user on their own account.
fn own(
    action: AuditAction,
    user: UserId,
    session_id: Option<SessionId>,
    seconds: i64,
) -> AuditEvent {
    AuditContext { actor: Some(user), session_id, at: at(seconds), request: request() }
        .event(action)
        .on(user)
}

/// A registration is recorded with its new account; a refused one is not recorded.
#[apply(row!)]
async fn s3_registering_is_recorded_once(store: Store) {
    let ann = store.student("ann").await;
    let root = store.add("root", Role::ADMIN).await.id;
    store.accounts.create(new_user("ann", Role::STUDENT)).await.unwrap_err();
    let nobody = AuditContext::anonymous(at(0), request());
    let expected = [
        nobody.clone().event(AuditAction::Registered).on(ann),
        nobody.event(AuditAction::AdminCreated).on(root),
    ];
    assert_eq!(store.recorded().await, expected);
}

/// A login is recorded with its session; a stale login is not.
#[apply(row!)]
async fn s3_logging_in_is_recorded_once(store: Store) {
    let (ann, mut known) = (store.student("ann").await, 1);
    let session = store.log_in(1, ann).await;
    store.sessions.create(new_session(2, ann, CredentialVersion(7))).await.unwrap_err();
    let expected = own(AuditAction::LoggedIn, ann, Some(session), 0);
    assert_eq!(store.news(&mut known).await, [expected]);
}

fn rotation(ann: UserId, presented: i64, seconds: i64) -> Rotation {
    Rotation {
        session_id: session_id(1),
        user_id: ann,
        presented: Generation(presented),
        at: at(seconds),
        grace: Duration::from_secs(10),
        idle_ttl: None,
        request: request(),
        recorded: true,
    }
}

/// Each accepted token is recorded, unless the setting says otherwise. A retry is recorded in any case.
#[apply(row!)]
async fn s3_refreshing_is_recorded_if_asked_for(store: Store) {
    let ann = store.student("ann").await;
    let (session, mut known) = (Some(store.log_in(1, ann).await), 2);
    let retried = AuditAction::RefreshRetried;
    for (presented, seconds, action) in
        [(0, 10, AuditAction::Refreshed), (0, 11, retried), (2, 12, AuditAction::Refreshed)]
    {
        let outcome = store.sessions.rotate(rotation(ann, presented, seconds)).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated(_)), "{outcome:?}");
        let expected = own(action, ann, session, seconds);
        assert_eq!(store.news(&mut known).await, [expected]);
    }
    for (presented, seconds) in [(3, 13), (3, 14)] {
        let silent = Rotation { recorded: false, ..rotation(ann, presented, seconds) };
        let outcome = store.sessions.rotate(silent).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated(_)), "{outcome:?}");
    }
    store.sessions.rotate(rotation(UserId::try_from(7).unwrap(), 5, 15)).await.unwrap();
    assert_eq!(store.news(&mut known).await, [own(retried, ann, session, 14)]);
}

/// A replay is recorded even if refreshes are not. The end of its session has no record of its own.
#[apply(row!)]
async fn s3_a_replay_is_recorded_with_the_end_of_its_session(store: Store) {
    let ann = store.student("ann").await;
    let (session_id, mut known) = (Some(store.log_in(1, ann).await), 2);
    let silent = Rotation { recorded: false, ..rotation(ann, 5, 10) };
    assert_eq!(store.sessions.rotate(silent).await.unwrap(), RotationOutcome::Replayed);
    assert_eq!(
        store.sessions.rotate(rotation(ann, 0, 11)).await.unwrap(),
        RotationOutcome::NotLive
    );
    assert!(!store.sessions.end(session_id.unwrap(), context(12)).await.unwrap());
    let anonymous = AuditContext { session_id, ..AuditContext::anonymous(at(10), request()) };
    let expected = anonymous.event(AuditAction::RefreshReplayed).on(ann);
    assert_eq!(store.news(&mut known).await, [expected]);
}

/// A logout is recorded for the session's user; a second one, or one without a session, is not.
#[apply(row!)]
async fn s3_logging_out_is_recorded_once(store: Store) {
    let ann = store.student("ann").await;
    let (session, mut known) = (store.log_in(1, ann).await, 2);
    for (id, seconds, ended) in
        [(session, 5, true), (session, 6, false), (session_id(99), 7, false)]
    {
        assert_eq!(store.sessions.end(id, context(seconds)).await.unwrap(), ended);
    }
    let expected = context(5).event(AuditAction::LoggedOut).on(ann);
    assert_eq!(store.news(&mut known).await, [expected]);
}

/// A password change is recorded with the session that it keeps. The sessions that it ends have no
/// records, and neither has a stale change.
#[apply(row!)]
async fn s3_changing_a_password_is_recorded_once(store: Store) {
    let ann = store.student("ann").await;
    let kept = store.log_in(1, ann).await;
    store.log_in(2, ann).await;
    let mut known = 3;
    assert!(store.change_password(ann, kept).await);
    let stale = PasswordChange {
        user_id: ann,
        verified_version: CredentialVersion(0),
        hash: hash("late"),
        keep_session: kept,
        mail: None,
        at: at(8),
        request: request(),
    };
    assert!(!store.credentials.change_password(stale).await.unwrap());
    store.credentials.rehash(ann, CredentialVersion(1), hash("better")).await.unwrap();
    let expected = own(AuditAction::PasswordChanged, ann, Some(kept), 7);
    assert_eq!(store.news(&mut known).await, [expected]);
}

/// What is recorded of an account that was made active or inactive.
fn of_activity(seconds: i64, action: AuditAction, user: UserId) -> AuditEvent {
    context(seconds).event(action).on(user).changing(vec![ChangedField::IsActive])
}

/// A profile change is recorded, unless the address is taken or the account is inactive.
#[apply(row!)]
async fn s3_changing_a_profile_is_recorded_once(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let mut known = 2;
    let bio = Patch::from(Bio::parse("hello").unwrap());
    let changes = ProfileChanges { bio, ..ProfileChanges::default() };
    store.accounts.update_profile(ann, changes.clone(), context(5)).await.unwrap().unwrap();
    let taken = ProfileChanges { email: Some(email("bob@example.com")), ..changes.clone() };
    store.accounts.update_profile(ann, taken, context(6)).await.unwrap_err();
    let event = context(5).event(AuditAction::ProfileUpdated).on(ann);
    let expected = event.changing(vec![ChangedField::Bio]);
    assert_eq!(store.news(&mut known).await, [expected]);
    store.accounts.deactivate(bob, context(7)).await.unwrap();
    assert!(store.accounts.update_profile(bob, changes, context(8)).await.unwrap().is_none());
    let expected = of_activity(7, AuditAction::Deactivated, bob);
    assert_eq!(store.news(&mut known).await, [expected]);
}

/// Activations and deactivations are recorded if they change an existing account.
#[apply(row!)]
async fn s3_effective_activations_and_deactivations_are_recorded(store: Store) {
    let root = store.add("root", Role::ADMIN).await.id;
    let ann = store.student("ann").await;
    store.log_in(1, ann).await;
    let mut known = 3;
    store.accounts.deactivate(root, context(4)).await.unwrap_err();
    for seconds in [5, 6] {
        store.accounts.deactivate(ann, context(seconds)).await.unwrap();
    }
    for seconds in [7, 8] {
        store.accounts.activate(ann, context(seconds)).await.unwrap();
    }
    let nobody = UserId::try_from(4711).unwrap();
    assert!(store.accounts.activate(nobody, context(9)).await.unwrap().is_none());
    assert!(store.accounts.deactivate(nobody, context(9)).await.unwrap().is_none());
    let expected = [
        of_activity(5, AuditAction::Deactivated, ann),
        of_activity(7, AuditAction::Activated, ann),
    ];
    assert_eq!(store.news(&mut known).await, expected);
}

/// A cleared lockout is recorded once, whichever call clears it. If an activation clears it, the
/// record of the activation is enough.
#[apply(row!)]
async fn s3_clearing_a_lockout_is_recorded_once(store: Store) {
    let (ann, mut known) = (store.student("ann").await, 1);
    let fail = async || {
        let (subject, limits) = (LockoutSubject::Account(ann), AttemptLimits::DEFAULT);
        store.lockouts.reserve(&subject, network(1), limits, at(0)).await.unwrap();
        store.lockouts.reserve(&subject, network(2), limits, at(0)).await.unwrap();
    };
    fail().await;
    for seconds in [5, 6] {
        store.lockouts.forget(ann, context(seconds)).await.unwrap();
    }
    fail().await;
    for seconds in [7, 8] {
        store.accounts.activate(ann, context(seconds)).await.unwrap();
    }
    let lifted = |seconds| context(seconds).event(AuditAction::LockoutCleared).on(ann);
    assert_eq!(store.news(&mut known).await, [lifted(5), lifted(7)]);
    store.accounts.deactivate(ann, context(9)).await.unwrap();
    fail().await;
    store.accounts.activate(ann, context(10)).await.unwrap();
    let expected = [
        of_activity(9, AuditAction::Deactivated, ann),
        of_activity(10, AuditAction::Activated, ann),
    ];
    assert_eq!(store.news(&mut known).await, expected);
}

/// Concurrent calls for one change: those that changed something are recorded, and no others.
#[apply(row!)]
async fn s3_concurrent_changes_are_each_recorded_once(store: Store) {
    at_once(20, |_| {
        let users = store.accounts.clone();
        async move { users.create(new_user("ann", Role::STUDENT)).await.is_ok() }
    })
    .await;
    let ann = UserId::FIRST;
    let ann = store.recorded().await.first().and_then(|event| event.subject).unwrap_or(ann);
    store.log_in(1, ann).await;
    let rotated = at_once(20, |_| {
        let sessions = store.sessions.clone();
        let rotation = Rotation { grace: Duration::ZERO, ..rotation(ann, 0, 10) };
        async move { sessions.rotate(rotation).await.unwrap() }
    })
    .await;
    let count = |outcome: &RotationOutcome| rotated.iter().filter(|each| *each == outcome).count();
    assert_eq!((count(&RotationOutcome::Replayed), count(&RotationOutcome::NotLive)), (1, 18));
    store.log_in(2, ann).await;
    at_once(20, |_| {
        let sessions = store.sessions.clone();
        async move { sessions.end(session_id(2), context(11)).await.unwrap() }
    })
    .await;
    at_once(20, |_| {
        let users = store.accounts.clone();
        async move { users.deactivate(ann, context(12)).await.unwrap() }
    })
    .await;
    let actions: Vec<_> = store.recorded().await.iter().map(|event| event.action).collect();
    let count = |action| actions.iter().filter(|each| **each == action).count();
    for (action, times) in [
        (AuditAction::Registered, 1),
        (AuditAction::LoggedIn, 2),
        (AuditAction::Refreshed, 1),
        (AuditAction::RefreshReplayed, 1),
        (AuditAction::LoggedOut, 1),
        (AuditAction::Deactivated, 1),
    ] {
        assert_eq!(count(action), times, "{action}: {actions:?}");
    }
    assert_eq!(actions.len(), 7, "{actions:?}");
}
