//! Each event is on record exactly once, also in the other dialect and in a crowd (S3).

use std::collections::BTreeMap;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::tokens;

/// Sends requests, each with an id of its own, and notes what is to be on record of it.
#[derive(Default)]
struct Story {
    told: BTreeMap<String, Option<(&'static str, Option<&'static str>)>>,
}

impl Story {
    async fn tell(
        &mut self,
        client: &Client,
        (method, path, body): (&str, &str, Value),
        status: u16,
        recorded: Option<(&'static str, Option<&'static str>)>,
    ) -> Answer {
        let id = format!("story-{}", self.told.len());
        let request = client.request(method.parse().unwrap(), path).header("x-request-id", &id);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = request.answer().await;
        assert_eq!(answer.status, status, "{method} {path}: {answer}");
        self.told.insert(id, recorded);
        answer
    }

    /// Holds the record against what was told: each event once, and no other.
    fn check(&self, events: &[Value]) {
        let text = |event: &Value, field: &str| event[field].as_str().map(str::to_owned);
        for (id, recorded) in &self.told {
            let of_request: Vec<_> =
                events.iter().filter(|event| event["request_id"] == id.as_str()).collect();
            let found: Vec<_> = of_request
                .iter()
                .map(|event| (text(event, "action").unwrap(), text(event, "reason")))
                .collect();
            let expected: Vec<_> = recorded
                .iter()
                .map(|(action, reason)| ((*action).to_owned(), reason.map(str::to_owned)))
                .collect();
            assert_eq!(found, expected, "{id}: {of_request:#?}");
        }
    }
}

const DONE: Option<&str> = None;

fn login(name: &str, password: &str) -> (&'static str, &'static str, Value) {
    ("POST", "/api/v1/auth/login", json!({ "username": name, "password": password }))
}

fn change(current: &str, new: &str) -> (&'static str, &'static str, Value) {
    let body = json!({ "current_password": current, "new_password": new, "confirm_password": new });
    ("POST", "/api/v1/auth/change-password", body)
}

fn refresh(token: &Value) -> (&'static str, &'static str, Value) {
    ("POST", "/api/v1/auth/refresh", json!({ "refresh_token": token }))
}

fn post(path: &'static str) -> (&'static str, &'static str, Value) {
    ("POST", path, Value::Null)
}

#[tokio::test]
async fn s3_each_event_is_on_record_exactly_once() {
    let app = TestApp::start_with(&[("throttle.per_client.max", "3")]).await;
    let (admin, anonymous, mut story) =
        (app.admin("root").await, app.anonymous(), Story::default());
    let mike = json!({ "username": "mike", "email": "m@example.com", "password": PASSWORD });
    let other = json!({ "username": "ann", "email": "M@example.com", "password": PASSWORD });
    let weak = json!({ "username": "eve", "email": "e@example.com", "password": "12345678" });
    for (body, status, recorded) in [
        (&mike, 201, Some(("registered", DONE))),
        (&mike, 400, Some(("registration_failed", Some("username_taken")))),
        (&other, 400, Some(("registration_failed", Some("email_taken")))),
        (&weak, 400, None),
        (&json!({}), 422, None),
    ] {
        story
            .tell(&anonymous, ("POST", "/api/v1/auth/register", body.clone()), status, recorded)
            .await;
    }
    // A login, its tokens, and their end.
    let wrong = Some(("log_in_failed", Some("wrong_password")));
    story.tell(&anonymous, login("mike", "wrong"), 401, wrong).await;
    let unknown = Some(("log_in_failed", Some("unknown_name")));
    story.tell(&anonymous, login("nobody", "wrong"), 401, unknown).await;
    let logged_in = Some(("logged_in", DONE));
    let first = story.tell(&anonymous, login("mike", PASSWORD), 200, logged_in).await.body;
    let client = anonymous.with_tokens(&first);
    story.tell(&client, ("GET", "/api/v1/users/me", Value::Null), 200, None).await;
    let taken = Some(("refreshed", DONE));
    let second = story.tell(&anonymous, refresh(&first["refresh_token"]), 200, taken).await.body;
    story.tell(&anonymous, refresh(&second["refresh_token"]), 200, taken).await;
    let replayed = Some(("refresh_replayed", DONE));
    story.tell(&anonymous, refresh(&first["refresh_token"]), 401, replayed).await;
    let over = Some(("refresh_failed", Some("session_over")));
    story.tell(&anonymous, refresh(&first["refresh_token"]), 401, over).await;
    let invalid = Some(("refresh_failed", Some("invalid_token")));
    story.tell(&anonymous, refresh(&json!("abc")), 401, invalid).await;
    story.tell(&client, post("/api/v1/auth/logout"), 401, None).await;
    let client = anonymous.log_in("mike", PASSWORD).await;
    // A password, and a profile.
    let wrong = Some(("password_change_failed", Some("wrong_password")));
    story.tell(&client, change("wrong", "newpassword456"), 400, wrong).await;
    story.tell(&client, change(PASSWORD, "12345678"), 400, None).await;
    let changed = Some(("password_changed", DONE));
    story.tell(&client, change(PASSWORD, "newpassword456"), 200, changed).await;
    let me = |body: Value| ("PUT", "/api/v1/users/me", body);
    let updated = Some(("profile_updated", DONE));
    story.tell(&client, me(json!({ "bio": "hello" })), 200, updated).await;
    story.tell(&client, me(json!({})), 200, None).await;
    let taken = Some(("profile_update_failed", Some("email_taken")));
    story.tell(&client, me(json!({ "email": "root@example.com" })), 400, taken).await;
    story.tell(&client, post("/api/v1/auth/logout"), 200, Some(("logged_out", DONE))).await;
    // Administration, and who may not.
    let client = anonymous.log_in("mike", "newpassword456").await;
    let denied = Some(("access_denied", Some("not_admin")));
    for path in ["/api/v1/users/1", "/api/v1/users/1/lock", "/api/v1/audit"] {
        story.tell(&client, ("GET", path, Value::Null), 403, denied).await;
    }
    story.tell(&client, post("/api/v1/users/1/deactivate"), 403, denied).await;
    let last = Some(("deactivation_failed", Some("last_admin")));
    story.tell(&admin, post("/api/v1/users/1/deactivate"), 400, last).await;
    story.tell(&admin, post("/api/v1/users/2/activate"), 200, None).await;
    let deactivated = Some(("deactivated", DONE));
    story.tell(&admin, post("/api/v1/users/2/deactivate"), 200, deactivated).await;
    story.tell(&admin, post("/api/v1/users/2/deactivate"), 200, None).await;
    let inactive = Some(("log_in_failed", Some("inactive")));
    story.tell(&anonymous, login("mike", "newpassword456"), 401, inactive).await;
    story.tell(&admin, post("/api/v1/users/2/activate"), 200, Some(("activated", DONE))).await;
    story.tell(&admin, post("/api/v1/users/99/activate"), 404, None).await;
    // Too many failures.
    for _ in 0..3 {
        let wrong = Some(("log_in_failed", Some("wrong_password")));
        story.tell(&anonymous, login("mike", "wrong"), 401, wrong).await;
    }
    let refused = Some(("log_in_refused", Some("account_limit")));
    story.tell(&anonymous, login("mike", "newpassword456"), 429, refused).await;
    let lock = |method| (method, "/api/v1/users/2/lock", Value::Null);
    story.tell(&admin, lock("GET"), 200, None).await;
    story.tell(&admin, lock("DELETE"), 200, Some(("lock_lifted", DONE))).await;
    story.tell(&admin, lock("DELETE"), 200, None).await;
    story.tell(&anonymous, login("mike", "newpassword456"), 200, logged_in).await;

    let app = app.restart(&[]).await;
    let all = app.anonymous().with_tokens(&tokens(&admin)).events("").await;
    story.check(&all);
    let silent = story.told.values().filter(|recorded| recorded.is_none()).count();
    // Also: an administrator made and logged in, and two logins that no id was sent with.
    assert_eq!(all.len(), story.told.len() - silent + 4, "{all:#?}");
}

#[tokio::test]
async fn s3_who_may_not_use_the_cache_of_administrators_is_on_record() {
    let setting = [("cache_api.access", "superuser")];
    let app = TestApp::start_with(&setting).await;
    let admin = app.admin("root").await;
    let (mike, anonymous, mut story) = (app.user("mike").await, app.anonymous(), Story::default());
    let denied = Some(("access_denied", Some("not_admin")));
    let entry = json!({ "data": {} });
    for (method, path, body) in [
        ("GET", "/cache/a", Value::Null),
        ("POST", "/cache/a", entry.clone()),
        ("POST", "/cache/test", Value::Null),
    ] {
        story.tell(&mike, (method, path, body.clone()), 403, denied).await;
        story.tell(&anonymous, (method, path, body), 401, None).await;
    }
    story.tell(&admin, ("POST", "/cache/a", entry), 200, None).await;
    let app = app.restart(&setting).await;
    story.check(&app.anonymous().with_tokens(&tokens(&admin)).events("").await);
}

#[tokio::test]
async fn s3_the_envelope_dialect_leaves_the_same_records() {
    let app = TestApp::start().await;
    let (admin, anonymous, mut story) =
        (app.admin("root").await, app.anonymous(), Story::default());
    let student = json!({
        "username": "student001", "password": PASSWORD, "role": "student", "name": "张三",
        "email": "zhangsan@example.com",
    });
    let register = ("POST", "/api/auth/register", student.clone());
    story.tell(&anonymous, register.clone(), 200, Some(("registered", DONE))).await;
    let taken = Some(("registration_failed", Some("username_taken")));
    story.tell(&anonymous, register, 400, taken).await;
    let login = |password: &str| {
        ("POST", "/api/auth/login", json!({ "username": "student001", "password": password }))
    };
    let wrong = Some(("log_in_failed", Some("wrong_password")));
    story.tell(&anonymous, login("wrong"), 401, wrong).await;
    let answer = story.tell(&anonymous, login(PASSWORD), 200, Some(("logged_in", DONE))).await;
    let student = anonymous.with_tokens(&json!({ "access_token": answer.body["data"]["token"] }));
    let change = |old: &str| {
        let body = json!({ "old_password": old, "new_password": "newpassword456" });
        ("POST", "/api/auth/change-password", body)
    };
    let wrong = Some(("password_change_failed", Some("wrong_password")));
    story.tell(&student, change("wrong"), 400, wrong).await;
    story.tell(&student, change(PASSWORD), 200, Some(("password_changed", DONE))).await;
    let rename = ("PUT", "/api/auth/me", json!({ "name": "张三丰" }));
    story.tell(&student, rename, 200, Some(("profile_updated", DONE))).await;
    let denied = Some(("access_denied", Some("not_admin")));
    story.tell(&student, ("GET", "/api/auth/users", Value::Null), 403, denied).await;
    story.tell(&student, post("/api/auth/logout"), 200, Some(("logged_out", DONE))).await;
    let put = |path| ("PUT", path, Value::Null);
    let deactivated = Some(("deactivated", DONE));
    story.tell(&admin, put("/api/auth/users/2/deactivate"), 200, deactivated).await;
    let activated = Some(("activated", DONE));
    story.tell(&admin, put("/api/auth/users/2/activate"), 200, activated).await;
    let app = app.restart(&[]).await;
    story.check(&app.anonymous().with_tokens(&tokens(&admin)).events("").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_of_many_at_once_each_is_on_record() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let mike = app.user("mike").await;
    let mut guesses = JoinSet::new();
    for _ in 0..60 {
        let client = app.anonymous();
        guesses.spawn(async move { client.try_log_in("mike", "wrong password").await.status });
    }
    let statuses = guesses.join_all().await;
    let mut uses = JoinSet::new();
    for _ in 0..20 {
        let mike = mike.clone();
        uses.spawn(async move { mike.refresh().await.status });
    }
    let refreshed = uses.join_all().await;
    let count = |statuses: &[u16], status| statuses.iter().filter(|each| **each == status).count();
    assert_eq!((count(&statuses, 401), count(&statuses, 429)), (10, 50));
    let app = app.restart(&[]).await;
    let admin = app.anonymous().with_tokens(&tokens(&admin));
    let mut found = BTreeMap::<String, usize>::new();
    for event in admin.events("&user_id=2").await {
        *found.entry(event["action"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected =
        [("log_in_failed", 10), ("log_in_refused", 50), ("logged_in", 1), ("registered", 1)]
            .into_iter()
            // All but one found the token used, and count as retries.
            .chain([("refreshed", 1), ("refresh_retried", count(&refreshed, 200) - 1)]);
    assert_eq!(found, expected.map(|(action, count)| (action.to_owned(), count)).collect());
}

#[tokio::test]
async fn s3_who_goes_away_before_the_answer_leaves_one_record() {
    // A hash of half a second: in the middle of it for long enough.
    let app = TestApp::start_with(&[("hashing.cost", "13")]).await;
    let admin = app.admin("root").await;
    let body = r#"{"username":"root","password":"wrong"}"#;
    let mut connection = TcpStream::connect(app.url().replace("http://", "")).await.unwrap();
    let request = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    while admin.get("/api/v1/users/1/lock").await.body["account"]["failures"] == 0 {}
    drop(connection);
    let failed = admin.events_once("&outcome=failure", 1).await;
    assert_eq!(
        (&failed[0]["action"], &failed[0]["subject_id"]),
        (&json!("log_in_failed"), &json!(1))
    );
    let reason = failed[0]["reason"].as_str().unwrap();
    assert!(["abandoned", "wrong_password"].contains(&reason), "{reason}");
    let app = app.restart(&[]).await;
    let admin = app.anonymous().with_tokens(&tokens(&admin));
    assert_eq!(admin.events("&outcome=failure").await, failed);
}
