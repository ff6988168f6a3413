//! Limits per client network.

use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::lockout::{Admission, Limit, RateKey, RateLimiter};

use super::{at, at_once, network};

/// What is under test.
pub type Limiter = Arc<dyn RateLimiter>;

/// 3 within 100 s.
const LIMIT: Limit = Limit { max: 3, window: Duration::from_secs(100) };

async fn reserve(limiter: &Limiter, from: u8, seconds: i64) -> Admission {
    limiter.reserve(RateKey::FailedLogin(network(from)), LIMIT, at(seconds)).await.unwrap()
}

async fn admitted(limiter: &Limiter, from: u8, seconds: i64) {
    assert_eq!(reserve(limiter, from, seconds).await, Admission::Admitted, "{from} at {seconds}");
}

async fn refused(limiter: &Limiter, from: u8, seconds: i64, retry_after: u64) {
    let retry_after = Duration::from_secs(retry_after);
    let admission = reserve(limiter, from, seconds).await;
    assert_eq!(admission, Admission::Refused { retry_after }, "{from} at {seconds}");
}

/// Of any number of concurrent attempts, no more than the limit are admitted.
#[apply(row!)]
async fn no_more_than_the_limit_is_admitted(limiter: Limiter) {
    let limit = Limit { max: 100, window: Duration::from_secs(900) };
    let admissions = at_once(300, |_| {
        let limiter = limiter.clone();
        async move { limiter.reserve(RateKey::FailedLogin(network(1)), limit, at(0)).await.unwrap() }
    })
    .await;
    assert_eq!(admissions.iter().filter(|each| **each == Admission::Admitted).count(), 100);
}

/// No span of a window holds more than the limit; refused ones do not count.
#[apply(row!)]
async fn no_window_holds_more_than_the_limit(limiter: Limiter) {
    for seconds in [0, 60, 90] {
        admitted(&limiter, 1, seconds).await;
    }
    refused(&limiter, 1, 95, 5).await;
    refused(&limiter, 1, 99, 1).await;
    admitted(&limiter, 1, 100).await;
    refused(&limiter, 1, 100, 60).await;
    admitted(&limiter, 1, 160).await;
    admitted(&limiter, 1, 195).await;
    refused(&limiter, 1, 199, 1).await;
}

/// Failures that are far apart never add up, however many attempts succeed in between.
#[apply(row!)]
async fn released_failures_leave_no_trace(limiter: Limiter) {
    for seconds in 0..1000 {
        if seconds % 60 == 0 {
            admitted(&limiter, 1, seconds).await;
        }
        admitted(&limiter, 1, seconds).await;
        limiter.release(RateKey::FailedLogin(network(1))).await.unwrap();
    }
}

/// Each kind of limit and each network has a count of its own.
#[apply(row!)]
async fn keys_are_counted_separately(limiter: Limiter) {
    for from in [1, 2] {
        for _ in 0..3 {
            admitted(&limiter, from, 0).await;
        }
        refused(&limiter, from, 0, 100).await;
        let other = RateKey::FailedRegistration(network(from));
        assert_eq!(limiter.reserve(other, LIMIT, at(0)).await.unwrap(), Admission::Admitted);
    }
}

/// Releasing subtracts one failure; the count never falls below zero.
#[apply(row!)]
async fn release_subtracts_one_failure(limiter: Limiter) {
    let key = RateKey::FailedLogin(network(1));
    limiter.release(key).await.unwrap();
    for _ in 0..3 {
        admitted(&limiter, 1, 0).await;
    }
    limiter.release(key).await.unwrap();
    admitted(&limiter, 1, 0).await;
    refused(&limiter, 1, 0, 100).await;
    for _ in 0..5 {
        limiter.release(key).await.unwrap();
    }
    for _ in 0..3 {
        admitted(&limiter, 1, 0).await;
    }
    refused(&limiter, 1, 0, 100).await;
}

/// A limit of zero admits nothing.
#[apply(row!)]
async fn a_limit_of_zero_admits_nothing(limiter: Limiter) {
    let none = Limit { max: 0, ..LIMIT };
    let admission = limiter.reserve(RateKey::FailedLogin(network(1)), none, at(0)).await.unwrap();
    assert_eq!(admission, Admission::Refused { retry_after: none.window });
}

/// Clocks of replicas differ: an earlier moment does not unlock and does not panic.
#[apply(row!)]
async fn a_clock_that_lags_does_not_unlock(limiter: Limiter) {
    for seconds in [100, 110, 90] {
        admitted(&limiter, 1, seconds).await;
    }
    refused(&limiter, 1, 0, 100).await;
    refused(&limiter, 1, 199, 1).await;
    admitted(&limiter, 1, 200).await;
    refused(&limiter, 1, 209, 1).await;
}

/// The clock was a day ahead and is put back: nobody waits for longer than a window.
#[apply(row!)]
async fn j08_no_wait_is_longer_than_its_window(limiter: Limiter) {
    const DAY: i64 = 24 * 60 * 60;
    for seconds in [DAY, DAY + 1, DAY + 2] {
        admitted(&limiter, 1, seconds).await;
    }
    refused(&limiter, 1, DAY + 3, 97).await;
    refused(&limiter, 1, 0, 100).await;
    refused(&limiter, 1, 60, 40).await;
    admitted(&limiter, 1, 100).await;
}
