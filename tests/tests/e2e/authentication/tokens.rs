//! Refreshing and logging out: success and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::{PASSWORD, TestApp};
use serde_json::json;

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
