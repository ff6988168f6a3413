//! Counting failed logins.

use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::accounts::LoginName;
use menjin_domain::common::{PortError, UserId};
use menjin_domain::lockout::{Admission, AttemptLimits, FailureCount, Limit, LockoutSubject};

use super::{Administer, Store, at, at_once, context, network};

/// 3 in 100 s from one network, 5 in 1000 s from all networks.
const LIMITS: AttemptLimits = AttemptLimits {
    per_client: Limit { max: 3, window: Duration::from_secs(100) },
    per_account: Limit { max: 5, window: Duration::from_secs(1000) },
};

const ANN: LockoutSubject = LockoutSubject::Account(UserId::FIRST);

async fn reserve(store: &Store, from: u8, seconds: i64) -> Admission {
    store.lockouts.reserve(&ANN, network(from), LIMITS, at(seconds)).await.unwrap()
}

/// Tries again if so many concurrent calls leave no connection, as a client does after a 503.
async fn reserve_patiently(store: &Store, from: u8, limits: AttemptLimits) -> Admission {
    for _ in 0..30 {
        match store.lockouts.reserve(&ANN, network(from), limits, at(0)).await {
            Err(PortError::Unavailable { .. }) => {}
            result => return result.unwrap(),
        }
    }
    panic!("no connection comes free")
}

async fn admitted(store: &Store, from: u8, seconds: i64) {
    assert_eq!(reserve(store, from, seconds).await, Admission::Admitted, "{from} at {seconds}");
}

async fn refused(store: &Store, from: u8, seconds: i64, retry_after: u64) {
    let retry_after = Duration::from_secs(retry_after);
    let admission = reserve(store, from, seconds).await;
    assert_eq!(admission, Admission::Refused { retry_after }, "{from} at {seconds}");
}

/// 200 attempts at once: exactly as many as the limit are admitted (R2).
#[apply(row!)]
async fn r2_exactly_the_limit_is_admitted(store: Store) {
    let admissions = at_once(200, |_| {
        let store = store.clone();
        async move { reserve_patiently(&store, 1, AttemptLimits::DEFAULT).await }
    })
    .await;
    let admitted = admissions.iter().filter(|each| **each == Admission::Admitted).count();
    assert_eq!(admitted, 10);
}

/// From many networks at once, the limit on the account holds exactly.
#[apply(row!)]
async fn r2_the_limit_over_all_networks_is_exact_too(store: Store) {
    let admissions = at_once(60, |number| {
        let (store, from) = (store.clone(), u8::try_from(number).unwrap());
        async move { reserve_patiently(&store, from, LIMITS).await }
    })
    .await;
    let admitted = admissions.iter().filter(|each| **each == Admission::Admitted).count();
    assert_eq!(admitted, 5);
}

/// Refused attempts are not counted: they do not lengthen the wait, nor use up the account's count.
#[apply(row!)]
async fn refused_attempts_are_not_counted(store: Store) {
    for seconds in [0, 1, 2] {
        admitted(&store, 1, seconds).await;
    }
    for seconds in 3..60 {
        refused(&store, 1, seconds, 102 - u64::try_from(seconds).unwrap()).await;
    }
    admitted(&store, 1, 102).await;
    admitted(&store, 2, 102).await;
    refused(&store, 2, 103, 999).await;
}

/// The count starts anew once a window has passed since the last failure, not since the first.
#[apply(row!)]
async fn the_count_starts_anew_after_a_gap(store: Store) {
    for seconds in [0, 60, 120] {
        admitted(&store, 1, seconds).await;
    }
    refused(&store, 1, 219, 1).await;
    admitted(&store, 1, 220).await;
    admitted(&store, 1, 220).await;
    refused(&store, 1, 220, 1000).await;
}

/// If both limits are reached, the longer wait is returned.
#[apply(row!)]
async fn the_longer_wait_is_returned(store: Store) {
    for (from, seconds) in [(1, 0), (2, 0), (3, 1), (3, 2), (3, 3)] {
        admitted(&store, from, seconds).await;
    }
    refused(&store, 3, 4, 999).await;
    refused(&store, 4, 1002, 1).await;
    admitted(&store, 3, 1003).await;
}

/// Each subject and each network has counts of its own.
#[apply(row!)]
async fn subjects_and_networks_are_counted_separately(store: Store) {
    let nobody = |name: &str| LockoutSubject::nobody(&LoginName::parse(name).unwrap());
    let subjects =
        [ANN, LockoutSubject::Account(UserId::try_from(11).unwrap()), nobody("x"), nobody("y")];
    for subject in &subjects {
        for attempt in 0..4 {
            let admission = store.lockouts.reserve(subject, network(1), LIMITS, at(0)).await;
            assert_eq!(admission.unwrap() == Admission::Admitted, attempt < 3, "{subject}");
        }
    }
    admitted(&store, 2, 0).await;
}

/// A right password resets the counts of its network and of the account, not of other networks.
#[apply(row!)]
async fn success_resets_its_network_and_the_account(store: Store) {
    for (from, seconds) in [(1, 0), (1, 0), (1, 0), (2, 0), (2, 0)] {
        admitted(&store, from, seconds).await;
    }
    refused(&store, 3, 1, 999).await;
    store.lockouts.succeed(&ANN, network(2)).await.unwrap();
    refused(&store, 1, 1, 99).await;
    for from in [2, 2, 2, 3, 3] {
        admitted(&store, from, 1).await;
    }
    refused(&store, 3, 1, 1000).await;
    store.lockouts.succeed(&ANN, network(9)).await.unwrap();
    refused(&store, 2, 1, 100).await;
    admitted(&store, 3, 1).await;
}

/// Releasing an undecided attempt subtracts it from both counts, which never fall below zero.
#[apply(row!)]
async fn release_subtracts_one_failure(store: Store) {
    store.lockouts.release(&ANN, network(1)).await.unwrap();
    for _ in 0..3 {
        admitted(&store, 1, 0).await;
    }
    store.lockouts.release(&ANN, network(1)).await.unwrap();
    admitted(&store, 1, 0).await;
    refused(&store, 1, 0, 100).await;
    for _ in 0..5 {
        store.lockouts.release(&ANN, network(1)).await.unwrap();
    }
    for from in [1, 1, 1, 2, 2] {
        admitted(&store, from, 0).await;
    }
    refused(&store, 2, 0, 1000).await;
}

/// Activating an account clears its failures, and no other account's.
#[apply(row!)]
async fn activation_clears_the_failures(store: Store) {
    let ann = store.student("ann").await;
    assert_eq!(LockoutSubject::Account(ann), ANN);
    for from in [1, 1, 1, 2, 2] {
        admitted(&store, from, 0).await;
    }
    let eleven = LockoutSubject::Account(UserId::try_from(11).unwrap());
    for _ in 0..3 {
        store.lockouts.reserve(&eleven, network(1), LIMITS, at(0)).await.unwrap();
    }
    store.accounts.activate(ann, context(1)).await.unwrap();
    for from in [1, 1, 1, 2, 2] {
        admitted(&store, from, 1).await;
    }
    let other = store.lockouts.reserve(&eleven, network(1), LIMITS, at(1)).await.unwrap();
    assert_ne!(other, Admission::Admitted);
}

/// Counts whose last failure is before a moment are deleted; each attempt makes two.
#[apply(row!)]
async fn stale_counts_are_deleted(store: Store) {
    admitted(&store, 1, 0).await;
    admitted(&store, 2, 50).await;
    assert_eq!(store.lockouts.delete_stale(at(0)).await.unwrap(), 0);
    assert_eq!(store.lockouts.delete_stale(at(50)).await.unwrap(), 1);
    assert_eq!(store.lockouts.delete_stale(at(51)).await.unwrap(), 2);
    assert_eq!(store.lockouts.delete_stale(at(52)).await.unwrap(), 0);
}

/// A limit of zero admits nothing.
#[apply(row!)]
async fn a_limit_of_zero_admits_nothing(store: Store) {
    let none = Limit { max: 0, window: Duration::from_secs(60) };
    let limits = AttemptLimits { per_client: none, ..LIMITS };
    let admission = store.lockouts.reserve(&ANN, network(1), limits, at(0)).await.unwrap();
    assert_eq!(admission, Admission::Refused { retry_after: Duration::from_secs(60) });
}

/// Clocks of replicas differ: an earlier moment does not unlock and does not panic.
#[apply(row!)]
async fn a_clock_that_lags_does_not_unlock(store: Store) {
    for seconds in [100, 110, 90] {
        admitted(&store, 1, seconds).await;
    }
    assert_ne!(reserve(&store, 1, 0).await, Admission::Admitted);
    refused(&store, 1, 209, 1).await;
    admitted(&store, 1, 210).await;
}

/// Each count is returned with its network and its last failure, and so is the count over all
/// networks. Counts of other subjects are not returned.
#[apply(row!)]
async fn counts_are_shown(store: Store) {
    assert_eq!(store.lockouts.counts(&ANN).await.unwrap(), []);
    for (from, seconds) in [(1, 0), (2, 5), (1, 7)] {
        admitted(&store, from, seconds).await;
    }
    let nobody = LockoutSubject::nobody(&LoginName::parse("x").unwrap());
    store.lockouts.reserve(&nobody, network(1), LIMITS, at(9)).await.unwrap();
    let v6 = "2001:db8::1".parse::<std::net::IpAddr>().unwrap().into();
    store.lockouts.reserve(&ANN, v6, LIMITS, at(3)).await.unwrap();
    let mut counts = store.lockouts.counts(&ANN).await.unwrap();
    let latest = counts.iter().map(|count| count.last_failure_at);
    assert!(latest.is_sorted_by(|one, next| one >= next), "{counts:?}");
    counts.sort_by_key(|count| count.network.map(|network| network.to_string()));
    let count = |network, failures, seconds| FailureCount {
        network,
        failures,
        last_failure_at: at(seconds),
    };
    let expected = [
        count(None, 4, 7),
        count(Some(network(1)), 2, 7),
        count(Some(network(2)), 1, 5),
        count(Some(v6), 1, 3),
    ];
    assert_eq!(counts, expected);
}

/// However many networks there are, the count of all of them and the latest ones are returned.
#[apply(row!)]
async fn the_latest_of_many_networks_are_shown(store: Store) {
    let limits = AttemptLimits::DEFAULT;
    let limits = AttemptLimits { per_account: Limit { max: 1000, ..limits.per_account }, ..limits };
    for n in 0..150 {
        let seconds = i64::from(n / 2);
        store.lockouts.reserve(&ANN, network(n), limits, at(seconds)).await.unwrap();
    }
    let counts = store.lockouts.counts(&ANN).await.unwrap();
    assert!((100..=151).contains(&counts.len()), "{}", counts.len());
    let all = counts.iter().find(|count| count.network.is_none()).unwrap();
    assert_eq!((all.failures, all.last_failure_at), (150, at(74)));
    for n in 60..150 {
        assert!(counts.iter().any(|count| count.network == Some(network(n))), "{n}");
    }
}

/// Clearing removes an account's count of each network and of all networks together, of no other
/// account, and returns whether there was one.
#[apply(row!)]
async fn clearing_a_lockout_clears_all_networks_of_one_account(store: Store) {
    let ann = store.student("ann").await;
    assert_eq!(LockoutSubject::Account(ann), ANN);
    let eleven = LockoutSubject::Account(UserId::try_from(11).unwrap());
    for from in [1, 1, 1, 2, 2] {
        admitted(&store, from, 0).await;
    }
    store.lockouts.reserve(&eleven, network(1), LIMITS, at(0)).await.unwrap();
    assert!(store.lockouts.forget(ann, context(1)).await.unwrap());
    assert_eq!(store.lockouts.counts(&ANN).await.unwrap(), []);
    assert!(!store.lockouts.forget(ann, context(2)).await.unwrap());
    for from in [1, 1, 1, 2, 2] {
        admitted(&store, from, 3).await;
    }
    assert_eq!(store.lockouts.counts(&eleven).await.unwrap().len(), 2);
}

/// The clock was a day ahead and is put back: nobody waits for longer than a window, and the failures
/// still count.
#[apply(row!)]
async fn j08_no_wait_is_longer_than_its_window(store: Store) {
    const DAY: i64 = 24 * 60 * 60;
    for seconds in [DAY, DAY + 1, DAY + 2] {
        admitted(&store, 1, seconds).await;
    }
    refused(&store, 1, DAY + 3, 99).await;
    refused(&store, 1, 0, 100).await;
    refused(&store, 1, 60, 40).await;
    admitted(&store, 1, 100).await;
    // The clock is a little behind: it tells a window, and nothing is unlocked.
    admitted(&store, 2, 101).await;
    let Admission::Refused { retry_after } = reserve(&store, 2, 50).await else {
        panic!("the limit of all networks is forgotten")
    };
    assert!(retry_after <= LIMITS.per_account.window, "{retry_after:?}");
}
