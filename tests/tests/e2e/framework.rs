//! What goes wrong before a handler runs comes in the dialect's shape as well.

use std::time::Duration;

use insta::assert_snapshot;
use menjin_tests::app::{TestApp, with_panicking_routes};
use menjin_tests::client::{Client, Send as _, faults_of_headers};
use menjin_tests::raw;
use reqwest::Method;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const LOGIN: &str = "/api/v1/auth/login";

#[tokio::test]
async fn unknown_routes() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().get("/nowhere").await, @r#"
    404
    {
      "code": "not_found",
      "detail": "接口不存在"
    }
    "#);
    for path in [
        "/api/v1",
        "/api/v1/",
        "/api/v1/user",
        "/api/v1/users/me/x",
        "/API/v1/users/me",
        "//",
        "/cache",
    ] {
        let answer = app.anonymous().get(path).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("not_found")), "{path}");
    }
}

#[tokio::test]
async fn h3_methods_that_a_route_does_not_know() {
    let app = TestApp::start().await;
    let send = async |method: &str, path: &str| {
        app.anonymous().request(method.parse::<Method>().unwrap(), path).answer().await
    };
    assert_snapshot!(send("DELETE", "/api/v1/users/me").await, @r#"
    405
    allow: GET, HEAD, PUT
    {
      "code": "method_not_allowed",
      "detail": "请求方法不被允许"
    }
    "#);
    assert_snapshot!(send("GET", LOGIN).await, @r#"
    405
    allow: POST
    {
      "code": "method_not_allowed",
      "detail": "请求方法不被允许"
    }
    "#);
}

#[tokio::test]
async fn i6_bodies_that_are_no_json() {
    let app = TestApp::start().await;
    let send = async |body: Vec<u8>| {
        let request = app.anonymous().request(Method::POST, LOGIN);
        request.header("content-type", "application/json").body(body).answer().await
    };
    assert_snapshot!(send(b"{\"username\": ".to_vec()).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body"
          ],
          "msg": "请求体不是有效的JSON",
          "type": "json_invalid"
        }
      ]
    }
    "#);
    assert_snapshot!(send(b"[]".to_vec()).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body"
          ],
          "msg": "请求体应为JSON对象",
          "type": "model_attributes_type"
        }
      ]
    }
    "#);
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("{{\"x\":{}", "[".repeat(60_000)).into_bytes();
    let twice = br#"{"username":"a","password":"b","username":"c"}"#.to_vec();
    let lone = br#"{"username":"\ud800","password":"b"}"#.to_vec();
    let marked = b"\xef\xbb\xbf{\"username\":\"a\",\"password\":\"b\"}".to_vec();
    for (body, expected) in [
        (utf16, "json_invalid"),
        (deep, "value_error"),
        (twice, "value_error"),
        (lone, "string_unicode"),
        (marked, "json_invalid"),
        (Vec::new(), "json_invalid"),
        (b"\xff".to_vec(), "json_invalid"),
    ] {
        let answer = send(body.clone()).await;
        let kind = &answer.body["detail"][0]["type"];
        assert_eq!((answer.status, kind), (422, &json!(expected)), "{:?}", &body.get(..20));
    }
}

#[tokio::test]
async fn i7_bodies_that_are_too_large() {
    let app = TestApp::start().await;
    let send = async |length: usize| {
        let padding = " ".repeat(length - 2);
        let request = app.anonymous().request(Method::POST, LOGIN);
        request
            .header("content-type", "application/json")
            .body(format!("{{{padding}}}"))
            .answer()
            .await
    };
    assert_eq!(send(65_536).await.status, 422, "64 KiB are read");
    assert_snapshot!(send(65_537).await, @r#"
    413
    {
      "code": "body_too_large",
      "detail": "请求体过大，上限为64 KiB"
    }
    "#);
}

#[tokio::test]
async fn i8_media_types_that_are_not_json() {
    let app = TestApp::start().await;
    let send = async |path: &str, media_type: &str| {
        let request = app.anonymous().request(Method::POST, path).body("{}");
        request.header("content-type", media_type).answer().await
    };
    assert_snapshot!(send(LOGIN, "text/plain").await, @r#"
    415
    {
      "code": "unsupported_media_type",
      "detail": "不支持的媒体类型，请使用 application/json 或 application/x-www-form-urlencoded"
    }
    "#);
    for media_type in
        ["application/xml", "application/json; charset=utf-16", "multipart/form-data", "x"]
    {
        assert_eq!(send(LOGIN, media_type).await.status, 415, "{media_type}");
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(send("/api/v1/auth/register", form).await.status, 415, "only log-in takes a form");
    for media_type in
        ["application/json; charset=UTF-8", "Application/JSON", "application/vnd.x+json"]
    {
        assert_eq!(send(LOGIN, media_type).await.status, 422, "{media_type}");
    }
    let twice = app.anonymous().request(Method::POST, LOGIN).body("{}");
    let twice = twice.header("content-type", JSON).header("content-type", "text/plain");
    assert_eq!(twice.answer().await.status, 415);
    let without = app.anonymous().request(Method::POST, LOGIN).body("{}").answer().await;
    assert_eq!(without.status, 415);
}

#[tokio::test]
async fn h4_a_panic_is_answered_and_the_next_request_works() {
    let (url, _folder) = with_panicking_routes(&[]).await;
    let client = Client::new(url);
    assert_snapshot!(client.get("/api/v1/panic").await, @r#"
    500
    {
      "code": "internal_error",
      "detail": "服务器内部错误",
      "request_id": "[request id]"
    }
    "#);
    assert_snapshot!(client.get("/api/auth/panic").await, @r#"
    500
    {
      "code": 500,
      "data": {
        "reason": "internal_error",
        "request_id": "[request id]"
      },
      "message": "服务器内部错误"
    }
    "#);
    for (method, path, id) in [
        (Method::GET, "/api/v1/panic", "/request_id"),
        (Method::GET, "/api/auth/panic", "/data/request_id"),
        // With a body that nobody has read.
        (Method::POST, "/api/v1/panic", "/request_id"),
        (Method::POST, "/api/auth/panic", "/data/request_id"),
    ] {
        let request = client.request(method, path).json(&json!({ "x": "y".repeat(60_000) }));
        let answer = request.answer().await;
        assert_eq!((answer.status, answer.header("content-type")), (500, Some(JSON)), "{answer}");
        assert_eq!(faults_of_headers(|name| answer.header(name)), Vec::<String>::new());
        let quoted = answer.body.pointer(id).and_then(Value::as_str);
        assert_eq!(answer.header("x-request-id"), quoted, "what the client is to quote");
        assert_eq!(client.get("/health").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_steps_in_a_path_reach_nothing() {
    let app = TestApp::start().await;
    for path in ["/cache/../api/v1/users/me", "/cache/..", "/cache/./x"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let exchange = tokio::task::block_in_place(|| {
            raw::exchange(&app.url(), request.as_bytes(), Duration::from_secs(10))
        });
        assert_eq!(exchange.answers.first().map(|answer| answer.status), Some(422), "{path}");
    }
}
