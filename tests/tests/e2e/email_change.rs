//! Another address: at once or by a link to it, and how its owner gets the one before back.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::client::{Answer, Client};
use serde_json::{Value, json};

const OLD: &str = "mike@example.com";
const NEW: &str = "new@example.com";
const CONFIRM: [(&str, &str); 1] = [("accounts.email_change", "confirm")];
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

async fn ask(client: &Client, address: &str, password: &str) -> Answer {
    let body = json!({ "email": address, "current_password": password });
    client.post("/api/v1/users/me/email", &body).await
}

async fn post_token(app: &TestApp, path: &str, token: &str) -> Answer {
    app.anonymous().post(path, &json!({ "token": token })).await
}

async fn verify(app: &TestApp, token: &str) -> Answer {
    post_token(app, "/api/v1/auth/verify-email", token).await
}

async fn undo(app: &TestApp, token: &str) -> Answer {
    post_token(app, "/api/v1/auth/undo-email-change", token).await
}

/// The token of the newest mail to an address whose link leads to this page.
async fn newest(app: &TestApp, address: &str, page: &str) -> Option<String> {
    let link = format!("/account/{page}#");
    let mails = app.mails_to(address).await;
    mails.iter().find(|mail| mail.text.contains(&link)).map(token_in)
}

/// mike, who has proved the address.
async fn verified(app: &TestApp) -> Client {
    let mike = app.user("mike").await;
    let token = newest(app, OLD, "verify-email").await.unwrap();
    assert_eq!(verify(app, &token).await.status, 200);
    // One mail that asks for a proof goes out a minute.
    app.clock.advance(Duration::from_secs(61));
    mike
}

/// The address of a client's account, whether it is verified, and which is pending.
async fn addresses(client: &Client) -> (Value, Value, Value) {
    let user = client.me().await.body;
    (user["email"].clone(), user["is_verified"].clone(), user["pending_email"].clone())
}

fn are(address: &str, is_verified: bool, pending: Option<&str>) -> (Value, Value, Value) {
    (json!(address), json!(is_verified), json!(pending))
}

#[tokio::test]
async fn q3_where_addresses_are_confirmed_nothing_changes_before_the_link_is_used() {
    let app = TestApp::start_with(&CONFIRM).await;
    let mike = verified(&app).await;
    for (path, reason) in [("/api/v1/users/me", "/code"), ("/api/auth/me", "/data/reason")] {
        let refused = mike.put(path, &json!({ "email": NEW, "name": "迈克" })).await;
        assert_eq!(refused.status, 400, "{refused}");
        let code = refused.body.pointer(reason).unwrap();
        assert_eq!(code, "email_change_needs_confirmation", "{refused}");
        // Written in another way it is the same address, and the rest of the profile changes.
        let same = mike.put(path, &json!({ "email": "Mike@Example.com" })).await;
        assert_eq!(same.status, 200, "{same}");
    }
    let wrong = ask(&mike, NEW, "wrong password").await;
    assert_eq!((wrong.status, &wrong.body["code"]), (400, &json!("wrong_password")));
    let same = ask(&mike, "mike@EXAMPLE.com", PASSWORD).await;
    assert_eq!((same.status, &same.body["code"]), (400, &json!("email_unchanged")));
    assert_eq!(ask(&mike, NEW, PASSWORD).await.status, 202);
    assert_eq!(addresses(&mike).await, are("Mike@Example.com", true, Some(NEW)));
    let token = newest(&app, NEW, "verify-email").await.unwrap();
    assert_eq!(verify(&app, &token).await.status, 200);
    assert_eq!(addresses(&mike).await, are(NEW, true, None));
    assert_eq!(verify(&app, &token).await.status, 400, "it is used up");
    assert_eq!(app.anonymous().try_log_in(NEW, PASSWORD).await.status, 200);
    // New passwords go there at once, since the password was given.
    let forgot = json!({ "username": "mike" });
    assert_eq!(app.anonymous().post("/api/v1/auth/forgot-password", &forgot).await.status, 202);
    assert!(newest(&app, NEW, "reset-password").await.is_some());
    assert!(newest(&app, OLD, "reset-password").await.is_none());
}

#[tokio::test]
async fn q3_what_is_pending_ends_by_withdrawal_by_a_new_password_and_by_itself() {
    let app = TestApp::start_with(&CONFIRM).await;
    let mike = verified(&app).await;
    assert_eq!(ask(&mike, NEW, PASSWORD).await.status, 202);
    let withdrawn = newest(&app, NEW, "verify-email").await.unwrap();
    assert_eq!(mike.delete("/api/v1/users/me/email").await.status, 200);
    assert_eq!(addresses(&mike).await, are(OLD, true, None));
    assert_eq!(verify(&app, &withdrawn).await.status, 400);

    app.clock.advance(Duration::from_secs(61));
    assert_eq!(ask(&mike, NEW, PASSWORD).await.status, 202);
    let before = newest(&app, NEW, "verify-email").await.unwrap();
    assert_ne!(before, withdrawn);
    let change = json!({
        "current_password": PASSWORD, "new_password": "newpassword456",
        "confirm_password": "newpassword456",
    });
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    assert_eq!(addresses(&mike).await, are(OLD, true, None));
    assert_eq!(verify(&app, &before).await.status, 400);

    app.clock.advance(Duration::from_secs(61));
    assert_eq!(ask(&mike, NEW, "newpassword456").await.status, 202);
    let late = newest(&app, NEW, "verify-email").await.unwrap();
    app.clock.advance(DAY);
    assert_eq!(verify(&app, &late).await.status, 400);
}

/// The answer is the same, and the owner of the address gets no mail; at the link it is told.
#[tokio::test]
async fn q5_nothing_shows_whether_somebody_has_an_address() {
    let app = TestApp::start_with(&CONFIRM).await;
    let (mike, _bob) = (verified(&app).await, app.user("bob").await);
    let free = ask(&mike, NEW, PASSWORD).await;
    let anothers = ask(&mike, "bob@example.com", PASSWORD).await;
    assert_eq!((free.status, free.body), (anothers.status, anothers.body));
    assert_eq!(addresses(&mike).await, are(OLD, true, Some("bob@example.com")));
    app.clock.advance(Duration::from_secs(61));
    let mails = app.mails_to("bob@example.com").await;
    assert_eq!(mails.len(), 1, "bob's own registration");

    assert_eq!(ask(&mike, NEW, PASSWORD).await.status, 202);
    app.clock.advance(Duration::from_secs(61));
    let token = newest(&app, NEW, "verify-email").await.unwrap();
    let carl = json!({ "username": "carl", "email": NEW, "password": PASSWORD });
    assert_eq!(app.anonymous().post("/api/v1/auth/register", &carl).await.status, 201);
    let refused = verify(&app, &token).await;
    assert_eq!((refused.status, &refused.body["code"]), (400, &json!("email_taken")), "{refused}");
    assert_eq!(addresses(&mike).await.0, OLD);
}

#[tokio::test]
async fn q3_without_a_link_the_address_changes_at_once_and_the_password_makes_it_count() {
    for (dialect, password) in [
        ("/api/v1/users/me", None),
        ("/api/v1/users/me", Some(PASSWORD)),
        ("/api/auth/me", Some(PASSWORD)),
    ] {
        let app = TestApp::start().await;
        let mike = verified(&app).await;
        let body = json!({ "email": NEW, "current_password": password });
        let body = if password.is_some() { body } else { json!({ "email": NEW }) };
        assert_eq!(mike.put(dialect, &body).await.status, 200);
        assert_eq!(addresses(&mike).await, are(NEW, false, None));
        let token = newest(&app, NEW, "verify-email").await.unwrap();
        assert_eq!(verify(&app, &token).await.status, 200);
        let resets_at = async |address: &str| {
            let body = json!({ "username": "mike" });
            app.anonymous().post("/api/v1/auth/forgot-password", &body).await;
            newest(&app, address, "reset-password").await.is_some()
        };
        if password.is_some() {
            assert!(resets_at(NEW).await && !resets_at(OLD).await, "{dialect}");
        } else {
            assert!(resets_at(OLD).await && !resets_at(NEW).await, "{dialect}");
            app.clock.advance(WEEK);
            assert!(resets_at(NEW).await, "{dialect}: a week later");
        }
    }
}

#[tokio::test]
async fn q3_whoever_has_rights_needs_the_link_or_without_mail_the_password() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let with_password = json!({ "email": NEW, "current_password": PASSWORD });
    for path in ["/api/v1/users/me", "/api/auth/me"] {
        let refused = admin.put(path, &with_password).await;
        assert_eq!(refused.status, 400, "{refused}");
    }
    assert_eq!(ask(&admin, NEW, PASSWORD).await.status, 202);
    let token = newest(&app, NEW, "verify-email").await.unwrap();
    assert_eq!(verify(&app, &token).await.status, 200);
    assert_eq!(addresses(&admin).await, are(NEW, true, None));

    let app = TestApp::start_with(&[("mail.mode", "off")]).await;
    let admin = app.admin("root").await;
    let off = ask(&admin, NEW, PASSWORD).await;
    assert_eq!((off.status, &off.body["code"]), (403, &json!("mail_off")));
    let refused = admin.put("/api/v1/users/me", &json!({ "email": NEW })).await;
    assert_eq!(refused.body["code"], "current_password_required", "{refused}");
    let wrong = json!({ "email": NEW, "current_password": "wrong password" });
    assert_eq!(admin.put("/api/v1/users/me", &wrong).await.body["code"], "wrong_password");
    assert_eq!(admin.put("/api/auth/me", &with_password).await.status, 200);
    assert_eq!(addresses(&admin).await, are(NEW, false, None));
}

#[tokio::test]
async fn q4_a_change_is_undone_by_the_link_that_went_to_the_address_before() {
    let app = TestApp::start().await;
    let mike = verified(&app).await;
    let other = app.anonymous().log_in("mike", PASSWORD).await;
    // Somebody who has the session changes the address, and the password that they know.
    assert_eq!(mike.put("/api/v1/users/me", &json!({ "email": NEW })).await.status, 200);
    let change = json!({
        "current_password": PASSWORD, "new_password": "newpassword456",
        "confirm_password": "newpassword456",
    });
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    let link = newest(&app, OLD, "undo-email-change").await.unwrap();
    assert!(newest(&app, NEW, "undo-email-change").await.is_none());
    app.clock.advance(WEEK.saturating_sub(SECOND));
    let mike = app.anonymous().log_in("mike", "newpassword456").await;
    let undone = undo(&app, &link).await;
    assert_eq!(undone.status, 200, "{undone}");
    assert_eq!(undo(&app, &link).await.status, 400);
    for client in [&mike, &other] {
        assert_eq!(client.me().await.status, 401);
    }
    let back = app.anonymous().log_in(OLD, "newpassword456").await;
    assert_eq!(addresses(&back).await, are(OLD, true, None));
    for address in [OLD, NEW] {
        let newest = &app.mails_to(address).await[0];
        assert!(newest.text.contains("已恢复为更改前的邮箱"), "{address}: {}", newest.text);
    }
    // A link to a new password comes a day later, by itself, to the address that is back.
    let forgot = json!({ "username": "mike" });
    assert_eq!(app.anonymous().post("/api/v1/auth/forgot-password", &forgot).await.status, 202);
    app.clock.advance(DAY.saturating_sub(2 * SECOND));
    assert!(newest(&app, OLD, "reset-password").await.is_none());
    app.clock.advance(Duration::from_secs(3));
    let token = newest(&app, OLD, "reset-password").await.unwrap();
    let reset = json!({ "token": token, "new_password": "thirdpassword789" });
    assert_eq!(app.anonymous().post("/api/v1/auth/reset-password", &reset).await.status, 200);
    assert!(newest(&app, NEW, "reset-password").await.is_none());
}

#[tokio::test]
async fn q4_after_a_week_a_change_stays_and_the_address_is_free() {
    let app = TestApp::start().await;
    let mike = verified(&app).await;
    assert_eq!(mike.put("/api/v1/users/me", &json!({ "email": NEW })).await.status, 200);
    let link = newest(&app, OLD, "undo-email-change").await.unwrap();
    let register = async |name: &str| {
        let body = json!({ "username": name, "email": OLD, "password": PASSWORD });
        app.anonymous().post("/api/v1/auth/register", &body).await
    };
    let kept = register("carl").await;
    assert_eq!((kept.status, &kept.body["code"]), (400, &json!("email_taken")), "{kept}");
    let bob = app.user("bob").await;
    assert_eq!(bob.put("/api/auth/me", &json!({ "email": OLD })).await.status, 400);
    app.clock.advance(WEEK);
    assert_eq!(undo(&app, &link).await.status, 400);
    assert_eq!(register("dora").await.status, 201);
}

#[tokio::test]
async fn k8_each_change_has_its_link_and_the_oldest_voids_the_younger() {
    let app = TestApp::start_with(&CONFIRM).await;
    let mike = verified(&app).await;
    let mut links = Vec::new();
    for (from, to) in [(OLD, "b@example.com"), ("b@example.com", "c@example.com")] {
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(ask(&mike, to, PASSWORD).await.status, 202);
        let token = newest(&app, to, "verify-email").await.unwrap();
        assert_eq!(verify(&app, &token).await.status, 200);
        links.push(newest(&app, from, "undo-email-change").await.unwrap());
    }
    assert_eq!(undo(&app, &links[0]).await.status, 200);
    assert_eq!(undo(&app, &links[1]).await.status, 400);
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    assert_eq!(addresses(&mike).await, are(OLD, true, None));
    for path in ["/api/v1/auth/verify-email", "/api/v1/auth/reset-password"] {
        let body = json!({ "token": links[0], "new_password": "newpassword456" });
        assert_eq!(app.anonymous().post(path, &body).await.status, 400, "{path}");
    }
}

/// Nothing but the link, and no script: looking changes nothing, and the button does it.
#[tokio::test]
async fn k5_the_pages_look_first_and_do_it_by_their_buttons() {
    let app = TestApp::start_with(&CONFIRM).await;
    let mike = verified(&app).await;
    let submit = async |path: &str, form: &[(&str, &str)]| {
        let shown = app.browser().submit(path, form).await;
        (shown.status, shown.html)
    };
    assert_eq!(ask(&mike, NEW, PASSWORD).await.status, 202);
    let token = newest(&app, NEW, "verify-email").await.unwrap();
    let page = "/account/verify-email";
    assert_eq!(app.anonymous().get(page).await.status, 200);
    let (status, html) = submit(page, &[("token", &token)]).await;
    assert!(status == 200 && html.contains(NEW) && html.contains("mike"), "{html}");
    assert!(!html.contains("disown"), "{html}");
    assert_eq!(addresses(&mike).await.0, OLD);
    assert_eq!(submit(page, &[("token", &token), ("action", "verify")]).await.0, 200);
    assert_eq!(addresses(&mike).await, are(NEW, true, None));

    let token = newest(&app, OLD, "undo-email-change").await.unwrap();
    let page = "/account/undo-email-change";
    assert_eq!(app.anonymous().get(page).await.status, 200);
    let (status, html) = submit(page, &[("token", &token)]).await;
    assert!(status == 200 && html.contains(OLD) && html.contains("mike"), "{html}");
    assert_eq!(addresses(&mike).await.0, NEW);
    let undone = submit(page, &[("token", &token), ("action", "undo")]).await;
    assert!(undone.0 == 200 && undone.1.contains("24"), "{undone:?}");
    let again = submit(page, &[("token", &token)]).await;
    assert_eq!(again.0, 400);
    assert!(again.1.contains("链接无效或已过期"), "{again:?}");
}

/// Every prompt for a password is one to the guard.
#[tokio::test]
async fn a12_wrong_passwords_for_an_address_count_as_failed_logins() {
    let app = TestApp::start_with(&CONFIRM).await;
    let mike = verified(&app).await;
    for _ in 0..10 {
        assert_eq!(ask(&mike, NEW, "wrong password").await.status, 400);
    }
    let refused = ask(&mike, NEW, PASSWORD).await;
    assert_eq!(refused.status, 429, "{refused}");
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
}
