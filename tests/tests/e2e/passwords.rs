//! Which passwords are taken, and that they are compared whole.

use std::time::{Duration, Instant};

use menjin_tests::app::TestApp;
use menjin_tests::client::Answer;
use serde_json::{Value, json};

async fn register(app: &TestApp, name: &str, password: &str) -> Answer {
    let body =
        json!({ "username": name, "email": format!("{name}@example.com"), "password": password });
    app.anonymous().post("/api/v1/auth/register", &body).await
}

async fn register_envelope(app: &TestApp, name: &str, password: &str) -> Answer {
    let body = json!({
        "username": name, "email": format!("{name}@example.com"), "password": password,
        "role": "student", "name": "张三",
    });
    app.anonymous().post("/api/auth/register", &body).await
}

/// Tries to log in through both dialects; the status is the same.
async fn log_in(app: &TestApp, name: &str, password: &str) -> u16 {
    let status = app.anonymous().try_log_in(name, password).await.status;
    let body = json!({ "username": name, "password": password });
    let answer = app.anonymous().post("/api/auth/login", &body).await;
    assert_eq!((answer.status, &answer.body["code"]), (status, &json!(status)), "{answer}");
    status
}

/// Tries to change a password through both dialects; returns v1's answer.
async fn change(app: &TestApp, name: &str, password: &str, new: &str) -> Answer {
    let client = app.anonymous().log_in(name, password).await;
    let body = json!({ "old_password": password, "new_password": new });
    let envelope = client.post("/api/auth/change-password", &body).await;
    let body =
        json!({ "current_password": password, "new_password": new, "confirm_password": new });
    let answer = client.post("/api/v1/auth/change-password", &body).await;
    assert_eq!(envelope.status, answer.status, "{envelope}");
    answer
}

#[tokio::test]
async fn p1_long_passwords_work() {
    let app = TestApp::start().await;
    for (name, length) in [("mike", 64), ("ann", 71)] {
        let password = "x".repeat(length);
        assert_eq!(register(&app, name, &password).await.status, 201);
        assert_eq!(app.anonymous().try_log_in(name, &password).await.status, 200);
        let longer = format!("{password}x");
        assert_eq!(app.anonymous().try_log_in(name, &longer).await.status, 401);
    }
}

#[tokio::test]
async fn p2_p3_p5_what_is_too_short_or_too_long_is_refused() {
    let app = TestApp::start().await;
    let bytes = |n: usize| "x".repeat(n);
    for (password, kind) in [
        (bytes(129), "string_too_long"),
        (bytes(200), "string_too_long"),
        ("😀".repeat(129), "string_too_long"),
        ("abcd\0abcd".to_owned(), "value_error"),
        (bytes(7), "string_too_short"),
        ("😀".repeat(7), "string_too_short"),
    ] {
        let answer = register(&app, "mike", &password).await;
        assert_eq!(answer.status, 422, "{password:?}");
        assert_eq!(answer.body["detail"][0]["type"], kind, "{password:?}: {answer}");
    }
    assert_eq!(register(&app, "mike", &"😀".repeat(8)).await.status, 201);
}

#[tokio::test]
async fn p2_p3_p5_in_envelopes_too() {
    let app = TestApp::start().await;
    let bytes = |n: usize| "x".repeat(n);
    for password in
        [bytes(21), bytes(72), bytes(73), bytes(200), "😀".repeat(21), "abc\0abc".into(), bytes(5)]
    {
        let answer = register_envelope(&app, "mike", &password).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!(422)), "{password:?}");
    }
    assert_eq!(register_envelope(&app, "mike", &"😀".repeat(6)).await.status, 200);
    assert_eq!(register_envelope(&app, "bob", &"😀".repeat(20)).await.status, 200);
    assert_eq!(log_in(&app, "bob", &"😀".repeat(19)).await, 401);
    assert_eq!(log_in(&app, "bob", &"😀".repeat(20)).await, 200);
    assert_eq!(register_envelope(&app, "ann", &bytes(20)).await.status, 200);
}

/// bcrypt reads 72 bytes with the NUL at the end: beyond 71 the password is hashed in another form, in
/// which each character counts.
#[tokio::test]
async fn p2_p10_j16_long_passwords_of_any_script_work_and_nothing_is_cut_off() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    for (number, (character, count)) in
        [("x", 72), ("x", 73), ("密", 24), ("é", 36), ("密", 128), ("😀", 128)].iter().enumerate()
    {
        let (name, password) = (format!("user{number}"), character.repeat(*count));
        assert_eq!(register(&app, &name, &password).await.status, 201, "{password}");
        let hash = app.hash_of(&name).await;
        assert!(hash.starts_with("$bcrypt-sha256$v=2,t=2b,r=4$"), "{hash}");
        assert_eq!(log_in(&app, &name, &password).await, 200);
        assert_eq!(app.hash_of(&name).await, hash, "nothing to do");
        let mut other_end = character.repeat(count - 1);
        for wrong in [other_end.clone(), format!("{password}{character}"), {
            other_end.push('y');
            other_end
        }] {
            assert_eq!(log_in(&app, &name, &wrong).await, 401, "{wrong}");
        }
    }
    let body = json!({
        "current_password": "x".repeat(72),
        "new_password": "short enough", "confirm_password": "short enough",
    });
    let user = app.anonymous().log_in("user0", &"x".repeat(72)).await;
    assert_eq!(user.post("/api/v1/auth/change-password", &body).await.status, 200);
    assert!(app.hash_of("user0").await.starts_with("$2b$04$"));
    assert_eq!(log_in(&app, "user0", "short enough").await, 200);
}

/// What is tried may be of any length, and has no NUL; what is changed to follows the rules.
#[tokio::test]
async fn p2_p3_where_a_password_is_tried_or_changed() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let password = "x".repeat(20);
    register(&app, "mike", &password).await;
    for longer in [21, 71, 72, 73, 200, 10_000] {
        assert_eq!(log_in(&app, "mike", &"x".repeat(longer)).await, 401, "{longer}");
    }
    assert_eq!(log_in(&app, "mike", "").await, 401);
    for nul in ["\0", "xxxx\0", &format!("{password}\0{password}")] {
        assert_eq!(log_in(&app, "mike", nul).await, 422, "{nul:?}");
        assert_eq!(change(&app, "mike", &password, nul).await.status, 422);
    }
    assert_eq!(change(&app, "mike", &password, &"y".repeat(129)).await.status, 422);
    assert_eq!(log_in(&app, "mike", &password).await, 200);
}

#[tokio::test]
async fn p4_the_unicode_form_does_not_matter() {
    let app = TestApp::start().await;
    assert_eq!(register(&app, "mike", "pass-w\u{f6}rt-caf\u{e9}").await.status, 201);
    let decomposed = "pass-wo\u{308}rt-cafe\u{301}";
    assert_eq!(log_in(&app, "mike", decomposed).await, 200);
    assert_eq!(register_envelope(&app, "ann", "wo\u{308}rt-cafe\u{301}").await.status, 200);
    assert_eq!(log_in(&app, "ann", "w\u{f6}rt-caf\u{e9}").await, 200);
}

#[tokio::test]
async fn p6_any_characters_will_do() {
    let app = TestApp::start().await;
    for (name, password) in
        [("mike", "          "), ("ann", "correcthorsebattery"), ("bob", "密码密码密码密码")]
    {
        assert_eq!(register(&app, name, password).await.status, 201, "{password:?}");
        assert_eq!(log_in(&app, name, password).await, 200);
    }
    for (name, password) in [("eve", "      "), ("kim", "lowercase")] {
        assert_eq!(register_envelope(&app, name, password).await.status, 200, "{password:?}");
        assert_eq!(log_in(&app, name, password).await, 200);
    }
}

#[tokio::test]
async fn p7_what_everybody_tries_first_is_refused() {
    let app = TestApp::start().await;
    for (password, code) in [
        ("password", "password_too_common"),
        ("12345678", "password_too_common"),
        ("mike.miller", "password_equals_identity"),
        ("MIKE.MILLER@example.com", "password_equals_identity"),
        ("ｍｉｋｅ．ｍｉｌｌｅｒ", "password_equals_identity"),
        ("mike.miller＠EXAMPLE.com", "password_equals_identity"),
    ] {
        let answer = register(&app, "mike.miller", password).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(code)), "{password}");
    }
    assert_eq!(register(&app, "mike.miller", "password123").await.status, 201);
    let mut body = json!({
        "username": "ann", "email": "anna.lena.ott@example.com", "password": "Anna.Lena.Ott",
    });
    let answer = app.anonymous().post("/api/v1/auth/register", &body).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!("password_equals_identity")));
    body["password"] = json!("password123");
    assert_eq!(app.anonymous().post("/api/v1/auth/register", &body).await.status, 201);
}

/// Through either dialect: a change is held to the policy, a registration as the setting says.
#[tokio::test]
async fn p7_a_change_is_held_to_the_policy_and_registrations_by_the_setting() {
    let app = TestApp::start().await;
    let weak = ["password", "STUD0001", "ｓｔｕｄ０００１", "stud0001@example.com"];
    assert_eq!(register_envelope(&app, "stud0001", "Stud0001").await.status, 200);
    for password in weak {
        assert_eq!(change(&app, "stud0001", "Stud0001", password).await.status, 400, "{password}");
    }
    let app = TestApp::start_with(&[("password.envelope_policy", "true")]).await;
    for password in weak {
        let answer = register_envelope(&app, "stud0001", password).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(400)), "{answer}");
    }
}

#[tokio::test]
async fn p7_production_asks_for_more() {
    let app =
        TestApp::start_with(&[("password.refuse_common", "3000"), ("password.min_score", "3")])
            .await;
    for (password, code) in
        [("password123", "password_too_common"), ("aaaabbbb", "password_too_weak")]
    {
        let answer = register(&app, "mike", password).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(code)), "{password}");
    }
    assert_eq!(register(&app, "mike", "mauve otter beneath the tram").await.status, 201);
}

#[tokio::test]
async fn p8_passwords_are_compared_exactly() {
    let app = TestApp::start().await;
    register(&app, "mike", "Password-123").await;
    for wrong in ["password-123", "Password-123 ", " Password-123", "Password-12", "Password-1234"]
    {
        assert_eq!(app.anonymous().try_log_in("mike", wrong).await.status, 401, "{wrong:?}");
    }
    register_envelope(&app, "ann", "Password").await;
    for wrong in ["password", "Password ", "PASSWORD", "Passwor"] {
        assert_eq!(log_in(&app, "ann", wrong).await, 401, "{wrong:?}");
    }
}

#[tokio::test]
async fn p10_the_row_holds_bcrypt_of_the_configured_cost_and_an_older_one_is_hashed_anew() {
    let app = TestApp::start().await;
    register(&app, "mike", "password123").await;
    register_envelope(&app, "ann", "password123").await;
    let before = [app.hash_of("mike").await, app.hash_of("ann").await];
    for hash in &before {
        assert!(hash.starts_with("$2b$04$") && hash.len() == 60, "{hash}");
    }
    assert_ne!(before[0], before[1], "each has a salt of its own");
    assert_eq!(log_in(&app, "mike", "password123").await, 200);
    assert_eq!(app.hash_of("mike").await, before[0], "nothing to do");
    let clock = app.clock.clone();
    let app = TestApp::start_at(app.stop().await, clock, &[("hashing.cost", "6")]).await;
    assert_eq!(log_in(&app, "mike", "wrong").await, 401);
    assert_eq!(app.hash_of("mike").await, before[0], "a wrong one changes nothing");
    let body = json!({ "username": "ann", "password": "password123" });
    assert_eq!(app.anonymous().post("/api/auth/login", &body).await.status, 200);
    assert_eq!(app.anonymous().try_log_in("mike", "password123").await.status, 200);
    for name in ["mike", "ann"] {
        assert!(app.hash_of(name).await.starts_with("$2b$06$"));
        assert_eq!(log_in(&app, name, "password123").await, 200);
    }
}

/// Of "password123", made with bcrypt 5.0, Django 5.2 and argon2-cffi 25.1.
const FOREIGN: [&str; 5] = [
    "$2b$05$/hpwv/Lvri/9YZI7WpbPHOA7RXe7nIEKNEu1hEI7ik6G.c.Y/4KSa",
    "$2a$04$EiblsnxY4L9bNZQfCzKZ.eE0SiOnukAhovaakz23/LWBxu9gKeTOC",
    "$2y$04$37D5H06kH0/f3wNluNO25u2q3VvDJoPuXtm2eqT26Yu8ouX.q0oDO",
    "bcrypt_sha256$$2b$04$k9YI2dsa5vNKT/h0wShECO1trOxM5xPjs5A6FCd7.veVNhSwiywj6",
    "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$LEO3dM3ym/9/cm+9t7ZU6nelHfKixM3knWfNEvGx3ak",
];

#[tokio::test]
async fn p10_hashes_of_other_systems_work_once_and_are_ours_then() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    register(&app, "mike", "password-of-before").await;
    for (number, foreign) in FOREIGN.into_iter().enumerate() {
        app.set_hash("mike", foreign).await;
        assert_eq!(log_in(&app, "mike", "Password123").await, 401, "{foreign}");
        assert_eq!(log_in(&app, "mike", "").await, 401, "{foreign}");
        assert_eq!(app.hash_of("mike").await, foreign);
        let path = ["/api/v1/auth/login", "/api/auth/login"][number % 2];
        let body = json!({ "username": "mike", "password": "password123" });
        assert_eq!(app.anonymous().post(path, &body).await.status, 200, "{foreign}");
        assert!(app.hash_of("mike").await.starts_with("$2b$04$"), "{foreign}");
        assert_eq!(log_in(&app, "mike", "password123").await, 200);
    }
    let me = app.anonymous().log_in("mike", "password123").await.me().await;
    assert_eq!(me.body["updated_at"], Value::Null, "to hash anew is no change of the account");
}

#[tokio::test]
async fn p11_a_hash_that_cannot_be_read_is_wrong_and_answered_at_once() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    register(&app, "mike", "password123").await;
    let sound = app.hash_of("mike").await;
    for broken in [
        "x".to_owned(),
        "哈希".to_owned(),
        sound[..59].to_owned(),
        format!("{}é", &sound[..59]),
        sound.replacen("$04$", "$31$", 1),
        sound.replacen("$2b$", "$2x$", 1),
        format!("bcrypt_sha256${}", sound.replacen("$04$", "$31$", 1)),
        FOREIGN[4].replacen("m=64", "m=4194304", 1),
        FOREIGN[4].replacen("t=1", "t=4000000000", 1),
        FOREIGN[4].replacen("argon2id", "argon2i", 1),
    ] {
        app.set_hash("mike", &broken).await;
        let started = Instant::now();
        let answers = [
            app.anonymous().try_log_in("mike", "password123").await,
            app.anonymous()
                .post("/api/auth/login", &json!({ "username": "mike", "password": "password123" }))
                .await,
        ];
        assert!(started.elapsed() < Duration::from_secs(2), "{broken}: one second each");
        for answer in answers {
            assert_eq!(answer.status, 401, "{broken}: {answer}");
        }
        assert_eq!(app.hash_of("mike").await, broken);
    }
    app.set_hash("mike", &sound).await;
    assert_eq!(log_in(&app, "mike", "password123").await, 200);
}
