//! Logins handed over to applications, and the check for proxies in front of them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::browser::{Browser, Shown, url_encoded};
use menjin_tests::client::{Answer, Send as _};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};

const BACK: &str = "https://app.example/back?state=a";
const VERIFIER: &str = "a verifier of the application, 43 characters";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

async fn start() -> TestApp {
    let app = TestApp::start_with(&[("pages.redirect_origins", "https://app.example")]).await;
    app.user("mike").await;
    app
}

/// The address of the login, for whoever is to come back there.
fn login(next: &str, challenge: &str) -> String {
    format!("/account/login?next={}&code_challenge={challenge}", url_encoded(next))
}

async fn log_in(browser: &Browser, challenge: &str) -> Shown {
    let page = browser.open(&login(BACK, challenge)).await;
    let (next, carried) = (page.value_of("next"), page.value_of("code_challenge"));
    let next = next.replace("&#x2f;", "/").replace("&amp;", "&");
    let fields = [
        ("username", "mike"),
        ("password", PASSWORD),
        ("next", next.as_str()),
        ("code_challenge", carried.as_str()),
    ];
    browser.send("/account/login", &page.form_token(), &fields).await
}

/// The code that somebody comes back with.
fn code_of(shown: &Shown) -> String {
    let location = shown.location.as_deref().unwrap();
    assert!(location.starts_with("https://app.example/back?state=a&code="), "{location}");
    location.split("&code=").nth(1).unwrap().to_owned()
}

async fn exchange(app: &TestApp, code: &str, verifier: &str) -> Answer {
    let body = json!({ "code": code, "code_verifier": verifier });
    app.anonymous().post("/api/v1/auth/exchange", &body).await
}

#[tokio::test]
async fn g9_an_application_gets_a_session_of_its_own_for_a_code() {
    let app = start().await;
    let browser = app.browser();
    let code = code_of(&log_in(&browser, &challenge()).await);
    let wrong = exchange(&app, &code, &"b".repeat(43)).await;
    assert_eq!((wrong.status, &wrong.body["code"]), (400, &json!("invalid_grant")), "{wrong}");
    let tokens = exchange(&app, &code, VERIFIER).await;
    assert_eq!(tokens.status, 200, "{tokens}");
    let again = exchange(&app, &code, VERIFIER).await;
    assert_eq!((again.status, &again.body["code"]), (400, &json!("invalid_grant")), "{again}");
    let client = app.anonymous().with_tokens(&tokens.body);
    assert_eq!(client.me().await.body["username"], "mike");
    assert_eq!(client.refresh().await.status, 200);
    assert_eq!(client.get("/api/v1/users/me/sessions").await.body["total"], 3);
    assert_eq!(client.post_empty("/api/v1/auth/logout").await.status, 200);
    assert_eq!(browser.open("/account/profile").await.status, 200, "a session of its own");
}

/// Whoever is logged in on the pages comes back at once.
#[tokio::test]
async fn g9_one_login_serves_several_applications() {
    let app = start().await;
    let browser = app.browser();
    browser.log_in("mike", PASSWORD).await;
    let first = code_of(&browser.open(&login(BACK, &challenge())).await);
    let second = code_of(&browser.open(&login(BACK, &challenge())).await);
    assert_ne!(first, second);
    assert_eq!(exchange(&app, &first, VERIFIER).await.status, 400, "one at a time");
    assert_eq!(exchange(&app, &second, VERIFIER).await.status, 200);
}

#[tokio::test]
async fn g9_a_code_lives_for_a_minute_and_no_longer_than_its_session() {
    let app = start().await;
    let browser = app.browser();
    browser.log_in("mike", PASSWORD).await;
    let offer = async || code_of(&browser.open(&login(BACK, &challenge())).await);
    let late = offer().await;
    app.clock.advance(Duration::from_secs(60));
    assert_eq!(exchange(&app, &late, VERIFIER).await.status, 400);
    let ended = offer().await;
    browser.submit("/account/logout", &[]).await;
    let logout = browser.open("/account/profile").await.form_token();
    browser.send("/account/logout", &logout, &[]).await;
    assert_eq!(exchange(&app, &ended, VERIFIER).await.status, 400);
    browser.log_in("mike", PASSWORD).await;
    let stale = offer().await;
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    let change = json!({
        "current_password": PASSWORD, "new_password": "another horse 9", "confirm_password": "another horse 9",
    });
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    assert_eq!(exchange(&app, &stale, VERIFIER).await.status, 400, "the password has changed");
}

/// Nobody is sent to an address that the settings do not name, nor without a challenge.
#[tokio::test]
async fn g9_other_addresses_get_nobody_and_no_code() {
    let app = start().await;
    let (browser, challenge) = (app.browser(), challenge());
    for logged_in in [false, true] {
        if logged_in {
            browser.log_in("mike", PASSWORD).await;
        }
        for (next, challenge) in [
            ("https://evil.example/", challenge.as_str()),
            ("http://app.example/", &challenge),
            ("https://app.example:8443/", &challenge),
            ("https://app.example.evil.example/", &challenge),
            (BACK, ""),
            (BACK, "plain"),
        ] {
            let refused = browser.open(&login(next, challenge)).await;
            assert_eq!((refused.status, &refused.location), (400, &None), "{next} {challenge}");
            assert!(refused.html.contains("pages.redirect_origins"), "{}", refused.html);
        }
    }
    // Nor by a form that was changed.
    let browser = app.browser();
    let token = browser.open("/account/login").await.form_token();
    let fields = [("username", "mike"), ("password", PASSWORD), ("next", "https://evil.example/")];
    let refused = browser.send("/account/login", &token, &fields).await;
    assert_eq!((refused.status, refused.location), (400, None));
    assert_eq!(browser.open("/account/profile").await.status, 303, "and nobody is logged in by it");
}

/// A registration that began at an application ends there.
#[tokio::test]
async fn g9_somebody_who_registers_comes_back_too() {
    let app = start().await;
    let browser = app.browser();
    let page = browser.open(&login(BACK, &challenge())).await;
    let link = page.html.split("href=\"register?").nth(1).unwrap().split('"').next().unwrap();
    let link = format!("/account/register?{}", link.replace("&amp;", "&").replace("&#x2f;", "/"));
    let page = browser.open(&link).await;
    let challenge = challenge();
    assert_eq!(page.value_of("code_challenge"), challenge);
    let fields = [
        ("username", "ann"),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
        ("next", BACK),
        ("code_challenge", &challenge),
    ];
    let made = browser.send("/account/register", &page.form_token(), &fields).await;
    assert_eq!(exchange(&app, &code_of(&made), VERIFIER).await.status, 200);
}

#[tokio::test]
async fn g9_a_proxy_learns_who_is_logged_in_by_token_or_cookie() {
    let app = start().await;
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    let browser = app.browser();
    browser.log_in("mike", PASSWORD).await;
    let cookie = browser.cookie().unwrap();
    let check = async |token: Option<&str>, cookie: Option<&str>| {
        let request = app.anonymous().request(Method::GET, "/api/v1/auth/check");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        match cookie {
            Some(cookie) => request.header("cookie", cookie).answer().await,
            None => request.answer().await,
        }
    };
    let id = mike.me().await.body["id"].to_string();
    let token = mike.access_token.clone().unwrap();
    for answer in [check(Some(&token), None).await, check(None, Some(&cookie)).await] {
        assert_eq!(answer.status, 204, "{answer}");
        assert_eq!(answer.header("x-menjin-user"), Some(id.as_str()));
        assert_eq!(answer.header("x-menjin-role"), Some("student"));
    }
    let other = format!("menjin={}", "a".repeat(43));
    for (token, cookie) in [(None, None), (None, Some(other.as_str())), (Some("x"), Some(&cookie))]
    {
        let answer = check(token, cookie).await;
        assert_eq!(answer.status, 401, "{token:?} {cookie:?} {answer}");
        assert_eq!(answer.header("x-menjin-user"), None);
    }
    browser
        .send("/account/logout", &browser.open("/account/profile").await.form_token(), &[])
        .await;
    assert_eq!(check(None, Some(&cookie)).await.status, 401, "logged out");
}

#[tokio::test]
async fn g9_browsers_may_be_led_to_the_applications_of_the_settings() {
    let app = start().await;
    let login = app.anonymous().get("/account/login").await;
    let policy = login.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://app.example; "), "{policy}");
}

/// A login in two steps leads back to the application as one in a single step does.
#[tokio::test]
async fn g9_the_second_step_of_a_login_leads_back_to_the_application() {
    let app = start().await;
    let device = app.enrolled("ann").await.app;
    let browser = app.browser();
    let first = browser.open(&login(BACK, &challenge())).await;
    // What the page carries along.
    let carried =
        |page: &Shown, name| page.value_of(name).replace("&#x2f;", "/").replace("&amp;", "&");
    let mut fields = vec![("username", "ann".to_owned()), ("password", PASSWORD.to_owned())];
    fields.extend(["next", "code_challenge"].map(|name| (name, carried(&first, name))));
    let send = async |page: &Shown, fields: &[(&str, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.send("/account/login", &page.form_token(), &fields).await
    };
    let second = send(&first, &fields).await;
    for code in [device.wrong(&app), device.next(&app)] {
        let mut fields = vec![("code", code)];
        fields.extend(
            ["mfa_token", "next", "code_challenge"].map(|name| (name, carried(&second, name))),
        );
        let done = send(&second, &fields).await;
        if done.status == 401 {
            assert_eq!(done.value_of("code_challenge"), challenge(), "{done:?}");
            continue;
        }
        let tokens = exchange(&app, &code_of(&done), VERIFIER).await;
        assert_eq!(tokens.status, 200, "{tokens}");
    }
}

/// Nobody is asked for anything on the way to an application: its session is as old as the one of the pages where
/// a password that was given lately counts, and lasts no longer.
#[tokio::test]
async fn a10_a_hand_off_is_no_way_around_giving_the_password_again() {
    let redirect = ("pages.redirect_origins", "https://app.example");
    let app = TestApp::start_with(&[redirect, ("admin.step_up", "15m")]).await;
    app.admin("root").await;
    let browser = app.browser();
    assert_eq!(browser.log_in("root", PASSWORD).await.status, 303);
    app.clock.advance(Duration::from_secs(16 * 60));
    let shown = browser.open(&login(BACK, &challenge())).await;
    let tokens = exchange(&app, &code_of(&shown), VERIFIER).await;
    assert_eq!(tokens.status, 200, "{tokens}");
    let client = app.anonymous().with_tokens(&tokens.body);
    let critical = client.post("/api/v1/users/1/password", &json!({})).await;
    assert_eq!(
        (critical.status, &critical.body["code"]),
        (403, &json!("reauthentication_required")),
        "{critical}"
    );
    // A week after the login, less than that after the exchange.
    app.clock.advance(Duration::from_secs(7 * 24 * 60 * 60 - 15 * 60));
    assert_eq!(client.refresh().await.status, 401, "the session of the pages has ended by now");
}
