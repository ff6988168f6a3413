//! Requests at once, on different replicas: straight to each in turn, and behind load balancers.
//! `MENJIN_TEST_ROUNDS` says how often.

use std::time::Duration;

use menjin_tests::client::{Answer, Client};
use menjin_tests::size::rounds;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{PASSWORD, Replicas, moved};

#[tokio::test(flavor = "multi_thread")]
async fn x1_of_many_registrations_on_two_replicas_one_succeeds() {
    let replicas = Replicas::start(2).await;
    for way in replicas.ways() {
        let mut registrations = JoinSet::new();
        for n in 0..50 {
            let client = way.nobody();
            let name = [["Mike", "mike", "Ｍｉｋｅ"][n % 3], way.name].concat();
            let email = format!("{}{n}@example.com", way.name);
            let body = json!({ "username": name, "email": email, "password": PASSWORD });
            registrations
                .spawn(async move { client.post("/api/v1/auth/register", &body).await.status });
        }
        let mut statuses = registrations.join_all().await;
        statuses.sort_unstable();
        let expected: Vec<u16> = std::iter::once(201).chain([400; 49]).collect();
        assert_eq!(statuses, expected, "{}", way.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_of_20_refreshes_over_two_replicas_one_branch_lives() {
    let replicas = Replicas::start(2).await;
    let ways = replicas.ways();
    for (round, way) in (0..rounds(12)).zip(ways.iter().cycle()) {
        let mike = way.user(&format!("mike{round}")).await;
        let mut refreshes = JoinSet::new();
        for _ in 0..20 {
            let client = way.next(&mike);
            refreshes.spawn(async move {
                let answer = client.refresh().await;
                assert!([200, 401].contains(&answer.status), "{answer}");
                (answer.status == 200).then(|| client.with_tokens(&answer.body))
            });
        }
        let branches: Vec<Client> = refreshes.join_all().await.into_iter().flatten().collect();
        let mut went_on = 0;
        for branch in &branches {
            went_on += u32::from(way.next(branch).refresh().await.status == 200);
        }
        assert!(went_on <= 1, "{}, round {round}: {went_on} branches", way.name);
    }
}

/// Something that hands out tokens, on one replica, beside something that ends them, on the other,
/// a little earlier or later in each round; returns the client with the tokens, if it got any.
async fn beside<T>(
    round: usize,
    client: Client,
    minting: impl Future<Output = Answer>,
    ending: impl Future<Output = T>,
) -> (Option<Client>, T) {
    let moment = Duration::from_micros(300) * u32::try_from(round % 10).unwrap();
    let (before, after) =
        if round % 20 < 10 { (Duration::ZERO, moment) } else { (moment, Duration::ZERO) };
    let minted = async {
        tokio::time::sleep(before).await;
        minting.await
    };
    let ended = async {
        tokio::time::sleep(after).await;
        ending.await
    };
    let (minted, ended) = tokio::join!(minted, ended);
    assert!([200, 401].contains(&minted.status), "{minted}");
    ((minted.status == 200).then(|| client.with_tokens(&minted.body)), ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn x3_no_refresh_survives_a_log_out_elsewhere() {
    let replicas = Replicas::start(2).await;
    let ways = replicas.ways();
    let mut minted = 0;
    for (round, way) in (0..rounds(30)).zip(ways.iter().cycle()) {
        let mike = way.user(&format!("mike{round}")).await;
        let (one, two) = (way.next(&mike), way.next(&mike));
        let log_out = two.post_empty("/api/v1/auth/logout");
        let (branch, out) = beside(round, mike.clone(), one.refresh(), log_out).await;
        assert_eq!(out.status, 200, "{out}");
        way.until_dead(&mike).await;
        minted += branch.iter().count();
        way.until_all_dead(&branch).await;
    }
    eprintln!("tokens were handed out in {minted} rounds, and none survived");
}

#[tokio::test(flavor = "multi_thread")]
async fn x3_no_log_in_survives_a_deactivation_elsewhere() {
    let replicas = Replicas::start(2).await;
    let admin = replicas.admin().await;
    let ways = replicas.ways();
    let mike = ways[0].user("mike").await;
    let id = mike.me().await.body["id"].clone();
    let path = |action: &str| format!("/api/v1/users/{id}/{action}");
    let mut minted = 0;
    for (round, way) in (0..rounds(30)).zip(ways.iter().cycle()) {
        let (nobody, root) = (way.nobody(), way.next(&admin));
        let deactivate = path("deactivate");
        let (branch, done) = beside(
            round,
            nobody.clone(),
            nobody.try_log_in("mike", PASSWORD),
            root.post_empty(&deactivate),
        )
        .await;
        assert_eq!(done.status, 200, "{done}");
        minted += branch.iter().count();
        way.until_all_dead(&branch).await;
        assert_eq!(way.next(&admin).post_empty(&path("activate")).await.status, 200);
        way.until_all_dead(&branch).await;
    }
    eprintln!("tokens were handed out in {minted} rounds, and none survived");
}

#[tokio::test(flavor = "multi_thread")]
async fn x3_no_log_in_with_the_old_password_survives_its_change_elsewhere() {
    let replicas = Replicas::start(2).await;
    let ways = replicas.ways();
    let mike = ways[0].user("mike").await;
    let mut passwords = [PASSWORD, "newpassword456"];
    let mut minted = 0;
    for (round, way) in (0..rounds(30)).zip(ways.iter().cycle()) {
        let [old, new] = passwords;
        let (nobody, caller) = (way.nobody(), way.next(&mike));
        let change = json!({
            "current_password": old, "new_password": new, "confirm_password": new,
        });
        let (branch, changed) = beside(
            round,
            nobody.clone(),
            nobody.try_log_in("mike", old),
            caller.post("/api/v1/auth/change-password", &change),
        )
        .await;
        assert_eq!(changed.status, 200, "{changed}");
        minted += branch.iter().count();
        way.until_all_dead(&branch).await;
        assert_eq!(way.next(&mike).me().await.status, 200, "the caller's session lives");
        passwords.reverse();
    }
    eprintln!("tokens were handed out in {minted} rounds, and none survived");
}

/// Demotions, bans, deactivations, deletions and batches of the last two administrators, each by the
/// other and by themselves: one stays who can log in and administer.
#[tokio::test(flavor = "multi_thread")]
async fn a2_of_the_last_two_administrators_one_stays_over_two_replicas() {
    let replicas = Replicas::start(2).await;
    let root = replicas.admin().await;
    let boss = json!({
        "username": "boss", "email": "boss@example.com", "role": "admin",
        "password": PASSWORD, "must_change_password": false,
    });
    let boss = root.post("/api/v1/users", &boss).await;
    assert_eq!(boss.status, 201, "{boss}");
    let ids = [root.me().await.body["id"].clone(), boss.body["id"].clone()];
    let admins = [root.clone(), replicas.on(1).log_in("boss", PASSWORD).await];
    let mut requests = JoinSet::new();
    for n in 0..50 {
        let client = moved(&admins[n % 2], &replicas.on(n / 2 % 2));
        let (own, other) = (&ids[n % 2], &ids[(n + 1) % 2]);
        let until = json!({ "until": "2099-01-01T00:00:00Z" });
        let all = json!({ "action": "deactivate", "ids": [own, other] });
        let (path, body) = match n % 5 {
            0 => (format!("/api/v1/users/{other}/ban"), until),
            1 => (format!("/api/v1/users/{other}/deactivate"), json!({})),
            2 => (format!("/api/v1/users/{own}/deactivate"), json!({})),
            3 => ("/api/v1/users/batch".to_owned(), all),
            _ => ("/api/v1/users/batch".to_owned(), {
                json!({ "action": "set_role", "ids": [other], "role": "teacher" })
            }),
        };
        requests.spawn(async move { client.post(&path, &body).await.status });
    }
    let statuses = requests.join_all().await;
    assert!(statuses.iter().all(|status| [200, 400, 401, 403].contains(status)), "{statuses:?}");
    let mut left = 0;
    for name in ["root", "boss"] {
        let login = replicas.on(0).try_log_in(name, PASSWORD).await;
        if login.status == 200 {
            let admin = replicas.on(0).with_tokens(&login.body);
            left += u32::from(admin.get("/api/v1/users").await.status == 200);
        }
    }
    assert_eq!(left, 1, "one stays: {statuses:?}");
}
