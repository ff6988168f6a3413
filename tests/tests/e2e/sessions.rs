//! What becomes of tokens.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Client;
use serde_json::json;

async fn refreshed(client: &Client) -> Client {
    let answer = client.refresh().await;
    assert_eq!(answer.status, 200, "{answer}");
    client.with_tokens(&answer.body)
}

#[tokio::test]
async fn t04_neither_token_does_the_others_work() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let mut swapped = mike.clone();
    swapped.access_token.clone_from(&mike.refresh_token);
    swapped.refresh_token.clone_from(&mike.access_token);
    assert_eq!(swapped.me().await.status, 401);
    assert_eq!(swapped.refresh().await.status, 401);
    assert_eq!(mike.refresh().await.status, 200, "the attempt changed nothing");
}

#[tokio::test]
async fn t09_an_access_token_lives_30_minutes_and_the_leeway() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    app.clock.advance(Duration::from_secs(30 * 60 + 4));
    assert_eq!(mike.me().await.status, 200);
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(mike.me().await.status, 401);
    assert_eq!(refreshed(&mike).await.me().await.status, 200);
}

#[tokio::test]
async fn t11_a_key_verifies_until_it_is_retired() {
    let (old, new) =
        ("the-old-secret-0123456789-0123456789", "the-new-secret-0123456789-0123456789");
    let app = TestApp::start_with(&[("auth.secret", old)]).await;
    let mike = app.user("mike").await;
    let clock = app.clock.clone();
    let both = [("auth.secret", new), ("auth.verify_only_secrets", old)];
    let app = TestApp::start_at(app.stop().await, clock.clone(), &both).await;
    let mike = app.anonymous().with_tokens(&mike.tokens());
    assert_eq!(mike.me().await.status, 200);
    let renewed = refreshed(&mike).await;
    let app = TestApp::start_at(app.stop().await, clock, &[("auth.secret", new)]).await;
    let (mike, renewed) = (
        app.anonymous().with_tokens(&mike.tokens()),
        app.anonymous().with_tokens(&renewed.tokens()),
    );
    for answer in [mike.me().await, mike.refresh().await] {
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!("invalid_token")));
    }
    assert_eq!(renewed.me().await.status, 200, "and what is retired ends no session");
    assert_eq!(renewed.refresh().await.status, 200);
}

#[tokio::test]
async fn t13_a_predecessor_replayed_after_its_successor_was_used_ends_the_session() {
    let app = TestApp::start().await;
    let first = app.user("mike").await;
    let second = refreshed(&first).await;
    let third = refreshed(&second).await;
    assert_eq!(first.refresh().await.status, 401);
    assert_eq!(third.me().await.status, 401);
    assert_eq!(third.refresh().await.status, 401);
}

#[tokio::test]
async fn t14_a_lost_answer_can_be_asked_for_again_and_leaves_one_branch() {
    let app = TestApp::start().await;
    let first = app.user("mike").await;
    let lost = refreshed(&first).await;
    app.clock.advance(Duration::from_secs(23 * 60 * 60));
    let second = refreshed(&first).await;
    let third = refreshed(&second).await;
    assert_eq!(third.me().await.status, 200);
    assert_eq!(lost.refresh().await.status, 401, "the successor was replaced, not forked");
    assert_eq!(third.me().await.status, 401, "and presenting it is a replay");
}

#[tokio::test]
async fn t14_after_the_grace_a_predecessor_is_a_replay() {
    let app = TestApp::start().await;
    let first = app.user("mike").await;
    let second = refreshed(&first).await;
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(first.refresh().await.status, 401);
    assert_eq!(second.refresh().await.status, 401);
}

/// A phone that loses the answer comes back later than seconds, and not for ever.
#[tokio::test]
async fn t14_j22_the_sixth_retry_of_a_session_ends_it_and_each_is_recorded() {
    let app = TestApp::start().await;
    let first = app.user("mike").await;
    refreshed(&first).await;
    for _ in 0..5 {
        app.clock.advance(Duration::from_secs(3600));
        let retried = refreshed(&first).await;
        assert_eq!(retried.me().await.status, 200);
    }
    app.clock.advance(Duration::from_secs(3600));
    assert_eq!(first.refresh().await.status, 401);
    let again = app.anonymous().log_in("mike", PASSWORD).await;
    assert_eq!(again.me().await.status, 200);
    let root = app.admin("root").await;
    let retries = root.get("/api/v1/audit?action=refresh_retried").await.body["events"].clone();
    assert_eq!(retries.as_array().map(Vec::len), Some(5), "{retries}");
    assert_eq!(retries[0]["outcome"], "success");
}

#[tokio::test]
async fn t15_two_generations_old_is_a_replay_within_the_grace_as_well() {
    let app = TestApp::start().await;
    let first = app.user("mike").await;
    let third = refreshed(&refreshed(&first).await).await;
    assert_eq!(first.refresh().await.status, 401);
    assert_eq!(third.refresh().await.status, 401);
}

#[tokio::test]
async fn t17_refreshing_does_not_outlast_seven_days() {
    let app = TestApp::start().await;
    let mut mike = app.user("mike").await;
    for _ in 0..6 {
        app.clock.advance(Duration::from_secs(24 * 60 * 60));
        mike = refreshed(&mike).await;
    }
    app.clock.advance(Duration::from_secs(24 * 60 * 60 - 60));
    let answer = mike.refresh().await;
    assert_eq!(answer.body["expires_in"], json!(60), "no longer than the session: {answer}");
    let mike = mike.with_tokens(&answer.body);
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(mike.refresh().await.status, 401);
    assert_eq!(mike.me().await.status, 401);
}

#[tokio::test]
async fn t18_a_password_change_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let other = app.anonymous().log_in("mike", PASSWORD).await;
    let body = json!({
        "current_password": PASSWORD, "new_password": "newpassword456",
        "confirm_password": "newpassword456",
    });
    assert_eq!(mike.post("/api/v1/auth/change-password", &body).await.status, 200);
    assert_eq!(other.me().await.status, 401);
    assert_eq!(other.refresh().await.status, 401);
    assert_eq!(mike.me().await.status, 200);
}
