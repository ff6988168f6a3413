//! Codes of a second factor, on one replica and on the other.

use menjin_tests::authenticator::Authenticator as Passkeys;
use menjin_tests::client::Client;
use menjin_tests::totp::{Authenticator, begin, confirm};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{PASSWORD, Replicas};

const NO_MAIL: (&str, &str) = ("MENJIN__MAIL__MODE", "off");

/// Somebody with a second factor: an app and recovery codes.
async fn enrolled(replicas: &Replicas, name: &str) -> (Client, Authenticator, Vec<Value>) {
    assert_eq!(replicas.register(name).await.status, 201);
    let client = replicas.on(0).log_in(name, PASSWORD).await;
    let begun = begin(&client, &json!({ "current_password": PASSWORD })).await;
    let app = Authenticator::new(begun.body["secret"].as_str().unwrap());
    // The step before, so that the one of now was not used.
    let confirmed = confirm(&client, &app.code_in(-1)).await;
    assert_eq!(confirmed.status, 200, "{confirmed}");
    (client, app, confirmed.body["recovery_codes"].as_array().unwrap().clone())
}

/// How many of fifty second steps with this code succeed, half of them on each replica.
async fn successes(replicas: &Replicas, name: &str, code: &str) -> usize {
    let asked = replicas.on(1).try_log_in(name, PASSWORD).await;
    assert_eq!(asked.body["code"], "mfa_required", "{asked}");
    let mut steps = JoinSet::new();
    for number in 0..50 {
        // Five wrong codes end a ticket: each step has its own.
        let client = replicas.on(number % 2);
        let (name, code) = (name.to_owned(), code.to_owned());
        steps.spawn(async move {
            let asked = client.try_log_in(&name, PASSWORD).await;
            let body = json!({ "mfa_token": asked.body["mfa_token"], "code": code });
            let done = client.post("/api/v1/auth/mfa", &body).await;
            assert!([200, 401].contains(&done.status), "{done}");
            done.status == 200
        });
    }
    steps.join_all().await.into_iter().filter(|done| *done).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn y3_of_parallel_uses_of_a_code_on_two_replicas_one_succeeds() {
    let replicas = Replicas::start_with(2, &[NO_MAIL]).await;
    let (_, app, recovery) = enrolled(&replicas, "mike").await;
    // One step ahead is taken as well, however long the steps of the test take.
    let code = app.code_in(1);
    assert_eq!(successes(&replicas, "mike", &code).await, 1);
    assert_eq!(successes(&replicas, "mike", recovery[0].as_str().unwrap()).await, 1);
}

/// What a passkey has signed on one replica is used on both: of fifty uses one succeeds, as a second factor and
/// alone.
#[tokio::test(flavor = "multi_thread")]
async fn y8_of_parallel_uses_of_an_answer_on_two_replicas_one_succeeds() {
    const ORIGIN: &str = "https://app.example";
    let site = [
        ("MENJIN__PASSKEYS__RP_ID", "app.example"),
        ("MENJIN__PASSKEYS__ORIGINS", ORIGIN),
        NO_MAIL,
    ];
    let replicas = Replicas::start_with(2, &site).await;
    assert_eq!(replicas.register("mike").await.status, 201);
    let mike = replicas.on(0).log_in("mike", PASSWORD).await;
    let mut device = Passkeys::new(ORIGIN);
    let path = "/api/v1/users/me/mfa/passkeys";
    let begun =
        mike.post(&format!("{path}/options"), &json!({ "current_password": PASSWORD })).await;
    let made = device.create(&begun.body).to_string();
    // Begun on one, made on the other.
    let there = crate::support::moved(&mike, &replicas.on(1));
    let added = there.post(path, &json!({ "name": "phone", "credential": made })).await;
    assert_eq!(added.status, 200, "{added}");

    let asked = there.post_empty(&format!("{path}/request")).await;
    let answer = device.get(&asked.body).to_string();
    assert_eq!(successes(&replicas, "mike", &answer).await, 1);
    let asked = replicas.on(0).post_empty("/api/v1/auth/passkey/options").await;
    let answer = json!({ "credential": device.get(&asked.body).to_string() });
    let mut logins = JoinSet::new();
    for number in 0..50 {
        let (client, answer) = (replicas.on(number % 2), answer.clone());
        logins.spawn(async move {
            let done = client.post("/api/v1/auth/passkey", &answer).await;
            assert!([200, 401].contains(&done.status), "{done}");
            done.status == 200
        });
    }
    assert_eq!(logins.join_all().await.into_iter().filter(|done| *done).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn y4_wrong_codes_are_counted_over_all_replicas() {
    let throttled = ("MENJIN__THROTTLE__ENABLED", "true");
    let replicas = Replicas::start_with(2, &[NO_MAIL, throttled]).await;
    let (_, app, _) = enrolled(&replicas, "mike").await;
    let wrong = async |number: usize| {
        let client = replicas.on(number % 2);
        let body =
            json!({ "username": "mike", "password": PASSWORD, "otp": "zzzz-zzzz-zzzz-zzzz" });
        client.post("/api/v1/auth/login", &body).await.status
    };
    for number in 0..10 {
        assert_eq!(wrong(number).await, 401);
    }
    assert_eq!((wrong(0).await, wrong(1).await), (429, 429));
    let code = app.code_in(0);
    let body = json!({ "username": "mike", "password": PASSWORD, "otp": code });
    for number in 0..2 {
        let right = replicas.on(number).post("/api/v1/auth/login", &body).await;
        assert_eq!(right.status, 429, "{right}");
    }
}

/// What one replica changes, the other knows at once: sessions end, and a code is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn y1_a_factor_ends_sessions_on_every_replica() {
    let replicas = Replicas::start_with(2, &[NO_MAIL]).await;
    assert_eq!(replicas.register("mike").await.status, 201);
    let copies = replicas.everywhere("mike").await;
    let mine = replicas.on(1).log_in("mike", PASSWORD).await;
    let begun = begin(&mine, &json!({ "current_password": PASSWORD })).await;
    let app = Authenticator::new(begun.body["secret"].as_str().unwrap());
    let confirmed = confirm(&mine, &app.code_in(0)).await;
    assert_eq!(confirmed.status, 200, "{confirmed}");
    for copy in &copies {
        menjin_tests::waiting::until("the session ends", crate::support::HEARD, async || {
            copy.me().await.status == 401
        })
        .await;
    }
    assert_eq!(mine.me().await.body["mfa_enabled"], true);
}
