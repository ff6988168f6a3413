//! Activating and deactivating accounts.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{ChangeUserError, LastAdmin, Role, User};
use menjin_domain::common::Error;
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::sessions::{CreateSessionError, StaleCredentials};

use super::{Administer, Store, at, at_once, both, context, new_session, session_id};

fn is_last_admin(result: &Result<Option<User>, Error<ChangeUserError>>) -> bool {
    matches!(result, Err(Error::Refused(ChangeUserError::LastAdmin(LastAdmin))))
}

/// Deactivating ends all sessions. Activating does not restore them.
#[apply(row!)]
async fn deactivating_ends_all_sessions(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let sessions = [store.log_in(1, ann).await, store.log_in(2, ann).await];
    let of_bob = store.log_in(3, bob).await;
    let user = store.accounts.deactivate(ann, context(5)).await.unwrap().unwrap();
    assert_eq!((user.is_active, user.updated_at), (false, Some(at(5))));
    assert_eq!(
        (store.credential_version(ann).await, store.user(ann).await),
        (CredentialVersion(1), user)
    );
    assert!(store.is_live(of_bob, 6).await);
    store.accounts.activate(ann, context(6)).await.unwrap().unwrap();
    for id in sessions {
        assert!(!store.is_live(id, 7).await, "activating does not bring it back");
    }
}

/// A second deactivation changes nothing: not the time, not the credential version.
#[apply(row!)]
async fn deactivation_is_idempotent(store: Store) {
    let ann = store.student("ann").await;
    let once = store.accounts.deactivate(ann, context(5)).await.unwrap();
    let twice = store.accounts.deactivate(ann, context(6)).await.unwrap();
    assert_eq!((once, store.credential_version(ann).await), (twice, CredentialVersion(1)));
    let results =
        at_once(10, |number| {
            let users = store.accounts.clone();
            async move {
                users.deactivate(ann, context(10 + i64::try_from(number).unwrap())).await.unwrap()
            }
        })
        .await;
    assert!(results.into_iter().flatten().all(|user| user.updated_at == Some(at(5))));
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1));
}

/// Activating makes an account active. For an active account nothing changes, not even the time.
#[apply(row!)]
async fn activating_is_idempotent(store: Store) {
    let before = store.add("ann", Role::STUDENT).await;
    assert_eq!(
        store.accounts.activate(before.id, context(5)).await.unwrap().as_ref(),
        Some(&before)
    );
    store.accounts.deactivate(before.id, context(6)).await.unwrap();
    for seconds in [7, 8] {
        let user = store.accounts.activate(before.id, context(seconds)).await.unwrap().unwrap();
        assert_eq!((user.is_active, user.updated_at), (true, Some(at(7))));
        assert_eq!(store.user(before.id).await, user);
    }
    assert_eq!(
        store.credential_version(before.id).await,
        CredentialVersion(1),
        "what was decided before stays void"
    );
    store.log_in(1, before.id).await;
}

/// A password verified before a deactivation is void after the activation.
#[apply(row!)]
async fn a_login_begun_before_a_deactivation_fails_after_the_activation(store: Store) {
    let ann = store.student("ann").await;
    store.accounts.deactivate(ann, context(5)).await.unwrap();
    store.accounts.activate(ann, context(6)).await.unwrap();
    let late = store.sessions.create(new_session(1, ann, CredentialVersion(0))).await;
    assert!(
        matches!(late, Err(Error::Refused(CreateSessionError::Stale(StaleCredentials)))),
        "{late:?}"
    );
}

/// The last active administrator stays (Z6).
#[apply(row!)]
async fn z6_the_last_active_admin_stays(store: Store) {
    let (ann, bob) = (store.add("ann", Role::ADMIN).await, store.add("bob", Role::ADMIN).await);
    let session = store.log_in(1, ann.id).await;
    let before = store.user(ann.id).await;
    store.student("eve").await;
    store.accounts.deactivate(bob.id, context(5)).await.unwrap().unwrap();
    let last = store.accounts.deactivate(ann.id, context(6)).await;
    assert!(is_last_admin(&last), "{last:?}");
    assert_eq!(
        (store.user(ann.id).await, store.credential_version(ann.id).await),
        (before, CredentialVersion(0))
    );
    assert!(store.is_live(session, 7).await);
    let again = store.accounts.deactivate(bob.id, context(8)).await.unwrap().unwrap();
    assert_eq!(again.updated_at, Some(at(5)), "who is inactive already is no administrator less");
    store.accounts.activate(bob.id, context(9)).await.unwrap();
    store.accounts.deactivate(ann.id, context(10)).await.unwrap().unwrap();
}

/// If there is no administrator at all, other users can still be deactivated.
#[apply(row!)]
async fn others_can_be_deactivated_without_any_admin(store: Store) {
    for role in [Role::STUDENT, Role::TEACHER] {
        let id = store.add(role.as_str(), role).await.id;
        assert!(!store.accounts.deactivate(id, context(1)).await.unwrap().unwrap().is_active);
    }
}

/// Two administrators who deactivate each other at once: one stays (Z6).
#[apply(row!)]
async fn z6_two_admins_who_deactivate_each_other_leave_one_active(store: Store) {
    let ids = [store.add("ann", Role::ADMIN).await.id, store.add("bob", Role::ADMIN).await.id];
    for round in 0..100 {
        let results = at_once(2, |number| {
            let (users, id) = (store.accounts.clone(), ids[number]);
            async move { users.deactivate(id, context(round)).await }
        })
        .await;
        let gone = results.iter().filter(|result| matches!(result, Ok(Some(_)))).count();
        let kept = results.iter().filter(|result| is_last_admin(result)).count();
        assert_eq!((gone, kept), (1, 1), "round {round}: {results:?}");
        let active = [store.user(ids[0]).await.is_active, store.user(ids[1]).await.is_active];
        assert_eq!(active.iter().filter(|active| **active).count(), 1, "round {round}");
        for id in ids {
            store.accounts.activate(id, context(round)).await.unwrap();
        }
    }
}

/// Sessions made during a deactivation have ended once the deactivation has returned (X3).
#[apply(row!)]
async fn x3_no_login_survives_a_deactivation(store: Store) {
    let ann = store.student("ann").await;
    for round in 0..100 {
        let credential_version = store.credential_version(ann).await;
        let (sessions, users) = (store.sessions.clone(), store.accounts.clone());
        let log_ins = at_once(3, move |number| {
            let id = round * 10 + number as u128;
            let sessions = sessions.clone();
            async move { drop(sessions.create(new_session(id, ann, credential_version)).await) }
        });
        let deactivation = async move { users.deactivate(ann, context(5)).await.unwrap() };
        let ((), gone) = both(async { drop(log_ins.await) }, deactivation).await;
        assert!(!gone.unwrap().is_active);
        store.accounts.activate(ann, context(6)).await.unwrap();
        for number in 0..3 {
            assert!(!store.is_live(session_id(round * 10 + number), 7).await, "round {round}");
        }
    }
}
