//! `/api/auth/*`: the document's examples, sent as printed, and each refusal.

mod document;
mod failures;
mod fields;
mod lists;

use menjin_tests::app::TestApp;
use menjin_tests::client::{Answer, Client};
use serde_json::{Value, json};

const PASSWORD: &str = "password123";

async fn register(client: &Client, changes: &Value) -> Answer {
    let mut body = json!({
        "username": "student001", "password": PASSWORD, "role": "student", "name": "张三",
        "email": "zhangsan@example.com",
    });
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => body.as_object_mut().unwrap().remove(field),
            value => body.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    client.post("/api/auth/register", &body).await
}

/// The student of the document's examples, logged in.
async fn student(app: &TestApp) -> Client {
    assert_eq!(register(&app.anonymous(), &json!({})).await.status, 200);
    let body = json!({ "username": "student001", "password": PASSWORD });
    let answer = app.anonymous().post("/api/auth/login", &body).await;
    app.anonymous().with_tokens(&json!({ "access_token": answer.body["data"]["token"] }))
}
