//! Behind load balancers.

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::servers::balancer::{LoadBalancer, Make};

use crate::support::{PASSWORD, Replicas};

/// Clients that are sent to another replica with each request notice nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn each_request_may_be_sent_elsewhere() {
    for number in [2, 3] {
        let replicas = Replicas::start_with(number, &[("MENJIN__THROTTLE__ENABLED", "true")]).await;
        for way in replicas.ways() {
            let mut mike = way.user(way.name).await;
            for _ in 0..10 {
                for _ in 0..4 {
                    assert_eq!(way.next(&mike).me().await.status, 200, "{}", way.name);
                }
                mike = way.refreshed(&mike).await;
            }
            assert_eq!(way.next(&mike).post_empty("/api/v1/auth/logout").await.status, 200);
            way.until_dead(&mike).await;
            // R3, R9: one count over all replicas, for the address that the balancer names.
            for _ in 0..10 {
                assert_eq!(way.nobody().try_log_in(way.name, "wrong").await.status, 401);
            }
            for _ in 0..number {
                assert_eq!(way.nobody().try_log_in(way.name, PASSWORD).await.status, 429);
            }
        }
    }
}

/// A replica that is killed takes no acknowledged change with it, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_killed_is_not_missed() {
    for number in [2, 3] {
        for make in LoadBalancer::MAKES {
            one_of(number, make).await;
        }
    }
}

async fn one_of(number: usize, (balancer, start): Make) {
    let mut replicas = Replicas::start(number).await;
    let urls: Vec<&str> = replicas.servers.iter().map(|server| server.url.as_str()).collect();
    let proxy = start(&urls);
    assert_eq!(replicas.register("mike").await.status, 201);
    let mike = Client::new(&proxy.url).log_in("mike", PASSWORD).await;
    replicas.servers[0].kill();
    // The balancer finds out; what it sent there before is answered by itself.
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut in_a_row = 0;
    while in_a_row < 10 {
        in_a_row = if mike.me().await.status == 200 { in_a_row + 1 } else { 0 };
        assert!(
            Instant::now() < deadline,
            "{balancer}: requests are still sent to the dead replica"
        );
    }
    assert_eq!(mike.refresh().await.status, 200, "{balancer}");
}
