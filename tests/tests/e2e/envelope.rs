//! `/api/auth/*`: the document's examples, sent as printed, and each refusal.

use insta::assert_snapshot;
use menjin_tests::app::TestApp;
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "password123";

async fn register(client: &Client, changes: &Value) -> Answer {
    let mut body = json!({
        "username": "student001", "password": PASSWORD, "role": "student", "name": "张三",
        "email": "zhangsan@example.com",
    });
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => body.as_object_mut().unwrap().remove(field),
            value => body.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    client.post("/api/auth/register", &body).await
}

/// The student of the document's examples, logged in.
async fn student(app: &TestApp) -> Client {
    assert_eq!(register(&app.anonymous(), &json!({})).await.status, 200);
    let body = json!({ "username": "student001", "password": PASSWORD });
    let answer = app.anonymous().post("/api/auth/login", &body).await;
    app.anonymous().with_tokens(&json!({ "access_token": answer.body["data"]["token"] }))
}

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
      "data": null,
      "message": "访问令牌无效或已过期"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/api/auth/me").await, @r#"
    401
    www-authenticate: Bearer
    {
      "code": 401,
      "data": null,
      "message": "未提供认证凭据"
    }
    "#);
}

#[tokio::test]
async fn each_rule_has_its_message() {
    let app = TestApp::start().await;
    for (field, value, message) in [
        ("username", json!("ab"), "用户名长度应为3-20个字符"),
        ("username", json!("x".repeat(21)), "用户名长度应为3-20个字符"),
        ("username", json!("a@b"), "用户名不能包含@"),
        ("username", json!("a b c"), "用户名不能包含空白字符"),
        ("username", json!("abc\u{202e}"), "用户名包含不允许的不可见字符"),
        ("username", json!(7), "用户名应为字符串"),
        ("username", Value::Null, "用户名不能为空"),
        ("password", json!("12345"), "密码长度应为6-20个字符"),
        ("password", json!("x".repeat(21)), "密码长度应为6-20个字符"),
        ("password", json!("😀".repeat(18)), "密码长度应至多为71字节（UTF-8）"),
        ("password", json!("abcdef\0"), "密码不能包含NUL字符"),
        ("role", json!("admin"), "用户角色应为 student 或 teacher"),
        ("role", json!("boss"), "用户角色应为 student 或 teacher"),
        ("name", json!("张"), "真实姓名长度应为2-10个字符"),
        ("name", json!("张".repeat(11)), "真实姓名长度应为2-10个字符"),
        ("name", json!(" 张 "), "真实姓名长度应为2-10个字符"),
        ("email", json!("nowhere"), "邮箱格式不正确"),
        ("email", Value::Null, "邮箱不能为空"),
    ] {
        let answer = register(&app.anonymous(), &json!({ field: value })).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(422)), "{answer}");
        let detail = &answer.body["data"]["detail"];
        assert_eq!(detail[0]["msg"], message, "{field} {value}");
        assert_eq!(detail[0]["loc"], json!(["body", field]));
        let expected = match &value {
            Value::Null => "missing",
            Value::Number(_) => "string_type",
            _ => "value_error",
        };
        assert_eq!(detail[0]["type"], expected, "{field} {value}");
        assert_eq!(detail.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn every_bad_field_is_named_in_order() {
    let app = TestApp::start().await;
    let answer = app.anonymous().post("/api/auth/register", &json!({})).await;
    let fields: Vec<&Value> = answer.body["data"]["detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| &each["loc"][1])
        .collect();
    assert_eq!(fields, ["username", "password", "role", "name", "email"]);
}

#[tokio::test]
async fn what_is_refused_with_400() {
    let app = TestApp::start().await;
    let student = student(&app).await;
    let taken = json!({ "username": "Ｓtudent001", "email": "other@example.com" });
    assert_snapshot!(register(&app.anonymous(), &taken).await, @r#"
    400
    {
      "code": 400,
      "data": null,
      "message": "用户名已存在"
    }
    "#);
    let taken = json!({ "username": "other", "email": "ZhangSan@example.com" });
    assert_snapshot!(register(&app.anonymous(), &taken).await, @r#"
    400
    {
      "code": 400,
      "data": null,
      "message": "邮箱已被注册"
    }
    "#);
    let change = async |old: &str, new: &str| {
        let body = json!({ "old_password": old, "new_password": new });
        student.post("/api/auth/change-password", &body).await
    };
    assert_snapshot!(change("wrong", "newpassword456").await, @r#"
    400
    {
      "code": 400,
      "data": null,
      "message": "原密码错误"
    }
    "#);
    assert_eq!(change(PASSWORD, PASSWORD).await.body["message"], "新密码不能与当前密码相同");
    assert_eq!(change(PASSWORD, "123456").await.body["message"], "密码过于常见，请换一个");
    let admin = app.admin("root").await;
    let last = admin.request(Method::PUT, "/api/auth/users/2/deactivate").answer().await;
    assert_eq!((last.status, &last.body["message"]), (400, &json!("不能停用最后一个管理员")));
}

#[tokio::test]
async fn i1_bad_queries_are_refused() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    assert_snapshot!(admin.get("/api/auth/users?skip=-1&limit=1001&role=boss").await, @r#"
    422
    {
      "code": 422,
      "data": {
        "detail": [
          {
            "loc": [
              "query",
              "skip"
            ],
            "msg": "跳过的记录数应大于或等于0",
            "type": "value_error"
          },
          {
            "loc": [
              "query",
              "limit"
            ],
            "msg": "返回的记录数应小于或等于1000",
            "type": "value_error"
          },
          {
            "loc": [
              "query",
              "role"
            ],
            "msg": "用户角色应为 student、teacher 或 admin",
            "type": "value_error"
          }
        ]
      },
      "message": "数据验证失败"
    }
    "#);
    for query in [
        "skip=-1",
        "skip=9223372036854775808",
        "skip=NaN",
        "skip=1e9",
        "skip=",
        "after_id=",
        "after_id=0",
        "after_id=-1",
        "after_id=x",
        "after_id=9223372036854775808",
        "after_id=1&after_id=2",
        "after_id=1&skip=1",
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=9223372036854775808",
        "limit=1&limit=2",
        "role=",
        "role=Admin",
        "role=a&role=b",
    ] {
        let answer = admin.get(&format!("/api/auth/users?{query}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(422)), "{query}: {answer}");
    }
    for query in [
        "",
        "skip=9223372036854775807",
        "after_id=9223372036854775807",
        "after_id=1&skip=0",
        "limit=1000",
        "page=2",
    ] {
        assert_eq!(admin.get(&format!("/api/auth/users?{query}")).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn pages_are_in_the_order_of_ids_and_total_counts_all() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    for n in 0..5 {
        let role = if n % 2 == 0 { "student" } else { "teacher" };
        let email = format!("u{n}@example.com");
        let changes = json!({ "username": format!("user{n}"), "email": email, "role": role });
        assert_eq!(register(&app.anonymous(), &changes).await.status, 200);
    }
    let page = async |query: &str| {
        let answer = admin.get(&format!("/api/auth/users?{query}")).await;
        let data = &answer.body["data"];
        let ids: Vec<i64> = data["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["id"].as_i64().unwrap())
            .collect();
        (ids, data["total"].as_i64().unwrap())
    };
    assert_eq!(page("").await, (vec![1, 2, 3, 4, 5, 6], 6));
    assert_eq!(page("skip=2&limit=2").await, (vec![3, 4], 6));
    assert_eq!(page("role=student&skip=1").await, (vec![4, 6], 3));
    assert_eq!(page("role=admin").await, (vec![1], 1));
    assert_eq!(page("skip=100").await, (vec![], 6));
    assert_eq!(page("after_id=2&limit=2").await, (vec![3, 4], 6));
    assert_eq!(page("after_id=2&role=student").await, (vec![4, 6], 3));
    assert_eq!(page("after_id=6").await, (vec![], 6));
}

#[tokio::test]
async fn failures_of_the_framework_are_envelopes_too() {
    let app = TestApp::start().await;
    assert_snapshot!(app.anonymous().get("/api/auth/nowhere").await, @r#"
    404
    {
      "code": 404,
      "data": null,
      "message": "接口不存在"
    }
    "#);
    assert_snapshot!(app.anonymous().get("/api/auth/login").await, @r#"
    405
    allow: POST
    {
      "code": 405,
      "data": null,
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
      "data": null,
      "message": "不支持的媒体类型，请使用 application/json"
    }
    "#);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(send(form, "username=a&password=b".into()).await.status, 415);
    assert_snapshot!(send("application/json", " ".repeat(65_537)).await, @r#"
    413
    {
      "code": 413,
      "data": null,
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
      "data": null,
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

#[tokio::test]
async fn the_policy_holds_for_registrations_where_the_setting_says_so() {
    let app = TestApp::start().await;
    assert_eq!(register(&app.anonymous(), &json!({ "password": "123456" })).await.status, 200);
    let app = TestApp::start_with(&[("password.envelope_policy", "true")]).await;
    let answer = register(&app.anonymous(), &json!({ "password": "123456" })).await;
    assert_eq!((answer.status, &answer.body["message"]), (400, &json!("密码过于常见，请换一个")));
    let app = TestApp::start_with(&[("password.envelope_min_length", "8")]).await;
    let answer = register(&app.anonymous(), &json!({ "password": "1234567" })).await;
    assert_eq!(answer.body["data"]["detail"][0]["msg"], "密码长度应为8-20个字符");
}

#[tokio::test]
async fn messages_come_in_english_too() {
    let app = TestApp::start_with(&[("locale.default", "en")]).await;
    assert_eq!(register(&app.anonymous(), &json!({})).await.body["message"], "Registered");
    let answer = register(&app.anonymous(), &json!({ "username": "ab" })).await;
    assert_eq!(answer.body["message"], "Validation failed");
    let message = "Username: String should have 3 to 20 characters";
    assert_eq!(answer.body["data"]["detail"][0]["msg"], message);
}
