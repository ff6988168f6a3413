//! Sentinel and Cluster.

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_contract::cache::slot;
use menjin_contract::{at, network};
use menjin_domain::cache::{Cache as _, CacheSlot};
use menjin_domain::common::PortError;
use menjin_domain::health::HealthProbe as _;
use menjin_domain::lockout::{Admission, Limit, RateKey};
use menjin_infra_redis::{RedisConfig, Topology};
use menjin_tests::servers::redis::{Cluster, Sentinels};

use crate::{MINUTE, cache, config, limiter};

/// Starts servers where waiting for them holds nothing up.
async fn started<T: Send + 'static>(start: fn() -> T) -> Arc<T> {
    Arc::new(tokio::task::spawn_blocking(start).await.unwrap())
}

/// The first result that is none of an outage; fails if one takes too long, or all together do.
async fn eventually<T>(mut work: impl AsyncFnMut() -> Result<T, PortError>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let started = Instant::now();
        let result = work().await;
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        match result {
            Ok(value) => return value,
            Err(error) => assert!(Instant::now() < deadline, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn sentinel_config(group: &Sentinels) -> RedisConfig {
    let nodes = group.addresses().into_iter().map(Into::into).collect();
    RedisConfig {
        timeout: Duration::from_secs(1),
        topology: Topology::Sentinel { master_name: Sentinels::NAME.to_owned(), nodes },
        // The host is not used: the Sentinels name it.
        ..config("redis://sentinel.invalid:1")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_lead_to_the_replica_when_the_primary_dies() {
    let group = started(Sentinels::start).await;
    let config = sentinel_config(&group);
    let (cache, limiter) = (cache(&config), limiter(&config));
    cache.check().await.unwrap();
    group.primary.kill();
    cache.check().await.unwrap_err();
    let waiting = Arc::clone(&group);
    tokio::task::spawn_blocking(move || waiting.wait_for_failover()).await.unwrap();
    eventually(async || cache.set(&slot("a"), b"one".to_vec(), MINUTE).await).await;
    assert_eq!(cache.get(&slot("a")).await.unwrap().unwrap().value, b"one");
    let limit = Limit { max: 1, window: MINUTE };
    let admission = limiter.reserve(RateKey::FailedLogin(network(1)), limit, at(0)).await.unwrap();
    assert_eq!(admission, Admission::Admitted);
    assert!(group.replica.ask("DBSIZE").starts_with(":3"), "it is all there");
}

/// Everything that was connected hangs, the first Sentinel included: the others suffice.
#[tokio::test(flavor = "multi_thread")]
async fn sentinels_lead_to_the_replica_when_the_primary_hangs() {
    let group = started(Sentinels::start).await;
    let cache = cache(&sentinel_config(&group));
    cache.check().await.unwrap();
    group.sentinels[0].stop();
    group.primary.stop();
    eventually(async || cache.set(&slot("a"), b"one".to_vec(), MINUTE).await).await;
    let others = tokio::time::Instant::now();
    cache.check().await.unwrap();
    assert!(others.elapsed() < Duration::from_secs(1));
    assert!(group.replica.ask("ROLE").contains("master"));
}

fn number(number: u32) -> CacheSlot {
    slot(&format!("key{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_holds_keys_on_all_of_its_nodes() {
    let cluster = started(Cluster::start).await;
    let (url, nodes) = cluster.url_and_addresses();
    let timeout = Duration::from_secs(1);
    let topology = Topology::Cluster { nodes };
    let config = RedisConfig { timeout, topology, ..config(&url) };
    let (cache, limiter) = (cache(&config), limiter(&config));
    cache.check().await.unwrap();
    let limit = Limit { max: 2, window: MINUTE };
    for n in 0..60_u8 {
        let value = vec![n; 100];
        cache.set(&number(n.into()), value.clone(), MINUTE).await.unwrap();
        assert_eq!(cache.get(&number(n.into())).await.unwrap().unwrap().value, value);
        let key = RateKey::FailedLogin(network(n));
        for _ in 0..2 {
            assert_eq!(limiter.reserve(key, limit, at(0)).await.unwrap(), Admission::Admitted);
        }
        let refused = limiter.reserve(key, limit, at(1)).await.unwrap();
        assert_eq!(refused, Admission::Refused { retry_after: Duration::from_secs(59) });
        limiter.release(key).await.unwrap();
        assert_eq!(limiter.reserve(key, limit, at(1)).await.unwrap(), Admission::Admitted);
        assert!(cache.delete(&number(n.into())).await.unwrap());
    }
    for node in &cluster.nodes[..3] {
        assert!(!node.ask("DBSIZE").starts_with(":0"), "each node has some");
    }

    // A node hangs: keys of the others still work, and all do once its replica has taken over.
    cluster.nodes[1].stop();
    for n in 0..60 {
        eventually(async || cache.set(&number(n), vec![1], MINUTE).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_hands_invalidations_on() {
    use menjin_domain::sessions::{InvalidationChannel as _, MockInvalidationListener};
    use menjin_infra_redis::{RedisClient, RedisInvalidation};
    use tokio::sync::Notify;

    let cluster = started(Cluster::start).await;
    let (url, nodes) = cluster.url_and_addresses();
    let config = RedisConfig { topology: Topology::Cluster { nodes }, ..config(&url) };
    let channel = RedisInvalidation::new(RedisClient::new(&config).unwrap());
    let (live, received) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut listener = MockInvalidationListener::new();
    let (is_live, has_received) = (live.clone(), received.clone());
    listener.expect_live().returning(move || is_live.notify_one());
    listener.expect_received().returning(move |message| {
        assert_eq!(message, b"a");
        has_received.notify_one();
    });
    listener.expect_lost().return_const(());
    let _subscription = channel.subscribe(Arc::new(listener));
    live.notified().await;
    for _ in 0..10 {
        channel.publish(b"a").await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), received.notified()).await.unwrap();
    }
}
