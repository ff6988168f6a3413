//! Real traffic for every operation, each answer judged by the document.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use menjin_domain::access::rights::RightId;
use menjin_domain::common::{ClientInfo, Clock as _, UserId};
use menjin_domain::mail::{Claim, MailError, MailKind, NewMail, Settlement};
use menjin_domain::one_time::TokenSeed;
use menjin_tests::app::{PASSWORD, TestApp, token_in};
use menjin_tests::authenticator::Authenticator as Passkeys;
use menjin_tests::client::{Answer, Client, Send as _};
use menjin_tests::openapi::{Document, any_value, filled};
use menjin_tests::totp::{Authenticator, Enrolled};
use reqwest::Method;
use serde_json::{Value, json};

use super::document;
use crate::passkeys;

/// Answers by operation and status, each judged as it comes.
struct Visits {
    document: Document,
    seen: BTreeMap<(String, String), BTreeSet<u16>>,
}

impl Visits {
    fn judge(&mut self, method: &str, path: &str, expected: u16, answer: &Answer) {
        assert_eq!(answer.status, expected, "{method} {path}: {answer}");
        let faults = self.document.judge(method, path, answer);
        assert_eq!(faults, Vec::<String>::new(), "{method} {path}: {answer}");
        self.seen.entry((method.to_owned(), path.to_owned())).or_default().insert(answer.status);
    }

    /// Sends a request to an operation, with `parameter` for the last in its path. A session is one
    /// of user 2.
    async fn send(
        &mut self,
        client: &Client,
        (method, path, parameter): (&str, &str, &str),
        body: Option<&Value>,
        expected: u16,
    ) -> Answer {
        let is_of_user_2 = path.contains("{session_id}");
        let filled =
            filled(path, |name| if is_of_user_2 && name == "user_id" { "2" } else { parameter });
        let request = client.request(method.parse().unwrap(), &filled);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.answer().await;
        self.judge(method, path, expected, &answer);
        answer
    }

    /// Sends what no operation with a body takes.
    async fn send_bad_bodies(&mut self, client: &Client, target: (&str, &str, &str)) {
        let (method, path, parameter) = target;
        let filled = filled(path, |_name| parameter);
        let request = || client.request(method.parse().unwrap(), &filled);
        let json = |body: String| request().header("content-type", "application/json").body(body);
        for (request, expected) in [
            (json(" ".repeat(256 * 1024 + 1)), 413),
            (request().header("content-type", "text/plain").body("x"), 415),
            (json("{".to_owned()), 422),
            (json("[]".to_owned()), 422),
            (json(r#"{"username":1,"email":1,"password":1,"ttl":"x"}"#.to_owned()), 422),
        ] {
            let answer = request.answer().await;
            self.judge(method, path, expected, &answer);
        }
    }

    /// Sends a request to an operation, and says how it was answered.
    async fn any(
        &mut self,
        client: &Client,
        (method, path, _): (&str, &str, &str),
        body: Option<&Value>,
    ) -> u16 {
        let request = client.request(method.parse().unwrap(), path);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let answer = request.answer().await;
        self.judge(method, path, answer.status, &answer);
        answer.status
    }

    /// Sends a request until it is answered differently, and says how.
    async fn exhaust(&mut self, client: &Client, target: (&str, &str, &str), body: &Value) -> u16 {
        let (method, path, _) = target;
        for _ in 0..50 {
            let answer = client.post(path, body).await;
            self.judge(method, path, answer.status, &answer);
            if answer.status != 400 {
                return answer.status;
            }
        }
        400
    }

    /// Sends a request without a token and with one that is none.
    async fn send_unauthenticated(&mut self, app: &TestApp, target: (&str, &str, &str)) {
        let mut client = app.anonymous();
        self.send(&client, target, None, 401).await;
        client.access_token = Some("abc".to_owned());
        self.send(&client, target, None, 401).await;
    }
}

const REGISTER: (&str, &str, &str) = ("POST", "/api/v1/auth/register", "");
const LOGIN: (&str, &str, &str) = ("POST", "/api/v1/auth/login", "");
const REFRESH: (&str, &str, &str) = ("POST", "/api/v1/auth/refresh", "");
const CHANGE_PASSWORD: (&str, &str, &str) = ("POST", "/api/v1/auth/change-password", "");
const LOGOUT: (&str, &str, &str) = ("POST", "/api/v1/auth/logout", "");
const ME: (&str, &str, &str) = ("GET", "/api/v1/users/me", "");
const UPDATE_ME: (&str, &str, &str) = ("PUT", "/api/v1/users/me", "");

/// What cannot be provoked from outside, and why. `framework.rs` and `crates/api` test the shape of
/// each once.
fn unprovoked(path: &str, status: u16) -> Option<&'static str> {
    match (path, status) {
        (_, 408) => Some("takes eight seconds each; slow.rs waits for one"),
        (_, 500) => Some("needs a fault of the server's"),
        (_, 503) => Some("needs a database that does not answer, or a full queue of hashes"),
        _ => None,
    }
}

#[tokio::test]
async fn every_operation_answers_as_documented() {
    // Few, so that the limit is reached soon.
    let limits = [("throttle.registrations.max", "12")];
    let app = TestApp::start_with(&limits).await;
    let mut visits = Visits { document: document(&app).await, seen: BTreeMap::new() };
    general(&app, &mut visits).await;
    cache(&app, &mut visits).await;
    user_management(&app, &mut visits).await;
    locks_and_records(&app, &mut visits).await;
    authentication(&app, &mut visits).await;
    let app = TestApp::start_with(&limits).await;
    envelope_administration(&app, &mut visits).await;
    envelope_authentication(&app, &mut visits).await;
    mails(&mut visits).await;
    email_changes(&mut visits).await;
    invitations(&mut visits).await;
    deletions(&mut visits).await;
    administration(&mut visits).await;
    imports(&mut visits).await;
    many_users(&mut visits).await;
    restricted(&mut visits).await;
    tickets(&mut visits).await;
    hand_offs(&mut visits).await;
    factors(&mut visits).await;
    of_passkeys(&mut visits).await;
    enrolling(&mut visits).await;
    undo_with_a_factor(&mut visits).await;
    links(&mut visits, "/api/v1/auth", 202).await;
    links(&mut visits, "/api/auth", 200).await;

    let documented = visits.document.operations();
    let mut unvisited = Vec::new();
    for ((method, path), statuses) in &documented {
        let seen = visits.seen.get(&(method.clone(), path.clone()));
        assert!(seen.is_some(), "{method} {path} was not visited");
        let missing = statuses.iter().filter(|status| {
            !seen.is_some_and(|seen| seen.contains(status)) && unprovoked(path, **status).is_none()
        });
        unvisited.extend(missing.map(|status| format!("{method} {path}: {status}")));
    }
    assert_eq!(unvisited, Vec::<String>::new());
}

async fn general(app: &TestApp, visits: &mut Visits) {
    for path in ["/", "/health", "/health/live", "/health/ready", "/.well-known/jwks.json"] {
        visits.send(&app.anonymous(), ("GET", path, ""), None, 200).await;
    }
}

async fn cache(app: &TestApp, visits: &mut Visits) {
    let client = app.anonymous();
    visits.send(&client, ("POST", "/cache/test", ""), None, 200).await;
    let (read, write) = (("GET", "/cache/{key}", "greeting"), ("POST", "/cache/{key}", "greeting"));
    visits.send(&client, read, None, 404).await;
    let body = json!({ "data": { "a": [1, "二", null] }, "ttl": null });
    visits.send(&client, write, Some(&body), 200).await;
    visits.send(&client, read, None, 200).await;
    visits.send(&client, ("GET", "/cache/{key}", "a%20b"), None, 422).await;
    visits.send(&client, ("POST", "/cache/{key}", "a%20b"), Some(&body), 422).await;
    visits.send_bad_bodies(&client, write).await;
}

async fn user_management(app: &TestApp, visits: &mut Visits) {
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    visits.send(&mike, ME, None, 200).await;
    for target in [ME, UPDATE_ME] {
        visits.send_unauthenticated(app, target).await;
    }
    let profile = json!({
        "full_name": "迈克", "phone": "110", "bio": "one\ntwo", "avatar": "https://example.com/m.png",
    });
    visits.send(&mike, UPDATE_ME, Some(&profile), 200).await;
    visits.send(&mike, UPDATE_ME, Some(&json!({ "email": "root@example.com" })), 400).await;
    visits.send_bad_bodies(&mike, UPDATE_ME).await;
    for (method, path) in [
        ("GET", "/api/v1/users/{user_id}"),
        ("POST", "/api/v1/users/{user_id}/activate"),
        ("POST", "/api/v1/users/{user_id}/deactivate"),
    ] {
        visits.send(&admin, (method, path, "2"), None, 200).await;
        visits.send(&admin, (method, path, "99"), None, 404).await;
        visits.send(&admin, (method, path, "0"), None, 422).await;
        visits.send_unauthenticated(app, (method, path, "2")).await;
    }
    let sessions = "/api/v1/users/me/sessions";
    let session = "/api/v1/users/me/sessions/{session_id}";
    let nobodys = "00000000-0000-4000-8000-000000000000";
    for target in [("GET", sessions, ""), ("DELETE", sessions, ""), ("DELETE", session, nobodys)] {
        visits.send_unauthenticated(app, target).await;
    }
    let own = visits.send(&admin, ("GET", sessions, ""), None, 200).await.body;
    let bad = admin.get("/api/v1/users/me/sessions?limit=0").await;
    visits.judge("GET", sessions, 422, &bad);
    visits.send(&admin, ("DELETE", sessions, ""), None, 200).await;
    visits.send(&admin, ("DELETE", session, nobodys), None, 404).await;
    visits.send(&admin, ("DELETE", session, "7"), None, 422).await;
    let own = own["sessions"][0]["id"].as_str().unwrap();
    visits.send(&admin, ("DELETE", session, own), None, 200).await;
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let deactivate = "/api/v1/users/{user_id}/deactivate";
    visits.send(&admin, ("POST", deactivate, "1"), None, 400).await;
    visits.send(&admin, ("POST", "/api/v1/users/{user_id}/activate", "2"), None, 200).await;
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    for (method, path) in [
        ("GET", "/api/v1/users/{user_id}"),
        ("POST", "/api/v1/users/{user_id}/activate"),
        ("POST", deactivate),
    ] {
        visits.send(&mike, (method, path, "1"), None, 403).await;
    }
}

async fn locks_and_records(app: &TestApp, visits: &mut Visits) {
    let admin = app.anonymous().log_in("root", PASSWORD).await;
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    for _ in 0..3 {
        app.anonymous().try_log_in("mike", "wrong password").await;
    }
    let (lock, sessions) = ("/api/v1/users/{user_id}/lock", "/api/v1/users/{user_id}/sessions");
    for (method, path) in [("GET", lock), ("DELETE", lock), ("GET", sessions), ("DELETE", sessions)]
    {
        visits.send(&mike, (method, path, "1"), None, 403).await;
        visits.send(&admin, (method, path, "2"), None, 200).await;
        visits.send(&admin, (method, path, "99"), None, 404).await;
        visits.send(&admin, (method, path, "0"), None, 422).await;
        visits.send_unauthenticated(app, (method, path, "2")).await;
    }
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    let session = ("DELETE", "/api/v1/users/{user_id}/sessions/{session_id}");
    let nobodys = "00000000-0000-4000-8000-000000000000";
    let page = visits.send(&admin, ("GET", sessions, "2"), None, 200).await.body;
    let own = page["sessions"][0]["id"].as_str().unwrap();
    for (client, id, status) in
        [(&mike, own, 403), (&admin, nobodys, 404), (&admin, "7", 422), (&admin, own, 200)]
    {
        visits.send(client, (session.0, session.1, id), None, status).await;
    }
    visits.send_unauthenticated(app, (session.0, session.1, own)).await;
    let mike = app.anonymous().log_in("mike", PASSWORD).await;
    let list = ("GET", "/api/v1/audit", "");
    visits.send(&admin, list, None, 200).await;
    visits.send(&mike, list, None, 403).await;
    visits.send_unauthenticated(app, list).await;
    let queries = [
        ("?limit=1&outcome=failure&since=2000-01-01T00:00:00Z", 200),
        ("?limit=100&user_id=1&action=logged_in&until=2100-01-01T00:00:00%2B08:00", 200),
        ("?limit=0&user_id=0&action=x&outcome=x&since=x&until=x&before=x", 422),
    ];
    for (query, status) in queries {
        let answer = admin.get(&format!("/api/v1/audit{query}")).await;
        visits.judge("GET", list.1, status, &answer);
    }
}

async fn authentication(app: &TestApp, visits: &mut Visits) {
    let client = app.anonymous();
    let ann = json!({ "username": "ann", "email": "ann@example.com", "password": PASSWORD });
    visits.send(&client, REGISTER, Some(&ann), 201).await;
    visits.send(&client, REGISTER, Some(&ann), 400).await;
    for target in [REGISTER, LOGIN, REFRESH] {
        visits.send_bad_bodies(&client, target).await;
    }
    let credentials = json!({ "username": "ann", "password": PASSWORD });
    let logged_in = visits.send(&client, LOGIN, Some(&credentials), 200).await;
    let form = [("grant_type", "password"), ("username", "ann"), ("password", PASSWORD)];
    let answer = client.request(Method::POST, LOGIN.1).form(&form).answer().await;
    visits.judge("POST", LOGIN.1, 200, &answer);
    for (grant, name, status) in
        [("refresh_token", "ann", 400), ("password", "nobody", 401), ("password", "a\0", 422)]
    {
        let form = [("grant_type", grant), ("username", name), ("password", PASSWORD)];
        let answer = client.request(Method::POST, LOGIN.1).form(&form).answer().await;
        visits.judge("POST", LOGIN.1, status, &answer);
    }

    let token = json!({ "refresh_token": logged_in.body["refresh_token"] });
    let refreshed = visits.send(&client, REFRESH, Some(&token), 200).await;
    visits.send(&client, REFRESH, Some(&json!({ "refresh_token": "abc" })), 401).await;
    let ann = client.with_tokens(&refreshed.body);
    visits.send_bad_bodies(&ann, CHANGE_PASSWORD).await;
    for target in [CHANGE_PASSWORD, LOGOUT] {
        visits.send_unauthenticated(app, target).await;
    }
    let change = |current: &str| {
        json!({
            "current_password": current, "new_password": "newpassword456",
            "confirm_password": "newpassword456",
        })
    };
    visits.send(&ann, CHANGE_PASSWORD, Some(&change(PASSWORD)), 200).await;
    let wrong = json!({
        "current_password": "wrong password", "new_password": "otherpassword789",
        "confirm_password": "otherpassword789",
    });
    for _ in 0..10 {
        visits.send(&ann, CHANGE_PASSWORD, Some(&wrong), 400).await;
    }
    visits.send(&ann, CHANGE_PASSWORD, Some(&wrong), 429).await;
    visits.send(&ann, LOGOUT, None, 200).await;

    let wrong = json!({ "username": "ghost", "password": "wrong password" });
    for _ in 0..10 {
        visits.send(&client, LOGIN, Some(&wrong), 401).await;
    }
    visits.send(&client, LOGIN, Some(&wrong), 429).await;
    let body = json!({ "username": "ann", "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(visits.exhaust(&client, REGISTER, &body).await, 429);
}

const ENVELOPE_LOGIN: (&str, &str, &str) = ("POST", "/api/auth/login", "");
const ENVELOPE_UPDATE_ME: (&str, &str, &str) = ("PUT", "/api/auth/me", "");
const ENVELOPE_CHANGE_PASSWORD: (&str, &str, &str) = ("POST", "/api/auth/change-password", "");

async fn envelope_administration(app: &TestApp, visits: &mut Visits) {
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let list = ("GET", "/api/auth/users", "");
    visits.send(&admin, list, None, 200).await;
    visits.send(&mike, list, None, 403).await;
    visits.send_unauthenticated(app, list).await;
    let answer = admin.get("/api/auth/users?skip=-1&limit=0&role=x").await;
    visits.judge("GET", list.1, 422, &answer);
    let (activate, deactivate) =
        ("/api/auth/users/{user_id}/activate", "/api/auth/users/{user_id}/deactivate");
    for path in [activate, deactivate] {
        visits.send(&mike, ("PUT", path, "1"), None, 403).await;
        visits.send(&admin, ("PUT", path, "2"), None, 200).await;
        visits.send(&admin, ("PUT", path, "99"), None, 404).await;
        visits.send(&admin, ("PUT", path, "x"), None, 422).await;
        visits.send_unauthenticated(app, ("PUT", path, "2")).await;
    }
    visits.send(&admin, ("PUT", deactivate, "1"), None, 400).await;
}

async fn envelope_authentication(app: &TestApp, visits: &mut Visits) {
    let (client, register) = (app.anonymous(), ("POST", "/api/auth/register", ""));
    let body = json!({
        "username": "student001", "password": PASSWORD, "role": "student", "name": "张三",
        "email": "zhangsan@example.com",
    });
    visits.send(&client, register, Some(&body), 200).await;
    visits.send(&client, register, Some(&body), 400).await;
    for target in [register, ENVELOPE_LOGIN] {
        visits.send_bad_bodies(&client, target).await;
    }
    let credentials = json!({ "username": "student001", "password": PASSWORD });
    let logged_in = visits.send(&client, ENVELOPE_LOGIN, Some(&credentials), 200).await;
    let mut student = client.clone();
    student.access_token = logged_in.body["data"]["token"].as_str().map(str::to_owned);
    let (me, logout) = (("GET", "/api/auth/me", ""), ("POST", "/api/auth/logout", ""));
    visits.send(&student, me, None, 200).await;
    for target in [me, ENVELOPE_UPDATE_ME, ENVELOPE_CHANGE_PASSWORD, logout] {
        visits.send_unauthenticated(app, target).await;
    }
    for target in [ENVELOPE_UPDATE_ME, ENVELOPE_CHANGE_PASSWORD] {
        visits.send_bad_bodies(&student, target).await;
    }
    visits.send(&student, ENVELOPE_UPDATE_ME, Some(&json!({ "name": "张三丰" })), 200).await;
    let taken = json!({ "email": "root@example.com" });
    visits.send(&student, ENVELOPE_UPDATE_ME, Some(&taken), 400).await;
    let change = json!({ "old_password": PASSWORD, "new_password": "newpassword456" });
    visits.send(&student, ENVELOPE_CHANGE_PASSWORD, Some(&change), 200).await;
    let wrong = json!({ "old_password": "wrong password", "new_password": "otherpassword789" });
    for _ in 0..10 {
        visits.send(&student, ENVELOPE_CHANGE_PASSWORD, Some(&wrong), 400).await;
    }
    visits.send(&student, ENVELOPE_CHANGE_PASSWORD, Some(&wrong), 429).await;
    visits.send(&student, logout, None, 200).await;
    let wrong = json!({ "username": "ghost", "password": "wrong password" });
    for _ in 0..10 {
        visits.send(&client, ENVELOPE_LOGIN, Some(&wrong), 401).await;
    }
    visits.send(&client, ENVELOPE_LOGIN, Some(&wrong), 429).await;
    assert_eq!(visits.exhaust(&client, register, &body).await, 429);
}

async fn mails(visits: &mut Visits) {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let (list, retry) = (("GET", "/api/v1/mails", ""), "/api/v1/mails/{mail_id}/retry");
    visits.send(&admin, list, None, 200).await;
    app.deliver().await;
    let page = admin.get("/api/v1/mails?state=sent&limit=1").await;
    visits.judge("GET", list.1, 200, &page);
    let sent = page.body["mails"][0]["id"].to_string();
    let bad = admin.get("/api/v1/mails?state=x&limit=0&after=0").await;
    visits.judge("GET", list.1, 422, &bad);
    visits.send(&mike, list, None, 403).await;
    let failed = a_failed_mail(&app, "mike@example.com").await;
    for (id, status) in [("4711", 404), ("0", 422), (&sent, 409), (&failed, 200)] {
        visits.send(&admin, ("POST", retry, id), None, status).await;
    }
    visits.send(&mike, ("POST", retry, "1"), None, 403).await;
    for target in [list, ("POST", retry, "1")] {
        visits.send_unauthenticated(&app, target).await;
    }
}

/// Gives a mail up that was to be sent to user 2 in an hour, and returns its id.
pub(crate) async fn a_failed_mail(app: &TestApp, address: &str) -> String {
    let outbox = app.outbox().await;
    let later = app.clock.now() + Duration::from_secs(3600);
    let mail = NewMail {
        kind: MailKind::PasswordChanged,
        to: None,
        name: None,
        locale: None,
        seed: TokenSeed { random: "5e".repeat(32), key_id: "key".to_owned() },
        client: ClientInfo::local(),
        created_at: later,
    };
    outbox.enqueue(mail, UserId::try_from(2).ok()).await.unwrap();
    let claim = Claim { at: later, until: later, limit: 1 };
    let claimed = outbox.claim(claim).await.unwrap().remove(0);
    let error = MailError { is_final: true, code: "550".into(), text: "no such mailbox".into() };
    let failed = Settlement::Failed { token_expires_at: None, error };
    let address = Some(address.to_owned());
    assert!(outbox.settle(&claimed, claimed.user_id, address, failed).await.unwrap());
    claimed.id.to_string()
}

/// Another address: asked for, confirmed, undone, and refused in each way.
async fn email_changes(visits: &mut Visits) {
    let app = TestApp::start_with(&[("accounts.email_change", "confirm")]).await;
    let (mike, bob) = (app.user("mike").await, app.user("bob").await);
    let (ask, withdraw) =
        (("POST", "/api/v1/users/me/email", ""), ("DELETE", "/api/v1/users/me/email", ""));
    let (verify, undo) =
        (("POST", "/api/v1/auth/verify-email", ""), ("POST", "/api/v1/auth/undo-email-change", ""));
    let to =
        |address: &str, password: &str| json!({ "email": address, "current_password": password });
    for target in [ask, withdraw] {
        visits.send_unauthenticated(&app, target).await;
    }
    for target in [ask, undo] {
        visits.send_bad_bodies(&mike, target).await;
    }
    visits.send(&mike, verify, Some(&token_of(&app, "mike@example.com").await), 200).await;
    let another = json!({ "email": "new@example.com" });
    visits.send(&mike, UPDATE_ME, Some(&another), 400).await;
    visits.send(&mike, ENVELOPE_UPDATE_ME, Some(&another), 400).await;
    visits.send(&mike, ask, Some(&to("MIKE@example.com", PASSWORD)), 400).await;
    visits.send(&mike, ask, Some(&to("new@example.com", PASSWORD)), 202).await;
    let pending = visits.send(&mike, ME, None, 200).await;
    assert_eq!(pending.body["pending_email"], "new@example.com");
    let confirm = token_of(&app, "new@example.com").await;
    visits.send(&mike, verify, Some(&confirm), 200).await;
    visits.send(&mike, withdraw, None, 200).await;
    let take_back = token_of(&app, "mike@example.com").await;
    visits.send(&mike, undo, Some(&take_back), 200).await;
    visits.send(&mike, undo, Some(&take_back), 400).await;
    for status in [400; 10].into_iter().chain([429]) {
        let wrong = to("new@example.com", "wrong password");
        visits.send(&bob, ask, Some(&wrong), status).await;
    }
    let app = TestApp::start_with(&[("mail.mode", "off")]).await;
    let (mike, ann) = (app.user("mike").await, app.user("ann").await);
    visits.send(&mike, ask, Some(&to("new@example.com", PASSWORD)), 403).await;
    for (client, target) in [(&mike, UPDATE_ME), (&ann, ENVELOPE_UPDATE_ME)] {
        for status in [400; 10].into_iter().chain([429]) {
            let wrong = to("new@example.com", "wrong password");
            visits.send(client, target, Some(&wrong), status).await;
        }
    }
}

/// Accounts that are deleted and restored, and refused in each way.
async fn deletions(visits: &mut Visits) {
    let app = TestApp::start().await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    app.user("ann").await;
    let bob = app.user("bob").await;
    let (delete, restore) = ("/api/v1/users/{user_id}", "/api/v1/users/{user_id}/restore");
    let delete_me = ("POST", "/api/v1/users/me/delete", "");
    let activate = ["/api/v1/users/{user_id}/activate", "/api/auth/users/{user_id}/activate"];
    for (method, path) in [("DELETE", delete), ("POST", restore)] {
        visits.send(&mike, (method, path, "3"), None, 403).await;
        visits.send(&admin, (method, path, "99"), None, 404).await;
        visits.send(&admin, (method, path, "0"), None, 422).await;
        visits.send_unauthenticated(&app, (method, path, "3")).await;
        visits.send(&admin, (method, path, "3"), None, 200).await;
    }
    visits.send(&admin, ("DELETE", delete, "1"), None, 400).await;
    visits.send_bad_bodies(&mike, delete_me).await;
    visits.send_unauthenticated(&app, delete_me).await;
    let password = |text: &str| json!({ "current_password": text });
    visits.send(&admin, delete_me, Some(&password(PASSWORD)), 400).await;
    visits.send(&mike, delete_me, Some(&password(PASSWORD)), 200).await;
    let again = ("POST", "/api/v1/auth/reauthenticate", "");
    visits.send_bad_bodies(&admin, again).await;
    visits.send_unauthenticated(&app, again).await;
    visits.send(&admin, again, Some(&password(PASSWORD)), 200).await;
    visits.send(&admin, ("POST", activate[0], "2"), None, 409).await;
    visits.send(&admin, ("PUT", activate[1], "2"), None, 409).await;
    for status in [400; 10].into_iter().chain([429]) {
        visits.send(&bob, delete_me, Some(&password("wrong password")), status).await;
    }
    let eve = app.user("eve").await;
    for status in [400; 10].into_iter().chain([429]) {
        visits.send(&eve, again, Some(&password("wrong password")), status).await;
    }
}

/// What administrators do to accounts, and how it is refused.
async fn administration(visits: &mut Visits) {
    let rights: Vec<_> = RightId::ALL.iter().map(|right| right.as_str()).collect();
    let app = TestApp::start_with(&[("roles.boss.rights", &rights.join(","))]).await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let create = ("POST", "/api/v1/users", "");
    let of = |what: &str| format!("/api/v1/users/{{user_id}}{what}");
    let [user, role, password, ban, unban] = ["", "/role", "/password", "/ban", "/unban"].map(of);
    let until = json!({ "until": "2100-01-01T00:00:00Z", "reason": "打扰课堂" });
    let list = ("GET", "/api/v1/users", "");
    visits.send(&admin, list, None, 200).await;
    visits.send(&mike, list, None, 403).await;
    visits.send_unauthenticated(&app, list).await;
    let answer = admin.get("/api/v1/users?limit=0&sort=x&is_active=x").await;
    visits.judge("GET", list.1, 422, &answer);
    let eve = json!({ "username": "eve", "email": "eve@example.com" });
    visits.send(&admin, create, Some(&eve), 201).await;
    visits.send(&admin, create, Some(&eve), 400).await;
    for (method, path, body) in [
        ("PATCH", &user, Some(json!({ "full_name": "迈克" }))),
        ("PUT", &role, Some(json!({ "role": "teacher" }))),
        ("POST", &password, Some(json!({}))),
        ("POST", &ban, Some(until.clone())),
        ("POST", &unban, None),
    ] {
        let body = body.as_ref();
        visits.send(&admin, (method, path, "2"), body, 200).await;
        visits.send(&admin, (method, path, "99"), body, 404).await;
        visits.send(&admin, (method, path, "0"), body, 422).await;
        visits.send_unauthenticated(&app, (method, path, "2")).await;
        if body.is_some() {
            visits.send_bad_bodies(&admin, (method, path, "2")).await;
        }
    }
    let export = ("GET", "/api/v1/users/export", "");
    visits.send(&admin, export, None, 200).await;
    visits.send_unauthenticated(&app, export).await;
    let answer = admin.get("/api/v1/users/export?format=pdf").await;
    visits.judge("GET", export.1, 422, &answer);
    let batch = ("POST", "/api/v1/users/batch", "");
    let some = json!({ "action": "deactivate", "ids": [2, 99] });
    visits.send(&admin, batch, Some(&some), 200).await;
    visits.send(&mike, batch, Some(&some), 401).await;
    visits.send_bad_bodies(&admin, batch).await;
    visits.send_unauthenticated(&app, batch).await;
    let denied = app.user("ann").await;
    visits.send(&denied, batch, Some(&some), 403).await;
    visits.send(&denied, export, None, 403).await;
    visits.send_bad_bodies(&admin, create).await;
    visits.send_unauthenticated(&app, create).await;
    let common = json!({ "password": "12345678" });
    visits.send(&admin, ("POST", &password, "2"), Some(&common), 400).await;
    let taken = json!({ "username": "eve" });
    visits.send(&admin, ("PATCH", &user, "2"), Some(&taken), 400).await;
    visits.send(&admin, ("POST", &ban, "1"), Some(&until), 400).await;
    let over = json!({ "until": "2000-01-01T00:00:00Z" });
    visits.send(&admin, ("POST", &ban, "2"), Some(&over), 422).await;
    visits.send(&admin, ("DELETE", &user, "2"), None, 200).await;
    for (method, path, body) in [
        ("PATCH", &user, Some(json!({ "full_name": "迈克" }))),
        ("PUT", &role, Some(json!({ "role": "teacher" }))),
        ("POST", &password, Some(json!({}))),
        ("POST", &ban, Some(until)),
        ("POST", &unban, None),
    ] {
        visits.send(&admin, (method, path, "2"), body.as_ref(), 409).await;
    }
    drop(mike);
    // Whoever may do everything, and is no administrator.
    let boss = json!({
        "username": "boss", "email": "boss@example.com", "role": "boss", "password": PASSWORD,
        "must_change_password": false,
    });
    // Not judged: the document is that of a server without this role.
    assert_eq!(admin.post(create.1, &boss).await.status, 201);
    let boss = app.anonymous().log_in("boss", PASSWORD).await;
    visits.send(&boss, ("PUT", &role, "1"), Some(&json!({ "role": "teacher" })), 400).await;
}

async fn imports(visits: &mut Visits) {
    let app = TestApp::start_with(&[("import.max_body", "65536")]).await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let start = ("POST", "/api/v1/users/import", "");
    let send = async |visits: &mut Visits, client: &Client, (media, file): (&str, &str), status| {
        let request = client.request(Method::POST, start.1).header("content-type", media);
        let answer = request.body(file.to_owned()).answer().await;
        visits.judge(start.0, start.1, status, &answer);
        answer.body["id"].to_string()
    };
    let (csv, failing) = ("text/csv", "username,email\neve,eve@example.com\nx,y\n");
    send(visits, &admin, (csv, &" ".repeat(65_537)), 413).await;
    send(visits, &admin, ("application/json", "{}"), 415).await;
    send(visits, &admin, ("multipart/form-data; boundary=x", "--x--\r\n"), 422).await;
    send(visits, &admin, ("multipart/form-data; boundary=x", "--x\r\n"), 400).await;
    send(visits, &mike, (csv, failing), 403).await;
    let id = send(visits, &admin, (csv, failing), 202).await;
    let path = format!("/api/v1/users/imports/{id}");
    while admin.get(&path).await.body["state"] == "checking" {}
    let of = |what: &str| format!("/api/v1/users/imports/{{job_id}}{what}");
    let (one, failed, commit) = (of(""), of("/failed"), of("/commit"));
    let answer = admin.get(&format!("{path}?after=x")).await;
    visits.judge("GET", &one, 422, &answer);
    let template = ("GET", "/api/v1/users/import/template", "");
    visits.send(&admin, template, None, 200).await;
    visits.send(&mike, template, None, 403).await;
    for (method, path, status) in [
        ("GET", &one, 200),
        ("GET", &failed, 200),
        ("POST", &commit, 202),
        ("POST", &commit, 409),
        ("DELETE", &one, 200),
    ] {
        visits.send(&admin, (method, path, &id), None, status).await;
        visits.send(&admin, (method, path, "99"), None, 404).await;
        visits.send(&admin, (method, path, "0"), None, 422).await;
        visits.send(&mike, (method, path, &id), None, 403).await;
        visits.send_unauthenticated(&app, (method, path, &id)).await;
    }
    visits.send_unauthenticated(&app, start).await;
    visits.send_unauthenticated(&app, template).await;
    // Nobody does this one.
    let app = TestApp::start_with(&[("jobs.check_every", "1h")]).await;
    let admin = app.admin("root").await;
    send(visits, &admin, (csv, failing), 202).await;
    send(visits, &admin, (csv, failing), 409).await;
}

/// So many users that a job changes them.
async fn many_users(visits: &mut Visits) {
    let app = TestApp::start_with(&[("jobs.check_every", "1h")]).await;
    let (admin, mike) = (app.admin("root").await, app.user("mike").await);
    let batch = ("POST", "/api/v1/users/batch", "");
    let many: Vec<_> = (1000..1200).collect();
    let many = json!({ "action": "deactivate", "ids": many });
    let begun = visits.send(&admin, batch, Some(&many), 202).await;
    visits.send(&admin, batch, Some(&many), 409).await;
    let (id, path) = (begun.body["id"].to_string(), "/api/v1/users/batches/{job_id}");
    visits.send(&admin, ("GET", path, &id), None, 200).await;
    visits.send(&admin, ("GET", path, "99"), None, 404).await;
    visits.send(&admin, ("GET", path, "0"), None, 422).await;
    visits.send(&mike, ("GET", path, &id), None, 403).await;
    visits.send_unauthenticated(&app, ("GET", path, &id)).await;
}

/// Somebody who has to change the password first is refused by every operation but a few.
async fn restricted(visits: &mut Visits) {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let eve = json!({ "username": "eve", "email": "eve@example.com", "role": "admin" });
    let made = admin.post("/api/v1/users", &eve).await.body;
    let eve = app.anonymous().log_in("eve", made["password"].as_str().unwrap()).await;
    let document = app.anonymous().get("/openapi.json").await.body;
    let operations = visits.document.operations();
    for ((method, path), statuses) in operations {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let is_secured = operation["security"].as_array().is_some_and(|any| !any.is_empty());
        if !is_secured || !statuses.contains(&403) {
            continue;
        }
        let target = filled(&path, any_value);
        let answer = eve.request(method.parse().unwrap(), &target).answer().await;
        visits.judge(&method, &path, 403, &answer);
    }
}

/// The second factor: set up, used in both dialects, renewed, given up, taken away, and refused in each way.
async fn factors(visits: &mut Visits) {
    const TOTP: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/totp", "");
    const CONFIRM: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/totp/confirm", "");
    const DISABLE: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/totp/disable", "");
    const RENEW: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/recovery-codes", "");
    let app = TestApp::start().await;
    let (admin, anonymous) = (app.admin("root").await, app.anonymous());
    let mike = app.user("mike").await;
    let password = json!({ "current_password": PASSWORD });
    for operation in [TOTP, CONFIRM, DISABLE, RENEW] {
        visits.send_bad_bodies(&mike, operation).await;
        visits.send_unauthenticated(&app, operation).await;
    }
    visits.send(&mike, TOTP, Some(&password), 403).await;
    app.prove_address("mike").await;
    let wrong = json!({ "current_password": "not-the-password" });
    visits.send(&mike, TOTP, Some(&wrong), 400).await;
    let code = json!({ "code": "123456" });
    visits.send(&mike, CONFIRM, Some(&code), 409).await;
    visits.send(&mike, DISABLE, Some(&password), 409).await;
    visits.send(&mike, RENEW, Some(&password), 409).await;
    let begun = visits.send(&mike, TOTP, Some(&password), 200).await;
    let authenticator = Authenticator::new(begun.body["secret"].as_str().unwrap());
    let with = |code: String| json!({ "current_password": PASSWORD, "code": code });
    let wrong = json!({ "code": authenticator.wrong(&app) });
    visits.send(&mike, CONFIRM, Some(&wrong), 400).await;
    let right = json!({ "code": authenticator.next(&app) });
    visits.send(&mike, CONFIRM, Some(&right), 200).await;
    visits.send(&mike, RENEW, Some(&password), 400).await;
    visits.send(&mike, RENEW, Some(&with(authenticator.next(&app))), 200).await;
    for (login, complete) in
        [("/api/v1/auth/login", "/api/v1/auth/mfa"), ("/api/auth/login", "/api/auth/mfa")]
    {
        let (login, complete) = (("POST", login, ""), ("POST", complete, ""));
        visits.send_bad_bodies(&anonymous, complete).await;
        let body = json!({ "username": "mike", "password": PASSWORD });
        let asked = visits.send(&anonymous, login, Some(&body), 401).await;
        let data = if asked.body["data"].is_object() { &asked.body["data"] } else { &asked.body };
        let token = data["mfa_token"].clone();
        let step = |code: String| json!({ "mfa_token": token, "code": code });
        visits.send(&anonymous, complete, Some(&step(authenticator.wrong(&app))), 401).await;
        visits.send(&anonymous, complete, Some(&step(authenticator.next(&app))), 200).await;
    }
    let disabled = with(authenticator.next(&app));
    visits.send(&mike, DISABLE, Some(&with(authenticator.wrong(&app))), 400).await;
    visits.send(&mike, DISABLE, Some(&disabled), 200).await;

    let remove = "/api/v1/users/{user_id}/mfa";
    visits.send(&mike, ("DELETE", remove, "2"), None, 403).await;
    visits.send(&admin, ("DELETE", remove, "2"), None, 409).await;
    visits.send(&admin, ("DELETE", remove, "99"), None, 404).await;
    visits.send(&admin, ("DELETE", remove, "0"), None, 422).await;
    visits.send_unauthenticated(&app, ("DELETE", remove, "2")).await;
    let Enrolled { client: mike, app: authenticator, .. } = app.enrol(mike).await;
    visits.send(&admin, ("DELETE", remove, "2"), None, 200).await;
    drop((mike, authenticator));

    // Too many wrong ones, and more sessions than there may be.
    let limits = [("sessions.max_per_user", "1"), ("sessions.on_excess", "refuse")];
    let app = app.restart(&limits).await;
    let anonymous = app.anonymous();
    let eve = app.user("eve").await;
    app.prove_address("eve").await;
    let Enrolled { client: eve, app: authenticator, .. } = app.enrol(eve).await;
    let body = json!({ "username": "eve", "password": PASSWORD });
    let ticket =
        async || anonymous.post("/api/v1/auth/login", &body).await.body["mfa_token"].clone();
    for complete in [("POST", "/api/v1/auth/mfa", ""), ("POST", "/api/auth/mfa", "")] {
        let step = json!({ "mfa_token": ticket().await, "code": authenticator.next(&app) });
        visits.send(&anonymous, complete, Some(&step), 409).await;
    }
    let begun = visits.send(&eve, TOTP, Some(&with(authenticator.next(&app))), 200).await;
    let other = Authenticator::new(begun.body["secret"].as_str().unwrap());
    for _ in 0..10 {
        let wrong = json!({ "code": other.wrong(&app) });
        visits.send(&eve, CONFIRM, Some(&wrong), 400).await;
    }
    let right = json!({ "code": other.next(&app) });
    visits.send(&eve, CONFIRM, Some(&right), 429).await;
    for operation in [TOTP, DISABLE, RENEW] {
        visits.send(&eve, operation, Some(&with(authenticator.next(&app))), 429).await;
    }
    for complete in [("POST", "/api/v1/auth/mfa", ""), ("POST", "/api/auth/mfa", "")] {
        let step = json!({ "mfa_token": ticket().await, "code": authenticator.next(&app) });
        visits.send(&anonymous, complete, Some(&step), 429).await;
    }
}

/// Passkeys: made, listed, used in each way, taken away, and refused in each way.
async fn of_passkeys(visits: &mut Visits) {
    const ORIGIN: &str = "https://app.example";
    const LIST: (&str, &str, &str) = ("GET", "/api/v1/users/me/mfa", "");
    const BEGIN: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/passkeys/options", "");
    const ADD: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/passkeys", "");
    const ASK: (&str, &str, &str) = ("POST", "/api/v1/users/me/mfa/passkeys/request", "");
    const REMOVE: &str = "/api/v1/users/me/mfa/passkeys/{passkey_id}/remove";
    const ASK_LOGIN: (&str, &str, &str) = ("POST", "/api/v1/auth/passkey/options", "");
    const LOGIN: (&str, &str, &str) = ("POST", "/api/v1/auth/passkey", "");
    const ASK_STEP: (&str, &str, &str) = ("POST", "/api/v1/auth/mfa/passkey", "");
    let site = [("passkeys.rp_id", "app.example"), ("passkeys.origins", ORIGIN)];
    let app = TestApp::start_with(&site).await;
    let anonymous = app.anonymous();
    let mike = app.user("mike").await;
    let password = json!({ "current_password": PASSWORD });
    for operation in [BEGIN, ADD, ("POST", REMOVE, "1")] {
        visits.send_bad_bodies(&mike, operation).await;
    }
    for operation in [LIST, BEGIN, ADD, ASK, ("POST", REMOVE, "1")] {
        visits.send_unauthenticated(&app, operation).await;
    }
    for operation in [LOGIN, ASK_STEP] {
        visits.send_bad_bodies(&anonymous, operation).await;
    }
    visits.send(&mike, BEGIN, Some(&password), 403).await;
    app.prove_address("mike").await;
    let wrong = json!({ "current_password": "not-the-password" });
    visits.send(&mike, BEGIN, Some(&wrong), 400).await;
    visits.send(&mike, ASK, None, 409).await;
    visits.send(&mike, LIST, None, 200).await;
    let begun = visits.send(&mike, BEGIN, Some(&password), 200).await;
    let mut device = Passkeys::new(ORIGIN);
    let named =
        |credential: &Value| json!({ "name": "phone", "credential": credential.to_string() });
    let made = named(&device.create(&begun.body));
    visits.send(&mike, ADD, Some(&named(&json!({}))), 400).await;
    visits.send(&mike, ADD, Some(&made), 200).await;
    visits.send(&mike, ADD, Some(&made), 409).await;
    visits.send(&mike, LIST, None, 200).await;

    let asked = visits.send(&anonymous, ASK_LOGIN, None, 200).await;
    let alone = json!({ "credential": device.get(&asked.body).to_string() });
    visits.send(&anonymous, LOGIN, Some(&alone), 200).await;
    visits.send(&anonymous, LOGIN, Some(&alone), 401).await;
    let first = anonymous.try_log_in("mike", PASSWORD).await;
    let step = json!({ "mfa_token": first.body["mfa_token"] });
    visits.send(&anonymous, ASK_STEP, Some(&step), 200).await;
    visits.send(&anonymous, ASK_STEP, Some(&json!({ "mfa_token": "none" })), 401).await;
    let asked = visits.send(&mike, ASK, None, 200).await;
    let code = device.get(&asked.body).to_string();
    visits.send(&mike, ("POST", REMOVE, "1"), Some(&password), 400).await;
    visits.send(&mike, ("POST", REMOVE, "0"), Some(&password), 422).await;
    let with = json!({ "current_password": PASSWORD, "code": code });
    visits.send(&mike, ("POST", REMOVE, "99"), Some(&with), 404).await;
    let asked = visits.send(&mike, ASK, None, 200).await;
    let code = device.get(&asked.body).to_string();
    let with = json!({ "current_password": PASSWORD, "code": code });
    visits.send(&mike, ("POST", REMOVE, "1"), Some(&with), 200).await;

    // More sessions than there may be, an address that is not proved, too many failures, no name of the site.
    let few = [("sessions.max_per_user", "1"), ("sessions.on_excess", "refuse")];
    let app = app.restart(&[&site[..], &few[..], &[("mail.mode", "off")]].concat()).await;
    let client = app.user("eve").await;
    let begun = client.post(BEGIN.1, &password).await;
    let made = client.post(ADD.1, &named(&device.create(&begun.body))).await;
    assert_eq!(made.status, 200, "{made}");
    let answer = async |app: &TestApp, device: &mut Passkeys| {
        let asked = app.anonymous().post_empty(ASK_LOGIN.1).await;
        json!({ "credential": device.get(&asked.body).to_string() })
    };
    let alone = answer(&app, &mut device).await;
    visits.send(&app.anonymous(), LOGIN, Some(&alone), 409).await;
    let proved = [("registration.require_verification", "login")];
    let app = app.restart(&[&site[..], &proved[..]].concat()).await;
    let (anonymous, alone) = (app.anonymous(), answer(&app, &mut device).await);
    visits.send(&anonymous, LOGIN, Some(&alone), 403).await;
    while visits.any(&anonymous, LOGIN, Some(&json!({ "credential": "{}" }))).await != 429 {}
    while visits.any(&anonymous, ASK_LOGIN, None).await != 429 {}
    let app = TestApp::start_with(&site).await;
    let client = app.user("ann").await;
    app.prove_address("ann").await;
    for _ in 0..10 {
        visits.send(&client, BEGIN, Some(&wrong), 400).await;
    }
    visits.send(&client, BEGIN, Some(&password), 429).await;
    visits.send(&client, ("POST", REMOVE, "2"), Some(&password), 429).await;
    let app = TestApp::start_with(&[("server.public_url", "http://192.0.2.7:8000")]).await;
    let client = app.user("mike").await;
    for (operation, body) in [
        (ASK_LOGIN, None),
        (LOGIN, Some(json!({ "credential": "{}" }))),
        (ASK_STEP, Some(json!({ "mfa_token": "none" }))),
        (BEGIN, Some(password)),
        (ADD, Some(named(&json!({})))),
        (ASK, None),
    ] {
        visits.send(&client, operation, body.as_ref(), 409).await;
    }
}

/// Taking back a change of address, where there was a second factor before.
async fn undo_with_a_factor(visits: &mut Visits) {
    let app = TestApp::start_with(&passkeys::SITE).await;
    let Enrolled { client: ann, app: authenticator, .. } = app.enrolled("ann").await;
    app.clock.advance(Duration::from_secs(1));
    let moved = ann.put("/api/v1/users/me", &json!({ "email": "other@example.com" })).await;
    assert_eq!(moved.status, 200, "{moved}");
    let token = token_in(app.mails_to("ann@example.com").await.first().unwrap());
    let undo = ("POST", "/api/v1/auth/undo-email-change", "");
    visits.send(&app.anonymous(), undo, Some(&json!({ "token": token })), 400).await;
    let with = |code: String| json!({ "token": token, "code": code });
    for _ in 0..10 {
        let wrong = with(authenticator.wrong(&app));
        visits.send(&app.anonymous(), undo, Some(&wrong), 400).await;
    }
    let right = with(authenticator.next(&app));
    visits.send(&app.anonymous(), undo, Some(&right), 429).await;
    let ask = ("POST", "/api/v1/auth/undo-email-change/passkey", "");
    visits.send_bad_bodies(&app.anonymous(), ask).await;
    visits.send(&app.anonymous(), ask, Some(&json!({ "token": token })), 409).await;
    visits.send(&app.anonymous(), ask, Some(&json!({ "token": "A".repeat(43) })), 400).await;
    let (token, mut device) = passkeys::moved(&app, "eve").await;
    let asked = visits.send(&app.anonymous(), ask, Some(&json!({ "token": token })), 200).await;
    let body = json!({ "token": token, "code": device.get(&asked.body).to_string() });
    visits.send(&app.anonymous(), undo, Some(&body), 200).await;
}

/// Somebody who has to set up a second factor first is refused by every operation but a few.
async fn enrolling(visits: &mut Visits) {
    let app = TestApp::start_with(&[("mfa.required_for", "admin")]).await;
    let eve = app.admin("eve").await;
    let document = app.anonymous().get("/openapi.json").await.body;
    let mut admitted = Vec::new();
    for ((method, path), _) in visits.document.operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        // That would be the last.
        let is_logout = path.ends_with("/logout");
        if !is_logout && operation["security"].as_array().is_some_and(|any| !any.is_empty()) {
            let target = filled(&path, any_value);
            let answer = eve.request(method.parse().unwrap(), &target).answer().await;
            visits.judge(&method, &path, answer.status, &answer);
            let is_refused = answer.status == 403
                && [&answer.body["code"], &answer.body["data"]["reason"]]
                    .contains(&&json!("mfa_enrolment_required"));
            if !is_refused {
                admitted.push(format!("{method} {path}"));
            }
        }
    }
    let expected = [
        "GET /api/auth/me",
        "GET /api/v1/users/me",
        "GET /api/v1/users/me/mfa",
        "POST /api/auth/change-password",
        "POST /api/v1/auth/change-password",
        "POST /api/v1/users/me/mfa/passkeys",
        "POST /api/v1/users/me/mfa/passkeys/options",
        "POST /api/v1/users/me/mfa/passkeys/request",
        "POST /api/v1/users/me/mfa/totp",
        "POST /api/v1/users/me/mfa/totp/confirm",
    ];
    admitted.sort_unstable();
    assert_eq!(admitted, expected);
}

/// What an application asks that people log in to by the pages.
async fn hand_offs(visits: &mut Visits) {
    let exchange = ("POST", "/api/v1/auth/exchange", "");
    let check = ("GET", "/api/v1/auth/check", "");
    let application = ("pages.redirect_origins", "https://app.example");
    let limit = [("sessions.max_per_user", "1"), ("sessions.on_excess", "refuse"), application];
    for (settings, expected) in [(&limit[2..], 200), (&limit[..], 409)] {
        let app = TestApp::start_with(settings).await;
        let (mike, anonymous) = (app.user("mike").await, app.anonymous());
        visits.send(&mike, check, None, 204).await;
        visits.send_unauthenticated(&app, check).await;
        visits.send_bad_bodies(&anonymous, exchange).await;
        mike.post_empty("/api/v1/auth/logout").await;
        let browser = app.browser();
        assert!(browser.log_in("mike", PASSWORD).await.leads_to("profile"));
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let login = format!("/account/login?next=https://app.example/&code_challenge={challenge}");
        let location = browser.open(&login).await.location.unwrap();
        let code = location.strip_prefix("https://app.example/?code=").unwrap();
        let other = json!({ "code": "x", "code_verifier": verifier });
        visits.send(&anonymous, exchange, Some(&other), 400).await;
        let body = json!({ "code": code, "code_verifier": verifier });
        visits.send(&anonymous, exchange, Some(&body), expected).await;
    }
}

/// A login that has to go on: its ticket opens what it was given for, and no other operation.
async fn tickets(visits: &mut Visits) {
    let limit = [("sessions.max_per_user", "1"), ("sessions.on_excess", "refuse")];
    let app = TestApp::start_with(&limit).await;
    app.user("mike").await;
    let body = json!({ "username": "mike", "password": PASSWORD });
    let anonymous = app.anonymous();
    let envelope = ("POST", "/api/auth/login", "");
    visits.send(&anonymous, envelope, Some(&body), 409).await;
    let login = ("POST", "/api/v1/auth/login", "");
    let refused = visits.send(&anonymous, login, Some(&body), 409).await;
    let ticket = anonymous.with_token(refused.body["sessions_token"].as_str().unwrap());
    let sessions = "/api/v1/users/me/sessions";
    let document = anonymous.get("/openapi.json").await.body;
    let mut opened = Vec::new();
    for ((method, path), _) in visits.document.operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        if operation["security"].as_array().is_some_and(|any| !any.is_empty()) {
            let target = filled(&path, any_value);
            let answer = ticket.request(method.parse().unwrap(), &target).answer().await;
            visits.judge(&method, &path, answer.status, &answer);
            if answer.status != 401 {
                opened.push(format!("{method} {path}"));
            }
        }
    }
    let of_one = format!("{sessions}/{{session_id}}");
    let expected = [("GET", sessions), ("DELETE", sessions), ("DELETE", of_one.as_str())];
    let mut expected = expected.map(|(method, path)| format!("{method} {path}"));
    opened.sort_unstable();
    expected.sort_unstable();
    assert_eq!(opened, expected);
}

/// Invitations: made, renewed, revoked, accepted in both dialects, and refused in each way.
async fn invitations(visits: &mut Visits) {
    let app = TestApp::start_with(&[("registration.mode", "invite")]).await;
    let (admin, other) = (app.admin("root").await, app.admin("other").await);
    let (list, create) = (("GET", "/api/v1/invitations", ""), ("POST", "/api/v1/invitations", ""));
    let (resend, revoke) =
        ("/api/v1/invitations/{invitation_id}/resend", "/api/v1/invitations/{invitation_id}");
    let accept = ["/api/v1/auth/accept-invitation", "/api/auth/accept-invitation"];
    let class = json!({ "role": "student", "max_uses": 30 });
    let made = visits.send(&admin, create, Some(&class), 201).await.body;
    let for_one = json!({ "role": "admin", "email": "ann@example.com" });
    let of_ann = visits.send(&admin, create, Some(&for_one), 201).await.body;
    visits.send_bad_bodies(&admin, create).await;
    let student = |n: u8, token: &Value| {
        json!({
            "token": token, "username": format!("student{n}"), "password": PASSWORD,
            "email": format!("student{n}@example.com"),
        })
    };
    let client = app.anonymous();
    for (n, path) in (1..).zip(accept) {
        let success = if path == accept[0] { 201 } else { 200 };
        let target = ("POST", path, "");
        visits.send_bad_bodies(&client, target).await;
        visits.send(&client, target, Some(&student(n, &made["token"])), success).await;
        visits.send(&client, target, Some(&student(n, &json!("x"))), 400).await;
        // Taking another role: what is sent to another, and what has fewer rights.
        let mut taker = client.log_in(&format!("student{n}"), PASSWORD).await;
        let token = json!({ "token": of_ann["token"] });
        visits.send(&taker, target, Some(&token), 403).await;
        visits.send(&other, target, Some(&json!({ "token": made["token"] })), 409).await;
        let teacher = json!({ "role": "teacher", "max_uses": 1 });
        let teacher = visits.send(&admin, create, Some(&teacher), 201).await.body;
        let token = json!({ "token": teacher["token"] });
        visits.send(&taker, target, Some(&token), 200).await;
        taker.access_token = Some("abc".to_owned());
        visits.send(&taker, target, Some(&token), 401).await;
    }
    let mike = client.log_in("student1", PASSWORD).await;
    visits.send(&admin, list, None, 200).await;
    let bad = admin.get("/api/v1/invitations?limit=0&after=0").await;
    visits.judge("GET", list.1, 422, &bad);
    let id = of_ann["id"].to_string();
    for (id, status) in [("4711", 404), ("0", 422), (&id, 200)] {
        visits.send(&admin, ("POST", resend, id), None, status).await;
        visits.send(&admin, ("DELETE", revoke, id), None, status).await;
    }
    visits.send(&admin, ("POST", resend, &id), None, 409).await;
    visits.send(&mike, create, Some(&class), 403).await;
    for target in [list, ("POST", resend, "1"), ("DELETE", revoke, "1")] {
        visits.send(&mike, target, None, 403).await;
        visits.send_unauthenticated(&app, target).await;
    }
    visits.send_unauthenticated(&app, create).await;
    for path in accept {
        for status in [400; 10].into_iter().chain([429]) {
            let wrong = student(9, &json!("0000-0000-0000"));
            let answer = client.post(path, &wrong).await;
            // The two dialects share one count.
            let expected = if path == accept[0] { status } else { 429 };
            visits.judge("POST", path, expected, &answer);
        }
    }
    let register = student(9, &json!("x"));
    visits.send(&client, REGISTER, Some(&register), 403).await;
}

/// The token in the newest mail to an address.
async fn token_of(app: &TestApp, address: &str) -> Value {
    json!({ "token": token_in(app.mails_to(address).await.first().unwrap()) })
}

/// What links in mails are for, in a dialect.
async fn links(visits: &mut Visits, base: &str, accepted: u16) {
    let app = TestApp::start_with(&[("registration.require_verification", "login")]).await;
    let client = app.anonymous();
    let mike = json!({ "username": "mike", "email": "mike@example.com", "password": PASSWORD });
    assert_eq!(client.post("/api/v1/auth/register", &mike).await.status, 201);
    let path = |name: &str| format!("{base}{name}");
    let (forgot, resend) = (path("/forgot-password"), path("/verify-email/resend"));
    let (reset, verify) = (path("/reset-password"), path("/verify-email"));
    let login = path("/login");
    let credentials = json!({ "username": "mike", "password": PASSWORD });
    visits.send(&client, ("POST", &login, ""), Some(&credentials), 403).await;
    for path in [&forgot, &resend, &reset, &verify] {
        visits.send_bad_bodies(&client, ("POST", path, "")).await;
    }
    let name = json!({ "username": "mike" });
    for path in [&forgot, &resend] {
        visits.send(&client, ("POST", path, ""), Some(&name), accepted).await;
    }
    let mails = app.mails_to("mike@example.com").await;
    let token = |kind: &str| {
        let found = mails.iter().find(|mail| mail.text.contains(kind)).unwrap();
        token_in(found)
    };
    let (to_verify, to_reset) =
        (token("/account/verify-email#"), token("/account/reset-password#"));
    let wrong = json!({ "token": to_verify, "current_password": "wrong password" });
    for status in [400; 10].into_iter().chain([429]) {
        visits.send(&client, ("POST", &verify, ""), Some(&wrong), status).await;
    }
    visits.send(&client, ("POST", &verify, ""), Some(&json!({ "token": to_verify })), 200).await;
    let new = json!({ "token": to_reset, "new_password": "newpassword456" });
    visits.send(&client, ("POST", &reset, ""), Some(&new), 200).await;
    visits.send(&client, ("POST", &reset, ""), Some(&new), 400).await;
    let closed = [("mail.mode", "off"), ("registration.mode", "closed")];
    let app = TestApp::start_with(&closed).await;
    let ann = json!({
        "username": "ann", "email": "ann@example.com", "password": PASSWORD, "role": "student",
        "name": "安安",
    });
    visits.send(&app.anonymous(), ("POST", &path("/register"), ""), Some(&ann), 403).await;
    for path in [&forgot, &resend] {
        visits.send(&app.anonymous(), ("POST", path, ""), Some(&name), 403).await;
    }
}
