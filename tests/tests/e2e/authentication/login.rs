//! Logging in: success and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn login_hands_out_tokens() {
    let app = TestApp::start().await;
    app.user("mike").await;
    assert_snapshot!(app.anonymous().try_log_in("mike", PASSWORD).await, @r#"
    200
    {
      "access_token": "[token]",
      "expires_in": 1800,
      "refresh_token": "[token]",
      "token_type": "bearer"
    }
    "#);
}

#[tokio::test]
async fn login_takes_any_spelling_of_the_name_and_the_address() {
    let app = TestApp::start().await;
    app.user("Mike").await;
    for name in ["Mike", "mike", "ＭＩＫＥ", "mike@example.com", "MIKE@example.COM", " mike "] {
        assert_eq!(app.anonymous().try_log_in(name, PASSWORD).await.status, 200, "{name}");
    }
}

/// However the domain is spelled, in either dialect.
#[tokio::test]
async fn i4_an_address_is_one_in_its_script_and_in_punycode() {
    let app = TestApp::start().await;
    let body = json!({ "username": "ann", "email": "ann@例子.中国", "password": PASSWORD });
    let answer = app.anonymous().post("/api/v1/auth/register", &body).await;
    assert_eq!((answer.status, &answer.body["email"]), (201, &json!("ann@例子.中国")), "as typed");
    let punycode = "Ann@XN--fsqu00a.xn--fiqs8s";
    let body = json!({ "username": "other", "email": punycode, "password": PASSWORD });
    let answer = app.anonymous().post("/api/v1/auth/register", &body).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("email_taken")));
    let body = json!({
        "username": "other", "email": punycode, "password": PASSWORD, "role": "student",
        "name": "张三",
    });
    let answer = app.anonymous().post("/api/auth/register", &body).await;
    assert_eq!(answer.status, 400, "{answer}");
    for spelling in ["ann@例子.中国", punycode, "ann＠例子。中国"] {
        assert_eq!(app.anonymous().try_log_in(spelling, PASSWORD).await.status, 200, "{spelling}");
    }
}

#[tokio::test]
async fn login_takes_the_form_of_oauth2() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let form =
        [("grant_type", "password"), ("username", "mike"), ("password", PASSWORD), ("scope", "")];
    let request = app.anonymous().request(Method::POST, "/api/v1/auth/login").form(&form);
    assert_eq!(request.answer().await.status, 200);
    let twice = [("username", "mike"), ("username", "ann"), ("password", PASSWORD)];
    let request = app.anonymous().request(Method::POST, "/api/v1/auth/login").form(&twice);
    assert_snapshot!(request.answer().await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body"
          ],
          "msg": "字段重复",
          "type": "value_error"
        }
      ],
      "error": "invalid_request",
      "error_description": "form: The field is given more than once"
    }
    "#);
}

#[tokio::test]
async fn login_refuses() {
    let app = TestApp::start().await;
    app.user("mike").await;
    assert_snapshot!(app.anonymous().try_log_in("mike", "wrong").await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": "invalid_credentials",
      "detail": "用户名或密码错误"
    }
    "#);
    assert_snapshot!(app.anonymous().post("/api/v1/auth/login", &json!({ "username": "mike" })).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "password"
          ],
          "msg": "缺少必填字段",
          "type": "missing"
        }
      ]
    }
    "#);
    assert_snapshot!(app.anonymous().try_log_in("mike\0", "a\0b").await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "username"
          ],
          "msg": "不能包含NUL字符",
          "type": "value_error"
        },
        {
          "loc": [
            "body",
            "password"
          ],
          "msg": "不能包含NUL字符",
          "type": "value_error"
        }
      ]
    }
    "#);
}

/// The body to the byte and all headers but the date and the request's id, in both dialects.
#[tokio::test]
async fn e1_unknown_wrong_and_inactive_are_byte_for_byte_the_same() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    for name in ["mike", "ann", "eve"] {
        app.user(name).await;
    }
    assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
    app.set_hash("eve", "$2b$31$broken").await;
    for path in ["/api/v1/auth/login", "/api/auth/login"] {
        let answered = async |name: &str, password: &str| {
            let body = json!({ "username": name, "password": password });
            let request = app.anonymous().request(Method::POST, path).json(&body);
            let response = request.send().await.unwrap();
            let (status, mut headers) = (response.status(), response.headers().clone());
            assert!(headers.remove("x-request-id").is_some() && headers.remove("date").is_some());
            (status, headers, response.bytes().await.unwrap())
        };
        let wrong = answered("mike", "wrong password").await;
        assert_eq!(wrong.0, 401);
        let (long, name) = ("x".repeat(200), "x".repeat(200));
        for (name, password) in [
            ("nobody", PASSWORD),
            ("nobody@example.com", PASSWORD),
            ("ann", PASSWORD),
            ("ann", "wrong"),
            ("eve", PASSWORD),
            ("mike", ""),
            ("mike", &long),
            ("", ""),
            ("@", PASSWORD),
            (&name, PASSWORD),
        ] {
            assert_eq!(answered(name, password).await, wrong, "{path} {name}");
        }
    }
}
