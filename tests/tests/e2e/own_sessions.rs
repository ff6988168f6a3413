//! `/api/v1/users/me/sessions`, and those of any account.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Client, Send as _};
use menjin_tests::openapi::any_value;
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/users/me/sessions";

async fn list(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("{PATH}{query}")).await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.body
}

/// The ids of a page.
fn ids(page: &Value) -> Vec<&str> {
    let sessions = page["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn d1_a_user_sees_their_live_sessions() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    app.user("ann").await;
    app.clock.advance(Duration::from_secs(60));
    let body = json!({ "username": "mike", "password": PASSWORD });
    let login = app.anonymous().request(Method::POST, "/api/v1/auth/login");
    let phone = login.header(USER_AGENT, "Mozilla/5.0 (iPhone) Safari/604.1").json(&body);
    let phone = app.anonymous().with_tokens(&phone.answer().await.body);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(mike.refresh().await.status, 200);

    let page = list(&mike, "").await;
    assert_eq!((&page["total"], &page["next"]), (&json!(2), &Value::Null));
    let [newer, older] = page["sessions"].as_array().unwrap().as_slice() else { panic!("{page}") };
    assert_eq!((&newer["device"], &newer["current"]), (&json!("Safari · iPhone"), &json!(false)));
    assert_eq!(newer["user_agent"], "Mozilla/5.0 (iPhone) Safari/604.1");
    assert_eq!(newer["address"], "127.0.0.1");
    assert_eq!((&older["device"], &older["current"]), (&Value::Null, &json!(true)));
    assert_eq!(newer["created_at"], newer["last_used_at"]);
    assert!(older["created_at"].as_str() < older["last_used_at"].as_str(), "it was refreshed");
    assert!(older["last_used_at"].as_str() < older["expires_at"].as_str());

    let first = list(&phone, "?limit=1").await;
    assert_eq!((ids(&first), &first["total"]), (vec![newer["id"].as_str().unwrap()], &json!(2)));
    let next = first["next"].as_str().unwrap();
    let second = list(&phone, &format!("?limit=1&after={next}")).await;
    assert_eq!(ids(&second), [older["id"].as_str().unwrap()]);
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test]
async fn d2_a_user_ends_a_session_of_theirs_and_no_other() {
    let app = TestApp::start().await;
    let (mike, ann) = (app.user("mike").await, app.user("ann").await);
    let phone = app.anonymous().log_in("mike", PASSWORD).await;
    // Both began at one moment, so their order is that of their ids.
    let page = list(&phone, "").await;
    let sessions = page["sessions"].as_array().unwrap();
    let other = sessions.iter().find(|session| session["current"] == false).unwrap();
    let id = other["id"].as_str().unwrap();
    for (client, path) in
        [(&ann, format!("{PATH}/{id}")), (&phone, format!("{PATH}/{}", any_value("session_id")))]
    {
        let answer = client.delete(&path).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("session_not_found")));
    }
    let bad = phone.delete(&format!("{PATH}/7")).await;
    assert_eq!((bad.status, &bad.body["detail"][0]["type"]), (422, &json!("uuid_parsing")));
    assert_eq!(mike.me().await.status, 200);

    let ended = phone.delete(&format!("{PATH}/{id}")).await;
    assert_eq!((ended.status, &ended.body), (200, &json!({ "message": "会话已结束" })));
    assert_eq!((mike.me().await.status, mike.refresh().await.status), (401, 401));
    assert_eq!(phone.delete(&format!("{PATH}/{id}")).await.status, 404, "it has ended");
    assert_eq!(list(&phone, "").await["total"], 1);
}

#[tokio::test]
async fn d3_all_other_sessions_end_and_are_recorded() {
    let app = TestApp::start().await;
    let (mike, ann) = (app.user("mike").await, app.user("ann").await);
    let (phone, tablet) = (
        app.anonymous().log_in("mike", PASSWORD).await,
        app.anonymous().log_in("mike", PASSWORD).await,
    );
    let ended = phone.delete(PATH).await;
    assert_eq!((ended.status, &ended.body), (200, &json!({ "message": "其他会话已全部结束" })));
    for other in [&mike, &tablet] {
        assert_eq!((other.me().await.status, other.refresh().await.status), (401, 401));
    }
    assert_eq!((phone.me().await.status, ann.me().await.status), (200, 200));
    assert_eq!(phone.delete(PATH).await.status, 200, "once more changes nothing");
    let root = app.admin("root").await;
    let events =
        root.get("/api/v1/audit?action=other_sessions_revoked").await.body["events"].clone();
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(events[0]["actor_id"], events[0]["subject_id"]);
}

#[tokio::test]
async fn d1_d2_an_administrator_lists_and_ends_sessions_of_any_account() {
    let app = TestApp::start().await;
    let (root, mike) = (app.admin("root").await, app.user("mike").await);
    app.clock.advance(Duration::from_secs(60));
    let phone = app.anonymous().log_in("mike", PASSWORD).await;
    let id = mike.me().await.body["id"].clone();
    let sessions = format!("/api/v1/users/{id}/sessions");
    let page = root.get(&format!("{sessions}?limit=1")).await.body;
    assert_eq!((&page["total"], &page["sessions"][0]["current"]), (&json!(2), &json!(false)));
    let older = root.get(&format!("{sessions}?after={}", page["next"].as_str().unwrap())).await;
    let older = older.body["sessions"][0]["id"].as_str().unwrap().to_owned();

    let of_somebody_else = format!("/api/v1/users/{}/sessions", root.me().await.body["id"]);
    let answer = root.delete(&format!("{of_somebody_else}/{older}")).await;
    assert_eq!((answer.status, &answer.body["code"]), (404, &json!("session_not_found")));
    let ended = root.delete(&format!("{sessions}/{older}")).await;
    assert_eq!((ended.status, &ended.body), (200, &json!({ "message": "会话已结束" })));
    assert_eq!((mike.me().await.status, phone.me().await.status), (401, 200));
    let ended = root.delete(&sessions).await;
    assert_eq!((ended.status, &ended.body), (200, &json!({ "message": "该用户的会话已全部结束" })));
    assert_eq!((phone.me().await.status, phone.refresh().await.status), (401, 401));
    app.anonymous().log_in("mike", PASSWORD).await;

    let nobodys = "/api/v1/users/99/sessions";
    for answer in [root.get(nobodys).await, root.delete(nobodys).await] {
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("user_not_found")));
    }
    let events = root.get("/api/v1/audit?action=all_sessions_revoked").await.body["events"].clone();
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    assert_eq!(
        (&events[0]["actor_id"], &events[0]["subject_id"]),
        (&root.me().await.body["id"], &id)
    );
}
