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

/// Both dialects refuse, and the ticket lists and ends one's own sessions, for five minutes.
#[tokio::test]
async fn d4_logging_in_once_more_is_refused_with_a_ticket() {
    let limit = [("sessions.max_per_user", "2"), ("sessions.on_excess", "refuse")];
    let app = TestApp::start_with(&limit).await;
    let (mike, eve) = (app.user("mike").await, app.user("eve").await);
    let second = app.anonymous().log_in("mike", PASSWORD).await;
    let body = json!({ "username": "mike", "password": PASSWORD });
    let log_in = async || app.anonymous().post("/api/v1/auth/login", &body).await;
    let refused = log_in().await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("too_many_sessions")));
    assert_eq!(refused.body["expires_in"], 300, "{refused}");
    let envelope = app.anonymous().post("/api/auth/login", &body).await;
    assert_eq!((envelope.status, &envelope.body["code"]), (409, &json!(409)), "{envelope}");
    assert_eq!(envelope.body["data"]["reason"], "too_many_sessions", "{envelope}");
    assert!(envelope.body["data"]["sessions_token"].is_string(), "{envelope}");
    let wrong = json!({ "username": "mike", "password": "not-the-password" });
    let wrong = app.anonymous().post("/api/v1/auth/login", &wrong).await;
    assert_eq!((wrong.status, wrong.body.get("sessions_token")), (401, None), "{wrong}");

    let token = refused.body["sessions_token"].as_str().unwrap();
    let ticket = app.anonymous().with_token(token);
    let sessions = ticket.get("/api/v1/users/me/sessions").await;
    assert_eq!((sessions.status, &sessions.body["total"]), (200, &json!(2)), "{sessions}");
    let listed = sessions.body["sessions"].as_array().unwrap();
    assert!(listed.iter().all(|session| session["current"] == false), "{sessions}");
    // Nothing else: not as an access token, not as a refresh token, not for somebody else's session.
    assert_eq!(ticket.me().await.status, 401);
    let refreshed = json!({ "refresh_token": token });
    assert_eq!(app.anonymous().post("/api/v1/auth/refresh", &refreshed).await.status, 401);
    let of_eve = eve.get("/api/v1/users/me/sessions").await;
    let of_eve = of_eve.body["sessions"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/users/me/sessions/{of_eve}");
    assert_eq!(ticket.delete(&path).await.status, 404);

    let of_mike = mike.get("/api/v1/users/me/sessions").await;
    let of_mike = of_mike.body["sessions"].as_array().unwrap().clone();
    let first = of_mike.iter().find(|session| session["current"] == true).unwrap();
    let path = format!("/api/v1/users/me/sessions/{}", first["id"].as_str().unwrap());
    assert_eq!(ticket.delete(&path).await.status, 200);
    assert_eq!((mike.me().await.status, second.me().await.status), (401, 200));
    assert_eq!(log_in().await.status, 200);
    assert_eq!(log_in().await.status, 409, "there was room for one");
    assert_eq!(ticket.delete("/api/v1/users/me/sessions").await.status, 200, "all end");
    assert_eq!(second.me().await.status, 401);
    app.clock.advance(Duration::from_secs(306));
    assert_eq!(ticket.get("/api/v1/users/me/sessions").await.status, 401);
}

/// A ticket is void once the password has changed.
#[tokio::test]
async fn d4_a_ticket_is_void_once_the_password_has_changed() {
    let limit = [("sessions.max_per_user", "1"), ("sessions.on_excess", "refuse")];
    let app = TestApp::start_with(&limit).await;
    let mike = app.user("mike").await;
    let body = json!({ "username": "mike", "password": PASSWORD });
    let refused = app.anonymous().post("/api/v1/auth/login", &body).await;
    let ticket = app.anonymous().with_token(refused.body["sessions_token"].as_str().unwrap());
    assert_eq!(ticket.get("/api/v1/users/me/sessions").await.status, 200);
    let new = "another-passphrase-1";
    let change =
        json!({ "current_password": PASSWORD, "new_password": new, "confirm_password": new });
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    assert_eq!(ticket.get("/api/v1/users/me/sessions").await.status, 401);
}
