//! Who may what, and for how long.

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::{Client, Send as _};
use reqwest::Method;
use serde_json::json;

/// Every route that asks who calls, with the status for an anonymous client, a user, a deactivated
/// user and an administrator.
const ROUTES: [(&str, &str, [u16; 4]); 15] = [
    ("POST", "/api/v1/auth/change-password", [401, 422, 401, 422]),
    ("GET", "/api/v1/users/me", [401, 200, 401, 200]),
    ("PUT", "/api/v1/users/me", [401, 200, 401, 200]),
    ("GET", "/api/v1/users/1", [401, 403, 401, 200]),
    ("GET", "/api/v1/users/4711", [401, 403, 401, 404]),
    ("POST", "/api/v1/users/1/activate", [401, 403, 401, 200]),
    ("POST", "/api/v1/users/4711/activate", [401, 403, 401, 404]),
    ("POST", "/api/v1/users/4711/deactivate", [401, 403, 401, 404]),
    ("GET", "/api/v1/users/1/lock", [401, 403, 401, 200]),
    ("GET", "/api/v1/users/4711/lock", [401, 403, 401, 404]),
    ("DELETE", "/api/v1/users/1/lock", [401, 403, 401, 200]),
    ("DELETE", "/api/v1/users/4711/lock", [401, 403, 401, 404]),
    ("GET", "/api/v1/audit", [401, 403, 401, 200]),
    ("GET", "/api/v1/audit?limit=0", [401, 422, 401, 422]),
    ("POST", "/api/v1/auth/logout", [401, 200, 401, 200]),
];

#[tokio::test]
async fn z1_each_route_admits_whom_it_should() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let (user, inactive) = (app.user("mike").await, app.user("ann").await);
    assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
    let callers: [Client; 4] = [app.anonymous(), user, inactive, admin];
    for (method, path, expected) in ROUTES {
        for (caller, status) in callers.iter().zip(expected) {
            let request = caller.request(method.parse::<Method>().unwrap(), path).json(&json!({}));
            let answer = request.answer().await;
            assert_eq!(answer.status, status, "{method} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn e5_a_user_cannot_tell_which_ids_exist() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let (exists, not) = (mike.get("/api/v1/users/1").await, mike.get("/api/v1/users/999").await);
    assert_eq!((exists.status, &exists.body), (not.status, &not.body));
    assert_eq!(exists.status, 403);
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
