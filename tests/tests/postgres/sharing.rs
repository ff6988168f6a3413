//! Several processes on one database, and pages of it.

use std::time::Duration;

use menjin_contract as contract;
use menjin_contract::{at, context, email, network, session_id};
use menjin_domain::accounts::{
    AccountRepository, AddressChange, ProfileChanges, Role, UpdateProfileError, UserQuery,
};
use menjin_domain::common::{Error, PageStart, UserId};
use menjin_domain::health::HealthProbe as _;
use menjin_domain::lockout::{Admission, AttemptLimits, LockoutRepository as _, LockoutSubject};
use menjin_domain::sessions::{Generation, Rotation, RotationOutcome, SessionRepository as _};
use menjin_tests::servers::postgres;

use crate::{of, open};

/// Two stores are as two replicas: what one commits the other sees, and counts are common.
#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_one_database() {
    let database = postgres::database().await;
    let stores = [open(&database.url).await, open(&database.url).await];
    let results = contract::at_once(50, |number| {
        let store = stores[number % 2].clone();
        let new = contract::new_user(&format!("user{}", number / 2), Role::STUDENT);
        async move { AccountRepository::create(&store, new).await.is_ok() }
    })
    .await;
    assert_eq!(results.iter().filter(|created| **created).count(), 25);
    for store in &stores {
        let page = store
            .list(UserQuery { start: PageStart::Skip(0), limit: 100, role: None })
            .await
            .unwrap();
        assert_eq!((page.users.len(), page.total), (25, 25));
    }
    let subject = LockoutSubject::Account(UserId::FIRST);
    let admissions = contract::at_once(100, |number| {
        let (store, subject) = (stores[number % 2].clone(), subject.clone());
        let limits = AttemptLimits::DEFAULT;
        async move { store.reserve(&subject, network(1), limits, at(0)).await.unwrap() }
    })
    .await;
    assert_eq!(admissions.iter().filter(|each| **each == Admission::Admitted).count(), 10);
}

/// A restart forgets nothing: a replay is still one (T16), a lock holds (R11).
#[tokio::test(flavor = "multi_thread")]
async fn t16_r11_all_is_there_after_a_restart() {
    let database = postgres::database().await;
    let first = open(&database.url).await;
    let user = of(&first).add("ann", Role::ADMIN).await;
    of(&first).log_in(1, user.id).await;
    let rotation = |presented, seconds| Rotation {
        session_id: session_id(1),
        user_id: user.id,
        presented: Generation(presented),
        at: at(seconds),
        grace: Duration::from_secs(10),
        idle_ttl: None,
        request: contract::request(),
        recorded: true,
    };
    for presented in [0, 1] {
        let outcome = first.rotate(rotation(presented, 1)).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated(_)));
    }
    let subject = LockoutSubject::Account(user.id);
    let limits = AttemptLimits::DEFAULT;
    for _ in 0..10 {
        let admission = first.reserve(&subject, network(1), limits, at(0)).await.unwrap();
        assert_eq!(admission, Admission::Admitted);
    }
    first.close();
    assert!(crate::is_unavailable(&first.check().await), "closed is closed");

    let second = open(&database.url).await;
    let admission = second.reserve(&subject, network(1), limits, at(0)).await.unwrap();
    assert!(matches!(admission, Admission::Refused { .. }));
    assert_eq!(second.rotate(rotation(0, 3)).await.unwrap(), RotationOutcome::Replayed);
    assert_eq!(
        open(&database.url).await.rotate(rotation(2, 4)).await.unwrap(),
        RotationOutcome::NotLive
    );
}

/// Two who swap addresses wait for each other; PostgreSQL ends one, which is done again.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again() {
    let store = of(&open(&postgres::database().await.url).await);
    let ids = [store.student("ann").await, store.student("bob").await];
    let to = |address: &str| ProfileChanges {
        email: Some(email(address)),
        address: AddressChange { is_allowed: true, ..AddressChange::default() },
        ..ProfileChanges::default()
    };
    for _ in 0..5 {
        let results = contract::at_once(2, |number| {
            let (users, id) = (store.accounts.clone(), ids[number]);
            let changes = to(["bob@example.com", "ann@example.com"][number]);
            async move { users.update_profile(id, changes, context(1)).await }
        })
        .await;
        for result in results {
            assert!(
                matches!(result, Ok(Some(_)) | Err(Error::Refused(UpdateProfileError::EmailTaken))),
                "{result:?}"
            );
        }
        for (id, address) in
            [(ids[0], "x@example.com"), (ids[1], "bob@example.com"), (ids[0], "ann@example.com")]
        {
            store.accounts.update_profile(id, to(address), context(2)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_right_where_ids_are_missing() {
    let database = postgres::database().await;
    let store = of(&open(&database.url).await);
    for number in 0..10 {
        store.student(&format!("user{number}")).await;
    }
    let raw = database.connect().await;
    let sql = "DELETE FROM users WHERE id IN (3, 4); UPDATE users SET role = 'admin' WHERE id = 5";
    raw.batch_execute(sql).await.unwrap();
    for (role, skip, expected, total) in [
        (None, 2, vec![5, 6], 8),
        (None, 7, vec![10], 8),
        (Some(Role::STUDENT), 2, vec![6, 7], 7),
        (Some(Role::ADMIN), 0, vec![5], 1),
    ] {
        let page = store
            .accounts
            .list(UserQuery { start: PageStart::Skip(skip), limit: 2, role })
            .await
            .unwrap();
        let ids: Vec<_> = page.users.iter().map(|user| user.id.get()).collect();
        assert_eq!((ids, page.total), (expected, total), "{role:?} {skip}");
    }
}
