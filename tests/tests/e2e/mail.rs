//! An account's life by mail: proving an address, a new password, and what is told to whom.

use std::time::Duration;

use menjin_domain::mail::Settlement;
use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::servers::proxy::{Network, Proxy};
use menjin_tests::servers::smtp::SmtpServer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::openapi::traffic::a_failed_mail;

const MIKE: &str = "mike@example.com";
const NEW: &str = "newpassword456";
const HOUR: Duration = Duration::from_secs(3600);

/// The two dialects: where their routes begin, and what a request for a mail is answered with.
const DIALECTS: [(&str, u16); 2] = [("/api/v1/auth", 202), ("/api/auth", 200)];

async fn forgot(client: &Client, name: &str) -> Answer {
    client.post("/api/v1/auth/forgot-password", &json!({ "username": name })).await
}

async fn reset(client: &Client, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "new_password": password });
    client.post("/api/v1/auth/reset-password", &body).await
}

async fn verify(client: &Client, token: &str) -> Answer {
    client.post("/api/v1/auth/verify-email", &json!({ "token": token })).await
}

/// A form as a page sends it.
async fn submit(app: &TestApp, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let shown = app.browser().submit(path, form).await;
    (shown.status, shown.html)
}

/// The token of the newest mail to mike whose link leads to this page.
async fn newest(app: &TestApp, page: &str) -> String {
    let mails = app.mails_to(MIKE).await;
    let link = format!("/account/{page}#");
    token_in(mails.iter().find(|mail| mail.text.contains(&link)).unwrap())
}

async fn is_verified(client: &Client) -> bool {
    client.me().await.body["is_verified"] == json!(true)
}

#[tokio::test]
async fn q1_a_registration_is_asked_to_prove_its_address_in_both_dialects() {
    for (base, _) in DIALECTS {
        let app = TestApp::start().await;
        let mike = app.user("mike").await;
        assert!(!is_verified(&mike).await);
        let mails = app.mails_to(MIKE).await;
        assert_eq!(mails.len(), 1);
        let body = json!({ "token": token_in(&mails[0]) });
        for _ in 0..2 {
            let answer = app.anonymous().post(&format!("{base}/verify-email"), &body).await;
            assert_eq!(answer.status, 200, "{answer}");
        }
        assert!(is_verified(&mike).await);
        // A token of one purpose is unknown to every other.
        assert_eq!(reset(&app.anonymous(), &token_in(&mails[0]), NEW).await.status, 400);
    }
}

#[tokio::test]
async fn q1_a_proof_is_good_for_a_day_from_when_it_was_sent() {
    let app = TestApp::start().await;
    app.user("mike").await;
    app.clock.advance(10 * HOUR);
    let token = newest(&app, "verify-email").await;
    app.clock.advance(Duration::from_secs(86_399));
    let checked = submit(&app, "/account/verify-email", &[("token", &token)]).await;
    assert_eq!(checked.0, 200);
    app.clock.advance(Duration::from_secs(1));
    let answer = verify(&app.anonymous(), &token).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("token_invalid")), "{answer}");
}

#[tokio::test]
async fn q1_another_mail_comes_once_a_minute_and_five_times_a_day() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let resend = async || {
        let body = json!({ "username": "mike" });
        let answer = app.anonymous().post("/api/v1/auth/verify-email/resend", &body).await;
        assert_eq!(answer.status, 202, "{answer}");
        app.mails_to(MIKE).await.len()
    };
    assert_eq!(resend().await, 1, "it waits for a minute");
    assert_eq!(resend().await, 1);
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(app.mails_to(MIKE).await.len(), 2, "of those that waited one goes");
    for expected in [3, 4, 5, 5, 5] {
        app.clock.advance(Duration::from_secs(61));
        assert_eq!(resend().await, expected);
    }
    app.clock.advance(24 * HOUR);
    assert_eq!(app.mails_to(MIKE).await.len(), 6, "delayed, not dropped");
    let token = newest(&app, "verify-email").await;
    assert_eq!(verify(&app.anonymous(), &token).await.status, 200);
    assert_eq!(resend().await, 6, "there is nothing to prove any more");
}

#[tokio::test]
async fn q2_without_a_proof_a_right_password_is_told_and_a_wrong_one_is_not() {
    let app = TestApp::start_with(&[("registration.require_verification", "login")]).await;
    let client = app.anonymous();
    let body = json!({ "username": "mike", "email": MIKE, "password": PASSWORD });
    assert_eq!(client.post("/api/v1/auth/register", &body).await.status, 201);
    let refused = client.try_log_in("mike", PASSWORD).await;
    assert_eq!(refused.status, 403, "{refused}");
    assert_eq!(refused.body["code"], "email_not_verified");
    assert_eq!(client.try_log_in("mike", "wrong password").await.status, 401);
    let body = json!({ "username": "mike", "password": PASSWORD });
    let refused = client.post("/api/auth/login", &body).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!(403)), "{refused}");
    assert_eq!(refused.body["data"]["reason"], "email_not_verified");
    let token = newest(&app, "verify-email").await;
    assert_eq!(verify(&client, &token).await.status, 200);
    assert_eq!(client.try_log_in("mike", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn n5_where_registration_is_closed_nobody_registers_in_either_dialect() {
    let app = TestApp::start_with(&[("registration.mode", "closed")]).await;
    let client = app.anonymous();
    let body = json!({
        "username": "mike", "email": MIKE, "password": PASSWORD, "role": "student", "name": "迈克",
    });
    let refused = client.post("/api/v1/auth/register", &body).await;
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("registration_closed")));
    let refused = client.post("/api/auth/register", &body).await;
    assert_eq!(
        (refused.status, &refused.body["data"]["reason"]),
        (403, &json!("registration_closed"))
    );
    assert!(app.mails_to(MIKE).await.is_empty());
    // Whoever has an account goes on.
    assert_eq!(app.admin("root").await.me().await.status, 200);
}

/// The same bytes for whoever is asked for.
#[tokio::test]
async fn w1_nothing_shows_whether_somebody_has_the_name() {
    for (base, status) in DIALECTS {
        let app = TestApp::start_with(&[("mail.max_requests", "6")]).await;
        let admin = app.admin("root").await;
        for name in ["mike", "ann", "bob"] {
            app.user(name).await;
        }
        assert_eq!(admin.post_empty("/api/v1/users/3/deactivate").await.status, 200);
        let ask = async |name: &str| {
            let body = json!({ "username": name });
            let answer = app.anonymous().post(&format!("{base}/forgot-password"), &body).await;
            (answer.status, answer.body)
        };
        let known = ask("mike").await;
        assert_eq!(known.0, status);
        // Unknown, inactive, an administrator who never proved an address, by address, and too often.
        for name in ["nobody", "ann", "root", "mike@example.com", "x".repeat(9000).as_str()] {
            assert_eq!(ask(name).await, known, "{name:.20}");
        }
        for _ in 0..3 {
            assert_eq!(ask("bob").await, known, "over the limit of the network");
        }
        let resets = async |address: &str| {
            let mails = app.mails_to(address).await;
            mails.iter().filter(|mail| mail.text.contains("/account/reset-password#")).count()
        };
        assert_eq!(resets(MIKE).await, 2);
        for nobody in ["ann@example.com", "root@example.com", "bob@example.com"] {
            assert_eq!(resets(nobody).await, 0, "{nobody}");
        }
    }
}

#[tokio::test]
async fn w2_a_new_password_is_held_to_the_policy_and_a_refusal_spends_no_token() {
    for (base, _) in DIALECTS {
        let app = TestApp::start().await;
        app.user("mike").await;
        forgot(&app.anonymous(), "mike").await;
        let token = newest(&app, "reset-password").await;
        let send = async |body: &Value| {
            app.anonymous().post(&format!("{base}/reset-password"), body).await
        };
        for (password, status) in [("12345678", 400), ("mike@example.com", 400), ("short", 422)] {
            let answer = send(&json!({ "token": token, "new_password": password })).await;
            assert_eq!(answer.status, status, "{base} {password}: {answer}");
        }
        let differs = json!({
            "token": token, "new_password": NEW, "confirm_password": "newpassword457",
        });
        if base == "/api/v1/auth" {
            let answer = send(&differs).await;
            assert_eq!(answer.body["code"], "confirmation_differs", "{answer}");
        }
        for bad in ["", "x", "0".repeat(43).as_str(), &format!("{token}x")] {
            let answer = send(&json!({ "token": bad, "new_password": NEW })).await;
            assert_eq!(answer.status, 400, "{answer}");
        }
        assert_eq!(send(&json!({ "token": token, "new_password": NEW })).await.status, 200);
        assert_eq!(send(&json!({ "token": token, "new_password": NEW })).await.status, 400);
        assert_eq!(app.anonymous().try_log_in("mike", NEW).await.status, 200);
    }
}

#[tokio::test]
async fn w3_a_reset_ends_all_sessions_and_its_owner_is_told() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    for _ in 0..9 {
        assert_eq!(app.anonymous().try_log_in("mike", "wrong password").await.status, 401);
    }
    forgot(&app.anonymous(), "MIKE").await;
    let token = newest(&app, "reset-password").await;
    let answer = reset(&app.anonymous(), &token, NEW).await;
    assert_eq!(answer.status, 200, "{answer}");
    assert!(answer.body.get("access_token").is_none(), "nobody is logged in by it");
    assert_eq!(mike.me().await.status, 401);
    assert_eq!(mike.refresh().await.status, 401);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 401);
    let mike = app.anonymous().log_in("mike", NEW).await;
    assert!(is_verified(&mike).await, "the link was in the mailbox of this address");
    let told = app.mails_to(MIKE).await.remove(0);
    assert!(told.mail.subject.contains("密码已更改"), "{}", told.mail.subject);
    let body = json!({
        "current_password": NEW, "new_password": PASSWORD, "confirm_password": PASSWORD,
    });
    assert_eq!(mike.post("/api/v1/auth/change-password", &body).await.status, 200);
    let told = app.mails_to(MIKE).await;
    assert_eq!(told.iter().filter(|mail| mail.mail.subject.contains("密码已更改")).count(), 2);
}

/// Who takes over a session and changes the address does not get the next password.
#[tokio::test]
async fn w4_a_reset_goes_to_the_last_address_that_was_proved() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    let token = newest(&app, "verify-email").await;
    assert_eq!(verify(&app.anonymous(), &token).await.status, 200);
    // One such mail goes to an account in a minute.
    app.clock.advance(Duration::from_secs(61));
    let changed = mike.put("/api/v1/users/me", &json!({ "email": "thief@example.com" })).await;
    assert_eq!((changed.status, &changed.body["is_verified"]), (200, &json!(false)));
    for name in ["mike", "thief@example.com"] {
        forgot(&app.anonymous(), name).await;
    }
    // The new address is asked to be proved; all else goes to the one before, which is told.
    let new = app.mails_to("thief@example.com").await;
    assert!(new.len() == 1 && new[0].text.contains("/account/verify-email#"), "{}", new.len());
    let told = app.mails_to(MIKE).await;
    assert!(told.iter().any(|mail| mail.mail.subject.contains("邮箱已更改")));
    let token = newest(&app, "reset-password").await;
    assert_eq!(reset(&app.anonymous(), &token, NEW).await.status, 200);
    let mike = app.anonymous().log_in("mike", NEW).await;
    assert!(!is_verified(&mike).await, "the link was in another mailbox");
}

#[tokio::test]
async fn w5_three_mails_an_hour_and_one_in_the_life_of_a_token_always() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let resets = async || {
        let mails = app.mails_to(MIKE).await;
        mails.iter().filter(|mail| mail.text.contains("/account/reset-password#")).count()
    };
    for expected in [1, 2, 3, 3, 3] {
        assert_eq!(forgot(&app.anonymous(), "mike").await.status, 202);
        assert_eq!(resets().await, expected);
    }
    // Within the hour, but none of the three works any more.
    app.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(forgot(&app.anonymous(), "mike").await.status, 202);
    assert_eq!(resets().await, 4);
    app.clock.advance(HOUR);
    assert_eq!(resets().await, 5, "the one that waited");
    app.clock.advance(2 * HOUR);
    assert_eq!(resets().await, 5);
}

/// The life of a link begins when its mail was handed over, and ends when the setting says.
#[tokio::test]
async fn w5_a_link_works_as_long_as_the_setting_says() {
    let app = TestApp::start_with(&[("mail.reset_ttl", "5m")]).await;
    app.user("mike").await;
    forgot(&app.anonymous(), "mike").await;
    app.clock.advance(3 * HOUR);
    let token = newest(&app, "reset-password").await;
    app.clock.advance(Duration::from_secs(299));
    assert_eq!(reset(&app.anonymous(), &token, "short").await.status, 422);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(reset(&app.anonymous(), &token, NEW).await.status, 400);
}

/// What a link is for, by the state of the account at the time of its use.
#[tokio::test]
async fn k7_no_link_opens_an_account_that_is_closed() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let mike = app.user("mike").await;
    forgot(&app.anonymous(), "mike").await;
    let (to_verify, to_reset) =
        (newest(&app, "verify-email").await, newest(&app, "reset-password").await);
    assert_eq!(admin.post_empty("/api/v1/users/2/deactivate").await.status, 200);
    for answer in
        [verify(&app.anonymous(), &to_verify).await, reset(&app.anonymous(), &to_reset, NEW).await]
    {
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!("token_invalid")));
    }
    assert_eq!(mike.me().await.status, 401);
    assert_eq!(admin.post_empty("/api/v1/users/2/activate").await.status, 200);
    assert_eq!(reset(&app.anonymous(), &to_reset, NEW).await.status, 400, "void for good");
    // A lock is no closed account.
    for _ in 0..10 {
        app.anonymous().try_log_in("mike", "wrong password").await;
    }
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 429);
    forgot(&app.anonymous(), "mike").await;
    let token = newest(&app, "reset-password").await;
    assert_eq!(reset(&app.anonymous(), &token, NEW).await.status, 200);
    let elsewhere = app.anonymous().try_log_in("mike", NEW).await;
    assert_eq!(elsewhere.status, 200, "the account's own count is cleared: {elsewhere}");
}

/// Programs that check mails open every link, more than once.
#[tokio::test]
async fn k5_opening_a_link_uses_nothing_up() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    forgot(&app.anonymous(), "mike").await;
    let (to_verify, to_reset) =
        (newest(&app, "verify-email").await, newest(&app, "reset-password").await);
    let client = app.anonymous();
    for _ in 0..3 {
        for path in ["verify-email", "reset-password"] {
            let page = client.get(&format!("/account/{path}")).await;
            assert_eq!((page.status, page.header("referrer-policy")), (200, Some("same-origin")));
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
            assert_eq!(page.header("cache-control"), Some("no-store"));
        }
        let form = [("token", to_verify.as_str()), ("action", "look")];
        let (status, page) = submit(&app, "/account/verify-email", &form).await;
        assert_eq!(status, 200);
        for shown in ["mike", MIKE, "127.0.0.1", "2023-11-14"] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
        assert!(!is_verified(&mike).await);
    }
    let form = [("token", to_verify.as_str()), ("action", "verify")];
    assert_eq!(submit(&app, "/account/verify-email", &form).await.0, 200);
    assert!(is_verified(&mike).await);
    let form = |again: &'static str| {
        [
            ("token", to_reset.clone()),
            ("new_password", NEW.into()),
            ("confirm_password", again.into()),
        ]
    };
    let send = async |form: [(&str, String); 3]| {
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        submit(&app, "/account/reset-password", &form).await
    };
    let (status, page) = send(form("another")).await;
    assert!(status == 400 && page.contains("不一致") && page.contains(&to_reset), "{page}");
    assert_eq!(send(form(NEW)).await.0, 200);
    let (status, page) = send(form(NEW)).await;
    assert!(status == 400 && !page.contains(&to_reset), "{page}");
    assert_eq!(client.try_log_in("mike", NEW).await.status, 200);
}

/// Whoever made the account with somebody else's address loses it.
#[tokio::test]
async fn q6_who_has_the_mailbox_deletes_what_others_made_with_its_address() {
    let app = TestApp::start().await;
    let thief = app.user("mike").await;
    let token = newest(&app, "verify-email").await;
    let form = [("token", token.as_str()), ("action", "disown")];
    assert_eq!(submit(&app, "/account/verify-email", &form).await.0, 200);
    assert_eq!(thief.me().await.status, 401);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 401);
    assert_eq!(submit(&app, "/account/verify-email", &form).await.0, 400);
    // The address is free again. Once proved, no link deletes the account.
    let mike = app.user("mike").await;
    let token = newest(&app, "verify-email").await;
    assert_eq!(verify(&app.anonymous(), &token).await.status, 200);
    let form = [("token", token.as_str()), ("action", "disown")];
    assert_eq!(submit(&app, "/account/verify-email", &form).await.0, 400);
    assert_eq!(mike.me().await.status, 200);
}

/// Links are made of the setting alone.
#[tokio::test]
async fn k6_no_header_of_a_request_gets_into_a_link() {
    let public_url = "https://accounts.example/auth";
    let app = TestApp::start_with(&[
        ("server.public_url", public_url),
        ("server.trusted_proxies", "127.0.0.1"),
    ])
    .await;
    app.user("mike").await;
    let request = app.anonymous().request(Method::POST, "/api/v1/auth/forgot-password");
    let request = ["x-forwarded-host", "origin", "referer", "x-original-host", "x-forwarded-proto"]
        .into_iter()
        .fold(request, |request, name| request.header(name, "https://evil.example"));
    let request = request.header("forwarded", "for=192.0.2.1;host=evil.example;proto=http");
    let answer = request.header("host", "evil.example").json(&json!({ "username": "mike" }));
    assert_eq!(answer.answer().await.status, 202);
    for mail in app.mails_to(MIKE).await {
        assert!(mail.text.contains(&format!("{public_url}/account/")), "{}", mail.text);
        assert!(!mail.text.contains("evil") && !mail.html.contains("evil"), "{}", mail.text);
        let html = mail.html.replace("&#x2f;", "/");
        assert!(html.contains(&format!("{public_url}/account/")), "{html}");
    }
}

/// Nobody writes text into somebody else's mailbox by registering with its address.
#[tokio::test]
async fn m6_mails_hold_no_text_of_whoever_caused_them() {
    let app = TestApp::start().await;
    for (number, name) in ["evil.example/win", "click:here", "plain"].iter().enumerate() {
        let address = format!("m{number}@example.com");
        let body = json!({
            "username": name, "email": address, "password": PASSWORD,
            "full_name": "<b>You have won</b> https://evil.example",
        });
        assert_eq!(app.anonymous().post("/api/v1/auth/register", &body).await.status, 201);
        let mail = app.mails_to(&address).await.remove(0);
        let shown = format!("{} {} {}", mail.mail.subject, mail.text, mail.html);
        assert!(!shown.contains("You have won") && !shown.contains("evil"), "{shown}");
        assert_eq!(mail.text.contains(name), *name == "plain", "{shown}");
    }
}

#[tokio::test]
async fn m7_a_mail_is_in_the_language_of_the_account() {
    let app = TestApp::start().await;
    let register = async |name: &str, language: &str| {
        let body = json!({
            "username": name, "email": format!("{name}@example.com"), "password": PASSWORD,
        });
        let request = app.anonymous().request(Method::POST, "/api/v1/auth/register");
        let answer = request.header("accept-language", language).json(&body).answer().await;
        assert_eq!(answer.status, 201, "{answer}");
        (
            answer.body["locale"].clone(),
            app.mails_to(&format!("{name}@example.com")).await.remove(0),
        )
    };
    let (locale, mail) = register("ann", "en-GB, zh;q=0.1").await;
    assert_eq!(locale, "en");
    assert!(mail.mail.subject.starts_with("Confirm your e-mail address"), "{}", mail.mail.subject);
    let (locale, mail) = register("mike", "zh-TW").await;
    assert_eq!(locale, "zh-CN");
    assert!(mail.mail.subject.starts_with("请验证"), "{}", mail.mail.subject);
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    let changed = mike.put("/api/v1/users/me", &json!({ "locale": "en" })).await;
    assert_eq!((changed.status, &changed.body["locale"]), (200, &json!("en")));
    let bad = mike.put("/api/v1/users/me", &json!({ "locale": "fr" })).await;
    assert_eq!((bad.status, &bad.body["detail"][0]["type"]), (422, &json!("enum")), "{bad}");
    forgot(&app.anonymous(), "mike").await;
    let mail = app.mails_to(MIKE).await.remove(0);
    assert!(mail.mail.subject.starts_with("Choose a new password"), "{}", mail.mail.subject);
    let cleared = mike.put("/api/v1/users/me", &json!({ "locale": null })).await;
    assert_eq!(cleared.body["locale"], Value::Null);
}

#[tokio::test]
async fn m8_administrators_see_mails_and_send_what_was_given_up() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let mike = app.user("mike").await;
    forgot(&app.anonymous(), "mike").await;
    let list = admin.get("/api/v1/mails").await;
    let kinds: Vec<_> = list.body["mails"].as_array().unwrap().iter().map(|m| &m["kind"]).collect();
    assert_eq!(kinds, ["reset_password", "verify_email"], "{list}");
    assert!(list.body["mails"].as_array().unwrap().iter().all(|mail| mail["state"] == "queued"));
    app.deliver().await;
    let failed = a_failed_mail(&app, MIKE).await;
    let first = admin.get("/api/v1/mails?limit=1").await.body;
    assert_eq!((&first["total"], &first["mails"][0]["state"]), (&json!(3), &json!("failed")));
    assert_eq!(first["mails"][0]["error_code"], "550");
    assert_eq!(first["mails"][0]["recipient"], MIKE);
    let rest = admin.get(&format!("/api/v1/mails?after={}", first["next"])).await.body;
    assert_eq!((rest["mails"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    for mail in rest["mails"].as_array().unwrap() {
        assert_eq!(
            (&mail["state"], &mail["user_id"], &mail["attempts"]),
            (&json!("sent"), &json!(2), &json!(1))
        );
        assert!(mail.get("token").is_none() && mail["recipient"] == MIKE, "{mail}");
    }
    let about = async |user: &str| {
        let found = admin.get(&format!("/api/v1/mails?user_id={user}&state=sent")).await;
        (found.status, found.body["total"].as_u64())
    };
    assert_eq!((about("2").await, about("1").await), ((200, Some(2)), (200, Some(0))));
    assert_eq!(about("nobody").await.0, 422);
    let retry = format!("/api/v1/mails/{failed}/retry");
    let other = a_failed_mail(&app, "old@example.com").await;
    let refused = admin.post_empty(&format!("/api/v1/mails/{other}/retry")).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("mail_not_retriable")));
    let again = admin.post_empty(&retry).await;
    assert_eq!((again.status, &again.body["state"]), (200, &json!("queued")), "{again}");
    assert_eq!(admin.post_empty(&retry).await.status, 409);
    let delivered = app.deliver().await;
    assert!(matches!(delivered.as_slice(), [Settlement::Sent { .. }]), "{delivered:?}");
    assert_eq!(mike.get("/api/v1/mails").await.status, 403);
    let page = admin.get("/api/v1/audit?action=mail_retried").await.body;
    assert_eq!(page["events"].as_array().unwrap().len(), 1);
}

/// It opens accounts: only whoever sits here sees it.
#[tokio::test]
async fn m5_the_mails_of_development_are_shown_to_this_machine_alone() {
    let app = TestApp::start().await;
    app.user("mike").await;
    let token = newest(&app, "verify-email").await;
    let client = app.anonymous();
    let ask = async |name: &str, value: &str| {
        let request = client.request(Method::GET, "/dev/mail");
        request.header(name, value).answer().await
    };
    let shown = client.get("/dev/mail").await;
    assert!(shown.status == 200 && shown.body.as_str().unwrap().contains(&token), "{shown}");
    for host in ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"] {
        assert_eq!(ask("host", host).await.status, 200, "{host}");
    }
    for host in ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil"] {
        assert_eq!(ask("host", host).await.status, 404, "{host}");
    }
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
        assert_eq!(ask(name, "127.0.0.1").await.status, 404, "{name}");
    }
    let app = TestApp::start_with(&[
        ("mail.mode", "off"),
        ("pages.account", "false"),
        ("pages.console", "false"),
    ])
    .await;
    for path in ["/dev/mail", "/account/verify-email", "/account/reset-password"] {
        assert_eq!(app.anonymous().get(path).await.status, 404, "{path}");
    }
}

/// The mail server is away for twenty hours: nothing is lost, and it is not asked all the time.
#[tokio::test]
async fn m3_a_mail_server_that_is_away_for_twenty_hours_loses_nothing() {
    let smtp = tokio::task::spawn_blocking(|| SmtpServer::start(&[])).await.unwrap();
    let way = Proxy::before(smtp.port()).await;
    way.set(Network::Cut);
    let port = way.port().to_string();
    let app = TestApp::start_with(&[
        ("mail.mode", "smtp"),
        ("mail.from", "menjin@site.example"),
        ("mail.smtp.host", "127.0.0.1"),
        ("mail.smtp.tls", "none"),
        ("mail.smtp.port", &port),
    ])
    .await;
    for name in ["mike", "ann", "bob"] {
        app.user(name).await;
    }
    let mut tries = 0;
    for _ in 0..20 * 12 {
        tries += app.deliver().await.len();
        app.clock.advance(HOUR / 12);
    }
    // At once, after 30 seconds, 2 and 10 minutes, an hour, and every six or somewhat more.
    assert!((3 * 7..=3 * 8).contains(&tries), "{tries}");
    way.set(Network::Sound);
    app.clock.advance(4 * HOUR);
    let sent = app.deliver().await;
    assert!(
        matches!(
            sent[..],
            [Settlement::Sent { .. }, Settlement::Sent { .. }, Settlement::Sent { .. }]
        ),
        "{sent:?}"
    );
    let mails = smtp.mails();
    assert_eq!(mails.len(), 3);
    // The link lives from when the mail was handed over.
    let mail = mails.iter().find(|mail| mail.contains(MIKE)).unwrap();
    let text = serde_json::from_str::<Value>(mail).unwrap()["text"].as_str().unwrap().to_owned();
    let token = text.split_once('#').unwrap().1.split_whitespace().next().unwrap().to_owned();
    app.clock.advance(23 * HOUR);
    assert_eq!(verify(&app.anonymous(), &token).await.status, 200);
}
