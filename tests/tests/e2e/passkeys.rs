//! Passkeys: made, asked for beside the password, and enough by themselves (Y8).

use std::time::Duration;

use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::authenticator::Authenticator;
use menjin_tests::client::{Answer, Client, Send as _};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const SITE: [(&str, &str); 2] =
    [("passkeys.rp_id", "app.example"), ("passkeys.origins", "https://app.example")];
const ORIGIN: &str = "https://app.example";
const PASSKEYS: &str = "/api/v1/users/me/mfa/passkeys";
const LOGIN: &str = "/api/v1/auth/login";
const MFA: &str = "/api/v1/auth/mfa";

/// Status and code of a refusal.
fn refusal(answer: &Answer) -> (u16, &Value) {
    (answer.status, &answer.body["code"])
}

fn password() -> Value {
    json!({ "current_password": PASSWORD })
}

/// What the authenticator is asked for, to make a passkey.
async fn begin(client: &Client, prompt: &Value) -> Answer {
    client.post(&format!("{PASSKEYS}/options"), prompt).await
}

async fn add(client: &Client, name: &str, credential: &Value) -> Answer {
    let body = json!({ "name": name, "credential": credential.to_string() });
    client.post(PASSKEYS, &body).await
}

/// Makes a passkey; returns the recovery codes.
async fn make(client: &Client, device: &mut Authenticator, prompt: &Value) -> Vec<String> {
    let begun = begin(client, prompt).await;
    assert_eq!(begun.status, 200, "{begun}");
    let added = add(client, "手机", &device.create(&begun.body)).await;
    assert_eq!(added.status, 200, "{added}");
    let codes = added.body["recovery_codes"].as_array().cloned().unwrap_or_default();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// A user with a passkey as the only factor.
async fn enrolled(app: &TestApp, name: &str) -> (Client, Authenticator, Vec<String>) {
    let client = app.user(name).await;
    app.prove_address(name).await;
    let mut device = Authenticator::new(ORIGIN);
    let codes = make(&client, &mut device, &password()).await;
    (client, device, codes)
}

/// A user with a passkey from before the address was changed, by the link that takes the change back.
pub(crate) async fn moved(app: &TestApp, name: &str) -> (String, Authenticator) {
    let (client, device, _) = enrolled(app, name).await;
    // There is one such mail a minute.
    app.clock.advance(Duration::from_secs(61));
    let body = json!({ "email": format!("not-{name}@example.com") });
    let changed = client.put("/api/v1/users/me", &body).await;
    assert_eq!(changed.status, 200, "{changed}");
    let mails = app.mails_to(&format!("{name}@example.com")).await;
    (token_in(mails.iter().find(|mail| mail.text.contains("undo-email-change")).unwrap()), device)
}

/// What the passkey of somebody who is logged in answers where a code is asked for.
async fn code(client: &Client, device: &mut Authenticator) -> String {
    let asked = client.post_empty(&format!("{PASSKEYS}/request")).await;
    assert_eq!(asked.status, 200, "{asked}");
    device.get(&asked.body).to_string()
}

/// The `mfa_token` of a right password.
async fn ticket(app: &TestApp, name: &str) -> String {
    let asked = app.anonymous().try_log_in(name, PASSWORD).await;
    assert_eq!(refusal(&asked), (401, &json!("mfa_required")), "{asked}");
    asked.body["mfa_token"].as_str().unwrap().to_owned()
}

/// What the authenticator is asked for after the password.
async fn asked_after(app: &TestApp, ticket: &str) -> Value {
    let body = json!({ "mfa_token": ticket });
    let asked = app.anonymous().post("/api/v1/auth/mfa/passkey", &body).await;
    assert_eq!(asked.status, 200, "{asked}");
    asked.body
}

async fn complete(app: &TestApp, ticket: &str, code: &str) -> Answer {
    app.anonymous().post(MFA, &json!({ "mfa_token": ticket, "code": code })).await
}

/// What the authenticator is asked for, to log in by itself.
async fn asked(app: &TestApp) -> Value {
    let asked = app.anonymous().post_empty("/api/v1/auth/passkey/options").await;
    assert_eq!(asked.status, 200, "{asked}");
    asked.body
}

async fn log_in(app: &TestApp, credential: &Value) -> Answer {
    let body = json!({ "credential": credential.to_string() });
    app.anonymous().post("/api/v1/auth/passkey", &body).await
}

#[tokio::test]
async fn y8_a_passkey_is_made_with_the_password_in_one_session() {
    let app = TestApp::start_with(&SITE).await;
    let mike = app.user("mike").await;
    let early = begin(&mike, &password()).await;
    assert_eq!(refusal(&early), (403, &json!("email_not_verified")), "mails are on: {early}");
    app.prove_address("mike").await;
    let wrong = begin(&mike, &json!({ "current_password": "not-the-password" })).await;
    assert_eq!(refusal(&wrong), (400, &json!("wrong_password")));
    let begun = begin(&mike, &password()).await;
    assert_eq!(begun.status, 200, "{begun}");
    assert_eq!(begun.body["rp"], json!({ "id": "app.example", "name": "menjin" }));
    assert_eq!(begun.body["user"]["name"], "mike");
    assert_eq!(begun.body["attestation"], "none");
    let other = app.anonymous().log_in("mike", PASSWORD).await;

    let mut device = Authenticator::new(ORIGIN);
    let made = device.create(&begun.body);
    let elsewhere = add(&other, "phone", &made).await;
    assert_eq!(refusal(&elsewhere), (409, &json!("nothing_to_confirm")), "another session");
    let again = add(&mike, "phone", &made).await;
    assert_eq!(refusal(&again), (409, &json!("nothing_to_confirm")), "its challenge is gone");
    for (name, status) in [("", 422), ("a\nb", 422), (&"x".repeat(65), 422)] {
        assert_eq!(add(&mike, name, &made).await.status, status, "{name:?}");
    }
    let begun = begin(&mike, &password()).await.body;
    let added = add(&mike, " 我的手机 ", &device.create(&begun)).await;
    assert_eq!(added.status, 200, "{added}");
    assert_eq!(added.body["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(mike.me().await.body["mfa_enabled"], true, "the same session goes on");
    assert_eq!(other.me().await.status, 401, "all other sessions end");
    let listed = mike.get("/api/v1/users/me/mfa").await;
    assert_eq!(listed.body["totp"], false, "{listed}");
    assert_eq!(listed.body["passkeys"][0]["name"], "我的手机", "{listed}");
    assert_eq!(listed.body["passkeys"][0]["last_used_at"], Value::Null, "{listed}");
    let mails = app.mails_to("mike@example.com").await;
    assert!(mails[0].mail.subject.contains("两步验证"), "{}", mails[0].mail.subject);

    // Another one needs the first, or a recovery code, and leaves the codes as they are.
    let mut tablet = Authenticator::new(ORIGIN);
    let without = begin(&mike, &password()).await;
    assert_eq!(refusal(&without), (400, &json!("code_required")));
    let answer = code(&mike, &mut device).await;
    let begun = begin(&mike, &json!({ "current_password": PASSWORD, "code": answer })).await;
    assert_eq!(begun.body["excludeCredentials"].as_array().unwrap().len(), 1, "{begun}");
    let added = add(&mike, "tablet", &tablet.create(&begun.body)).await;
    assert_eq!((added.status, &added.body["recovery_codes"]), (200, &Value::Null), "{added}");

    // Five minutes are enough.
    let answer = code(&mike, &mut tablet).await;
    let begun = begin(&mike, &json!({ "current_password": PASSWORD, "code": answer })).await.body;
    app.clock.advance(Duration::from_secs(300));
    let late = add(&mike, "late", &Authenticator::new(ORIGIN).create(&begun)).await;
    assert_eq!(refusal(&late), (409, &json!("nothing_to_confirm")));
}

/// What an authenticator has made for another site or page, or not made at all, is refused.
#[tokio::test]
async fn y8_what_is_no_passkey_of_this_site_is_not_added() {
    let app = TestApp::start_with(&SITE).await;
    let mike = app.user("mike").await;
    app.prove_address("mike").await;
    let made = async |device: &mut Authenticator| {
        let begun = begin(&mike, &password()).await.body;
        add(&mike, "phone", &device.create(&begun)).await
    };
    for origin in
        ["https://app.example.evil.example", "http://app.example", "https://id.app.example"]
    {
        let refused = made(&mut Authenticator::new(origin)).await;
        assert_eq!(refusal(&refused), (400, &json!("bad_passkey")), "{origin}: {refused}");
    }
    let mut other_site = Authenticator::new(ORIGIN);
    other_site.rp_id = Some("evil.example".to_owned());
    assert_eq!(refusal(&made(&mut other_site).await), (400, &json!("bad_passkey")));
    for nothing in [json!("{}"), json!({}), json!([]), json!(null), json!("x".repeat(20_000))] {
        let refused = add(&mike, "phone", &nothing).await;
        assert!([400, 422].contains(&refused.status), "{refused}");
    }
    let mut device = Authenticator::new(ORIGIN);
    let begun = begin(&mike, &password()).await.body;
    let mut changed = device.create(&begun);
    changed["response"]["attestationObject"] = json!("o2NmbXQ");
    assert_eq!(refusal(&add(&mike, "phone", &changed).await), (400, &json!("bad_passkey")));
    assert_eq!(mike.me().await.body["mfa_enabled"], false);
    assert_eq!(made(&mut Authenticator::new(ORIGIN)).await.status, 200);
}

#[tokio::test]
async fn y8_every_way_to_a_session_takes_a_passkey_in_place_of_a_code() {
    let app = TestApp::start_with(&SITE).await;
    let (_, mut device, recovery) = enrolled(&app, "mike").await;
    let anonymous = app.anonymous();
    let first = anonymous.try_log_in("mike", PASSWORD).await;
    assert_eq!(first.body["methods"], json!(["passkey", "recovery_code"]), "{first}");
    // In two steps, by v1 and by the envelope.
    let token = ticket(&app, "mike").await;
    let options = asked_after(&app, &token).await;
    assert_eq!(options["rpId"], "app.example");
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1);
    let done = complete(&app, &token, &device.get(&options).to_string()).await;
    assert_eq!(done.status, 200, "{done}");
    let mike = anonymous.with_tokens(&done.body);
    let listed = mike.get("/api/v1/users/me/mfa").await;
    assert!(listed.body["passkeys"][0]["last_used_at"].is_string(), "{listed}");
    let body = json!({ "username": "mike", "password": PASSWORD });
    let envelope = anonymous.post("/api/auth/login", &body).await;
    let data = &envelope.body["data"];
    assert_eq!(data["methods"], json!(["passkey", "recovery_code"]), "{envelope}");
    let options = asked_after(&app, data["mfa_token"].as_str().unwrap()).await;
    let answer = device.get(&options).to_string();
    let body = json!({ "mfa_token": data["mfa_token"], "code": answer });
    let envelope = anonymous.post("/api/auth/mfa", &body).await;
    assert_eq!(envelope.status, 200, "{envelope}");
    // In one: whoever has asked before. The form of OAuth2, too.
    let answer = code(&mike, &mut device).await;
    let at_once = json!({ "username": "mike", "password": PASSWORD, "otp": answer });
    assert_eq!(anonymous.post(LOGIN, &at_once).await.status, 200);
    assert_eq!(refusal(&anonymous.post(LOGIN, &at_once).await), (401, &json!("invalid_code")));
    let answer = code(&mike, &mut device).await;
    let form = [("username", "mike"), ("password", PASSWORD), ("otp", &answer)];
    let form = app.anonymous().request(Method::POST, LOGIN).form(&form).answer().await;
    assert_eq!(form.status, 200, "{form}");
    // A recovery code, for when the device is lost.
    let token = ticket(&app, "mike").await;
    assert_eq!(complete(&app, &token, &recovery[0]).await.status, 200);
    // A second factor need not ask its user.
    device.verifies_user = false;
    let token = ticket(&app, "mike").await;
    let options = asked_after(&app, &token).await;
    assert_eq!(complete(&app, &token, &device.get(&options).to_string()).await.status, 200);
}

/// A challenge is of one user and for one thing, good once and for five minutes, and gone after a failure.
#[tokio::test]
async fn y8_an_answer_counts_once_and_for_what_was_asked() {
    let app = TestApp::start_with(&SITE).await;
    let (mike, mut device, _) = enrolled(&app, "mike").await;
    let (eve, mut of_eve, _) = enrolled(&app, "eve").await;
    let invalid = (401, &json!("invalid_code"));
    let token = ticket(&app, "mike").await;
    let answer = device.get(&asked_after(&app, &token).await).to_string();
    assert_eq!(complete(&app, &token, &answer).await.status, 200);
    let token = ticket(&app, "mike").await;
    assert_eq!(refusal(&complete(&app, &token, &answer).await), invalid, "it was used");

    // For a log-in by the passkey alone; of another user; to make one.
    let by_itself = device.get(&asked(&app).await).to_string();
    assert_eq!(refusal(&complete(&app, &token, &by_itself).await), invalid);
    let answer = code(&mike, &mut device).await;
    let alone = log_in(&app, &serde_json::from_str(&answer).unwrap()).await;
    assert_eq!(refusal(&alone), (401, &json!("invalid_passkey")));
    let answer = code(&eve, &mut of_eve).await;
    assert_eq!(refusal(&complete(&app, &token, &answer).await), invalid, "Eve's own");
    let eves = eve.post_empty(&format!("{PASSKEYS}/request")).await.body;
    let mut of_anybody = eves.clone();
    of_anybody["allowCredentials"] = json!([]);
    let answer = device.get(&of_anybody).to_string();
    assert_eq!(refusal(&complete(&app, &token, &answer).await), invalid, "Eve's challenge");

    // A wrong signature uses the challenge up.
    let token = ticket(&app, "mike").await;
    let options = asked_after(&app, &token).await;
    let (right, mut wrong) = (device.get(&options), device.get(&options));
    wrong["response"]["authenticatorData"] = right["response"]["clientDataJSON"].clone();
    assert_eq!(refusal(&complete(&app, &token, &wrong.to_string()).await), invalid);
    assert_eq!(refusal(&complete(&app, &token, &right.to_string()).await), invalid);

    let token = ticket(&app, "mike").await;
    let options = asked_after(&app, &token).await;
    app.clock.advance(Duration::from_secs(299));
    let answer = device.get(&options).to_string();
    let in_time = complete(&app, &token, &answer).await;
    assert_eq!(in_time.status, 200, "{in_time}");
    let options = asked(&app).await;
    app.clock.advance(Duration::from_secs(300));
    let late = log_in(&app, &device.get(&options)).await;
    assert_eq!(refusal(&late), (401, &json!("invalid_passkey")));
    app.clean_up().await;
}

#[tokio::test]
async fn y8_a_passkey_logs_in_by_itself_if_it_asks_its_user() {
    let app = TestApp::start_with(&SITE).await;
    let (_, mut device, _) = enrolled(&app, "mike").await;
    let options = asked(&app).await;
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["allowCredentials"], json!([]), "nobody learns who has passkeys");
    let answer = device.get(&options);
    let done = log_in(&app, &answer).await;
    assert_eq!(done.status, 200, "{done}");
    let mike = app.anonymous().with_tokens(&done.body);
    assert_eq!(mike.me().await.body["username"], "mike");
    assert_eq!(mike.refresh().await.status, 200);
    let refused = (401, &json!("invalid_passkey"));
    let again = log_in(&app, &answer).await;
    assert_eq!(refusal(&again), refused);
    assert_eq!(again.header("WWW-Authenticate"), Some("Bearer"));

    device.verifies_user = false;
    assert_eq!(refusal(&log_in(&app, &device.get(&asked(&app).await)).await), refused);
    device.verifies_user = true;
    // Whose it is has to be said, and to be so.
    for handle in [Value::Null, json!(""), json!("AAAAAAAAAAI"), json!("AAAAAAAAAAEA")] {
        let mut answer = device.get(&asked(&app).await);
        answer["response"]["userHandle"] = handle.clone();
        assert_eq!(refusal(&log_in(&app, &answer).await), refused, "{handle}");
    }
    device.origin = "https://evil.example".to_owned();
    assert_eq!(refusal(&log_in(&app, &device.get(&asked(&app).await)).await), refused);
    ORIGIN.clone_into(&mut device.origin);
    device.rp_id = Some("evil.example".to_owned());
    assert_eq!(refusal(&log_in(&app, &device.get(&asked(&app).await)).await), refused);
    device.rp_id = None;
    let mut unknown = device.get(&asked(&app).await);
    (unknown["id"], unknown["rawId"]) = (json!("AAAA"), json!("AAAA"));
    assert_eq!(refusal(&log_in(&app, &unknown).await), refused);
    assert_eq!(refusal(&log_in(&app, &json!({})).await), refused);
    assert_eq!(log_in(&app, &device.get(&asked(&app).await)).await.status, 200);

    // Each reason is in the records.
    let root = app.admin("root").await;
    let failures = root.events("&action=log_in_failed").await;
    let reasons: Vec<_> = failures.iter().map(|event| event["reason"].as_str().unwrap()).collect();
    for reason in ["challenge_over", "user_not_verified", "unknown_passkey", "wrong_passkey"] {
        assert!(reasons.contains(&reason), "{reason}: {reasons:?}");
    }
}

/// Whoever may not log in may not with a passkey.
#[tokio::test]
async fn y8_standing_counts_for_a_passkey_as_for_a_password() {
    let app = TestApp::start_with(&SITE).await;
    let (mike, mut device, _) = enrolled(&app, "mike").await;
    let root = app.admin("root").await;
    let id = mike.me().await.body["id"].clone();
    let change = async |what: &str, body: Value| {
        let done = root.post(&format!("/api/v1/users/{id}/{what}"), &body).await;
        assert_eq!(done.status, 200, "{done}");
    };
    for (what, back) in [("ban", "unban"), ("deactivate", "activate")] {
        change(what, json!({ "until": "2099-01-01T00:00:00Z" })).await;
        let refused = log_in(&app, &device.get(&asked(&app).await)).await;
        assert_eq!(refusal(&refused), (401, &json!("invalid_passkey")), "{what}");
        change(back, json!({})).await;
        let done = log_in(&app, &device.get(&asked(&app).await)).await;
        assert_eq!(done.status, 200, "{back}: {done}");
    }
    // An administrator's password asks to be changed, and the passkey is still asked for.
    let set = root.post(&format!("/api/v1/users/{id}/password"), &json!({})).await;
    assert_eq!(set.status, 200, "{set}");
    let temporary = set.body["password"].as_str().unwrap();
    let asked_for = app.anonymous().try_log_in("mike", temporary).await;
    assert_eq!(refusal(&asked_for), (401, &json!("mfa_required")), "{asked_for}");
    let done = log_in(&app, &device.get(&asked(&app).await)).await;
    let restricted = app.anonymous().with_tokens(&done.body);
    let listed = restricted.get("/api/v1/users/me/sessions").await;
    assert_eq!(refusal(&listed), (403, &json!("password_change_required")), "{listed}");
    // Who has lost everything is helped.
    let removed = root.delete(&format!("/api/v1/users/{id}/mfa")).await;
    assert_eq!(removed.status, 200, "{removed}");
    let refused = log_in(&app, &device.get(&asked(&app).await)).await;
    assert_eq!(refusal(&refused), (401, &json!("invalid_passkey")));
}

/// A new password by mail leaves the passkey, and asks for it.
#[tokio::test]
async fn y8_a_reset_does_not_get_around_a_passkey() {
    let app = TestApp::start_with(&SITE).await;
    let (_, mut device, _) = enrolled(&app, "mike").await;
    let forgot = json!({ "username": "mike" });
    assert_eq!(app.anonymous().post("/api/v1/auth/forgot-password", &forgot).await.status, 202);
    app.deliver().await;
    let mails = app.mails_to("mike@example.com").await;
    let token = token_in(mails.iter().find(|mail| mail.text.contains("reset-password")).unwrap());
    let reset = json!({ "token": token, "new_password": "another password 9" });
    let done = app.anonymous().post("/api/v1/auth/reset-password", &reset).await;
    assert_eq!(done.status, 200, "{done}");
    let asked_for = app.anonymous().try_log_in("mike", "another password 9").await;
    assert_eq!(refusal(&asked_for), (401, &json!("mfa_required")), "{asked_for}");
    assert_eq!(log_in(&app, &device.get(&asked(&app).await)).await.status, 200);
}

/// Whoever guesses codes locks the codes, not the passkey; and a passkey clears the count.
#[tokio::test]
async fn y4_wrong_codes_do_not_lock_a_passkey() {
    let app = TestApp::start_with(&[&SITE[..], &[("throttle.enabled", "true")]].concat()).await;
    let (_, mut device, recovery) = enrolled(&app, "mike").await;
    let wrong = "0000-0000-0000-0000";
    for _ in 0..2 {
        let token = ticket(&app, "mike").await;
        for _ in 0..5 {
            assert_eq!(complete(&app, &token, wrong).await.status, 401);
        }
        assert_eq!(refusal(&complete(&app, &token, wrong).await), (401, &json!("invalid_token")));
    }
    let token = ticket(&app, "mike").await;
    assert_eq!(complete(&app, &token, &recovery[0]).await.status, 429, "codes are locked");
    let options = asked_after(&app, &token).await;
    let done = complete(&app, &token, &device.get(&options).to_string()).await;
    assert_eq!(done.status, 200, "{done}");
    let token = ticket(&app, "mike").await;
    let done = complete(&app, &token, &recovery[0]).await;
    assert_eq!(done.status, 200, "a right factor clears the count: {done}");
}

#[tokio::test]
async fn y8_a_passkey_answers_wherever_a_code_is_asked_for_and_goes_by_itself() {
    let app = TestApp::start_with(&SITE).await;
    let (mike, mut device, recovery) = enrolled(&app, "mike").await;
    let (eve, mut of_eve, _) = enrolled(&app, "eve").await;
    let with = |code: String| json!({ "current_password": PASSWORD, "code": code });
    let again = mike.post("/api/v1/auth/reauthenticate", &password()).await;
    assert_eq!(refusal(&again), (400, &json!("code_required")));
    let answer = code(&mike, &mut device).await;
    let again = mike.post("/api/v1/auth/reauthenticate", &with(answer)).await;
    assert_eq!(again.status, 200, "{again}");
    let answer = code(&mike, &mut device).await;
    let renewed = mike.post("/api/v1/users/me/mfa/recovery-codes", &with(answer)).await;
    assert_eq!(renewed.body["recovery_codes"].as_array().unwrap().len(), 10, "{renewed}");
    let answer = with(code(&mike, &mut device).await);
    let none = mike.post("/api/v1/users/me/mfa/totp/disable", &answer).await;
    assert_eq!(refusal(&none), (409, &json!("no_factor")), "there is no app");

    let id = mike.get("/api/v1/users/me/mfa").await.body["passkeys"][0]["id"].clone();
    let path = format!("{PASSKEYS}/{id}/remove");
    let foreign = eve.post(&path, &with(code(&eve, &mut of_eve).await)).await;
    assert_eq!(refusal(&foreign), (404, &json!("passkey_not_found")), "it is not Eve's");
    assert_eq!(refusal(&mike.post(&path, &password()).await), (400, &json!("code_required")));
    let removed = mike.post(&path, &with(code(&mike, &mut device).await)).await;
    assert_eq!(removed.status, 200, "{removed}");
    assert_eq!(mike.me().await.body["mfa_enabled"], false);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
    let refused = log_in(&app, &device.get(&asked(&app).await)).await;
    assert_eq!(refusal(&refused), (401, &json!("invalid_passkey")));
    drop(recovery);
    let none = mike.post_empty(&format!("{PASSKEYS}/request")).await;
    assert_eq!(refusal(&none), (409, &json!("no_passkey")));
}

/// Who took the address and added a passkey has neither after the undo; who had one before is asked for it.
#[tokio::test]
async fn q4_an_undo_takes_a_later_passkey_away_and_asks_for_an_earlier_one() {
    let app = TestApp::start_with(&SITE).await;
    let undo =
        async |body: Value| app.anonymous().post("/api/v1/auth/undo-email-change", &body).await;
    let (token, mut device) = moved(&app, "mike").await;
    let without = undo(json!({ "token": token })).await;
    assert_eq!(refusal(&without), (400, &json!("code_required")), "{without}");
    let ask = "/api/v1/auth/undo-email-change/passkey";
    let asked = app.anonymous().post(ask, &json!({ "token": token })).await;
    assert_eq!(asked.status, 200, "{asked}");
    let answer = device.get(&asked.body).to_string();
    let done = undo(json!({ "token": token, "code": answer })).await;
    assert_eq!(done.status, 200, "{done}");
    ticket(&app, "mike").await;

    // On the page.
    let (token, mut device) = moved(&app, "ann").await;
    let browser = app.browser();
    let page = "/account/undo-email-change";
    let refused = browser.submit(page, &[("token", &token), ("action", "undo")]).await;
    assert!(refused.status == 400 && refused.html.contains("data-passkey=\"code\""), "{refused:?}");
    let form = refused.form_token();
    let asked = browser.send("/account/passkey-options", &form, &[("token", &token)]).await;
    let answer = device.get(&serde_json::from_str(&asked.html).unwrap()).to_string();
    let fields = [("token", &*token), ("action", "undo"), ("code", &answer)];
    let done = browser.send(page, &form, &fields).await;
    assert!(done.status == 200 && done.html.contains("notice"), "{done:?}");

    // The thief's own came later.
    let eve = app.user("eve").await;
    app.prove_address("eve").await;
    app.clock.advance(Duration::from_secs(60));
    let moved = eve.put("/api/v1/users/me", &json!({ "email": "thief@example.com" })).await;
    assert_eq!(moved.status, 200, "{moved}");
    let token = token_in(app.mails_to("eve@example.com").await.first().unwrap());
    app.prove_address("thief").await;
    app.clock.advance(Duration::from_secs(1));
    make(&eve, &mut Authenticator::new(ORIGIN), &password()).await;
    assert_eq!(undo(json!({ "token": token })).await.status, 200);
    assert_eq!(app.anonymous().try_log_in("eve", PASSWORD).await.status, 200, "none is left");
}

/// Another app, or another passkey in place of one, is the same factor: it does not look as if it had come after
/// the change.
#[tokio::test]
async fn q4_a_factor_that_took_the_place_of_one_is_asked_for_by_an_undo() {
    let app = TestApp::start_with(&SITE).await;
    let undo =
        async |body: Value| app.anonymous().post("/api/v1/auth/undo-email-change", &body).await;
    let (token, mut device) = moved(&app, "mike").await;
    app.clock.advance(Duration::from_secs(60));
    // The access token is as old as that: log in anew.
    let mike =
        app.anonymous().with_tokens(&log_in(&app, &device.get(&asked(&app).await)).await.body);
    let prompt = |code: String| json!({ "current_password": PASSWORD, "code": code });
    let mut other = Authenticator::new(ORIGIN);
    let answer = code(&mike, &mut device).await;
    make(&mike, &mut other, &prompt(answer)).await;
    let first = mike.get("/api/v1/users/me/mfa").await.body["passkeys"][0]["id"].clone();
    let answer = code(&mike, &mut other).await;
    let removed = mike.post(&format!("{PASSKEYS}/{first}/remove"), &prompt(answer)).await;
    assert_eq!(removed.status, 200, "{removed}");
    let without = undo(json!({ "token": token })).await;
    assert_eq!(refusal(&without), (400, &json!("code_required")), "{without}");
    let asked_for = json!({ "token": token });
    let options =
        app.anonymous().post("/api/v1/auth/undo-email-change/passkey", &asked_for).await.body;
    let done = undo(json!({ "token": token, "code": other.get(&options).to_string() })).await;
    assert_eq!(done.status, 200, "{done}");
    let left = log_in(&app, &other.get(&asked(&app).await)).await;
    assert_eq!(left.status, 200, "it is there after the undo: {left}");
}

/// An address that was the account's for a short time only takes no factor away: whoever knew the password may
/// have planted it.
#[tokio::test]
async fn q4_a_planted_address_takes_no_factor_away() {
    let app = TestApp::start_with(&SITE).await;
    let mike = app.user("mike").await;
    app.prove_address("mike").await;
    let move_to = async |address: &str| {
        app.clock.advance(Duration::from_secs(61));
        let changed = mike.put("/api/v1/users/me", &json!({ "email": address })).await;
        assert_eq!(changed.status, 200, "{changed}");
    };
    move_to("thief@example.com").await;
    app.prove_address("thief").await;
    move_to("mike2@example.com").await;
    let planted = app.mails_to("thief@example.com").await;
    let planted = token_in(planted.iter().find(|mail| mail.text.contains("undo-email")).unwrap());
    app.prove_address("mike2").await;
    app.clock.advance(Duration::from_secs(1));
    make(&mike, &mut Authenticator::new(ORIGIN), &password()).await;
    let undo = json!({ "token": planted });
    let refused = app.anonymous().post("/api/v1/auth/undo-email-change", &undo).await;
    assert_eq!(refusal(&refused), (400, &json!("code_required")), "{refused}");
    ticket(&app, "mike").await;
}

/// What was begun before a factor was there, or before the password changed, comes to nothing.
#[tokio::test]
async fn y1_what_was_begun_is_void_once_the_credentials_have_changed() {
    let app = TestApp::start_with(&SITE).await;
    let nothing = (409, &json!("nothing_to_confirm"));
    let mike = app.user("mike").await;
    app.prove_address("mike").await;
    // Somebody who shares the session begins everything before its owner has a factor.
    let begun = menjin_tests::totp::begin(&mike, &password()).await;
    let planted = menjin_tests::totp::Authenticator::new(begun.body["secret"].as_str().unwrap());
    let mut planted_key = Authenticator::new(ORIGIN);
    let options = begin(&mike, &password()).await.body;
    make(&mike, &mut Authenticator::new(ORIGIN), &password()).await;
    let confirmed = menjin_tests::totp::confirm(&mike, &planted.next(&app)).await;
    assert_eq!(refusal(&confirmed), nothing, "{confirmed}");
    let added = add(&mike, "planted", &planted_key.create(&options)).await;
    assert_eq!(refusal(&added), nothing, "{added}");

    let eve = app.user("eve").await;
    app.prove_address("eve").await;
    let options = begin(&eve, &password()).await.body;
    let begun = menjin_tests::totp::begin(&eve, &password()).await;
    let planted = menjin_tests::totp::Authenticator::new(begun.body["secret"].as_str().unwrap());
    let change = json!({
        "current_password": PASSWORD, "new_password": "another password 9",
        "confirm_password": "another password 9",
    });
    assert_eq!(eve.post("/api/v1/auth/change-password", &change).await.status, 200);
    let added = add(&eve, "planted", &planted_key.create(&options)).await;
    assert_eq!(refusal(&added), nothing, "{added}");
    let confirmed = menjin_tests::totp::confirm(&eve, &planted.next(&app)).await;
    assert_eq!(refusal(&confirmed), nothing, "{confirmed}");
}

/// A count that goes back is told to the operator, and does not keep the owner out.
#[tokio::test]
async fn y8_a_count_that_goes_back_is_recorded_and_not_fatal() {
    let app = TestApp::start_with(&SITE).await;
    let (_, mut device, _) = enrolled(&app, "mike").await;
    let root = app.admin("root").await;
    assert_eq!(log_in(&app, &device.get(&asked(&app).await)).await.status, 200);
    let recorded = "&action=passkey_count_went_back";
    assert_eq!(root.events(recorded).await.len(), 0);
    device.sign_count = 0;
    assert_eq!(log_in(&app, &device.get(&asked(&app).await)).await.status, 200);
    let events = root.events(recorded).await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["outcome"], "success");
}

/// Where a role needs a second factor, a passkey is one.
#[tokio::test]
async fn y6_a_passkey_is_what_a_role_needs() {
    let app = TestApp::start_with(&[&SITE[..], &[("mfa.required_for", "student")]].concat()).await;
    let (mike, mut device, _) = enrolled(&app, "mike").await;
    assert_eq!(mike.get("/api/v1/users/me/sessions").await.status, 200);
    let done = log_in(&app, &device.get(&asked(&app).await)).await;
    let alone = app.anonymous().with_tokens(&done.body);
    assert_eq!(alone.get("/api/v1/users/me/sessions").await.status, 200);
}

/// Without a name that they could be bound to there are no passkeys, and nobody is asked for one.
#[tokio::test]
async fn y8_without_a_name_of_the_site_there_are_none() {
    let app = TestApp::start_with(&[("server.public_url", "http://192.0.2.7:8000")]).await;
    let mike = app.user("mike").await;
    app.prove_address("mike").await;
    let off = (409, &json!("passkeys_off"));
    assert_eq!(refusal(&begin(&mike, &password()).await), off);
    assert_eq!(refusal(&add(&mike, "phone", &json!({})).await), off);
    assert_eq!(refusal(&mike.post_empty(&format!("{PASSKEYS}/request")).await), off);
    let options = app.anonymous().post_empty("/api/v1/auth/passkey/options").await;
    assert_eq!(refusal(&options), off);
    assert_eq!(refusal(&log_in(&app, &json!({})).await), off);
    let page = app.browser().open("/account/login").await;
    assert!(!page.html.contains("data-passkey"), "{page:?}");
}

/// How many challenges one network may ask for without logging in is limited.
#[tokio::test]
async fn y8_challenges_for_anybody_are_limited() {
    let app = TestApp::start_with(&SITE).await;
    let mut refused = None;
    for _ in 0..1001 {
        let answer = app.anonymous().post_empty("/api/v1/auth/passkey/options").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refusal(&refused), (429, &json!("too_many_attempts")), "{refused}");
    assert!(refused.header("Retry-After").is_some());
}

/// Answers that are none are limited, too, and keep no password of the same network out.
#[tokio::test]
async fn y8_failed_passkeys_keep_no_password_out() {
    let app = TestApp::start_with(&SITE).await;
    app.user("mike").await;
    for _ in 0..100 {
        assert_eq!(log_in(&app, &json!({})).await.status, 401);
    }
    let refused = log_in(&app, &json!({})).await;
    assert_eq!(refusal(&refused), (429, &json!("too_many_attempts")), "{refused}");
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
}

/// The same on pages: a passkey is made, asked for after the password, enough by itself, and taken away. What a
/// script does there is done by hand here.
#[tokio::test]
async fn y8_pages_make_and_ask_for_passkeys() {
    let app = TestApp::start_with(&SITE).await;
    app.user("mike").await;
    app.prove_address("mike").await;
    let (browser, page) = (app.browser(), "/account/second-factor");
    browser.log_in("mike", PASSWORD).await;
    let empty = browser.submit(page, &[("action", "begin-passkey")]).await;
    assert_eq!(empty.status, 422, "the password is asked for: {empty:?}");
    let asking = [("action", "begin-passkey"), ("current_password", PASSWORD)];
    let begun = browser.submit(page, &asking).await;
    let options: Value = serde_json::from_str(&begun.value_of("options")).unwrap();
    let mut device = Authenticator::new(ORIGIN);
    let made = device.create(&options).to_string();
    let add = async |name: &str, made: &str| {
        let fields = [("action", "add-passkey"), ("name", name), ("credential", made)];
        browser.send(page, &begun.form_token(), &fields).await
    };
    assert_eq!(add("", &made).await.status, 422);
    assert_eq!(add("phone", "").await.status, 400, "without a script");
    let before = browser.cookie();
    let added = add("<b>phone</b>", &made).await;
    assert_eq!(added.html.matches("<code>").count(), 10, "{added:?}");
    assert_ne!(browser.cookie(), before, "new at the factor");
    let listed = browser.open(page).await;
    assert!(
        listed.html.contains("&lt;b&gt;phone&lt;") && listed.html.contains("data-passkey=\"code\"")
    );

    // After the password.
    let other = app.browser();
    let first = other.log_in("mike", PASSWORD).await;
    let ticket = first.value_of("mfa_token");
    assert!(first.html.contains("data-passkey=\"code\""), "{first:?}");
    let ask = async |browser: &menjin_tests::browser::Browser, token: &str, ticket: &str| {
        let fields = [("mfa_token", ticket)];
        let shown = browser.send("/account/passkey-options", token, &fields).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        serde_json::from_str::<Value>(&shown.html).unwrap()
    };
    let answer = device.get(&ask(&other, &first.form_token(), &ticket).await).to_string();
    let fields = [("mfa_token", ticket.as_str()), ("code", &answer), ("next", "email")];
    let done = other.send("/account/login", &first.form_token(), &fields).await;
    assert!(done.leads_to("email"), "{done:?}");

    // By itself.
    let alone = app.browser();
    let first = alone.open("/account/login").await;
    assert!(first.html.contains("data-passkey=\"credential\""), "{first:?}");
    let answer = device.get(&ask(&alone, &first.form_token(), "").await).to_string();
    let log_in = async |answer: &str| {
        let fields =
            [("username", ""), ("password", ""), ("credential", answer), ("next", "email")];
        alone.send("/account/login", &first.form_token(), &fields).await
    };
    let forged = answer.replace("signature", "signatur");
    assert_eq!(log_in(&forged).await.status, 401);
    let answer = device.get(&ask(&alone, &first.form_token(), "").await).to_string();
    let done = log_in(&answer).await;
    assert!(done.leads_to("email"), "{done:?}");

    // It goes with the password and itself.
    let id = listed.html.split("name=\"item\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = device.get(&ask(&browser, &listed.form_token(), "").await).to_string();
    let remove = [("item", id), ("current_password", PASSWORD), ("code", &answer)];
    let removed = browser.send(page, &listed.form_token(), &remove).await;
    assert!(removed.leads_to("second-factor?done"), "{removed:?}");
    assert!(app.browser().log_in("mike", PASSWORD).await.leads_to("profile"));
}
