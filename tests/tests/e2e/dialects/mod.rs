//! What must hold in both dialects alike, row by row: each test sends the same to either.

mod accounts;
mod input;
mod throttle;
mod tokens;

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V1,
    Envelope,
}
use Dialect::{Envelope, V1};

const BOTH: [Dialect; 2] = [V1, Envelope];

impl Dialect {
    /// `/api/v1/auth/register` or the like.
    fn auth(self, route: &str) -> String {
        match self {
            V1 => format!("/api/v1/auth/{route}"),
            Envelope => format!("/api/auth/{route}"),
        }
    }

    fn me_path(self) -> &'static str {
        match self {
            V1 => "/api/v1/users/me",
            Envelope => "/api/auth/me",
        }
    }

    async fn register(self, app: &TestApp, name: &str, email: &str, password: &str) -> Answer {
        let body = json!({
            "username": name, "email": email, "password": password, "role": "student", "name": "张三",
        });
        app.anonymous().post(&self.auth("register"), &body).await
    }

    /// Whether it says that the account was made.
    fn registered(self, answer: &Answer) -> bool {
        answer.status == if self == V1 { 201 } else { 200 }
    }

    async fn try_log_in(self, client: &Client, name: &str, password: &str) -> Answer {
        let body = json!({ "username": name, "password": password });
        client.post(&self.auth("login"), &body).await
    }

    async fn log_in(self, app: &TestApp, name: &str) -> Client {
        let answer = self.try_log_in(&app.anonymous(), name, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer}");
        let token = match self {
            V1 => &answer.body["access_token"],
            Envelope => &answer.body["data"]["token"],
        };
        app.anonymous().with_tokens(&json!({ "access_token": token }))
    }

    async fn me(self, client: &Client) -> Answer {
        client.get(self.me_path()).await
    }

    /// `activate` or `deactivate`.
    async fn set(self, admin: &Client, id: &str, what: &str) -> Answer {
        let request = match self {
            V1 => admin.request(Method::POST, &format!("/api/v1/users/{id}/{what}")),
            Envelope => admin.request(Method::PUT, &format!("/api/auth/users/{id}/{what}")),
        };
        request.answer().await
    }

    /// That a token was refused, without a word about why.
    fn assert_refused(self, answer: &Answer, told: &str) {
        assert_eq!(answer.status, 401, "{self:?} {told}: {answer}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer"), "{self:?} {told}: {challenge}");
        let body = match self {
            V1 => json!({ "code": "invalid_token", "detail": "访问令牌无效或已过期" }),
            Envelope => json!({
                "code": 401, "data": { "reason": "invalid_token" }, "message": "访问令牌无效或已过期",
            }),
        };
        assert_eq!(answer.body, body, "{self:?} {told}");
    }

    /// That an answer, of whatever status, has the dialect's shape.
    fn assert_shape(self, answer: &Answer, told: &str) {
        let fields: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
        let expected: &[&str] = match self {
            V1 if answer.status == 422 => &["detail"],
            V1 => &["code", "detail"],
            Envelope => &["code", "data", "message"],
        };
        assert_eq!(fields, expected, "{self:?} {told}: {answer}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{self:?} {told}");
        if self == Envelope {
            assert_eq!(answer.body["code"], Value::from(answer.status), "{told}");
        }
    }
}
