//! How many sessions there may be, and when they end that are not used (D4).

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp};
use serde_json::json;

#[tokio::test]
async fn d4_a_session_that_is_not_used_ends() {
    let app = TestApp::start_with(&[("sessions.idle_ttl", "10m")]).await;
    let mike = app.user("mike").await;
    app.clock.advance(Duration::from_secs(9 * 60));
    let refreshed = mike.refresh().await;
    assert_eq!(refreshed.body["expires_in"], 600, "an access token lives no longer: {refreshed}");
    let mike = app.anonymous().with_tokens(&refreshed.body);
    app.clock.advance(Duration::from_secs(9 * 60));
    let sessions = mike.get("/api/v1/users/me/sessions").await;
    assert_eq!(sessions.body["total"], 1, "{sessions}");
    app.clock.advance(Duration::from_secs(2 * 60));
    assert_eq!(mike.me().await.status, 401);
    assert_eq!(mike.refresh().await.status, 401, "nor is it refreshed");
}

#[tokio::test]
async fn d4_logging_in_once_more_ends_the_oldest_session() {
    let app = TestApp::start_with(&[("sessions.max_per_user", "2")]).await;
    let first = app.user("mike").await;
    app.clock.advance(Duration::from_secs(1));
    let second = app.anonymous().log_in("mike", PASSWORD).await;
    app.clock.advance(Duration::from_secs(1));
    let body = json!({ "username": "mike", "password": PASSWORD });
    let envelope = app.anonymous().post("/api/auth/login", &body).await;
    assert_eq!(envelope.status, 200, "{envelope}");
    assert_eq!((first.me().await.status, second.me().await.status), (401, 200));
    let sessions = second.get("/api/v1/users/me/sessions").await;
    assert_eq!(sessions.body["total"], 2, "{sessions}");
}
