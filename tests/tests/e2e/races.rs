//! Requests at once.

use menjin_tests::app::{PASSWORD, TestApp};
use menjin_tests::client::Client;
use menjin_tests::measurements::measured;
use menjin_tests::size::rounds;
use serde_json::json;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn x1_of_50_registrations_of_one_name_one_succeeds() {
    let app = TestApp::start().await;
    let mut registrations = JoinSet::new();
    for n in 0..50 {
        let client = app.anonymous();
        let name = ["Mike", "mike", "Ｍｉｋｅ"][n % 3];
        let body =
            json!({ "username": name, "email": format!("m{n}@example.com"), "password": PASSWORD });
        registrations
            .spawn(async move { client.post("/api/v1/auth/register", &body).await.status });
    }
    let mut statuses = registrations.join_all().await;
    statuses.sort_unstable();
    let expected: Vec<u16> = std::iter::once(201).chain([400; 49]).collect();
    assert_eq!(statuses, expected);
    assert_eq!(app.anonymous().try_log_in("mike", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_of_20_refreshes_of_one_token_one_branch_lives() {
    let app = TestApp::start().await;
    let rounds = rounds(5);
    for round in 0..rounds {
        let mike = app.user(&format!("mike{round}")).await;
        let mut refreshes = JoinSet::new();
        for _ in 0..20 {
            let client = mike.clone();
            refreshes.spawn(async move {
                let answer = client.refresh().await;
                (answer.status, client.with_tokens(&answer.body))
            });
        }
        let branches: Vec<Client> = refreshes
            .join_all()
            .await
            .into_iter()
            .filter(|(status, _)| *status == 200)
            .map(|(_, branch)| branch)
            .collect();
        assert!(!branches.is_empty());
        // At most one of them can go on: presenting any other ends the session.
        let mut went_on = 0;
        for branch in &branches {
            went_on += u32::from(branch.refresh().await.status == 200);
        }
        assert!(went_on <= 1, "{went_on} branches");
    }
    measured("X2", "20 refreshes of one token at once", format!("{rounds} rounds, 0 forked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn x3_nothing_minted_beside_a_logout_or_a_deactivation_survives() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let admin = app.admin("root").await;
    let rounds = rounds(20);
    for round in 0..rounds {
        let mike = app.user(&format!("mike{round}")).await;
        let (refreshed, out) = tokio::join!(mike.refresh(), mike.post_empty("/api/v1/auth/logout"));
        assert_eq!(out.status, 200);
        let branch = mike.with_tokens(&refreshed.body);
        assert_eq!(branch.me().await.status, 401, "round {round}");
        assert_eq!(mike.me().await.status, 401, "round {round}");

        let name = format!("mike{round}");
        let path = format!("/api/v1/users/{}/deactivate", round + 2);
        let anonymous = app.anonymous();
        let (login, done) =
            tokio::join!(anonymous.try_log_in(&name, PASSWORD), admin.post_empty(&path));
        assert_eq!(done.status, 200, "{done}");
        assert_eq!(anonymous.with_tokens(&login.body).me().await.status, 401, "round {round}");
    }
    let what = "refresh beside log-out, log-in beside deactivation";
    measured("X3", what, format!("{rounds} rounds, 0 survivors"));
}

#[tokio::test(flavor = "multi_thread")]
async fn x3_a_log_in_with_the_old_password_does_not_outlive_its_change() {
    let app = TestApp::start_with(&[("throttle.enabled", "false")]).await;
    let rounds = rounds(20);
    for round in 0..rounds {
        let name = format!("mike{round}");
        let mike = app.user(&name).await;
        let body = json!({
            "current_password": PASSWORD, "new_password": "newpassword456",
            "confirm_password": "newpassword456",
        });
        let anonymous = app.anonymous();
        let (login, changed) = tokio::join!(
            anonymous.try_log_in(&name, PASSWORD),
            mike.post("/api/v1/auth/change-password", &body),
        );
        assert_eq!(changed.status, 200, "{changed}");
        assert_eq!(anonymous.with_tokens(&login.body).me().await.status, 401, "round {round}");
        assert_eq!(mike.me().await.status, 200, "round {round}");
    }
    let what = "log-in with the old password beside its change";
    measured("X3", what, format!("{rounds} rounds, 0 survivors"));
}
