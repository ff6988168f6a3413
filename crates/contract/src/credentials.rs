//! Changing passwords and their hashes.

use macro_rules_attribute::apply;
use menjin_domain::accounts::Role;
use menjin_domain::common::UserId;
use menjin_domain::credentials::{CredentialVersion, PasswordChange};

use super::{
    Administer, Store, at, at_once, both, context, hash, new_session, request, session_id,
};

/// A change raises the credential version, ends the other sessions and keeps the caller's (T18).
#[apply(row!)]
async fn t18_a_new_password_ends_the_other_sessions(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let kept = store.log_in(1, ann).await;
    let others = [store.log_in(2, ann).await, store.log_in(3, ann).await];
    let of_bob = store.log_in(4, bob).await;
    assert!(store.change_password(ann, kept).await);
    assert!(store.is_live(kept, 8).await && store.is_live(of_bob, 8).await);
    for id in others {
        assert!(!store.is_live(id, 8).await);
    }
    assert_eq!(
        (store.credential_version(ann).await, store.credential_version(bob).await),
        (CredentialVersion(1), CredentialVersion(0))
    );
    assert_eq!(store.hash_of("ann").await, "$2b$04$new");
    assert_eq!(store.user(ann).await.updated_at, Some(at(7)));
}

/// A kept session that had ended stays ended. Naming another user's session does not change it.
#[apply(row!)]
async fn an_ended_session_is_not_revived(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let (ended, of_ann, of_bob) =
        (store.log_in(1, ann).await, store.log_in(2, ann).await, store.log_in(3, bob).await);
    assert!(store.sessions.end(ended, context(1)).await.unwrap());
    assert!(store.change_password(ann, ended).await);
    assert!(!store.is_live(ended, 8).await && !store.is_live(of_ann, 8).await);
    assert!(store.change_password(ann, of_bob).await);
    assert!(store.is_live(of_bob, 8).await);
}

/// A change from another credential version, of an inactive account or of nobody is not done.
#[apply(row!)]
async fn a_stale_change_changes_nothing(store: Store) {
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    let change = |user_id: UserId, credential_version: i64| PasswordChange {
        user_id,
        verified_version: CredentialVersion(credential_version),
        hash: hash("new"),
        keep_session: session_id(99),
        mail: None,
        at: at(5),
        request: request(),
    };
    let before = store.user(ann).await;
    assert!(!store.credentials.change_password(change(ann, 1)).await.unwrap());
    assert!(
        !store.credentials.change_password(change(UserId::try_from(9).unwrap(), 0)).await.unwrap()
    );
    assert!(store.is_live(session, 6).await);
    assert_eq!((store.user(ann).await, store.hash_of("ann").await), (before, "$2b$04$ann".into()));

    store.accounts.deactivate(ann, context(6)).await.unwrap();
    let credential_version = store.credential_version(ann).await;
    assert!(!store.credentials.change_password(change(ann, credential_version.0)).await.unwrap());
    assert_eq!(
        (store.credential_version(ann).await, store.hash_of("ann").await),
        (credential_version, "$2b$04$ann".into())
    );
}

/// Concurrent changes that verified one password: one succeeds.
#[apply(row!)]
async fn concurrent_password_changes_succeed_once(store: Store) {
    let ann = store.student("ann").await;
    let done = at_once(20, |number| {
        let users = store.credentials.clone();
        let change = PasswordChange {
            user_id: ann,
            verified_version: CredentialVersion(0),
            hash: hash(&number.to_string()),
            keep_session: session_id(1),
            mail: None,
            at: at(5),
            request: request(),
        };
        async move { users.change_password(change).await.unwrap() }
    })
    .await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    let winner = done.iter().position(|done| *done).unwrap();
    assert_eq!(store.hash_of("ann").await, format!("$2b$04${winner}"));
    assert_eq!(store.credential_version(ann).await, CredentialVersion(1));
}

/// A login with the old password that races its change leaves no live session (X3).
#[apply(row!)]
async fn x3_no_login_with_the_old_password_survives_its_change(store: Store) {
    let ann = store.student("ann").await;
    for round in 0..100 {
        let credential_version = store.credential_version(ann).await;
        let (sessions, changing) = (store.sessions.clone(), store.clone());
        let log_in = async move {
            sessions.create(new_session(round, ann, credential_version)).await.is_ok()
        };
        let change = async move { changing.change_password(ann, session_id(u128::MAX)).await };
        let (_, changed) = both(log_in, change).await;
        assert!(changed);
        assert!(!store.is_live(session_id(round), 8).await, "round {round}");
    }
}

/// A new hash of the same password changes nothing else.
#[apply(row!)]
async fn rehashing_changes_only_the_hash(store: Store) {
    let ann = store.add("ann", Role::STUDENT).await.id;
    let session = store.log_in(1, ann).await;
    let before = store.user(ann).await;
    store.credentials.rehash(ann, CredentialVersion(0), hash("better")).await.unwrap();
    assert_eq!(store.hash_of("ann").await, "$2b$04$better");
    assert_eq!(
        (store.user(ann).await, store.credential_version(ann).await),
        (before, CredentialVersion(0))
    );
    assert!(store.is_live(session, 1).await);
}

/// A new hash of a password that is no longer the user's is dropped.
#[apply(row!)]
async fn a_stale_rehash_is_ignored(store: Store) {
    let ann = store.student("ann").await;
    assert!(store.change_password(ann, session_id(1)).await);
    store.credentials.rehash(ann, CredentialVersion(0), hash("old")).await.unwrap();
    store
        .credentials
        .rehash(UserId::try_from(9).unwrap(), CredentialVersion(0), hash("x"))
        .await
        .unwrap();
    assert_eq!(store.hash_of("ann").await, "$2b$04$new");
}
