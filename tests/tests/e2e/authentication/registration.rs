//! Registering: success and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
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
      "attributes": {},
      "avatar": "https://example.com/mike.png",
      "ban_reason": null,
      "banned_until": null,
      "bio": "one\ntwo",
      "created_at": "[time]",
      "deletes_at": null,
      "email": "Mike@Example.com",
      "full_name": "迈克",
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": null,
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
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
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "ann@example.com",
      "full_name": null,
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": null,
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
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
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "eve@example.com",
      "full_name": null,
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": null,
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": null,
      "username": "eve"
    }
    "#);
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
