//! R and E: guessing, over both dialects.

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Answer;

use super::{BOTH, Dialect, Envelope, V1};

async fn guess(dialect: Dialect, app: &TestApp, name: &str) -> Answer {
    dialect.try_log_in(&app.anonymous(), name, "a wrong one").await
}

#[tokio::test]
async fn r1_r5_r8_after_ten_failures_nobody_is_let_in_known_or_not() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        app.user("mike").await;
        let mut refusals = Vec::new();
        for name in ["mike", "nobody"] {
            for number in 1..=10 {
                assert_eq!(guess(dialect, &app, name).await.status, 401, "{name} {number}");
            }
            let refused = dialect.try_log_in(&app.anonymous(), name, PASSWORD).await;
            assert_eq!((refused.status, refused.header("retry-after")), (429, Some("900")));
            dialect.assert_shape(&refused, "R8");
            refusals.push(refused.body);
        }
        assert_eq!(refusals[0], refusals[1], "R5: the same for a name that nobody has");
    }
}

#[tokio::test]
async fn r2_r3_of_many_at_once_over_both_dialects_exactly_the_limit_is_admitted() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (client, dialect) = (app.anonymous(), BOTH[number % 2]);
        guesses
            .spawn(async move { dialect.try_log_in(&client, "mike", "a wrong one").await.status });
    }
    let statuses = guesses.join_all().await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    // What the queue of the hashing threads had no room for was not a guess.
    assert_eq!(count(401), 10, "{statuses:?}");
    assert_eq!(count(401) + count(429) + count(503), 200, "{statuses:?}");
}

#[tokio::test]
async fn r4_spellings_share_one_count_in_both_dialects() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        app.user("mike").await;
        for name in ["mike", "Mike", "ｍｉｋｅ", "MIKE", "mIKE"] {
            assert_eq!(guess(V1, &app, name).await.status, 401);
            assert_eq!(guess(Envelope, &app, name).await.status, 401);
        }
        assert_eq!(guess(dialect, &app, "Ｍike").await.status, 429);
    }
}

/// An answer without its date and id. Headers come in an order that actix draws for each answer, so
/// it tells nothing.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str()));
    let headers = headers.filter(|(name, _value)| !["date", "x-request-id"].contains(name));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    headers.sort_unstable();
    (answer.status, headers, answer.body.to_string())
}

#[tokio::test]
async fn e1_unknown_wrong_and_inactive_are_the_same_in_both_dialects() {
    for dialect in BOTH {
        let app = TestApp::start().await;
        let admin = app.admin("root").await;
        app.user("mike").await;
        app.user("ann").await;
        assert_eq!(dialect.set(&admin, "3", "deactivate").await.status, 200);
        let wrong = guess(dialect, &app, "mike").await;
        let unknown = guess(dialect, &app, "nobody").await;
        let inactive = dialect.try_log_in(&app.anonymous(), "ann", PASSWORD).await;
        let odd = dialect.try_log_in(&app.anonymous(), "mike", &"x".repeat(500)).await;
        assert_eq!(wrong.status, 401);
        for other in [unknown, inactive, odd] {
            assert_eq!(comparable(&other), comparable(&wrong), "{dialect:?}");
        }
    }
}
