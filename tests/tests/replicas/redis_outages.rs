//! Redis slow, hanging and cut off: accounts and sessions do not need it.

use std::time::{Duration, Instant};

use menjin_tests::client::Client;
use menjin_tests::servers::proxy::{Network, Proxy};
use menjin_tests::servers::redis::RedisServer;
use serde_json::{Value, json};

use crate::crowd::{Crowd, Got, IN_TIME};
use crate::support::{Replicas, Way};

/// What recovering may take, once Redis is well again.
const RECOVERY: Duration = Duration::from_secs(2);

/// The statuses of `/health`, `/health/ready` and of reading and writing the cache, and what
/// readiness is called.
async fn health(client: &Client) -> (u16, u16, u16, u16, Value) {
    let entry = json!({ "data": {}, "ttl": 60 });
    let (healthy, ready, read, write) = tokio::join!(
        client.get("/health"),
        client.get("/health/ready"),
        client.get("/cache/absent"),
        client.post("/cache/a", &entry),
    );
    (healthy.status, ready.status, read.status, write.status, ready.body["status"].clone())
}

/// All of it is done, and in time.
fn goes_on(what: &str, all: &[Got]) {
    for got in all {
        assert_eq!(got.answer.status, got.expected, "{what}: {got}");
        assert!(got.took < IN_TIME, "{what}: {got}");
    }
    let worst = all.iter().max_by_key(|got| got.took).unwrap();
    eprintln!("{what}: the longest was {} after {:?}", worst.what, worst.took);
}

/// Straight to each replica, and behind load balancers, which ask whether they are ready.
#[tokio::test(flavor = "multi_thread")]
async fn f3_accounts_go_on_whatever_redis_does() {
    let redis = tokio::task::spawn_blocking(|| RedisServer::start(&[])).await.unwrap();
    let proxy = Proxy::before(redis.port).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port());
    let settings = [("MENJIN__REDIS__URL", url.as_str()), ("MENJIN__THROTTLE__ENABLED", "true")];
    let replicas = Replicas::start_with(2, &settings).await;
    let admin = replicas.admin().await;
    let (working, degraded) =
        ((200, 200, 404, 200, json!("ready")), (503, 200, 500, 500, json!("degraded")));
    let outages = [
        ("hanging", Network::Hanging, &degraded),
        ("cut", Network::Cut, &degraded),
        ("too slow", Network::Slow(Duration::from_secs(2)), &degraded),
        ("slow", Network::Slow(Duration::from_millis(300)), &working),
    ];
    for way in replicas.ways() {
        let number = if way.name == "straight" { outages.len() } else { 1 };
        for (name, network, health_meanwhile) in outages.iter().take(number) {
            let what = format!("{}, {name}", way.name);
            let crowds = crowds(&way, &admin, &what.replace([' ', ','], "")).await;
            assert_eq!(health(&way.nobody()).await, working, "{what}");
            proxy.set(*network);
            goes_on(&what, &crowds[0].ask(&way.nobody()).await);
            assert_eq!(health(&way.nobody()).await, **health_meanwhile, "{what}");
            goes_on(&what, &crowds[1].ask(&way.nobody()).await);
            proxy.set(Network::Sound);
            let started = Instant::now();
            while health(&way.nobody()).await != working {
                assert!(started.elapsed() < RECOVERY, "{what}: it does not recover");
            }
            goes_on(&what, &crowds[2].ask(&way.nobody()).await);
        }
    }
}

async fn crowds(way: &Way, admin: &Client, name: &str) -> Vec<Crowd> {
    let mut crowds = Vec::new();
    for n in 0..3 {
        crowds.push(Crowd::new(&way.nobody(), admin, &format!("{name}{n}-")).await);
    }
    crowds
}
