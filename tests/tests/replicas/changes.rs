//! What is changed on one replica holds on the others.

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::servers::free_port;
use menjin_tests::servers::redis::RedisServer;
use serde_json::json;

use crate::support::{HEARD, PASSWORD, Replicas, moved};

/// How long it takes until all are nobody.
async fn until_dead(clients: &[Client]) -> Duration {
    let started = Instant::now();
    for client in clients {
        while client.me().await.status != 401 {
            assert!(started.elapsed() < HEARD, "still alive after {:?}", started.elapsed());
        }
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_t18_what_ends_sessions_on_one_ends_them_on_all() {
    let replicas = Replicas::start(3).await;
    let mut worst = Duration::ZERO;
    for round in 0..20 {
        let name = format!("mike{round}");
        assert_eq!(replicas.register(&name).await.status, 201);
        let mut clients = replicas.everywhere(&name).await;
        let other = clients.swap_remove(round % 3);
        if round % 2 == 0 {
            assert_eq!(other.post_empty("/api/v1/auth/logout").await.status, 200);
            assert_eq!(other.me().await.status, 401, "the writer itself sees it at once");
        } else {
            let changer = other.log_in(&name, PASSWORD).await;
            let body = json!({
                "current_password": PASSWORD, "new_password": "newpassword456",
                "confirm_password": "newpassword456",
            });
            assert_eq!(changer.post("/api/v1/auth/change-password", &body).await.status, 200);
            assert_eq!(changer.me().await.status, 200, "the caller's session lives");
        }
        worst = worst.max(until_dead(&clients).await);
        for client in &clients {
            assert_eq!(client.refresh().await.status, 401);
        }
    }
    assert!(worst < HEARD, "{worst:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_on_one_is_shown_by_all() {
    let replicas = Replicas::start(2).await;
    assert_eq!(replicas.register("mike").await.status, 201);
    let clients = replicas.everywhere("mike").await;
    for (number, writer) in clients.iter().enumerate() {
        let bio = format!("written by {number}");
        let answer = writer.put("/api/v1/users/me", &json!({ "bio": bio })).await;
        assert_eq!(answer.status, 200);
        let started = Instant::now();
        for reader in &clients {
            while reader.me().await.body["bio"] != json!(bio) {
                assert!(started.elapsed() < HEARD, "still shows the old one");
            }
        }
    }
}

/// Without a subscription nothing is taken from a copy: a replica that cannot hear asks.
#[tokio::test(flavor = "multi_thread")]
async fn f9_without_redis_the_database_is_asked() {
    let redis = tokio::task::spawn_blocking(|| RedisServer::start(&[])).await.unwrap();
    let replicas = Replicas::start_with(2, &[("MENJIN__REDIS__URL", &redis.url())]).await;
    for (round, mend) in [(0, true), (1, false)] {
        let name = format!("mike{round}");
        assert_eq!(replicas.register(&name).await.status, 201);
        let clients = replicas.everywhere(&name).await;
        redis.kill();
        // A subscription that is lost is noticed within about a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert_eq!(clients[0].post_empty("/api/v1/auth/logout").await.status, 200);
        assert_eq!(clients[1].me().await.status, 401, "at once");
        if mend {
            redis.restart();
        }
    }
}

/// One replica whose way to Redis is cut from the start neither trusts copies nor is late.
#[tokio::test(flavor = "multi_thread")]
async fn f9_a_replica_that_cannot_reach_redis_agrees_with_one_that_can() {
    let replicas = Replicas::start(1).await;
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let cut_off = replicas.another(&[("MENJIN__REDIS__URL", &nowhere)]);
    assert_eq!(replicas.register("mike").await.status, 201);
    let mike = replicas.on(0).log_in("mike", PASSWORD).await;
    let elsewhere = moved(&mike, &Client::new(&cut_off.url));
    assert_eq!(elsewhere.me().await.status, 200);
    assert_eq!(mike.post_empty("/api/v1/auth/logout").await.status, 200);
    assert_eq!(elsewhere.me().await.status, 401);
}
