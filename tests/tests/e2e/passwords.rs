//! Which passwords are taken, and that they are compared whole.

use menjin_tests::app::TestApp;
use menjin_tests::client::Answer;
use serde_json::json;

async fn register(app: &TestApp, name: &str, password: &str) -> Answer {
    let body =
        json!({ "username": name, "email": format!("{name}@example.com"), "password": password });
    app.anonymous().post("/api/v1/auth/register", &body).await
}

#[tokio::test]
async fn p1_long_passwords_work() {
    let app = TestApp::start().await;
    for (name, length) in [("mike", 64), ("ann", 71)] {
        let password = "x".repeat(length);
        assert_eq!(register(&app, name, &password).await.status, 201);
        assert_eq!(app.anonymous().try_log_in(name, &password).await.status, 200);
        let longer = format!("{password}x");
        assert_eq!(app.anonymous().try_log_in(name, &longer).await.status, 401);
    }
}

#[tokio::test]
async fn p2_p3_p5_what_cannot_be_hashed_whole_is_refused() {
    let app = TestApp::start().await;
    let bytes = |n: usize| "x".repeat(n);
    for (password, kind) in [
        (bytes(72), "string_too_long"),
        (bytes(73), "string_too_long"),
        (bytes(200), "string_too_long"),
        ("😀".repeat(18), "string_too_long"),
        ("abcd\0abcd".to_owned(), "value_error"),
        (bytes(7), "string_too_short"),
        ("😀".repeat(7), "string_too_short"),
    ] {
        let answer = register(&app, "mike", &password).await;
        assert_eq!(answer.status, 422, "{password:?}");
        assert_eq!(answer.body["detail"][0]["type"], kind, "{password:?}: {answer}");
    }
    assert_eq!(register(&app, "mike", &"😀".repeat(8)).await.status, 201);
}

#[tokio::test]
async fn p4_the_unicode_form_does_not_matter() {
    let app = TestApp::start().await;
    assert_eq!(register(&app, "mike", "pass-w\u{f6}rt-caf\u{e9}").await.status, 201);
    let decomposed = "pass-wo\u{308}rt-cafe\u{301}";
    assert_eq!(app.anonymous().try_log_in("mike", decomposed).await.status, 200);
}

#[tokio::test]
async fn p6_any_characters_will_do() {
    let app = TestApp::start().await;
    for (name, password) in
        [("mike", "          "), ("ann", "correcthorsebattery"), ("bob", "密码密码密码密码")]
    {
        assert_eq!(register(&app, name, password).await.status, 201, "{password:?}");
        assert_eq!(app.anonymous().try_log_in(name, password).await.status, 200);
    }
}

#[tokio::test]
async fn p7_what_everybody_tries_first_is_refused() {
    let app = TestApp::start().await;
    for (password, code) in [
        ("password", "password_too_common"),
        ("12345678", "password_too_common"),
        ("mike.miller", "password_equals_identity"),
        ("MIKE.MILLER@example.com", "password_equals_identity"),
    ] {
        let answer = register(&app, "mike.miller", password).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(code)), "{password}");
    }
    assert_eq!(register(&app, "mike.miller", "password123").await.status, 201);
}

#[tokio::test]
async fn p7_production_asks_for_more() {
    let app =
        TestApp::start_with(&[("password.refuse_common", "3000"), ("password.min_score", "3")])
            .await;
    for (password, code) in
        [("password123", "password_too_common"), ("aaaabbbb", "password_too_weak")]
    {
        let answer = register(&app, "mike", password).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(code)), "{password}");
    }
    assert_eq!(register(&app, "mike", "mauve otter beneath the tram").await.status, 201);
}

#[tokio::test]
async fn p8_passwords_are_compared_exactly() {
    let app = TestApp::start().await;
    register(&app, "mike", "Password-123").await;
    for wrong in ["password-123", "Password-123 ", " Password-123", "Password-12", "Password-1234"]
    {
        assert_eq!(app.anonymous().try_log_in("mike", wrong).await.status, 401, "{wrong:?}");
    }
}
