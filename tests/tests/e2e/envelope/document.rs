//! The document's examples, sent as printed, get the document's answers.

use insta::assert_snapshot;
use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, register, student};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the document, example after example, with the answers")]
async fn the_documents_examples_get_the_documents_answers() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    assert_snapshot!(register(&app.anonymous(), &json!({})).await, @r#"
    200
    {
      "code": 200,
      "data": {
        "user": {
          "created_at": "[time]",
          "email": "zhangsan@example.com",
          "id": 2,
          "is_active": true,
          "name": "张三",
          "role": "student",
          "updated_at": null,
          "username": "student001"
        }
      },
      "message": "注册成功"
    }
    "#);
    let credentials = json!({ "username": "student001", "password": PASSWORD });
    let login = app.anonymous().post("/api/auth/login", &credentials).await;
    assert_snapshot!(login, @r#"
    200
    {
      "code": 200,
      "data": {
        "token": "[token]",
        "user": {
          "created_at": "[time]",
          "email": "zhangsan@example.com",
          "id": 2,
          "is_active": true,
          "name": "张三",
          "role": "student",
          "updated_at": null,
          "username": "student001"
        }
      },
      "message": "登录成功"
    }
    "#);
    let student =
        app.anonymous().with_tokens(&json!({ "access_token": login.body["data"]["token"] }));
    assert_snapshot!(student.get("/api/auth/me").await, @r#"
    200
    {
      "code": 200,
      "data": {
        "user": {
          "created_at": "[time]",
          "email": "zhangsan@example.com",
          "id": 2,
          "is_active": true,
          "name": "张三",
          "role": "student",
          "updated_at": null,
          "username": "student001"
        }
      },
      "message": "获取用户信息成功"
    }
    "#);
    let body = json!({ "name": "张三丰", "email": "zhangsanfeng@example.com" });
    assert_snapshot!(student.put("/api/auth/me", &body).await, @r#"
    200
    {
      "code": 200,
      "data": {
        "user": {
          "created_at": "[time]",
          "email": "zhangsanfeng@example.com",
          "id": 2,
          "is_active": true,
          "name": "张三丰",
          "role": "student",
          "updated_at": "[time]",
          "username": "student001"
        }
      },
      "message": "更新用户信息成功"
    }
    "#);
    let body = json!({ "old_password": PASSWORD, "new_password": "newpassword456" });
    assert_snapshot!(student.post("/api/auth/change-password", &body).await, @r#"
    200
    {
      "code": 200,
      "data": null,
      "message": "密码修改成功"
    }
    "#);
    assert_snapshot!(admin.get("/api/auth/users?skip=0&limit=10&role=student").await, @r#"
    200
    {
      "code": 200,
      "data": {
        "total": 1,
        "users": [
          {
            "created_at": "[time]",
            "email": "zhangsanfeng@example.com",
            "id": 2,
            "is_active": true,
            "name": "张三丰",
            "role": "student",
            "updated_at": "[time]",
            "username": "student001"
          }
        ]
      },
      "message": "获取用户列表成功"
    }
    "#);
    let put = async |path: &str| admin.request(Method::PUT, path).answer().await;
    assert_snapshot!(put("/api/auth/users/2/deactivate").await, @r#"
    200
    {
      "code": 200,
      "data": null,
      "message": "用户停用成功"
    }
    "#);
    assert_snapshot!(put("/api/auth/users/2/activate").await, @r#"
    200
    {
      "code": 200,
      "data": null,
      "message": "用户激活成功"
    }
    "#);
}

#[tokio::test]
async fn the_documents_failures_are_answered_as_printed() {
    let app = TestApp::start().await;
    let student = student(&app).await;
    let wrong = json!({ "username": "student001", "password": "wrong" });
    assert_snapshot!(app.anonymous().post("/api/auth/login", &wrong).await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": 401,
      "data": null,
      "message": "用户名或密码错误"
    }
    "#);
    assert_snapshot!(student.get("/api/auth/users").await, @r#"
    403
    {
      "code": 403,
      "data": null,
      "message": "权限不足"
    }
    "#);
    assert_snapshot!(register(&app.anonymous(), &json!({ "username": "ab" })).await, @r#"
    422
    {
      "code": 422,
      "data": {
        "detail": [
          {
            "loc": [
              "body",
              "username"
            ],
            "msg": "用户名长度应为3-20个字符",
            "type": "value_error"
          }
        ]
      },
      "message": "数据验证失败"
    }
    "#);
    let admin = app.admin("root").await;
    assert_snapshot!(admin.request(Method::PUT, "/api/auth/users/99/activate").answer().await, @r#"
    404
    {
      "code": 404,
      "data": null,
      "message": "用户不存在"
    }
    "#);
}

#[tokio::test]
async fn logout_ends_the_token_on_the_server_too() {
    let app = TestApp::start().await;
    let student = student(&app).await;
    assert_snapshot!(student.post_empty("/api/auth/logout").await, @r#"
    200
    {
      "code": 200,
      "data": {
        "user_id": 1,
        "username": "student001"
      },
      "message": "登出成功"
    }
    "#);
    assert_snapshot!(student.get("/api/auth/me").await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {
      "code": 401,
      "data": {
        "reason": "invalid_token"
      },
      "message": "访问令牌无效或已过期"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/api/auth/me").await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": 401,
      "data": {
        "reason": "not_authenticated"
      },
      "message": "未提供认证凭据"
    }
    "#);
}
