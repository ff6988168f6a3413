//! What a record holds, and what it never holds (S1, S2).

use std::time::Duration;

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::tokens;

#[tokio::test]
async fn a_record_says_who_what_when_and_from_where() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let body = json!({ "username": "root", "password": PASSWORD });
    let request = app.anonymous().request(Method::POST, "/api/v1/auth/login").json(&body);
    let request = request.header("user-agent", "Mozilla/5.0").header("x-request-id", "request-1");
    assert_eq!(request.answer().await.status, 200);
    let mut answer = admin.get("/api/v1/audit?limit=1&action=logged_in").await;
    let next = answer.body["next"].take();
    assert_eq!(next, json!("1700000000000000-3"));
    assert_snapshot!(answer, @r#"
    200
    {
      "events": [
        {
          "action": "logged_in",
          "actor_id": 1,
          "address": "127.0.0.1",
          "at": "[time]",
          "changed": [],
          "id": 3,
          "outcome": "success",
          "reason": null,
          "request_id": "[request id]",
          "session_id": "[session]",
          "subject_id": 1,
          "user_agent": "Mozilla/5.0"
        }
      ],
      "next": null
    }
    "#);
    let event = &answer.body["events"][0];
    assert_eq!(event["at"], "2023-11-14T22:13:20.000000Z");
    assert_eq!(event["session_id"].as_str().unwrap().len(), 36);
    assert_eq!(app.anonymous().try_log_in("root", "wrong").await.status, 401);
    let failed = admin.events_once("&outcome=failure", 1).await;
    assert_eq!(failed[0]["reason"], "wrong_password");
    assert_eq!((&failed[0]["actor_id"], &failed[0]["subject_id"]), (&Value::Null, &json!(1)));
}

#[tokio::test]
async fn refreshes_are_recorded_unless_turned_off() {
    let app = TestApp::start_with(&[("audit.refreshes", "false")]).await;
    let admin = app.admin("root").await;
    let second = admin.with_tokens(&admin.refresh().await.body);
    let third = second.with_tokens(&second.refresh().await.body);
    assert_eq!(third.events("&action=refreshed").await.len(), 0);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(admin.refresh().await.status, 401);
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let replayed = admin.events("&action=refresh_replayed").await;
    assert_eq!((replayed.len(), &replayed[0]["subject_id"]), (1, &json!(1)));
    assert_eq!(replayed[0]["actor_id"], Value::Null, "nobody knows who of the two it was");
}

#[tokio::test]
async fn s1_what_people_type_is_not_on_record() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let (mike, anonymous) = (app.user("mike").await, app.anonymous());
    anonymous.try_log_in("canary-name", "canary-wrong").await;
    anonymous.try_log_in("mike", "canary-wrong").await;
    let mut request = anonymous.request(Method::POST, "/api/v1/auth/login?x=canary-query");
    let body = json!({ "username": "mike", "password": PASSWORD, "canary": "canary-field" });
    request = request.header("x-canary", "canary-header").json(&body);
    assert_eq!(request.answer().await.status, 200);
    let garbage = json!({ "refresh_token": "canary-token" });
    assert_eq!(anonymous.post("/api/v1/auth/refresh", &garbage).await.status, 401);
    let mut change = json!({
        "current_password": "canary-current", "new_password": "canary-new",
        "confirm_password": "canary-new",
    });
    mike.post("/api/v1/auth/change-password", &change).await;
    change["current_password"] = PASSWORD.into();
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    let refreshed = mike.refresh().await.body;
    mike.put("/api/v1/users/me", &json!({ "bio": "canary-bio" })).await;
    let app = app.restart(&[]).await;
    let all = app.anonymous().with_tokens(&tokens(&admin)).events("").await;
    assert_eq!(all.len(), 12, "{all:#?}");
    let text = json!(all).to_string();
    for canary in [
        "canary",
        PASSWORD,
        mike.access_token.as_deref().unwrap(),
        mike.refresh_token.as_deref().unwrap(),
        refreshed["access_token"].as_str().unwrap(),
        refreshed["refresh_token"].as_str().unwrap(),
        "mike",
        "example.com",
    ] {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
}

#[tokio::test]
async fn s2_a_user_agent_is_bounded_and_harmless() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let login = async |agent: &[u8]| {
        let agent = reqwest::header::HeaderValue::from_bytes(agent).unwrap();
        let body = json!({ "username": "root", "password": PASSWORD });
        let request = app.anonymous().request(Method::POST, "/api/v1/auth/login").json(&body);
        assert_eq!(request.header("user-agent", agent).answer().await.status, 200);
        admin.events("&action=logged_in").await[0]["user_agent"].clone()
    };
    assert_eq!(login(b"a\tb{\"x\":\"y\"}").await, "ab{\"x\":\"y\"}");
    assert_eq!(login(&b"x".repeat(3000)).await.as_str().map(str::len), Some(255));
    assert_eq!(login(b"\xff\xfe\xc2\x9b31m").await, Value::Null);
    let forged =
        json!({ "username": "a\r\n\u{1b}[31m{\"event\":\"forged\"}\u{0085}", "password": "x" });
    assert_eq!(app.anonymous().post("/api/v1/auth/login", &forged).await.status, 401);
    let failed = admin.events_once("&outcome=failure", 1).await;
    assert_eq!(failed[0]["reason"], "unknown_name");
    assert!(!json!(failed).to_string().contains("forged"));
}

/// Which fields were changed is on record, and what they held is not.
#[tokio::test]
async fn s3_the_fields_that_were_changed_are_named() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let secret = json!({ "full_name": "Nobody Elses Business", "phone": "13800138000" });
    let patch = admin.request(reqwest::Method::PATCH, "/api/v1/users/2").json(&secret);
    assert_eq!(patch.answer().await.status, 200);
    let bio = json!({ "bio": "Nobody Elses Business" });
    assert_eq!(mike.put("/api/v1/users/me", &bio).await.status, 200);
    let role = json!({ "role": "teacher" });
    assert_eq!(admin.put("/api/v1/users/2/role", &role).await.status, 200);
    let changed = async |query: &str| -> Vec<Value> {
        let events = admin.events(query).await;
        events.iter().map(|event| event["changed"].clone()).collect()
    };
    assert_eq!(changed("&changed=role").await, [json!(["role"])]);
    assert_eq!(changed("&changed=phone&user_id=2").await, [json!(["full_name", "phone"])]);
    assert_eq!(changed("&action=profile_updated").await, [json!(["bio"])]);
    assert_eq!(changed("&changed=locale").await, [Value::Null; 0]);
    assert_eq!(changed("&action=logged_in&user_id=1").await, [json!([])]);
    let all = admin.get("/api/v1/audit?limit=100").await.body.to_string();
    assert!(!all.contains("Elses") && !all.contains("13800138000"), "{all}");
    let refused = admin.get("/api/v1/audit?changed=shoe_size").await;
    assert_eq!(refused.status, 422, "{refused}");
}
