//! What happened, on record: each event once (S3), without secrets (S1), whatever clients send (S2).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// All events that match, newest first.
async fn events(admin: &Client, query: &str) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let answer = admin.get(&format!("/api/v1/audit?limit=100{query}{before}")).await;
        assert_eq!(answer.status, 200, "{answer}");
        all.extend(answer.body["events"].as_array().unwrap().iter().cloned());
        let Some(next) = answer.body["next"].as_str() else { return all };
        before = format!("&before={next}");
    }
}

/// The same once there are this many: failures are recorded a moment after they are answered.
async fn events_once(admin: &Client, query: &str, count: usize) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let events = events(admin, query).await;
        if events.len() >= count {
            assert_eq!(events.len(), count, "{events:#?}");
            return events;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "only {events:#?}");
    }
}

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
    // A log-in, its tokens, and their end.
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
    let all = events(&app.anonymous().with_tokens(&tokens(&admin)), "").await;
    story.check(&all);
    let silent = story.told.values().filter(|recorded| recorded.is_none()).count();
    // Also: an administrator made and logged in, and two log-ins that no id was sent with.
    assert_eq!(all.len(), story.told.len() - silent + 4, "{all:#?}");
}

fn tokens(client: &Client) -> Value {
    json!({ "access_token": client.access_token, "refresh_token": client.refresh_token })
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
    story.check(&events(&app.anonymous().with_tokens(&tokens(&admin)), "").await);
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
    story.check(&events(&app.anonymous().with_tokens(&tokens(&admin)), "").await);
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
    for event in events(&admin, "&user_id=2").await {
        *found.entry(event["action"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected =
        [("log_in_failed", 10), ("log_in_refused", 50), ("logged_in", 1), ("registered", 1)]
            .into_iter()
            .chain([("refreshed", count(&refreshed, 200))]);
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
    let failed = events_once(&admin, "&outcome=failure", 1).await;
    assert_eq!(
        (&failed[0]["action"], &failed[0]["subject_id"]),
        (&json!("log_in_failed"), &json!(1))
    );
    let reason = failed[0]["reason"].as_str().unwrap();
    assert!(["abandoned", "wrong_password"].contains(&reason), "{reason}");
    let app = app.restart(&[]).await;
    let admin = app.anonymous().with_tokens(&tokens(&admin));
    assert_eq!(events(&admin, "&outcome=failure").await, failed);
}

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
    let failed = events_once(&admin, "&outcome=failure", 1).await;
    assert_eq!(failed[0]["reason"], "wrong_password");
    assert_eq!((&failed[0]["actor_id"], &failed[0]["subject_id"]), (&Value::Null, &json!(1)));
}

#[tokio::test]
async fn refreshes_are_recorded_unless_turned_off() {
    let app = TestApp::start_with(&[("audit.refreshes", "false")]).await;
    let admin = app.admin("root").await;
    let second = admin.with_tokens(&admin.refresh().await.body);
    let third = second.with_tokens(&second.refresh().await.body);
    assert_eq!(events(&third, "&action=refreshed").await.len(), 0);
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(admin.refresh().await.status, 401);
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let replayed = events(&admin, "&action=refresh_replayed").await;
    assert_eq!((replayed.len(), &replayed[0]["subject_id"]), (1, &json!(1)));
    assert_eq!(replayed[0]["actor_id"], Value::Null, "nobody knows who of the two it was");
}

#[tokio::test]
async fn pages_follow_each_other_and_filters_hold() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    app.clock.advance(Duration::from_secs(60));
    for _ in 0..5 {
        app.anonymous().log_in("mike", PASSWORD).await;
        app.clock.advance(Duration::from_secs(1));
    }
    let all = events(&admin, "").await;
    let actions: Vec<_> = all.iter().map(|event| event["action"].as_str().unwrap()).collect();
    // Who is made on the command line is made by the system's clock, years later than the test's.
    assert_eq!((actions[0], &actions[1..6]), ("admin_created", &["logged_in"; 5][..]));
    assert_eq!(actions[6..], ["logged_in", "registered", "logged_in"]);

    let mut walked = Vec::new();
    let mut path = "/api/v1/audit?limit=2".to_owned();
    loop {
        let page = admin.get(&path).await.body;
        let events = page["events"].as_array().unwrap();
        walked.extend(events.iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(events.len(), 2);
        path = format!("/api/v1/audit?limit=2&before={next}");
    }
    assert_eq!(walked, all);
    for (query, count) in [
        ("", 9),
        ("&user_id=2", 7),
        ("&user_id=2&action=logged_in", 6),
        ("&user_id=4711", 0),
        ("&outcome=failure", 0),
        ("&outcome=success&action=registered", 1),
        ("&since=2023-11-14T22:14:20Z", 6),
        ("&since=2023-11-14T22:14:21Z&until=2023-11-14T22:14:23Z", 2),
        ("&since=2023-11-15T06:14:24%2B08:00&until=2024-01-01T00:00:00Z", 1),
        ("&until=2023-11-14T22:14:20Z&user_id=1", 1),
        ("&unknown=x", 9),
    ] {
        assert_eq!(events(&admin, query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_by_name() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let query = "?user_id=0&action=dance&outcome=x&since=today&until=2023-02-30T00:00:00Z\
                 &before=42&limit=101";
    let request = admin.request(Method::GET, &format!("/api/v1/audit{query}"));
    assert_snapshot!(request.header("accept-language", "en").answer().await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "query",
            "user_id"
          ],
          "msg": "Input should be greater than or equal to 1",
          "type": "greater_than_equal"
        },
        {
          "loc": [
            "query",
            "action"
          ],
          "msg": "Input should be the name of an action",
          "type": "enum"
        },
        {
          "loc": [
            "query",
            "outcome"
          ],
          "msg": "Input should be 'success' or 'failure'",
          "type": "enum"
        },
        {
          "loc": [
            "query",
            "since"
          ],
          "msg": "Input should be a time in RFC 3339, such as 2024-01-31T08:00:00Z",
          "type": "datetime_parsing"
        },
        {
          "loc": [
            "query",
            "until"
          ],
          "msg": "Input should be a time in RFC 3339, such as 2024-01-31T08:00:00Z",
          "type": "datetime_parsing"
        },
        {
          "loc": [
            "query",
            "before"
          ],
          "msg": "Input should be the `next` of a page",
          "type": "value_error"
        },
        {
          "loc": [
            "query",
            "limit"
          ],
          "msg": "Input should be less than or equal to 100",
          "type": "less_than_equal"
        }
      ]
    }
    "#);
    for bad in [
        "limit=0",
        "limit=-1",
        "limit=1e1",
        "limit=",
        "limit=1&limit=2",
        "user_id=x",
        "user_id=1%00",
        "action=",
        "action=Logged_In",
        "since=2023-11-14T22:14:20",
        "before=1-",
        "before=x-1",
        "before=99999999999999999999-1",
        "outcome=SUCCESS",
    ] {
        let answer = admin.get(&format!("/api/v1/audit?{bad}")).await;
        assert_eq!(answer.status, 422, "{bad}: {answer}");
    }
    let answer = admin.post_empty("/api/v1/audit").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(admin.get("/api/v1/audit?before=1-1").await.body["events"], json!([]));
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
    let all = events(&app.anonymous().with_tokens(&tokens(&admin)), "").await;
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
        events(&admin, "&action=logged_in").await[0]["user_agent"].clone()
    };
    assert_eq!(login(b"a\tb{\"x\":\"y\"}").await, "ab{\"x\":\"y\"}");
    assert_eq!(login(&b"x".repeat(3000)).await.as_str().map(str::len), Some(255));
    assert_eq!(login(b"\xff\xfe\xc2\x9b31m").await, Value::Null);
    let forged =
        json!({ "username": "a\r\n\u{1b}[31m{\"event\":\"forged\"}\u{0085}", "password": "x" });
    assert_eq!(app.anonymous().post("/api/v1/auth/login", &forged).await.status, 401);
    let failed = events_once(&admin, "&outcome=failure", 1).await;
    assert_eq!(failed[0]["reason"], "unknown_name");
    assert!(!json!(failed).to_string().contains("forged"));
}
