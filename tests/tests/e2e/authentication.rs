//! `/api/v1/auth/*`: success and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn register_makes_a_user() {
    let app = TestApp::start().await;
    let body = json!({
        "username": "Mike", "email": "Mike@Example.com", "password": PASSWORD,
        "full_name": "迈克", "phone": "+86 138 0013 8000", "bio": "one\ntwo",
        "avatar": "https://example.com/mike.png",
    });
    assert_snapshot!(app.anonymous().post("/api/v1/auth/register", &body).await, @r#"
    201
    {
      "avatar": "https://example.com/mike.png",
      "bio": "one\ntwo",
      "created_at": "[time]",
      "email": "Mike@Example.com",
      "full_name": "迈克",
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": null,
      "phone": "+86 138 0013 8000",
      "role": "student",
      "updated_at": null,
      "username": "Mike"
    }
    "#);
}

#[tokio::test]
async fn register_needs_three_fields_only_and_empty_ones_are_null() {
    let app = TestApp::start().await;
    let body = json!({
        "username": "ann", "email": "ann@example.com", "password": PASSWORD,
        "full_name": "", "phone": null,
    });
    assert_snapshot!(app.anonymous().post("/api/v1/auth/register", &body).await, @r#"
    201
    {
      "avatar": null,
      "bio": null,
      "created_at": "[time]",
      "email": "ann@example.com",
      "full_name": null,
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": null,
      "phone": null,
      "role": "student",
      "updated_at": null,
      "username": "ann"
    }
    "#);
}

#[tokio::test]
async fn register_refuses_names_and_addresses_that_are_taken() {
    let app = TestApp::start().await;
    app.user("Mike").await;
    let register = async |username: &str, email: &str| {
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/register", &body).await
    };
    assert_snapshot!(register("Ｍｉｋｅ", "other@example.com").await, @r#"
    400
    {
      "code": "username_taken",
      "detail": "用户名已存在"
    }
    "#);
    assert_snapshot!(register("other", "MIKE@EXAMPLE.COM").await, @r#"
    400
    {
      "code": "email_taken",
      "detail": "邮箱已被注册"
    }
    "#);
}

#[tokio::test]
async fn register_names_every_bad_field_at_once() {
    let app = TestApp::start().await;
    let body = json!({
        "username": "m@", "email": "nowhere", "password": "short", "full_name": 7,
        "phone": "call me", "bio": "a\u{202e}b", "avatar": "javascript:alert(1)",
    });
    assert_snapshot!(app.anonymous().post("/api/v1/auth/register", &body).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "username"
          ],
          "msg": "长度应至少为3个字符",
          "type": "string_too_short"
        },
        {
          "loc": [
            "body",
            "email"
          ],
          "msg": "邮箱格式不正确",
          "type": "value_error"
        },
        {
          "loc": [
            "body",
            "password"
          ],
          "msg": "长度应至少为8个字符",
          "type": "string_too_short"
        },
        {
          "loc": [
            "body",
            "full_name"
          ],
          "msg": "应为字符串",
          "type": "string_type"
        },
        {
          "loc": [
            "body",
            "phone"
          ],
          "msg": "电话号码格式不正确",
          "type": "value_error"
        },
        {
          "loc": [
            "body",
            "bio"
          ],
          "msg": "包含不允许的不可见字符",
          "type": "value_error"
        },
        {
          "loc": [
            "body",
            "avatar"
          ],
          "msg": "应为 http 或 https 网址",
          "type": "value_error"
        }
      ]
    }
    "#);
    assert_snapshot!(app.anonymous().post("/api/v1/auth/register", &json!({})).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "username"
          ],
          "msg": "缺少必填字段",
          "type": "missing"
        },
        {
          "loc": [
            "body",
            "email"
          ],
          "msg": "缺少必填字段",
          "type": "missing"
        },
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
}

#[tokio::test]
async fn z2_register_ignores_what_is_not_the_clients_to_say() {
    let app = TestApp::start().await;
    let body = json!({
        "username": "eve", "email": "eve@example.com", "password": PASSWORD,
        "id": 99, "is_superuser": true, "role": "admin", "is_active": false, "is_verified": true,
        "password_hash": "x", "credential_version": 9, "created_at": "2000-01-01T00:00:00Z",
    });
    assert_snapshot!(app.anonymous().post("/api/v1/auth/register", &body).await, @r#"
    201
    {
      "avatar": null,
      "bio": null,
      "created_at": "[time]",
      "email": "eve@example.com",
      "full_name": null,
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": null,
      "phone": null,
      "role": "student",
      "updated_at": null,
      "username": "eve"
    }
    "#);
}

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
async fn i3_a_name_that_shows_nothing_is_refused() {
    let app = TestApp::start().await;
    for name in ["\u{2800}\u{2800}\u{2800}", "\u{301}\u{301}\u{301}", "mike\u{2800}", "\u{301}mike"]
    {
        let v1 = json!({ "username": name, "email": "a@example.com", "password": PASSWORD });
        let mut envelope = v1.clone();
        (envelope["role"], envelope["name"]) = (json!("student"), json!("张三"));
        for (path, body) in [("/api/v1/auth/register", v1), ("/api/auth/register", envelope)] {
            let answer = app.anonymous().post(path, &body).await;
            assert_eq!(answer.status, 422, "{name:?}: {answer}");
        }
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
      ]
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

#[tokio::test]
async fn refresh_trades_the_token_in() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let answer = mike.refresh().await;
    assert_snapshot!(answer, @r#"
    200
    {
      "access_token": "[token]",
      "expires_in": 1800,
      "refresh_token": "[token]",
      "token_type": "bearer"
    }
    "#);
    let renewed = mike.with_tokens(&answer.body);
    assert_ne!(renewed.refresh_token, mike.refresh_token);
    assert_eq!(renewed.me().await.status, 200);
}

#[tokio::test]
async fn refresh_refuses() {
    let app = TestApp::start().await;
    let post = async |body| app.anonymous().post("/api/v1/auth/refresh", &body).await;
    assert_snapshot!(post(json!({ "refresh_token": "not.a.token" })).await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {
      "code": "invalid_token",
      "detail": "刷新令牌无效或已过期"
    }
    "#);
    assert_snapshot!(post(json!({ "refresh_token": null })).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "refresh_token"
          ],
          "msg": "应为字符串",
          "type": "string_type"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn change_password_keeps_this_session() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let body = json!({
        "current_password": PASSWORD,
        "new_password": "newpassword456",
        "confirm_password": "newpassword456",
    });
    assert_snapshot!(mike.post("/api/v1/auth/change-password", &body).await, @r#"
    200
    {
      "message": "密码修改成功"
    }
    "#);
    assert_eq!(mike.me().await.status, 200);
    assert_eq!(mike.refresh().await.status, 200);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 401);
    assert_eq!(app.anonymous().try_log_in("mike", "newpassword456").await.status, 200);
}

#[tokio::test]
async fn change_password_refuses() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let change = async |current: &str, new: &str, confirm: &str| {
        let body = json!({
            "current_password": current, "new_password": new, "confirm_password": confirm,
        });
        mike.post("/api/v1/auth/change-password", &body).await
    };
    assert_snapshot!(change("wrong", "newpassword456", "newpassword456").await, @r#"
    400
    {
      "code": "wrong_password",
      "detail": "当前密码错误"
    }
    "#);
    assert_snapshot!(change(PASSWORD, "newpassword456", "newpassword457").await, @r#"
    400
    {
      "code": "confirmation_differs",
      "detail": "新密码与确认密码不一致"
    }
    "#);
    assert_snapshot!(change(PASSWORD, PASSWORD, PASSWORD).await, @r#"
    400
    {
      "code": "password_unchanged",
      "detail": "新密码不能与当前密码相同"
    }
    "#);
    assert_snapshot!(change(PASSWORD, "12345678", "12345678").await, @r#"
    400
    {
      "code": "password_too_common",
      "detail": "密码过于常见，请换一个"
    }
    "#);
    assert_snapshot!(change(PASSWORD, "short", "short").await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "new_password"
          ],
          "msg": "长度应至少为8个字符",
          "type": "string_too_short"
        }
      ]
    }
    "#);
    assert_snapshot!(app.anonymous().post("/api/v1/auth/change-password", &json!({})).await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": "not_authenticated",
      "detail": "未提供认证凭据"
    }
    "#);
}

#[tokio::test]
async fn logout_ends_the_session_and_both_its_tokens() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let elsewhere = app.anonymous().log_in("mike", PASSWORD).await;
    assert_snapshot!(mike.post_empty("/api/v1/auth/logout").await, @r#"
    200
    {
      "message": "登出成功"
    }
    "#);
    assert_snapshot!(mike.me().await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {
      "code": "invalid_token",
      "detail": "访问令牌无效或已过期"
    }
    "#);
    assert_snapshot!(mike.refresh().await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {
      "code": "invalid_token",
      "detail": "刷新令牌无效或已过期"
    }
    "#);
    assert_eq!(elsewhere.me().await.status, 200, "the other log-in goes on");
    assert_snapshot!(app.anonymous().post_empty("/api/v1/auth/logout").await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": "not_authenticated",
      "detail": "未提供认证凭据"
    }
    "#);
}
