//! What is wrong with a field, and how it is said.

use insta::assert_snapshot;
use menjin_tests::app::TestApp;
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, register, student};

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
        ("password", json!("😀".repeat(21)), "密码长度应为6-20个字符"),
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
      "data": {
        "reason": "username_taken"
      },
      "message": "用户名已存在"
    }
    "#);
    let taken = json!({ "username": "other", "email": "ZhangSan@example.com" });
    assert_snapshot!(register(&app.anonymous(), &taken).await, @r#"
    400
    {
      "code": 400,
      "data": {
        "reason": "email_taken"
      },
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
      "data": {
        "reason": "wrong_password"
      },
      "message": "原密码错误"
    }
    "#);
    assert_eq!(change(PASSWORD, PASSWORD).await.body["message"], "新密码不能与当前密码相同");
    assert_eq!(change(PASSWORD, "123456").await.body["message"], "密码过于常见，请换一个");
    let admin = app.admin("root").await;
    let last = admin.request(Method::PUT, "/api/auth/users/2/deactivate").answer().await;
    assert_eq!(
        (last.status, &last.body["message"]),
        (400, &json!("不能停用、封禁、降级或删除最后一个管理员"))
    );
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
