//! Deletion of accounts: by their owners and by administrators, with a time in which it can be undone.

use std::time::Duration;

use menjin_domain::common::{Clock as _, rfc3339};
use menjin_tests::app::{PASSWORD, TestApp};
use serde_json::json;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a8_the_owner_deletes_the_account_with_the_password() {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let wrong = json!({ "current_password": "wrong password" });
    let refused = mike.post("/api/v1/users/me/delete", &wrong).await;
    assert_eq!((refused.status, &refused.body["code"]), (400, &json!("wrong_password")));
    let right = json!({ "current_password": PASSWORD });
    let deleted = mike.post("/api/v1/users/me/delete", &right).await;
    assert_eq!(deleted.status, 200, "{deleted}");
    let two_weeks = rfc3339(app.clock.now() + 14 * DAY);
    assert_eq!(
        (&deleted.body["is_active"], &deleted.body["deletes_at"]),
        (&json!(false), &json!(two_weeks))
    );
    assert_eq!(mike.me().await.status, 401);
    // As an inactive account: nothing shows that there is one.
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 401);
    let told = &app.mails_to("mike@example.com").await[0];
    assert!(told.text.contains("您的数据将于"), "{}", told.text);
    let shown = admin.get("/api/v1/users/2").await.body;
    assert_eq!(shown["deletes_at"], json!(two_weeks));
}

#[tokio::test]
async fn a8_a_deletion_is_undone_by_an_administrator_and_not_by_activation() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let deleted = admin.delete("/api/v1/users/2").await;
    assert_eq!(deleted.status, 200, "{deleted}");
    assert_eq!(admin.delete("/api/v1/users/2").await.body, deleted.body, "it keeps its time");
    for answer in [
        admin.post_empty("/api/v1/users/2/activate").await,
        admin.put("/api/auth/users/2/activate", &json!({})).await,
    ] {
        assert_eq!(answer.status, 409, "{answer}");
    }
    let restored = admin.post_empty("/api/v1/users/2/restore").await;
    assert_eq!((restored.status, &restored.body["deletes_at"]), (200, &json!(null)), "{restored}");
    assert_eq!(restored.body["is_active"], true);
    app.anonymous().log_in("mike", PASSWORD).await;
    app.clock.advance(15 * DAY);
    app.clean_up().await;
    app.anonymous().log_in("mike", PASSWORD).await;
    // The mail that was to tell of it did not go out any more.
    assert!(
        app.mails_to("mike@example.com").await.iter().all(|mail| !mail.text.contains("彻底清除"))
    );
}

#[tokio::test]
async fn a8_after_its_time_the_data_is_gone_and_the_name_is_free() {
    let app = TestApp::start_with(&[("accounts.delete_grace", "2d")]).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    assert_eq!(admin.delete("/api/v1/users/2").await.status, 200);
    let register = async || {
        let body = json!({ "username": "mike", "email": "mike@example.com", "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/register", &body).await
    };
    app.clock.advance(2 * DAY);
    app.clock.put_back(Duration::from_millis(1));
    app.clean_up().await;
    let reserved = register().await;
    assert_eq!((reserved.status, &reserved.body["code"]), (400, &json!("username_taken")));
    app.clock.advance(Duration::from_millis(1));
    app.clean_up().await;
    let root = app.anonymous().log_in("root", PASSWORD).await;
    assert_eq!(root.get("/api/v1/users/2").await.status, 404);
    let anew = register().await;
    assert_eq!((anew.status, &anew.body["id"]), (201, &json!(3)), "{anew}");
    let audit = root.get("/api/v1/audit?user_id=2").await.body;
    let actions: Vec<_> =
        audit["events"].as_array().unwrap().iter().map(|event| event["action"].clone()).collect();
    assert_eq!(actions[..2], [json!("account_deleted"), json!("deletion_scheduled")]);
}

#[tokio::test]
async fn a8_without_grace_it_is_gone_at_once_and_the_last_administrator_stays() {
    let app = TestApp::start_with(&[("accounts.delete_grace", "0s")]).await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let own = json!({ "current_password": PASSWORD });
    assert_eq!(mike.post("/api/v1/users/me/delete", &own).await.status, 200);
    assert_eq!(admin.get("/api/v1/users/2").await.status, 404);
    for refused in
        [admin.delete("/api/v1/users/1").await, admin.post("/api/v1/users/me/delete", &own).await]
    {
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (400, &json!("last_admin")),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn q7_accounts_that_nobody_proved_or_used_go_if_the_setting_says_so() {
    let app = TestApp::start_with(&[("registration.unverified_keep", "7d")]).await;
    let register = async |name: &str| {
        let email = format!("{name}@example.com");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        assert_eq!(app.anonymous().post("/api/v1/auth/register", &body).await.status, 201);
    };
    register("ann").await;
    app.user("mike").await;
    app.clock.advance(7 * DAY + Duration::from_millis(1));
    register("bob").await;
    app.clean_up().await;
    for (name, expected) in [("ann", 401), ("mike", 200), ("bob", 200)] {
        assert_eq!(app.anonymous().try_log_in(name, PASSWORD).await.status, expected, "{name}");
    }
}
