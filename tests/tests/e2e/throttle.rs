//! Limits on guessing.

use std::time::Duration;

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Client, Send as _};
use reqwest::Method;
use serde_json::json;

async fn fail(client: &Client, name: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(client.try_log_in(name, "wrong password").await.status, 401);
    }
}

#[tokio::test]
async fn r1_r8_the_eleventh_failure_is_refused_and_the_right_password_with_it() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.user("mike").await;
    fail(&anonymous, "mike", 10).await;
    assert_snapshot!(anonymous.try_log_in("mike", "wrong password").await, @r#"
    429
    retry-after: 900
    {
      "code": "too_many_attempts",
      "detail": "尝试次数过多，请稍后再试"
    }
    "#);
    assert_eq!(anonymous.try_log_in("mike", PASSWORD).await.status, 429);
    app.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(anonymous.try_log_in("mike", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn r2_parallel_guesses_get_no_further() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let client = app.anonymous();
        guesses.spawn(async move { client.try_log_in("mike", "wrong password").await.status });
    }
    let statuses = guesses.join_all().await;
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(401), count(429)), (10, 50), "{statuses:?}");
}

#[tokio::test]
async fn r3_changing_the_password_counts_as_well() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    fail(&app.anonymous(), "mike", 5).await;
    let body = json!({
        "current_password": "wrong", "new_password": "newpassword456",
        "confirm_password": "newpassword456",
    });
    for _ in 0..5 {
        assert_eq!(mike.post("/api/v1/auth/change-password", &body).await.status, 400);
    }
    assert_eq!(mike.post("/api/v1/auth/change-password", &body).await.status, 429);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
    assert_eq!(mike.me().await.status, 200, "who is logged in stays so");
}

#[tokio::test]
async fn r4_r5_spellings_share_a_count_and_names_that_nobody_has_are_counted_alike() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.user("mike").await;
    for names in
        [["Mike", "ｍｉｋｅ", "mike@example.com", "MIKE@EXAMPLE.COM", "mike"], ["Ghost"; 5]]
    {
        for name in names {
            fail(&anonymous, name, 2).await;
        }
        let refused = anonymous.try_log_in(names[0], "wrong password").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("900")));
    }
    assert_eq!(anonymous.try_log_in("ghost", "wrong password").await.status, 429);
}

#[tokio::test]
async fn success_resets_the_count() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    app.user("mike").await;
    for _ in 0..3 {
        fail(&anonymous, "mike", 9).await;
        assert_eq!(anonymous.try_log_in("mike", PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn r9_a_forged_address_does_not_help_but_a_trusted_proxys_does() {
    let forged = async |app: &TestApp, address: String| {
        let body = json!({ "username": "mike", "password": "wrong password" });
        let request = app.anonymous().request(Method::POST, "/api/v1/auth/login");
        request.header("x-forwarded-for", address).json(&body).answer().await.status
    };
    let app = TestApp::start().await;
    app.user("mike").await;
    for n in 0..10 {
        assert_eq!(forged(&app, format!("192.0.2.{n}")).await, 401);
    }
    assert_eq!(forged(&app, "192.0.2.99".into()).await, 429);
    let app = TestApp::start_with(&[("server.trusted_proxies", "127.0.0.0/8")]).await;
    app.user("mike").await;
    for n in 0..12 {
        assert_eq!(forged(&app, format!("203.0.113.1, 192.0.2.{n}")).await, 401);
    }
    for n in 0..10 {
        assert_eq!(forged(&app, format!("192.0.2.{n}, 198.51.100.7")).await, 401);
    }
    assert_eq!(forged(&app, "192.0.2.99, 198.51.100.7".into()).await, 429);
}

#[tokio::test]
async fn r11_a_lock_outlives_a_restart() {
    let app = TestApp::start().await;
    app.user("mike").await;
    fail(&app.anonymous(), "mike", 10).await;
    let clock = app.clock.clone();
    let app = TestApp::start_at(app.stop().await, clock, &[]).await;
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn an_administrators_activation_lifts_the_lock() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    fail(&app.anonymous(), "mike", 10).await;
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
    assert_eq!(admin.post_empty("/api/v1/users/2/activate").await.status, 200);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_network_is_limited_over_all_accounts() {
    let app = TestApp::start_with(&[
        ("throttle.per_network.max", "3"),
        ("throttle.registrations.max", "2"),
    ])
    .await;
    app.user("mike").await;
    for name in ["a", "b", "c"] {
        fail(&app.anonymous(), name, 1).await;
    }
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
    let body = json!({ "username": "mike", "email": "x@example.com", "password": PASSWORD });
    for status in [400, 400, 429] {
        assert_eq!(app.anonymous().post("/api/v1/auth/register", &body).await.status, status);
    }
}

#[tokio::test]
async fn limits_can_be_turned_off() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    app.user("mike").await;
    fail(&app.anonymous(), "mike", 15).await;
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
}

/// The clock was ahead, and is put back: the lock lasts a window from then, and no longer.
#[tokio::test]
async fn j08_a_lock_from_a_clock_that_was_ahead_lasts_a_window() {
    for ahead in [60 * 60, 24 * 60 * 60, 400 * 24 * 60 * 60].map(Duration::from_secs) {
        let app = TestApp::start().await;
        let anonymous = app.anonymous();
        app.user("mike").await;
        app.clock.advance(ahead);
        fail(&anonymous, "mike", 10).await;
        app.clock.put_back(ahead);
        let locked = anonymous.try_log_in("mike", PASSWORD).await;
        assert_eq!((locked.status, locked.header("retry-after")), (429, Some("900")), "{locked}");
        app.clock.advance(Duration::from_secs(15 * 60));
        assert_eq!(anonymous.try_log_in("mike", PASSWORD).await.status, 200, "{ahead:?}");
    }
}
