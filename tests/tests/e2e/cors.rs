//! Pages of other origins: those that the setting names may call, and nobody else's browser is told
//! anything.

use std::collections::BTreeSet;

use menjin_tests::app::{PASSWORD, TestApp, with_panicking_routes};
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::openapi::{Document, any_value, filled};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

const APP: &str = "https://app.example";

fn preflight(client: &Client, path: &str, method: &str) -> RequestBuilder {
    client.request(Method::OPTIONS, path).header("access-control-request-method", method)
}

/// The headers of CORS in an answer, by name.
fn cors(answer: &Answer) -> BTreeSet<&str> {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

fn varies_by_origin(answer: &Answer) -> bool {
    answer.headers.get_all("vary").iter().any(|value| value == "Origin")
}

#[tokio::test]
async fn h6_by_default_there_is_no_cors() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for path in ["/api/v1/auth/login", "/api/auth/login", "/cache/a", "/health"] {
        for request in [
            preflight(&client, path, "POST").header("origin", APP),
            client.request(Method::GET, path).header("origin", APP),
        ] {
            let answer = request.answer().await;
            assert_eq!(cors(&answer), BTreeSet::new(), "{path}");
            assert!(!varies_by_origin(&answer), "{path}");
        }
        assert_eq!(preflight(&client, path, "POST").answer().await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn h6_a_preflight_says_what_the_route_takes() {
    let app = TestApp::start_with(&[("cors.origins", APP), ("cors.max_age", "5m")]).await;
    let client = app.anonymous();
    let document = Document::new(client.get("/openapi.json").await.body);
    let paths: BTreeSet<String> =
        document.operations().into_keys().map(|(_method, path)| path).collect();
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        let path = filled(&path, any_value);
        let plain = client.request("BREW".parse().unwrap(), &path).answer().await;
        let allow = plain.header("allow").unwrap();
        let answer = preflight(&client, &path, "POST").header("origin", APP).answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (204, Some("")), "{path}");
        for (name, value) in [
            ("access-control-allow-origin", APP),
            ("access-control-allow-methods", allow),
            (
                "access-control-allow-headers",
                "authorization, content-type, x-request-id, traceparent, tracestate, baggage, \
                 sentry-trace, x-requested-with",
            ),
            ("access-control-max-age", "300"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
        assert!(varies_by_origin(&answer), "{path}");
    }
    let unknown = preflight(&client, "/nowhere", "GET").header("origin", APP).answer().await;
    assert_eq!(unknown.status, 204, "the page is to see the 404 of the request itself");
    let options = client.request(Method::OPTIONS, "/health").header("origin", APP).answer().await;
    assert_eq!((options.status, options.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn h6_a_page_that_may_call_can_read_every_answer() {
    let app = TestApp::start_with(&[("cors.origins", &format!("https://x.example,{APP}"))]).await;
    app.user("mike").await;
    let client = app.anonymous();
    let log_in = json!({ "username": "mike", "password": PASSWORD });
    let post = |path: &str| client.request(Method::POST, path).json(&log_in);
    let get = |path: &str| client.request(Method::GET, path);
    for (request, status) in [
        (post("/api/v1/auth/login"), 200),
        (post("/api/auth/login"), 200),
        (get("/cache/a"), 404),
        (get("/api/v1/users/me"), 401),
        (get("/api/auth/me"), 401),
        (post("/health"), 405),
        (get("/nowhere"), 404),
        (post("/api/v1/auth/register"), 422),
        (client.request(Method::POST, "/api/v1/auth/login").body("x"), 415),
    ] {
        let answer = request.header("origin", APP).answer().await;
        assert_eq!(answer.status, status, "{answer}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP), "{answer}");
        let readable = "allow, retry-after, www-authenticate, x-request-id";
        assert_eq!(answer.header("access-control-expose-headers"), Some(readable), "{answer}");
        assert!(varies_by_origin(&answer), "{answer}");
    }
    let (url, _place) = with_panicking_routes(&[("cors.origins", APP)]).await;
    let client = Client::new(url);
    let panic = client.request(Method::GET, "/api/v1/panic").header("origin", APP).answer().await;
    assert_eq!((panic.status, panic.header("access-control-allow-origin")), (500, Some(APP)));
}

#[tokio::test]
async fn h6_a_foreign_page_is_told_nothing() {
    let origins = format!("{APP},http://localhost:3000");
    for credentials in ["false", "true"] {
        let settings = [("cors.origins", origins.as_str()), ("cors.credentials", credentials)];
        let app = TestApp::start_with(&settings).await;
        let client = app.anonymous();
        for origin in [
            "https://evil.example",
            "null",
            "*",
            "",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example:443",
            "https://app.example.evil.example",
            "https://evil-app.example",
            "https://app.example/",
            "https://APP.example",
            "https://app.example https://app.example",
            "https://app.exampl\u{e9}",
            "http://localhost",
            "http://localhost:30000",
        ] {
            for request in [
                preflight(&client, "/api/v1/auth/login", "POST"),
                preflight(&client, "/api/auth/login", "POST"),
                client.request(Method::GET, "/health"),
            ] {
                let answer = request.header("origin", origin).answer().await;
                assert_eq!(cors(&answer), BTreeSet::new(), "{origin}");
                assert!(varies_by_origin(&answer), "{origin}: an answer for another is no use");
            }
        }
        let twice = client.request(Method::GET, "/health").header("origin", APP);
        let twice = twice.header("origin", "https://evil.example").answer().await;
        assert_eq!(cors(&twice), BTreeSet::new());
        assert!(varies_by_origin(&client.get("/health").await));
    }
}

#[tokio::test]
async fn h6_credentials_are_for_origins_that_are_named() {
    let app = TestApp::start_with(&[("cors.origins", APP), ("cors.credentials", "true")]).await;
    let client = app.anonymous();
    for request in
        [preflight(&client, "/api/v1/auth/login", "POST"), client.request(Method::GET, "/health")]
    {
        let answer = request.header("origin", APP).answer().await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    }
    let app = TestApp::start_with(&[("cors.origins", "*")]).await;
    let client = app.anonymous();
    for origin in [APP, "null"] {
        for request in [
            preflight(&client, "/api/v1/auth/login", "POST"),
            client.request(Method::GET, "/health"),
        ] {
            let answer = request.header("origin", origin).answer().await;
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            assert!(!varies_by_origin(&answer), "it is the same for all");
        }
    }
}
