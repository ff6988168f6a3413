//! Requests at once, on different replicas.

use menjin_tests::client::Client;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{PASSWORD, Replicas, moved};

#[tokio::test(flavor = "multi_thread")]
async fn x1_of_many_registrations_on_two_replicas_one_succeeds() {
    let replicas = Replicas::start(2).await;
    let mut registrations = JoinSet::new();
    for n in 0..50 {
        let client = replicas.on(n % 2);
        let name = ["Mike", "mike", "Ｍｉｋｅ"][n % 3];
        let email = format!("m{n}@example.com");
        let body = json!({ "username": name, "email": email, "password": PASSWORD });
        registrations
            .spawn(async move { client.post("/api/v1/auth/register", &body).await.status });
    }
    let mut statuses = registrations.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, std::iter::once(201).chain([400; 49]).collect::<Vec<u16>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_of_20_refreshes_over_two_replicas_one_branch_lives() {
    let replicas = Replicas::start(2).await;
    for round in 0..10 {
        let name = format!("mike{round}");
        assert_eq!(replicas.register(&name).await.status, 201);
        let mike = replicas.on(0).log_in(&name, PASSWORD).await;
        let mut refreshes = JoinSet::new();
        for n in 0..20 {
            let client = moved(&mike, &replicas.on(n % 2));
            refreshes.spawn(async move {
                let answer = client.refresh().await;
                assert!([200, 401].contains(&answer.status), "{answer}");
                (answer.status == 200).then(|| client.with_tokens(&answer.body))
            });
        }
        let branches: Vec<Client> = refreshes.join_all().await.into_iter().flatten().collect();
        let mut went_on = 0;
        for (n, branch) in branches.iter().enumerate() {
            let branch = moved(branch, &replicas.on(n % 2));
            went_on += u32::from(branch.refresh().await.status == 200);
        }
        assert!(went_on <= 1, "{went_on} branches");
    }
}
