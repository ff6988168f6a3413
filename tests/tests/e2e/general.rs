//! `/` and `/health`.

use insta::assert_snapshot;
use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;

#[tokio::test]
async fn root_says_what_this_is() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().get("/").await, @r#"
    200
    {
      "docs": "/docs",
      "health": "/health",
      "name": "menjin",
      "openapi": "/openapi.json",
      "redoc": "/redoc",
      "version": "[version]"
    }
    "#);
}

#[tokio::test]
async fn health_names_each_back_end() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().get("/health").await, @r#"
    200
    {
      "checks": {
        "cache": {
          "latency_ms": "[ms]",
          "status": "healthy"
        },
        "database": {
          "latency_ms": "[ms]",
          "status": "healthy"
        }
      },
      "status": "healthy",
      "version": "[version]"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/health/live").await, @r#"
    200
    {
      "status": "alive"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/health/ready").await, @r#"
    200
    {
      "checks": {
        "cache": {
          "latency_ms": "[ms]",
          "status": "healthy"
        },
        "database": {
          "latency_ms": "[ms]",
          "status": "healthy"
        }
      },
      "status": "ready",
      "version": "[version]"
    }
    "#);
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_not_kept_or_sniffed() {
    let app = TestApp::start().await;
    for path in ["/", "/health", "/api/v1/users/me", "/nowhere"] {
        let answer = app.anonymous().get(path).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{path}");
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() {
    let app = TestApp::start().await;
    let send = async |id: &str| {
        let request = app.anonymous().request(Method::GET, "/").header("x-request-id", id);
        request.answer().await.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(send("proxy-1.a_b").await, "proxy-1.a_b");
    for bad in ["a b", "a\tb", "{\"x\":1}", &"x".repeat(65)] {
        assert_ne!(send(bad).await, bad);
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::start().await;
    let answer = app.anonymous().request(Method::HEAD, "/health").answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, Some("")));
}
