//! Replicas whose clocks disagree (F6). In this process, for their clocks are to be turned.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, Place, TestApp};
use menjin_tests::client::Client;
use menjin_tests::clock::TurnableClock;

use crate::support::moved;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Two replicas, the clock of the second one ahead by so much.
async fn apart(ahead: Duration) -> [TestApp; 2] {
    let place = Place::for_replicas().await;
    let other = place.for_another_replica();
    let (now, later) = (TurnableClock::default(), TurnableClock::default());
    later.advance(ahead);
    [TestApp::start_at(place, now, &[]).await, TestApp::start_at(other, later, &[]).await]
}

async fn refreshed(user: &Client, on: &TestApp) -> Client {
    let answer = moved(user, &on.anonymous()).refresh().await;
    assert_eq!(answer.status, 200, "{answer}");
    moved(&user.with_tokens(&answer.body), user)
}

async fn me(user: &Client, on: &TestApp) -> u16 {
    moved(user, &on.anonymous()).me().await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_clocks_that_are_20_seconds_apart_do_no_harm() {
    let apps = apart(Duration::from_secs(20)).await;
    // The clock of the one is ahead, that of the other behind.
    for (name, [one, other]) in [("ahead", [&apps[0], &apps[1]]), ("behind", [&apps[1], &apps[0]])]
    {
        let mut mike = one.user(name).await;
        for _ in 0..5 {
            for on in [other, one] {
                assert_eq!((me(&mike, one).await, me(&mike, other).await), (200, 200), "{name}");
                mike = refreshed(&mike, on).await;
            }
        }
        assert_eq!(
            moved(&mike, &other.anonymous()).post_empty("/api/v1/auth/logout").await.status,
            200
        );
        for on in [one, other] {
            assert_eq!(me(&mike, on).await, 401, "{name}");
            assert_eq!(moved(&mike, &on.anonymous()).refresh().await.status, 401, "{name}");
        }
        // The limit of failures is one for both.
        for n in 0..10 {
            let on = [one, other][n % 2];
            assert_eq!(on.anonymous().try_log_in(name, "wrong").await.status, 401);
        }
        for on in [one, other] {
            assert_eq!(on.anonymous().try_log_in(name, PASSWORD).await.status, 429, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_with_a_clock_that_is_days_off_nothing_is_valid_and_nothing_breaks() {
    for days in [3, 8] {
        let apps = apart(DAY * days).await;
        for (name, [right, wrong]) in
            [("ahead", [&apps[0], &apps[1]]), ("behind", [&apps[1], &apps[0]])]
        {
            let mike = right.user(name).await;
            assert_eq!(me(&mike, wrong).await, 401, "{name} {days}");
            let there = wrong.anonymous().log_in(name, PASSWORD).await;
            assert_eq!(me(&there, right).await, 401, "{name} {days}: what it hands out");
            assert_eq!(me(&mike, right).await, 200, "{name} {days}: it has ended nothing");
            let mike = refreshed(&mike, right).await;
            // Past the end of the session, or before its token was made.
            if days > 7 || name == "behind" {
                let answer = moved(&mike, &wrong.anonymous()).refresh().await;
                assert_eq!(answer.status, 401, "{name} {days}: {answer}");
                assert_eq!(refreshed(&mike, right).await.me().await.status, 200, "{name} {days}");
            }
        }
    }
}
