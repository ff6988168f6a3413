//! Who may what, and for how long.

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Send as _;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn e5_a_user_cannot_tell_which_ids_exist() {
    let app = TestApp::start().await;
    app.admin("root").await;
    let mike = app.user("mike").await;
    for (method, path) in [
        (Method::GET, "/api/v1/users/{id}"),
        (Method::POST, "/api/v1/users/{id}/activate"),
        (Method::POST, "/api/v1/users/{id}/deactivate"),
        (Method::PUT, "/api/auth/users/{id}/activate"),
        (Method::PUT, "/api/auth/users/{id}/deactivate"),
    ] {
        let asked = async |id: &str| {
            let mut answer = mike.request(method.clone(), &path.replace("{id}", id)).answer().await;
            assert!(answer.headers.remove("x-request-id").is_some());
            answer.headers.remove("date");
            (answer.status, answer.headers, answer.body)
        };
        // An administrator's, one's own, and nobody's.
        let exists = asked("1").await;
        assert_eq!(exists.0, 403);
        assert_eq!(asked("2").await, exists, "{method} {path}");
        assert_eq!(asked("999").await, exists, "{method} {path}");
    }
}

#[tokio::test]
async fn z5_a_deactivated_users_tokens_stop_at_once() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    assert_eq!(admin.post_empty("/api/v1/users/2/deactivate").await.status, 200);
    assert_eq!(mike.me().await.status, 401);
    assert_eq!(mike.refresh().await.status, 401);
    assert_eq!(admin.post_empty("/api/v1/users/2/activate").await.status, 200);
    assert_eq!(mike.me().await.status, 401, "sessions ended for good");
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn z6_of_two_administrators_who_deactivate_each_other_one_survives() {
    for _ in 0..5 {
        let app = TestApp::start().await;
        let (one, two) = (app.admin("one").await, app.admin("two").await);
        let (by_two, by_one) = tokio::join!(
            two.post_empty("/api/v1/users/1/deactivate"),
            one.post_empty("/api/v1/users/2/deactivate"),
        );
        let (survivor, own) = match (one.me().await.status, two.me().await.status) {
            (200, 401) => (one, "/api/v1/users/1/deactivate"),
            (401, 200) => (two, "/api/v1/users/2/deactivate"),
            other => panic!("{other:?}: {by_one} {by_two}"),
        };
        let answer = survivor.post_empty(own).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!("last_admin")), "{answer}");
    }
}

#[tokio::test]
async fn t19_a_token_counts_in_the_header_only_and_once() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let token = mike.access_token.clone().unwrap();
    let me =
        |query: &str| app.anonymous().request(Method::GET, &format!("/api/v1/users/me{query}"));
    assert_eq!(me(&format!("?access_token={token}&token={token}")).answer().await.status, 401);
    let bearer = format!("Bearer {token}");
    let twice = me("").header("authorization", &bearer).header("authorization", &bearer);
    let answer = twice.answer().await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
    assert_eq!(
        me("").header("authorization", format!("bearer {token}")).answer().await.status,
        200
    );
}
