//! The second factor: set up, asked for at every way in, counted, and taken away (Y1 to Y7).

use std::time::Duration;

use menjin_domain::common::Clock as _;
use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::openapi::{any_value, filled};
use menjin_tests::totp::{Enrolled, begin, confirm};
use reqwest::Method;
use serde_json::{Value, json};

const LOGIN: &str = "/api/v1/auth/login";
const MFA: &str = "/api/v1/auth/mfa";

/// Status and code of a refusal.
fn refusal(answer: &Answer) -> (u16, &Value) {
    (answer.status, &answer.body["code"])
}

/// The `mfa_token` of a right password.
async fn ticket(app: &TestApp, name: &str) -> String {
    let asked = app.anonymous().try_log_in(name, PASSWORD).await;
    assert_eq!(refusal(&asked), (401, &json!("mfa_required")), "{asked}");
    asked.body["mfa_token"].as_str().unwrap().to_owned()
}

async fn complete(app: &TestApp, ticket: &str, code: &str) -> Answer {
    let body = json!({ "mfa_token": ticket, "code": code });
    app.anonymous().post(MFA, &body).await
}

async fn disable(client: &Client, code: &str) -> Answer {
    let body = json!({ "current_password": PASSWORD, "code": code });
    client.post("/api/v1/users/me/mfa/totp/disable", &body).await
}

#[tokio::test]
async fn y1_a_factor_is_set_up_with_the_password_and_confirmed_with_a_code() {
    let app = TestApp::start().await;
    let mike = app.user("mike").await;
    assert_eq!(mike.me().await.body["mfa_enabled"], false);
    let password = json!({ "current_password": PASSWORD });
    let early = begin(&mike, &password).await;
    assert_eq!(refusal(&early), (403, &json!("email_not_verified")), "mails are on: {early}");
    app.prove_address("mike").await;
    let wrong = begin(&mike, &json!({ "current_password": "not-the-password" })).await;
    assert_eq!(refusal(&wrong), (400, &json!("wrong_password")));
    let nothing = confirm(&mike, "123456").await;
    assert_eq!(refusal(&nothing), (409, &json!("nothing_to_confirm")));

    let begun = begin(&mike, &password).await;
    assert_eq!((begun.status, &begun.body["expires_in"]), (200, &json!(600)), "{begun}");
    let (secret, uri) = (begun.body["secret"].as_str().unwrap(), begun.body["uri"].as_str());
    let uri = uri.unwrap();
    assert!(uri.starts_with("otpauth://totp/menjin:mike?secret="), "{uri}");
    assert!(uri.contains(secret) && begun.body["qr"].as_str().unwrap().contains("<svg"));
    let other = app.anonymous().log_in("mike", PASSWORD).await;
    assert_eq!(other.me().await.status, 200, "nothing has changed yet");
    let authenticator = menjin_tests::totp::Authenticator::new(secret);
    let elsewhere = confirm(&other, &authenticator.next(&app)).await;
    assert_eq!(refusal(&elsewhere), (409, &json!("nothing_to_confirm")), "another session");
    let wrong = confirm(&mike, &authenticator.wrong(&app)).await;
    assert_eq!(refusal(&wrong), (400, &json!("wrong_code")));
    let confirmed = confirm(&mike, &authenticator.next(&app)).await;
    assert_eq!(confirmed.status, 200, "{confirmed}");
    let codes = confirmed.body["recovery_codes"].as_array().unwrap();
    let is_readable = |code: &Value| {
        let groups: Vec<_> = code.as_str().unwrap().split('-').collect();
        groups.len() == 4 && groups.iter().all(|group| group.len() == 4)
    };
    assert!(codes.len() == 10 && codes.iter().all(is_readable), "{confirmed}");
    assert_eq!(mike.me().await.body["mfa_enabled"], true, "the same session goes on");
    assert_eq!(other.me().await.status, 401, "all other sessions end");
    let mails = app.mails_to("mike@example.com").await;
    assert!(mails[0].mail.subject.contains("两步验证"), "{}", mails[0].mail.subject);
    assert!(!mails[0].text.contains(secret) && !mails[0].text.contains(codes[0].as_str().unwrap()));

    // Ten minutes are enough.
    let eve = app.user("eve").await;
    app.prove_address("eve").await;
    let begun = begin(&eve, &password).await;
    let late = menjin_tests::totp::Authenticator::new(begun.body["secret"].as_str().unwrap());
    app.clock.advance(Duration::from_secs(600));
    let late = confirm(&eve, &late.next(&app)).await;
    assert_eq!(refusal(&late), (409, &json!("nothing_to_confirm")));
}

#[tokio::test]
async fn y2_every_way_to_a_session_asks_for_a_code() {
    let app = TestApp::start().await;
    let Enrolled { app: authenticator, recovery, .. } = app.enrolled("mike").await;
    let anonymous = app.anonymous();
    // In two steps.
    let asked = anonymous.try_log_in("mike", PASSWORD).await;
    assert_eq!(refusal(&asked), (401, &json!("mfa_required")), "{asked}");
    assert_eq!(asked.body["methods"], json!(["totp", "recovery_code"]));
    assert_eq!((&asked.body["expires_in"], asked.body.get("access_token")), (&json!(300), None));
    assert_eq!(asked.header("WWW-Authenticate"), Some("Bearer"));
    let token = asked.body["mfa_token"].as_str().unwrap();
    let logged_in = complete(&app, token, &authenticator.next(&app)).await;
    assert_eq!(logged_in.status, 200, "{logged_in}");
    let mike = anonymous.with_tokens(&logged_in.body);
    assert_eq!(mike.me().await.status, 200);
    // In one, by v1, by the form of OAuth2, and by the envelope, which has a second step as well.
    let at_once = |code: &str| json!({ "username": "mike", "password": PASSWORD, "otp": code });
    let one = anonymous.post(LOGIN, &at_once(&authenticator.next(&app))).await;
    assert_eq!(one.status, 200, "{one}");
    let form = async |more: &[(&str, &str)]| {
        let mut form = vec![("username", "mike"), ("password", PASSWORD)];
        form.extend(more);
        app.anonymous().request(Method::POST, LOGIN).form(&form).answer().await
    };
    let asked = form(&[]).await;
    assert_eq!((asked.status, &asked.body["error"]), (401, &json!("mfa_required")), "{asked}");
    assert!(asked.body["mfa_token"].is_string());
    assert_eq!(form(&[("otp", &authenticator.next(&app))]).await.status, 200);
    let body = json!({ "username": "mike", "password": PASSWORD });
    let envelope = anonymous.post("/api/auth/login", &body).await;
    let data = &envelope.body["data"];
    assert_eq!((envelope.status, &data["reason"]), (401, &json!("mfa_required")), "{envelope}");
    let body = json!({ "mfa_token": data["mfa_token"], "code": authenticator.next(&app) });
    let envelope = anonymous.post("/api/auth/mfa", &body).await;
    assert_eq!(
        (envelope.status, &envelope.body["message"]),
        (200, &json!("登录成功")),
        "{envelope}"
    );
    assert!(
        envelope.body["data"]["token"].is_string() && envelope.body["data"]["user"].is_object()
    );
    let at_once = at_once(&authenticator.next(&app));
    assert_eq!(anonymous.post("/api/auth/login", &at_once).await.status, 200);
    // A recovery code is one more way, once.
    let token = ticket(&app, "mike").await;
    assert_eq!(complete(&app, &token, &recovery[0].to_lowercase()).await.status, 200);
    let token = ticket(&app, "mike").await;
    assert_eq!(refusal(&complete(&app, &token, &recovery[0]).await), (401, &json!("invalid_code")));
    // A wrong password learns nothing of a factor, and a wrong code is refused with a right one.
    let wrong = json!({ "username": "mike", "password": "not-the-password", "otp": "123456" });
    let wrong = anonymous.post(LOGIN, &wrong).await;
    assert_eq!(refusal(&wrong), (401, &json!("invalid_credentials")));
    let bad = json!({
        "username": "mike", "password": PASSWORD, "otp": authenticator.wrong(&app),
    });
    assert_eq!(refusal(&anonymous.post(LOGIN, &bad).await), (401, &json!("invalid_code")));
    let bad = json!({ "username": "mike", "password": PASSWORD, "otp": "no code" });
    assert_eq!(anonymous.post(LOGIN, &bad).await.status, 422);
}

/// Whoever has no factor sees no difference, whether or not a code is sent.
#[tokio::test]
async fn y2_whoever_has_no_factor_sees_no_difference() {
    let app = TestApp::start().await;
    app.user("eve").await;
    let body = json!({ "username": "eve", "password": PASSWORD });
    let plain = app.anonymous().post(LOGIN, &body).await;
    let with = json!({ "username": "eve", "password": PASSWORD, "otp": "123456" });
    let with = app.anonymous().post(LOGIN, &with).await;
    assert_eq!((plain.status, with.status), (200, 200));
    let names =
        |answer: &Answer| answer.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected = ["access_token", "expires_in", "refresh_token", "token_type"];
    assert_eq!((names(&plain), names(&with)), (expected.map(String::from).into(), names(&plain)));
}

/// The token of the first step is bound to what was verified then.
#[tokio::test]
async fn y2_the_first_step_is_void_once_the_account_has_changed() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let Enrolled { client: mike, app: authenticator, .. } = app.enrolled("mike").await;
    let token = ticket(&app, "mike").await;
    // It is no other kind of token, and no other is one.
    assert_eq!(app.anonymous().with_token(&token).me().await.status, 401);
    let refresh = json!({ "refresh_token": token });
    assert_eq!(app.anonymous().post("/api/v1/auth/refresh", &refresh).await.status, 401);
    for other in [mike.access_token.clone(), mike.refresh_token.clone(), Some("x".to_owned())] {
        let refused = complete(&app, &other.unwrap(), &authenticator.next(&app)).await;
        assert_eq!(refusal(&refused), (401, &json!("invalid_token")), "{refused}");
    }
    let is_void = async |token: &str| {
        let refused = complete(&app, token, &authenticator.next(&app)).await;
        assert_eq!(refusal(&refused), (401, &json!("invalid_token")), "{refused}");
    };
    app.clock.advance(Duration::from_secs(306));
    is_void(&token).await;
    let token = ticket(&app, "mike").await;
    let new = "another-passphrase-1";
    let change =
        json!({ "current_password": PASSWORD, "new_password": new, "confirm_password": new });
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    is_void(&token).await;
    let change =
        json!({ "current_password": new, "new_password": PASSWORD, "confirm_password": PASSWORD });
    assert_eq!(mike.post("/api/v1/auth/change-password", &change).await.status, 200);
    for (path, back) in [("deactivate", "activate"), ("ban", "unban")] {
        let token = ticket(&app, "mike").await;
        let until = menjin_domain::common::rfc3339(app.clock.now() + Duration::from_secs(60));
        let body = json!({ "until": until });
        let done = admin.post(&format!("/api/v1/users/2/{path}"), &body).await;
        assert_eq!(done.status, 200, "{done}");
        is_void(&token).await;
        let done = admin.post_empty(&format!("/api/v1/users/2/{back}")).await;
        assert_eq!(done.status, 200, "{done}");
        is_void(&token).await;
    }
}

#[tokio::test]
async fn y3_a_code_counts_once_wherever_it_is_used() {
    let app = TestApp::start().await;
    let Enrolled { client: mike, app: authenticator, .. } = app.enrolled("mike").await;
    let code = authenticator.next(&app);
    let body = json!({ "username": "mike", "password": PASSWORD, "otp": code });
    assert_eq!(app.anonymous().post(LOGIN, &body).await.status, 200);
    let token = ticket(&app, "mike").await;
    assert_eq!(refusal(&complete(&app, &token, &code).await), (401, &json!("invalid_code")));
    assert_eq!(refusal(&disable(&mike, &code).await), (400, &json!("wrong_code")));
    // The one before it is not taken after it either.
    let now = app.clock.now().timestamp();
    let before = authenticator.code_at(now - 30);
    assert_eq!(refusal(&complete(&app, &token, &before).await), (401, &json!("invalid_code")));
    let next = authenticator.code_at(now + 30);
    assert_eq!(complete(&app, &token, &next).await.status, 200, "a phone whose clock is ahead");
}

#[tokio::test]
async fn y4_codes_have_a_count_of_their_own() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let Enrolled { app: authenticator, recovery, .. } = app.enrolled("mike").await;
    let token = ticket(&app, "mike").await;
    for _ in 0..5 {
        let wrong = complete(&app, &token, &authenticator.wrong(&app)).await;
        assert_eq!(refusal(&wrong), (401, &json!("invalid_code")));
    }
    let over = complete(&app, &token, &authenticator.next(&app)).await;
    assert_eq!(refusal(&over), (401, &json!("invalid_token")), "five wrong codes end it");
    // The count of the account goes on over other tokens, and a right password does not clear it.
    let token = ticket(&app, "mike").await;
    for _ in 0..5 {
        assert_eq!(complete(&app, &token, &authenticator.wrong(&app)).await.status, 401);
    }
    let token = ticket(&app, "mike").await;
    let refused = complete(&app, &token, &authenticator.next(&app)).await;
    assert_eq!(refusal(&refused), (429, &json!("too_many_attempts")), "{refused}");
    let refused = complete(&app, &token, &recovery[0]).await;
    assert_eq!(refused.status, 429, "recovery codes have the same count");
    // Nor does an administrator who forgives wrong passwords.
    assert_eq!(admin.delete("/api/v1/users/2/lock").await.status, 200);
    assert_eq!(complete(&app, &token, &authenticator.next(&app)).await.status, 429);
    app.clock.advance(Duration::from_secs(15 * 60));
    let token = ticket(&app, "mike").await;
    assert_eq!(complete(&app, &token, &authenticator.next(&app)).await.status, 200);
}

/// After a hundred wrong codes in a row nothing goes for a day, and the owner is told, once.
#[tokio::test]
async fn y4_after_a_hundred_wrong_codes_the_owner_is_told() {
    let limits = [("throttle.per_client.max", "1000"), ("throttle.per_network.max", "100000")];
    let app = TestApp::start_with(&limits).await;
    let Enrolled { app: authenticator, .. } = app.enrolled("mike").await;
    let body = json!({
        "username": "mike", "password": PASSWORD, "otp": authenticator.wrong(&app),
    });
    for _ in 0..100 {
        assert_eq!(app.anonymous().post(LOGIN, &body).await.status, 401);
    }
    assert_eq!(app.anonymous().post(LOGIN, &body).await.status, 429);
    assert_eq!(app.anonymous().post(LOGIN, &body).await.status, 429);
    let mails = app.mails_to("mike@example.com").await;
    let told = mails.iter().filter(|mail| mail.mail.subject.contains("验证码错误次数过多"));
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn y5_recovery_codes_are_renewed_and_survive_a_change_of_the_secret() {
    let app = TestApp::start().await;
    let Enrolled { client: mike, app: authenticator, recovery } = app.enrolled("mike").await;
    let path = "/api/v1/users/me/mfa/recovery-codes";
    let body = json!({ "current_password": PASSWORD });
    assert_eq!(refusal(&mike.post(path, &body).await), (400, &json!("code_required")));
    let body = json!({ "current_password": PASSWORD, "code": authenticator.next(&app) });
    let renewed = mike.post(path, &body).await;
    assert_eq!(renewed.status, 200, "{renewed}");
    let renewed = renewed.body["recovery_codes"][0].as_str().unwrap().to_owned();
    let token = ticket(&app, "mike").await;
    assert_eq!(complete(&app, &token, &recovery[0]).await.status, 401, "those before are gone");
    // The secret changes: sessions and tokens of the old one go on, and so do factors.
    let old = "0123456789abcdef0123456789abcdef";
    let app = app.restart(&[("auth.secret", old)]).await;
    let changed =
        [("auth.secret", "fedcba9876543210fedcba9876543210"), ("auth.verify_only_secrets", old)];
    drop((token, renewed));
    // Made under the old secret, used under the new one.
    let Enrolled { app: authenticator, recovery, .. } = app.enrolled("eve").await;
    let app = app.restart(&changed).await;
    for is_recovery in [false, true, false] {
        let code = if is_recovery { recovery[0].clone() } else { authenticator.next(&app) };
        let token = ticket(&app, "eve").await;
        let done = complete(&app, &token, &code).await;
        assert_eq!(done.status, 200, "{is_recovery}: {done}");
    }
}

#[tokio::test]
async fn y6_a_role_that_needs_a_factor_may_only_set_one_up() {
    let app = TestApp::start().await;
    let before = app.admin("root").await;
    app.user("mike").await;
    let tokens = json!({
        "access_token": before.access_token, "refresh_token": before.refresh_token,
    });
    let app = app.restart(&[("mfa.required_for", "admin")]).await;
    let root = app.anonymous().with_tokens(&tokens);
    // Sessions from before are restricted as well.
    let refused = root.get("/api/v1/users").await;
    assert_eq!(refusal(&refused), (403, &json!("mfa_enrolment_required")), "{refused}");
    let root = app.anonymous().log_in("root", PASSWORD).await;
    assert_eq!(root.me().await.body["mfa_enabled"], false);
    for refused in [
        root.get("/api/v1/users/2").await,
        root.put("/api/v1/users/me", &json!({ "bio": "x" })).await,
        root.get("/api/v1/users/me/sessions").await,
        root.get("/api/auth/users").await,
    ] {
        assert_eq!(refused.status, 403, "{refused}");
    }
    // A refresh gives no more than that.
    let root = app.anonymous().with_tokens(&root.refresh().await.body);
    assert_eq!(root.get("/api/v1/users").await.status, 403);
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    assert_eq!(mike.put("/api/v1/users/me", &json!({ "bio": "x" })).await.status, 200);

    // An administrator made on the command line has no proved address; without mail none is asked for.
    let app = app.restart(&[("mfa.required_for", "admin"), ("mail.mode", "off")]).await;
    let root = app.anonymous().log_in("root", PASSWORD).await;
    let Enrolled { client: root, app: authenticator, .. } = app.enrol(root).await;
    assert_eq!(root.get("/api/v1/users").await.status, 200, "the same session is whole");
    let off = disable(&root, &authenticator.next(&app)).await;
    assert_eq!(off.status, 200, "{off}");
    assert_eq!(refusal(&root.get("/api/v1/users").await), (403, &json!("mfa_enrolment_required")));
}

#[tokio::test]
async fn y7_an_administrator_takes_a_lost_factor_away() {
    let app = TestApp::start().await;
    let (admin, other) = (app.admin("root").await, app.admin("other").await);
    let Enrolled { client: mike, .. } = app.enrolled("mike").await;
    let path = "/api/v1/users/3/mfa";
    assert_eq!(refusal(&mike.delete(path).await), (403, &json!("forbidden")));
    assert_eq!(refusal(&admin.delete("/api/v1/users/1/mfa").await), (403, &json!("own_account")));
    assert_eq!(refusal(&admin.delete("/api/v1/users/2/mfa").await), (409, &json!("no_factor")));
    assert_eq!(admin.delete("/api/v1/users/99/mfa").await.status, 404);
    let removed = admin.delete(path).await;
    assert_eq!(removed.status, 200, "{removed}");
    assert_eq!(mike.me().await.status, 401, "all sessions end");
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    assert_eq!(mike.me().await.body["mfa_enabled"], false);
    let mails = app.mails_to("mike@example.com").await;
    assert!(mails[0].mail.subject.contains("已移除"), "{}", mails[0].mail.subject);
    let events = other.events("&action=factor_removed").await;
    assert_eq!((events.len(), &events[0]["actor_id"]), (1, &json!(1)), "{events:?}");
}

/// What does not get around a factor: a reset, an administrator's password, a critical act.
#[tokio::test]
async fn y6_no_side_door_gets_around_a_factor() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let Enrolled { client: mike, app: authenticator, .. } = app.enrolled("mike").await;
    // What asks for the password asks for a code too.
    let password = json!({ "current_password": PASSWORD });
    let email = json!({ "email": "new@example.com", "current_password": PASSWORD });
    for (path, body) in [
        ("/api/v1/users/me/mfa/totp", &password),
        ("/api/v1/users/me/mfa/totp/disable", &password),
        ("/api/v1/users/me/mfa/recovery-codes", &password),
        ("/api/v1/users/me/delete", &password),
        ("/api/v1/auth/reauthenticate", &password),
        ("/api/v1/users/me/email", &email),
    ] {
        let refused = mike.post(path, body).await;
        assert_eq!(refusal(&refused), (400, &json!("code_required")), "{path}: {refused}");
        let mut body = body.clone();
        body["code"] = json!(authenticator.wrong(&app));
        let refused = mike.post(path, &body).await;
        assert_eq!(refusal(&refused), (400, &json!("wrong_code")), "{path}: {refused}");
    }
    let refused = mike.put("/api/v1/users/me", &email).await;
    assert_eq!(refusal(&refused), (400, &json!("code_required")), "{refused}");
    let code = json!({ "current_password": PASSWORD, "code": authenticator.next(&app) });
    assert_eq!(mike.post("/api/v1/auth/reauthenticate", &code).await.status, 200);
    // A new password by mail, or by an administrator, does not take the factor away.
    let forgot = json!({ "username": "mike" });
    assert_eq!(app.anonymous().post("/api/v1/auth/forgot-password", &forgot).await.status, 202);
    app.deliver().await;
    let token = token_in(app.mails_to("mike@example.com").await.first().unwrap());
    let reset = json!({ "token": token, "new_password": PASSWORD });
    let reset = app.anonymous().post("/api/v1/auth/reset-password", &reset).await;
    assert_eq!(reset.status, 200, "{reset}");
    ticket(&app, "mike").await;
    let given = admin.post("/api/v1/users/2/password", &json!({})).await;
    let given = given.body["password"].as_str().unwrap().to_owned();
    let asked = app.anonymous().try_log_in("mike", &given).await;
    assert_eq!(refusal(&asked), (401, &json!("mfa_required")));
}

/// From the document: every operation for people who are logged in that takes the password and a code.
#[tokio::test]
async fn a12_every_prompt_for_a_code_counts_as_a_login_does() {
    let app = TestApp::start_with(&[("throttle.per_network.max", "100000")]).await;
    let document = app.anonymous().get("/openapi.json").await.body;
    let mut prompts = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            let schema = name.map_or(schema, |name| &document["components"]["schemas"][name]);
            let has = |field: &str| !schema["properties"][field].is_null();
            if operation["x-right"] == "self" && has("current_password") && has("code") {
                prompts.push((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(prompts.len() >= 8, "{prompts:?}");
    for (index, (method, path)) in prompts.into_iter().enumerate() {
        let name = format!("user{index}");
        let Enrolled { client, app: authenticator, .. } = app.enrolled(&name).await;
        let try_with = async |code: &str| {
            let body = json!({
                "current_password": PASSWORD, "code": code,
                "email": format!("new{index}@example.com"),
            });
            let request = client.request(method.parse().unwrap(), &filled(&path, any_value));
            request.json(&body).answer().await
        };
        for _ in 0..10 {
            let wrong = try_with(&authenticator.wrong(&app)).await;
            assert_eq!(refusal_of_either(&wrong), (400, "wrong_code"), "{method} {path}: {wrong}");
        }
        let code = authenticator.next(&app);
        let refused = try_with(&code).await;
        assert_eq!(refused.status, 429, "{method} {path}: {refused}");
        let body = json!({ "username": name, "password": PASSWORD, "otp": code });
        let login = app.anonymous().post(LOGIN, &body).await;
        assert_eq!(login.status, 429, "{method} {path}: {login}");
    }
}

/// Status and code of a refusal in either dialect.
fn refusal_of_either(answer: &Answer) -> (u16, &str) {
    let code = answer.body["code"].as_str();
    (answer.status, code.or(answer.body["data"]["reason"].as_str()).unwrap_or_default())
}

/// Who took the address and set up a factor has neither after the undo; who had one is asked for it.
#[tokio::test]
async fn q4_an_undo_takes_a_later_factor_away_and_asks_for_an_earlier_one() {
    let app = TestApp::start().await;
    let undo = async |token: &str, code: Option<&str>| {
        let mut body = json!({ "token": token });
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        app.anonymous().post("/api/v1/auth/undo-email-change", &body).await
    };
    let moved = async |client: &Client, name: &str, body: Value| {
        let changed = client.put("/api/v1/users/me", &body).await;
        assert_eq!(changed.status, 200, "{changed}");
        let mails = app.mails_to(&format!("{name}@example.com")).await;
        token_in(mails.first().unwrap())
    };
    let eve = app.user("eve").await;
    app.prove_address("eve").await;
    // There is one such mail a minute.
    app.clock.advance(Duration::from_secs(60));
    let token = moved(&eve, "eve", json!({ "email": "thief@example.com" })).await;
    app.prove_address("thief").await;
    app.clock.advance(Duration::from_secs(1));
    app.enrol(eve).await;
    assert_eq!(undo(&token, None).await.status, 200);
    assert_eq!(app.anonymous().try_log_in("eve", PASSWORD).await.status, 200, "no factor is left");

    let Enrolled { client: mike, app: authenticator, .. } = app.enrolled("mike").await;
    app.clock.advance(Duration::from_secs(1));
    let token = moved(&mike, "mike", json!({ "email": "other@example.com" })).await;
    assert_eq!(refusal(&undo(&token, None).await), (400, &json!("code_required")));
    let wrong = undo(&token, Some(&authenticator.wrong(&app))).await;
    assert_eq!(refusal(&wrong), (400, &json!("wrong_code")));
    let undone = undo(&token, Some(&authenticator.next(&app))).await;
    assert_eq!(undone.status, 200, "{undone}");
    ticket(&app, "mike").await;
}
