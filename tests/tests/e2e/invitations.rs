//! Invitations: a class by a code, somebody by an address, and a role for an account that is there.

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::client::{Answer, Client};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3600);

/// The two dialects: where an invitation is accepted, and how a new account is answered.
const DIALECTS: [(&str, u16); 2] =
    [("/api/v1/auth/accept-invitation", 201), ("/api/auth/accept-invitation", 200)];

async fn invite(admin: &Client, body: Value) -> Value {
    let answer = admin.post("/api/v1/invitations", &body).await;
    assert_eq!(answer.status, 201, "{answer}");
    answer.body
}

/// Accepts as somebody new.
async fn accept(app: &TestApp, path: &str, token: &Value, name: &str) -> Answer {
    let body = json!({
        "token": token, "username": name, "password": PASSWORD,
        "email": format!("{name}@example.com"),
    });
    app.anonymous().post(path, &body).await
}

/// `code` of v1, `data.reason` of the envelope.
fn reason(answer: &Answer) -> Value {
    let envelope = answer.body.pointer("/data/reason");
    envelope.unwrap_or(&answer.body["code"]).clone()
}

#[tokio::test]
async fn n3_a_class_of_three_gets_in_by_one_code_and_the_fourth_does_not() {
    for (path, success) in DIALECTS {
        let app = TestApp::start_with(&[("registration.mode", "invite")]).await;
        let admin = app.admin("root").await;
        let made = invite(&admin, json!({ "role": "student", "max_uses": 3 })).await;
        let code = made["token"].as_str().unwrap();
        assert_eq!(code.len(), 14, "it can be read aloud: {code}");
        let link = made["link"].as_str().unwrap();
        assert!(link.ends_with(&format!("/account/accept-invitation#{code}")), "{link}");
        // As somebody types it who has heard it.
        let heard = json!(code.to_lowercase().replace('-', " ").replace('0', "o"));
        for name in ["ann", "bob", "carl"] {
            let answer = accept(&app, path, &heard, name).await;
            assert_eq!(answer.status, success, "{answer}");
        }
        let refused = accept(&app, path, &heard, "dora").await;
        assert_eq!((refused.status, reason(&refused)), (400, json!("token_invalid")), "{refused}");
        let ann = app.anonymous().log_in("ann", PASSWORD).await.me().await.body;
        assert_eq!((&ann["role"], &ann["is_verified"]), (&json!("student"), &json!(false)));
        let proof = &app.mails_to("ann@example.com").await[0];
        assert!(proof.text.contains("/account/verify-email#"), "{}", proof.text);
        let list = admin.get("/api/v1/invitations").await.body;
        let [of_class] = list["invitations"].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!((&of_class["state"], &of_class["uses"]), (&json!("used"), &json!(3)));
        assert!(of_class.get("token").is_none() && of_class.get("link").is_none(), "{of_class}");
        assert_eq!(list["total"], 1);
    }
}

#[tokio::test]
async fn n2_an_invitation_by_mail_proves_the_address_and_is_for_nobody_else() {
    for (path, success) in DIALECTS {
        let app = TestApp::start().await;
        let admin = app.admin("root").await;
        let body = json!({ "role": "teacher", "email": "Ann@example.com", "max_uses": null });
        let made = invite(&admin, body).await;
        let mails = app.mails_to("Ann@example.com").await;
        assert_eq!(json!(token_in(&mails[0])), made["token"]);
        let another = accept(&app, path, &made["token"], "bob").await;
        assert_eq!(another.status, 422, "{another}");
        let detail = another.body.get("detail").unwrap_or(&another.body["data"]["detail"]);
        assert_eq!(detail[0]["loc"], json!(["body", "email"]), "{another}");
        let accepted = accept(&app, path, &made["token"], "ann").await;
        assert_eq!(accepted.status, success, "{accepted}");
        let ann = app.anonymous().log_in("ann@example.com", PASSWORD).await.me().await.body;
        assert_eq!((&ann["role"], &ann["is_verified"]), (&json!("teacher"), &json!(true)));
        assert_eq!(ann["email"], "Ann@example.com");
        let again = accept(&app, path, &made["token"], "ann").await;
        assert_eq!((again.status, reason(&again)), (400, json!("token_invalid")));
    }
}

#[tokio::test]
async fn n2_whoever_has_an_account_accepts_while_logged_in() {
    for (path, _) in DIALECTS {
        let app = TestApp::start().await;
        let (admin, mike) = (app.admin("root").await, app.user("mike").await);
        let other = app.anonymous().log_in("mike", PASSWORD).await;
        let made = invite(&admin, json!({ "role": "admin", "email": "mike@example.com" })).await;
        let exists = accept(&app, path, &made["token"], "mike2").await;
        assert_eq!(exists.status, 422, "another address: {exists}");
        let body = json!({ "token": made["token"], "username": "mike2", "password": PASSWORD });
        let exists = app.anonymous().post(path, &body).await;
        assert_eq!((exists.status, reason(&exists)), (409, json!("account_exists")), "{exists}");
        let token = json!({ "token": made["token"] });
        let bob = app.user("bob").await;
        let anothers = bob.post(path, &token).await;
        assert_eq!(reason(&anothers), "invitation_for_another", "{anothers}");
        assert_eq!(mike.post(path, &token).await.status, 200, "{path}");
        let me = mike.me().await.body;
        assert_eq!((&me["role"], &me["is_verified"]), (&json!("admin"), &json!(true)));
        assert_eq!(other.me().await.status, 401, "its other sessions are over");
        assert_eq!(mike.get("/api/v1/users/1").await.status, 200, "it has the rights at once");
        // An administrator is not made less by a code.
        let class = invite(&admin, json!({ "role": "student" })).await;
        let less = mike.post(path, &json!({ "token": class["token"] })).await;
        assert_eq!((less.status, reason(&less)), (409, json!("role_has_fewer_rights")), "{less}");
    }
}

#[tokio::test]
async fn n1_a_new_link_ends_the_one_before_and_a_revoked_invitation_has_none() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let path = DIALECTS[0].0;
    let body = json!({ "role": "student", "email": "ann@example.com", "expires_in": 1200 });
    let made = invite(&admin, body).await;
    app.clock.advance(HOUR / 3);
    let expired = accept(&app, path, &made["token"], "ann").await;
    assert_eq!(reason(&expired), "token_invalid", "{expired}");
    let list = admin.get("/api/v1/invitations").await.body;
    assert_eq!(list["invitations"][0]["state"], "expired");
    let id = &made["id"];
    let renewed = admin.post_empty(&format!("/api/v1/invitations/{id}/resend")).await;
    assert_eq!((renewed.status, &renewed.body["state"]), (200, &json!("open")), "{renewed}");
    // The mail with the link before never goes out: it is void.
    let mails = app.mails_to("ann@example.com").await;
    assert_eq!(mails.len(), 1);
    assert_eq!(json!(token_in(&mails[0])), renewed.body["token"]);
    let before = accept(&app, path, &made["token"], "ann").await;
    assert_eq!(reason(&before), "token_invalid", "{before}");
    let revoke = async || admin.delete(&format!("/api/v1/invitations/{id}")).await.status;
    assert_eq!((revoke().await, revoke().await), (200, 200));
    let revoked = accept(&app, path, &renewed.body["token"], "ann").await;
    assert_eq!(reason(&revoked), "token_invalid", "{revoked}");
    let over = admin.post_empty(&format!("/api/v1/invitations/{id}/resend")).await;
    assert_eq!((over.status, reason(&over)), (409, json!("invitation_over")), "{over}");
}

#[tokio::test]
async fn n4_a_role_with_rights_is_for_one_address_for_three_days_and_ends_with_the_inviter() {
    let app = TestApp::start().await;
    let (admin, other) = (app.admin("root").await, app.admin("other").await);
    let ann = "ann@example.com";
    for (body, field) in [
        (json!({ "role": "admin" }), "email"),
        (json!({ "role": "admin", "email": ann, "max_uses": 2 }), "max_uses"),
        (json!({ "role": "student", "email": ann, "max_uses": 2 }), "max_uses"),
        (json!({ "role": "admin", "email": ann, "expires_in": 72 * 3600 + 1 }), "expires_in"),
        (json!({ "role": "student", "expires_in": 59 }), "expires_in"),
        (json!({ "role": "student", "expires_in": 91 * 86_400 }), "expires_in"),
        (json!({ "role": "student", "max_uses": 0 }), "max_uses"),
        (json!({ "role": "student", "max_uses": 10_001 }), "max_uses"),
        (json!({ "role": "teachers" }), "role"),
        (json!({ "role": "student", "email": "ann" }), "email"),
    ] {
        let refused = admin.post("/api/v1/invitations", &body).await;
        assert_eq!(refused.status, 422, "{body}: {refused}");
        assert_eq!(refused.body["detail"][0]["loc"], json!(["body", field]), "{body}: {refused}");
    }
    let made = invite(&other, json!({ "role": "admin", "email": ann })).await;
    let until = made["expires_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
    let made_at = made["created_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
    assert_eq!((until.unwrap() - made_at.unwrap()).num_hours(), 72);
    assert_eq!(admin.post_empty("/api/v1/users/2/deactivate").await.status, 200);
    let list = admin.get("/api/v1/invitations").await.body;
    assert_eq!(list["invitations"][0]["state"], "void");
    let void = accept(&app, DIALECTS[0].0, &made["token"], "ann").await;
    assert_eq!(reason(&void), "token_invalid", "{void}");
}

#[tokio::test]
async fn n5_by_invitation_only_and_not_at_all() {
    let register = json!({
        "username": "mike", "email": "mike@example.com", "password": PASSWORD, "role": "student",
        "name": "迈克",
    });
    for (mode, code, accepts) in
        [("invite", "registration_by_invitation", 201), ("closed", "registration_closed", 403)]
    {
        let app = TestApp::start_with(&[("registration.mode", mode)]).await;
        let admin = app.admin("root").await;
        for path in ["/api/v1/auth/register", "/api/auth/register"] {
            let refused = app.anonymous().post(path, &register).await;
            assert_eq!((refused.status, reason(&refused)), (403, json!(code)), "{refused}");
        }
        let made = invite(&admin, json!({ "role": "student" })).await;
        let answer = accept(&app, DIALECTS[0].0, &made["token"], "ann").await;
        assert_eq!(answer.status, accepts, "{mode}: {answer}");
    }
}

/// Ten in an hour from one network, in both dialects and on the page together; links are not codes.
#[tokio::test]
async fn n3_wrong_codes_are_counted() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let made = invite(&admin, json!({ "role": "student", "max_uses": 9 })).await;
    for n in 0..20 {
        let (path, _) = DIALECTS[n % 2];
        let link = accept(&app, path, &json!("x".repeat(43)), "ann").await;
        assert_eq!(link.status, 400, "{link}");
    }
    for n in 0..10 {
        let (path, _) = DIALECTS[n % 2];
        let wrong = accept(&app, path, &json!(format!("0000-0000-000{n}")), "ann").await;
        assert_eq!(reason(&wrong), "token_invalid", "{wrong}");
    }
    let limited = accept(&app, DIALECTS[0].0, &made["token"], "ann").await;
    assert_eq!(limited.status, 429, "{limited}");
    let form = [("token", made["token"].as_str().unwrap())];
    let page = app.browser().submit("/account/accept-invitation", &form).await;
    assert_eq!(page.status, 429, "{page:?}");
    app.clock.advance(HOUR);
    assert_eq!(accept(&app, DIALECTS[0].0, &made["token"], "ann").await.status, 201);
}

/// What is refused spends no place: a weak password, a taken name, a reserved one, nothing at all.
#[tokio::test]
async fn n2_a_refusal_spends_no_use() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let made = invite(&admin, json!({ "role": "student", "max_uses": 1 })).await;
    let (token, path) = (&made["token"], DIALECTS[0].0);
    let send = async |name: &str, password: &str, email: Option<&str>| {
        let body =
            json!({ "token": token, "username": name, "password": password, "email": email });
        app.anonymous().post(path, &body).await
    };
    let ann = Some("ann@example.com");
    for (answer, status, code) in [
        (send("mike", PASSWORD, ann).await, 400, json!("username_taken")),
        (send("ann", PASSWORD, Some("mike@example.com")).await, 400, json!("email_taken")),
        (send("ann", "12345678", ann).await, 400, json!("password_too_common")),
        (send("Administrator", PASSWORD, ann).await, 400, json!("username_reserved")),
        (send("ann", PASSWORD, None).await, 422, Value::Null),
    ] {
        assert_eq!((answer.status, reason(&answer)), (status, code), "{answer}");
    }
    let nothing = app.anonymous().post(path, &json!({ "token": token })).await;
    let fields: Vec<_> =
        nothing.body["detail"].as_array().unwrap().iter().map(|it| it["loc"][1].clone()).collect();
    assert_eq!(fields, ["username", "password"], "{nothing}");
    assert_eq!(send("ann", PASSWORD, ann).await.status, 201);
}

/// Whoever has a code must not learn by it who has an account: names that are taken count as they do at a
/// registration.
#[tokio::test]
async fn r1_taken_names_count_as_failed_registrations() {
    let app = TestApp::start_with(&[("throttle.registrations.max", "3")]).await;
    let admin = app.admin("root").await;
    app.user("mike").await;
    let made = invite(&admin, json!({ "role": "student", "max_uses": 9 })).await;
    for expected in ["username_taken", "username_taken", "username_taken", "too_many_attempts"] {
        let answer = accept(&app, DIALECTS[0].0, &made["token"], "mike").await;
        assert_eq!(reason(&answer), expected, "{answer}");
    }
    let register = json!({ "username": "ann", "email": "ann@example.com", "password": PASSWORD });
    let limited = app.anonymous().post("/api/v1/auth/register", &register).await;
    assert_eq!(limited.status, 429, "{limited}");
}

/// No script, no link: the page looks first, keeps what was typed, and makes the account.
#[tokio::test]
async fn n2_the_page_makes_an_account() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let path = "/account/accept-invitation";
    let submit = async |form: &[(&str, &str)]| {
        let shown = app.browser().submit(path, form).await;
        (shown.status, shown.html)
    };
    let made = invite(&admin, json!({ "role": "teacher", "email": "ann@example.com" })).await;
    let token = made["token"].as_str().unwrap();
    assert_eq!(app.anonymous().get(path).await.status, 200);
    let (status, html) = submit(&[("token", token)]).await;
    assert!(status == 200 && html.contains("ann@example.com"), "{html}");
    assert!(!html.contains("name=\"email\""), "the address is the invitation's: {html}");
    let form = |name, password| {
        [("token", token), ("username", name), ("password", password), ("action", "accept")]
    };
    let (status, html) = submit(&form("安小妮", "12345678")).await;
    assert!(status == 400 && html.contains("密码过于常见") && html.contains("安小妮"), "{html}");
    assert!(!html.contains("12345678"), "{html}");
    let (status, html) = submit(&form("a@b", PASSWORD)).await;
    assert!(status == 422 && html.contains("不能包含@"), "{html}");
    assert_eq!(submit(&form("安小妮", PASSWORD)).await.0, 200);
    assert_eq!(app.anonymous().try_log_in("安小妮", PASSWORD).await.status, 200);
    let (status, html) = submit(&[("token", token)]).await;
    assert!(status == 400 && html.contains("链接无效或已过期"), "{html}");

    let class = invite(&admin, json!({ "role": "student" })).await;
    let code = class["token"].as_str().unwrap();
    let (status, html) = submit(&[("token", code)]).await;
    assert!(status == 200 && html.contains("name=\"email\""), "{html}");
}
