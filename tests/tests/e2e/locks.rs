//! `/api/v1/users/{user_id}/lock`.

use std::time::Duration;

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

const LOCK: &str = "/api/v1/users/2/lock";

/// Fails to log in from `192.0.2.n`, this often.
async fn fail(client: &Client, n: u8, times: usize) {
    for _ in 0..times {
        let body = json!({ "username": "mike", "password": "wrong password" });
        let request = client.request(Method::POST, "/api/v1/auth/login").json(&body);
        let answer = request.header("x-forwarded-for", format!("192.0.2.{n}")).answer().await;
        assert_eq!(answer.status, 401, "{answer}");
    }
}

async fn with_proxy() -> (TestApp, Client) {
    let app = TestApp::start_with(&[
        ("server.trusted_proxies", "127.0.0.0/8"),
        ("throttle.per_account.max", "12"),
    ])
    .await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    (app, admin)
}

#[tokio::test]
async fn an_administrator_sees_who_is_locked_and_from_where() {
    let (app, admin) = with_proxy().await;
    assert_snapshot!(admin.get(LOCK).await, @r#"
    200
    {
      "account": {
        "failures": 0,
        "until": null
      },
      "locked": false,
      "networks": [],
      "until": null
    }
    "#);
    fail(&app.anonymous(), 7, 10).await;
    app.clock.advance(Duration::from_secs(60));
    fail(&app.anonymous(), 8, 1).await;
    assert_snapshot!(admin.get(LOCK).await, @r#"
    200
    {
      "account": {
        "failures": 11,
        "until": null
      },
      "locked": true,
      "networks": [
        {
          "failures": 1,
          "network": "192.0.2.8",
          "until": null
        },
        {
          "failures": 10,
          "network": "192.0.2.7",
          "until": "2023-11-14T22:28:20.000000Z"
        }
      ],
      "until": "2023-11-14T22:28:20.000000Z"
    }
    "#);
    app.clock.advance(Duration::from_secs(14 * 60));
    let lock = admin.get(LOCK).await.body;
    assert_eq!((&lock["locked"], lock["networks"].as_array().unwrap().len()), (&json!(false), 1));
    fail(&app.anonymous(), 9, 1).await;
    let lock = admin.get(LOCK).await.body;
    assert_eq!(lock["account"], json!({ "failures": 12, "until": "2023-11-15T22:28:20.000000Z" }));
    assert_eq!((&lock["locked"], &lock["until"]), (&json!(true), &lock["account"]["until"]));
}

#[tokio::test]
async fn an_administrator_lifts_a_lock() {
    let (app, admin) = with_proxy().await;
    fail(&app.anonymous(), 7, 10).await;
    fail(&app.anonymous(), 8, 2).await;
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
    assert_snapshot!(admin.delete(LOCK).await, @r#"
    200
    {
      "message": "登录锁定已解除"
    }
    "#);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
    assert_eq!(admin.delete(LOCK).await.status, 200, "lifting no lock is fine");
    let lifted = admin.get("/api/v1/audit?action=lock_lifted").await.body;
    let events = lifted["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "and is no event: {events:#?}");
    assert_eq!((&events[0]["actor_id"], &events[0]["subject_id"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn lifting_a_lock_does_not_activate() {
    let (app, admin) = with_proxy().await;
    fail(&app.anonymous(), 7, 3).await;
    assert_eq!(admin.post_empty("/api/v1/users/2/deactivate").await.status, 200);
    assert_eq!(admin.delete(LOCK).await.status, 200);
    assert_eq!(admin.get(LOCK).await.body["account"]["failures"], 0);
    assert_eq!(admin.get("/api/v1/users/2").await.body["is_active"], false);
}

#[tokio::test]
async fn others_learn_nothing_of_locks() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    for method in [Method::GET, Method::DELETE] {
        let send = async |client: &Client, id: &str| {
            let path = format!("/api/v1/users/{id}/lock");
            let answer = client.request(method.clone(), &path).answer().await;
            (answer.status, answer.body["code"].clone())
        };
        for id in ["1", "2", "99"] {
            assert_eq!(send(&mike, id).await, (403, json!("forbidden")), "{id}");
            assert_eq!(send(&app.anonymous(), id).await, (401, json!("not_authenticated")));
        }
        assert_eq!(send(&admin, "99").await, (404, json!("user_not_found")));
        for id in ["0", "-1", "x", "9223372036854775808"] {
            assert_eq!(send(&admin, id).await, (422, Value::Null), "{id}");
        }
    }
    let answer = admin.post_empty(LOCK).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, DELETE")));
}

#[tokio::test]
async fn without_limits_nobody_is_locked() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    for _ in 0..12 {
        assert_eq!(app.anonymous().try_log_in("mike", "wrong").await.status, 401);
    }
    assert_eq!(admin.get(LOCK).await.body["locked"], false);
}
