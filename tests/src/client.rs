//! HTTP clients whose answers print as snapshots.

use std::fmt;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder, Version};
use rustls::ClientConfig;
use serde_json::{Value, json};

use crate::tls;

/// A client of one server, with the tokens of one login or none.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    /// Sent as bearer with every request.
    pub access_token: Option<String>,
    /// For `/api/v1/auth/refresh`.
    pub refresh_token: Option<String>,
}

/// An answer. It prints its status, the headers that are part of the contract, and the body. Values
/// that differ from run to run are replaced.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The version of HTTP.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; a string if it is not JSON.
    pub body: Value,
}

impl Client {
    /// An anonymous client.
    pub fn new(url: impl Into<String>) -> Self {
        Self::trusting(&tls::trusting_nobody(), url)
    }

    /// An anonymous client of a server with TLS.
    pub fn trusting(config: &ClientConfig, url: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().tls_backend_preconfigured(config.clone());
        let http = http.build().unwrap();
        Self { http, url: url.into(), access_token: None, refresh_token: None }
    }

    /// The same client with other tokens.
    #[must_use]
    pub fn with_tokens(&self, body: &Value) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            access_token: text("access_token"),
            refresh_token: text("refresh_token"),
            ..self.clone()
        }
    }

    /// Its tokens, as a login returns them.
    pub fn tokens(&self) -> Value {
        json!({ "access_token": self.access_token, "refresh_token": self.refresh_token })
    }

    /// The same client, logged in.
    pub async fn log_in(&self, name: &str, password: &str) -> Self {
        let answer = self.try_log_in(name, password).await;
        assert_eq!(answer.status, 200, "{answer}");
        self.with_tokens(&answer.body)
    }

    /// The same client with another bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        self.with_tokens(&json!({ "access_token": token }))
    }

    /// Tries to log in.
    pub async fn try_log_in(&self, name: &str, password: &str) -> Answer {
        let body = json!({ "username": name, "password": password });
        self.request(Method::POST, "/api/v1/auth/login").json(&body).answer().await
    }

    /// Exchanges the refresh token.
    pub async fn refresh(&self) -> Answer {
        self.post("/api/v1/auth/refresh", &json!({ "refresh_token": self.refresh_token })).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).answer().await
    }

    /// `GET /api/v1/users/me`
    pub async fn me(&self) -> Answer {
        self.get("/api/v1/users/me").await
    }

    /// `POST` with a JSON body
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path).json(body).answer().await
    }

    /// `POST` without a body
    pub async fn post_empty(&self, path: &str) -> Answer {
        self.request(Method::POST, path).answer().await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).answer().await
    }

    /// `PUT` with a JSON body
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PUT, path).json(body).answer().await
    }

    /// Sends a table of users, as CSV, to be imported, with this query (`?…`, or nothing).
    pub async fn send_table(&self, query: &str, table: &str) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1/users/import{query}"));
        request.header("content-type", "text/csv").body(table.to_owned()).answer().await
    }

    /// The import, or the change of many users, at this path, once it is no longer at work.
    pub async fn rested(&self, path: &str) -> Value {
        let started = Instant::now();
        loop {
            let job = self.get(path).await;
            assert_eq!(job.status, 200, "{job}");
            let state = job.body.get("state").and_then(Value::as_str).unwrap();
            if !["checking", "importing", "running"].contains(&state) {
                return job.body;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{job}");
        }
    }

    /// Imports a table of users, as CSV; the import once it is done.
    pub async fn import(&self, query: &str, table: &str) -> Value {
        let sent = self.send_table(query, table).await;
        assert_eq!(sent.status, 202, "{sent}");
        let path = format!("/api/v1/users/imports/{}", sent.body.get("id").unwrap());
        self.rested(&path).await;
        let begun = self.post_empty(&format!("{path}/commit")).await;
        assert_eq!(begun.status, 202, "{begun}");
        self.rested(&path).await
    }

    /// All audit records that match, newest first. The query begins with `&`, or is empty.
    pub async fn events(&self, query: &str) -> Vec<Value> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let answer = self.get(&format!("/api/v1/audit?limit=100{query}{before}")).await;
            assert_eq!(answer.status, 200, "{answer}");
            let of = |name: &str| answer.body.get(name).unwrap();
            all.extend(of("events").as_array().unwrap().iter().cloned());
            let Some(next) = of("next").as_str() else { return all };
            before = format!("&before={next}");
        }
    }

    /// The same once there are this many: failures are recorded a moment after they are answered.
    pub async fn events_once(&self, query: &str, count: usize) -> Vec<Value> {
        let started = Instant::now();
        loop {
            let events = self.events(query).await;
            if events.len() >= count {
                assert_eq!(events.len(), count, "{events:#?}");
                return events;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "only {events:#?}");
        }
    }

    /// Any request, with the access token if there is one; end it with [`Send::answer`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.access_token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}

/// Sends a request and reads the answer.
#[expect(async_fn_in_trait, reason = "only tests call it, on a runtime of their own")]
pub trait Send {
    /// The answer, whatever its status.
    async fn answer(self) -> Answer;
}

impl Send for RequestBuilder {
    async fn answer(self) -> Answer {
        let response = self.send().await.unwrap();
        let (status, version) = (response.status().as_u16(), response.version());
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, version, headers, body }
    }
}

/// The security headers of every answer, and those of every answer but files.
const GUARDS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];

/// What is wrong with the headers that each answer of the API has, in words.
pub fn faults_of_headers<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Vec<String> {
    faults_of_cached(header, "no-store")
}

/// The same for an answer with this `Cache-Control`: only that of the public keys.
fn faults_of_cached<'a>(
    header: impl Fn(&'static str) -> Option<&'a str>,
    cache_control: &'static str,
) -> Vec<String> {
    let mut faults: Vec<String> = GUARDS
        .iter()
        .chain(&[("cache-control", cache_control)])
        .filter(|(name, value)| header(name) != Some(value))
        .map(|(name, _)| format!("{name}: {:?}", header(name)))
        .collect();
    for name in ["x-request-id", "content-language", "date"] {
        faults.extend(header(name).is_none().then(|| format!("{name} is missing")));
    }
    faults
}

impl Answer {
    /// What is wrong with its headers, in words, if it answers a request for this path.
    pub fn faults_of_headers(&self, path: &str) -> Vec<String> {
        let keys = path == "/.well-known/jwks.json" && self.status == 200;
        let cache_control = if keys { "public, max-age=300" } else { "no-store" };
        faults_of_cached(|name| self.header(name), cache_control)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in ["www-authenticate", "allow", "retry-after"] {
            if let Some(value) = self.header(name) {
                writeln!(f, "{name}: {value}")?;
            }
        }
        let mut body = self.body.clone();
        redact(&mut body);
        match &body {
            Value::String(text) => f.write_str(text),
            body => f.write_str(&serde_json::to_string_pretty(body).unwrap_or_default()),
        }
    }
}

/// Replaces what differs from run to run; `null` stays, since it is part of the contract.
fn redact(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let replacement = match name.as_str() {
                    "created_at" | "updated_at" | "last_login_at" | "at" => "[time]",
                    "session_id" => "[session]",
                    "access_token" | "refresh_token" | "token" => "[token]",
                    "request_id" => "[request id]",
                    "latency_ms" => "[ms]",
                    "version" => "[version]",
                    _ => {
                        redact(value);
                        continue;
                    }
                };
                if !value.is_null() {
                    *value = replacement.into();
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
