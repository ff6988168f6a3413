//! What is critical asks for the password again (A10), and every prompt counts (A12).

use std::time::Duration;

use menjin_domain::access::rights::RightId;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::openapi::{any_value, filled};
use reqwest::Method;
use serde_json::{Value, json};

const STEP_UP: [(&str, &str); 1] = [("admin.step_up", "15m")];
const LIMIT: Duration = Duration::from_secs(15 * 60);

async fn call(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    client.request(method.parse::<Method>().unwrap(), path).json(body).answer().await
}

async fn reauthenticate(client: &Client, password: &str) -> Answer {
    client.post("/api/v1/auth/reauthenticate", &json!({ "current_password": password })).await
}

fn is_asked(answer: &Answer) -> bool {
    answer.status == 403 && answer.body["code"] == "reauthentication_required"
}

/// What is critical, as method, path and body, on the user of this id.
fn critical(id: u32) -> [(&'static str, String, Value); 7] {
    let user = format!("/api/v1/users/{id}");
    let made = json!({ "username": "boss", "email": "boss@example.com", "role": "admin" });
    [
        ("PUT", format!("{user}/role"), json!({ "role": "teacher" })),
        ("POST", format!("{user}/password"), json!({})),
        ("PATCH", user.clone(), json!({ "email": "other@example.com" })),
        ("POST", "/api/v1/users".into(), made),
        (
            "POST",
            "/api/v1/invitations".into(),
            json!({ "email": "x@example.com", "role": "admin" }),
        ),
        ("DELETE", user.clone(), Value::Null),
        ("POST", format!("{user}/restore"), Value::Null),
    ]
}

#[tokio::test]
async fn a10_what_is_critical_asks_for_the_password_again() {
    let app = TestApp::start_with(&STEP_UP).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    app.clock.advance(LIMIT);
    for (method, path, body) in critical(2) {
        let asked = call(&admin, method, &path, &body).await;
        assert!(is_asked(&asked), "{method} {path}: {asked}");
    }
    let mike = admin.get("/api/v1/users/2").await.body;
    assert_eq!((&mike["role"], &mike["email"]), (&json!("student"), &json!("mike@example.com")));
    // What is not critical is done, and the same address is not another.
    let user = "/api/v1/users/2";
    for (method, path, body) in [
        ("PATCH", user, json!({ "full_name": "Mike", "email": "MIKE@example.com" })),
        ("POST", "/api/v1/users/2/deactivate", Value::Null),
        ("POST", "/api/v1/users/2/activate", Value::Null),
        ("POST", "/api/v1/invitations", json!({ "role": "student" })),
    ] {
        let done = call(&admin, method, path, &body).await;
        assert!([200, 201].contains(&done.status), "{method} {path}: {done}");
    }
    let other = app.anonymous().log_in("root", PASSWORD).await;
    assert_eq!(reauthenticate(&admin, "wrong password").await.body["code"], "wrong_password");
    assert!(is_asked(&call(&admin, "DELETE", user, &Value::Null).await));
    assert_eq!(reauthenticate(&admin, PASSWORD).await.status, 200);
    for (method, path, body) in critical(2) {
        let done = call(&admin, method, &path, &body).await;
        assert!([200, 201].contains(&done.status), "{method} {path}: {done}");
    }
    let audit = admin.get("/api/v1/audit?action=reauthenticated").await.body;
    assert_eq!(audit["events"].as_array().unwrap().len(), 1, "{audit}");
    // The mark is the session's: neither a refresh nor another session renews it.
    app.clock.advance(LIMIT);
    let refreshed = app.anonymous().with_tokens(&admin.refresh().await.body);
    for client in [&refreshed, &other] {
        assert!(is_asked(&call(client, "DELETE", user, &Value::Null).await));
    }
    assert_eq!(reauthenticate(&refreshed, PASSWORD).await.status, 200);
    assert_eq!(call(&refreshed, "DELETE", user, &Value::Null).await.status, 200);
    assert!(is_asked(&call(&other, "DELETE", user, &Value::Null).await));
}

/// From the document: whatever asks for such a right, whoever asks, and nothing else of its kind.
#[tokio::test]
async fn a10_every_operation_of_a_critical_right_asks() {
    let app = TestApp::start_with(&STEP_UP).await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    app.clock.advance(LIMIT);
    let document = admin.get("/openapi.json").await.body;
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(right) = operation["x-right"].as_str().unwrap_or_default().parse::<RightId>()
            else {
                continue;
            };
            let (method, target) = (method.to_uppercase(), filled(path, any_value));
            let answer = call(&admin, &method, &target, &json!({})).await;
            assert_eq!(is_asked(&answer), right.needs_step_up(), "{method} {path}: {answer}");
            asked += u32::from(right.needs_step_up());
            // Nobody gives a password for what they may not do.
            let denied = call(&mike, &method, &target, &json!({})).await;
            assert!(denied.status == 403 && !is_asked(&denied), "{method} {path}: {denied}");
        }
    }
    assert!(asked >= 4, "{asked}");
}

#[tokio::test]
async fn a10_without_the_setting_nothing_asks() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    app.clock.advance(Duration::from_secs(29 * 60));
    for (method, path, body) in critical(2) {
        let done = call(&admin, method, &path, &body).await;
        assert!([200, 201].contains(&done.status), "{method} {path}: {done}");
    }
}

/// From the document: every operation for people who are logged in that takes the current password.
#[tokio::test]
async fn a12_every_prompt_counts_as_a_login_does() {
    let app = TestApp::start_with(&[("throttle.per_network.max", "100000")]).await;
    let document = app.anonymous().get("/openapi.json").await.body;
    let mut prompts = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            let schema = name.map_or(schema, |name| &document["components"]["schemas"][name]);
            let fields = ["current_password", "old_password"];
            let field = fields.into_iter().find(|field| !schema["properties"][*field].is_null());
            let is_for_users = operation["x-right"] == "self";
            if let Some(field) = field.filter(|_| is_for_users) {
                prompts.push((method.to_uppercase(), path.clone(), field));
            }
        }
    }
    assert!(prompts.len() >= 6, "{prompts:?}");
    for (index, (method, path, field)) in prompts.into_iter().enumerate() {
        let name = format!("user{index}");
        let client = app.user(&name).await;
        let try_with = async |password: &str| {
            let mut body = json!({
                "new_password": "newpassword456", "confirm_password": "newpassword456",
                "email": format!("new{index}@example.com"),
            });
            body[field] = json!(password);
            call(&client, &method, &filled(&path, any_value), &body).await
        };
        for _ in 0..10 {
            let wrong = try_with("wrong password").await;
            assert_eq!(wrong.status, 400, "{method} {path}: {wrong}");
        }
        let refused = try_with(PASSWORD).await;
        assert_eq!(refused.status, 429, "{method} {path}: {refused}");
        let login = app.anonymous().try_log_in(&name, PASSWORD).await;
        assert_eq!(login.status, 429, "{method} {path}");
    }
}
