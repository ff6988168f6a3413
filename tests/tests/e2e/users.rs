//! `/api/v1/users/*`: success and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use serde_json::json;

#[tokio::test]
async fn me_is_the_caller() {
    let app = TestApp::start().await;
    assert_snapshot!(app.user("mike").await.me().await, @r#"
    200
    {
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "mike@example.com",
      "full_name": null,
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": "[time]",
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": null,
      "username": "mike"
    }
    "#);
    assert_snapshot!(app.anonymous().me().await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": "not_authenticated",
      "detail": "未提供认证凭据"
    }
    "#);
}

#[tokio::test]
async fn update_me_changes_what_is_given_and_clears_what_is_null() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let body = json!({ "full_name": "迈克", "bio": "hello", "phone": "110" });
    assert_eq!(mike.put("/api/v1/users/me", &body).await.status, 200);
    let body = json!({ "email": "new@example.com", "bio": null, "phone": "" });
    assert_snapshot!(mike.put("/api/v1/users/me", &body).await, @r#"
    200
    {
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "new@example.com",
      "full_name": "迈克",
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": "[time]",
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": "[time]",
      "username": "mike"
    }
    "#);
    assert_eq!(app.anonymous().try_log_in("new@example.com", PASSWORD).await.status, 200);
    assert_eq!(app.anonymous().try_log_in("mike@example.com", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn update_me_without_a_change_is_none() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    assert_snapshot!(mike.put("/api/v1/users/me", &json!({})).await, @r#"
    200
    {
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "mike@example.com",
      "full_name": null,
      "id": 1,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": "[time]",
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": null,
      "username": "mike"
    }
    "#);
}

#[tokio::test]
async fn z2_update_me_ignores_what_is_not_the_clients_to_say() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let before = mike.me().await;
    let body = json!({
        "id": 7, "username": "root", "role": "admin", "is_superuser": true, "is_active": false,
        "is_verified": true, "password": "x", "credential_version": 1, "created_at": "2000-01-01T00:00:00Z",
    });
    assert_eq!(mike.put("/api/v1/users/me", &body).await.body, before.body);
}

#[tokio::test]
async fn update_me_refuses() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    app.user("ann").await;
    let put = async |body| mike.put("/api/v1/users/me", &body).await;
    assert_snapshot!(put(json!({ "email": "ANN@example.com", "bio": "lost" })).await, @r#"
    400
    {
      "code": "email_taken",
      "detail": "邮箱已被注册"
    }
    "#);
    assert_snapshot!(put(json!({ "email": null, "avatar": 1 })).await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "body",
            "email"
          ],
          "msg": "应为字符串",
          "type": "string_type"
        },
        {
          "loc": [
            "body",
            "avatar"
          ],
          "msg": "应为字符串",
          "type": "string_type"
        }
      ]
    }
    "#);
    assert_snapshot!(app.anonymous().put("/api/v1/users/me", &json!({})).await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": "not_authenticated",
      "detail": "未提供认证凭据"
    }
    "#);
    assert!(mike.me().await.body["bio"].is_null(), "nothing was half done");
}

#[tokio::test]
async fn an_administrator_sees_any_user() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    assert_snapshot!(admin.get("/api/v1/users/2").await, @r#"
    200
    {
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "mike@example.com",
      "full_name": null,
      "id": 2,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": "[time]",
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": null,
      "username": "mike"
    }
    "#);
    assert_snapshot!(admin.get("/api/v1/users/99").await, @r#"
    404
    {
      "code": "user_not_found",
      "detail": "用户不存在"
    }
    "#);
    assert_snapshot!(mike.get("/api/v1/users/1").await, @r#"
    403
    {
      "code": "forbidden",
      "detail": "权限不足"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/api/v1/users/1").await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": "not_authenticated",
      "detail": "未提供认证凭据"
    }
    "#);
}

#[tokio::test]
async fn i2_ids_that_nobody_can_have() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    assert_snapshot!(admin.get("/api/v1/users/0").await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "path",
            "user_id"
          ],
          "msg": "应大于或等于1",
          "type": "greater_than_equal"
        }
      ]
    }
    "#);
    assert_snapshot!(admin.get("/api/v1/users/9223372036854775808").await, @r#"
    422
    {
      "detail": [
        {
          "loc": [
            "path",
            "user_id"
          ],
          "msg": "应小于或等于9223372036854775807",
          "type": "less_than_equal"
        }
      ]
    }
    "#);
    for id in ["-1", "x", "1%00", "1.0", "%31%20", "１", "99999999999999999999999999"] {
        let answer = admin.get(&format!("/api/v1/users/{id}")).await;
        assert_eq!(answer.status, 422, "{id}: {answer}");
        let answer = admin.post_empty(&format!("/api/v1/users/{id}/activate")).await;
        assert_eq!(answer.status, 422, "{id}: {answer}");
    }
}

#[tokio::test]
async fn deactivate_and_activate_are_idempotent() {
    let app = TestApp::start().await;
    let (admin, _mike) = (app.admin("root").await, app.user("mike").await);
    let first = admin.post_empty("/api/v1/users/2/deactivate").await;
    assert_snapshot!(first, @r#"
    200
    {
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "mike@example.com",
      "full_name": null,
      "id": 2,
      "is_active": false,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": "[time]",
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": "[time]",
      "username": "mike"
    }
    "#);
    app.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(admin.post_empty("/api/v1/users/2/deactivate").await.body, first.body);
    let first = admin.post_empty("/api/v1/users/2/activate").await;
    assert_snapshot!(first, @r#"
    200
    {
      "attributes": {},
      "avatar": null,
      "ban_reason": null,
      "banned_until": null,
      "bio": null,
      "created_at": "[time]",
      "deletes_at": null,
      "email": "mike@example.com",
      "full_name": null,
      "id": 2,
      "is_active": true,
      "is_superuser": false,
      "is_verified": false,
      "last_login_at": "[time]",
      "locale": "zh-CN",
      "mfa_enabled": false,
      "must_change_password": false,
      "pending_email": null,
      "phone": null,
      "role": "student",
      "updated_at": "[time]",
      "username": "mike"
    }
    "#);
    app.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(admin.post_empty("/api/v1/users/2/activate").await.body, first.body);
}

#[tokio::test]
async fn deactivate_and_activate_refuse() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    assert_snapshot!(admin.post_empty("/api/v1/users/1/deactivate").await, @r#"
    400
    {
      "code": "last_admin",
      "detail": "不能停用、封禁、降级或删除最后一个管理员"
    }
    "#);
    for verb in ["activate", "deactivate"] {
        let answer = admin.post_empty(&format!("/api/v1/users/99/{verb}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (404, &json!("user_not_found")));
        let answer = mike.post_empty(&format!("/api/v1/users/1/{verb}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!("forbidden")));
        let answer = app.anonymous().post_empty(&format!("/api/v1/users/1/{verb}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!("not_authenticated")));
    }
}
