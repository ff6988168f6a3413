//! Failures of the framework, limits, and users of both dialects.

use insta::assert_snapshot;
use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, student};

#[tokio::test]
async fn failures_of_the_framework_are_envelopes_too() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().get("/api/auth/nowhere").await, @r#"
    404
    {
      "code": 404,
      "data": {
        "reason": "not_found"
      },
      "message": "接口不存在"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/api/auth/login").await, @r#"
    405
    allow: POST
    {
      "code": 405,
      "data": {
        "reason": "method_not_allowed"
      },
      "message": "请求方法不被允许"
    }
    "#);
    let send = async |media_type: &str, body: String| {
        let request = app.anonymous().request(Method::POST, "/api/auth/login").body(body);
        request.header("content-type", media_type).answer().await
    };
    assert_snapshot!(send("application/json", "{".into()).await, @r#"
    422
    {
      "code": 422,
      "data": {
        "detail": [
          {
            "loc": [
              "body"
            ],
            "msg": "请求体不是有效的JSON",
            "type": "json_invalid"
          }
        ]
      },
      "message": "数据验证失败"
    }
    "#);
    assert_snapshot!(send("text/plain", "{}".into()).await, @r#"
    415
    {
      "code": 415,
      "data": {
        "reason": "unsupported_media_type"
      },
      "message": "不支持的媒体类型，请使用 application/json"
    }
    "#);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(send(form, "username=a&password=b".into()).await.status, 415);
    assert_snapshot!(send("application/json", " ".repeat(65_537)).await, @r#"
    413
    {
      "code": 413,
      "data": {
        "reason": "body_too_large"
      },
      "message": "请求体过大，上限为64 KiB"
    }
    "#);
    let admin = app.admin("root").await;
    for id in ["0", "-1", "x", "9223372036854775808", "1%00"] {
        let path = format!("/api/auth/users/{id}/activate");
        let answer = admin.request(Method::PUT, &path).answer().await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(422)), "{id}");
    }
    assert_eq!(app.anonymous().get("/api/authority").await.body["code"], "not_found", "v1");
}

#[tokio::test]
async fn r1_too_many_failures_are_an_envelope() {
    let app = TestApp::start().await;
    student(&app).await;
    let wrong = json!({ "username": "student001", "password": "wrong" });
    for _ in 0..5 {
        assert_eq!(app.anonymous().post("/api/auth/login", &wrong).await.status, 401);
        assert_eq!(app.anonymous().try_log_in("student001", "wrong").await.status, 401);
    }
    // R3: the dialects share the count.
    assert_snapshot!(app.anonymous().post("/api/auth/login", &wrong).await, @r#"
    429
    retry-after: 900
    {
      "code": 429,
      "data": {
        "reason": "too_many_attempts"
      },
      "message": "尝试次数过多，请稍后再试"
    }
    "#);
    assert_eq!(app.anonymous().try_log_in("student001", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_user_of_one_dialect_is_a_user_of_the_other() {
    let app = TestApp::start().await;
    let student = student(&app).await;
    let v1 = app.anonymous().log_in("student001", PASSWORD).await;
    assert_eq!(v1.me().await.body["full_name"], "张三");
    assert_eq!(student.me().await.status, 200, "the token is the same");
    let changed = v1.put("/api/v1/users/me", &json!({ "full_name": null })).await;
    assert_eq!(changed.status, 200);
    assert_eq!(student.get("/api/auth/me").await.body["data"]["user"]["name"], "student001");
    let body = json!({ "name": "李四" });
    assert_eq!(student.put("/api/auth/me", &body).await.status, 200);
    assert_eq!(v1.me().await.body["full_name"], "李四");
    let mike = app.user("mike").await;
    assert_eq!(mike.get("/api/auth/me").await.body["data"]["user"]["name"], "mike");
    assert_eq!(student.post_empty("/api/auth/logout").await.status, 200);
    assert_eq!(student.me().await.status, 401);
}
