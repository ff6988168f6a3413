//! Changing the password: success and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use serde_json::json;

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
