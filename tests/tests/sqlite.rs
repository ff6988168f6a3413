//! What is SQLite's own: restarts, and several processes on one file. The contract suite is in `contract`.

use menjin_contract as contract;
use menjin_contract::{at, network, session_id};
use menjin_domain::accounts::{AccountRepository, Role, UserQuery};
use menjin_domain::common::PageStart;
use menjin_domain::health::HealthProbe;
use menjin_domain::lockout::{Admission, AttemptLimits, LockoutRepository, LockoutSubject};
use menjin_domain::sessions::{Generation, Rotation, RotationOutcome, SessionRepository};
use menjin_infra_sqlite::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

/// A restart forgets nothing: a replay is still one (T16), a lock holds (R11).
#[tokio::test(flavor = "multi_thread")]
async fn t16_r11_all_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("menjin.db");
    let open = || SqliteStore::open(SqliteConfig::at(&path)).unwrap();
    let subject = LockoutSubject::nobody(&menjin_domain::accounts::LoginName::parse("x").unwrap());
    let reserve = |store: SqliteStore| {
        let subject = subject.clone();
        async move { store.reserve(&subject, network(1), AttemptLimits::DEFAULT, at(0)).await }
    };

    let first = open();
    let user =
        AccountRepository::create(&first, contract::new_user("ann", Role::ADMIN)).await.unwrap();
    let session =
        contract::new_session(1, user.id, menjin_domain::credentials::CredentialVersion(0));
    let user = SessionRepository::create(&first, session).await.unwrap();
    let rotation = |presented, seconds| Rotation {
        session_id: session_id(1),
        user_id: user.id,
        presented: Generation(presented),
        at: at(seconds),
        grace: std::time::Duration::from_secs(10),
        idle_ttl: None,
        request: contract::request(),
        recorded: true,
    };
    for presented in [0, 1] {
        let outcome = first.rotate(rotation(presented, 1)).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated(_)));
    }
    for _ in 0..10 {
        assert_eq!(reserve(first.clone()).await.unwrap(), Admission::Admitted);
    }
    first.close().await.unwrap();
    assert!(first.check().await.is_err(), "closed is closed");
    drop(first);

    let second = open();
    assert_eq!(second.find(user.id).await.unwrap().unwrap(), user);
    let live = second.find_live(session_id(1), at(2)).await.unwrap().unwrap();
    assert_eq!((live.session.generation, &*live.user), (Generation(2), &user));
    assert!(matches!(reserve(second.clone()).await.unwrap(), Admission::Refused { .. }));
    assert_eq!(second.rotate(rotation(0, 3)).await.unwrap(), RotationOutcome::Replayed);
    drop(second);
    assert_eq!(open().rotate(rotation(2, 4)).await.unwrap(), RotationOutcome::NotLive);
}

/// Two stores on one file are as two processes: their writes exclude each other.
#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("menjin.db");
    let stores = [1, 2].map(|_| SqliteStore::open(SqliteConfig::at(&path)).unwrap());
    let results = contract::at_once(50, |number| {
        let store = stores[number % 2].clone();
        let new = contract::new_user(&format!("user{}", number / 2), Role::STUDENT);
        async move { AccountRepository::create(&store, new).await.is_ok() }
    })
    .await;
    assert_eq!(results.iter().filter(|created| **created).count(), 25);
    let query = UserQuery { start: PageStart::Skip(0), limit: 100, role: None };
    for store in &stores {
        let page = store.list(query).await.unwrap();
        assert_eq!((page.users.len(), page.total), (25, 25));
    }
    let subject = LockoutSubject::Account(menjin_domain::common::UserId::FIRST);
    let admissions = contract::at_once(100, |number| {
        let (store, subject) = (stores[number % 2].clone(), subject.clone());
        let limits = AttemptLimits::DEFAULT;
        async move { store.reserve(&subject, network(1), limits, at(0)).await.unwrap() }
    })
    .await;
    assert_eq!(admissions.iter().filter(|each| **each == Admission::Admitted).count(), 10);
}
