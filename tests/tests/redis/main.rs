//! What is Redis' own: outages, versions, users, topologies. The contract suite is in `contract`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod faults;
mod invalidation;
mod tls;
mod topologies;
mod users;

use std::sync::Arc;
use std::time::Duration;

use menjin_contract::cache::slot;
use menjin_domain::cache::Cache;
use menjin_domain::common::PortError;
use menjin_domain::health::HealthProbe as _;
use menjin_domain::lockout::RateLimiter;
use menjin_infra_redis::{RedisCache, RedisClient, RedisConfig, RedisRateLimiter};
use menjin_tests::servers::redis::{namespace, shared_url};

const MINUTE: Duration = Duration::from_secs(60);

/// A configuration for this URL, in a namespace of its own.
fn config(url: &str) -> RedisConfig {
    // Patient, for these tests share few cores; faults have a deadline of their own.
    let timeout = Duration::from_millis(2500);
    RedisConfig { namespace: namespace(), timeout, ..RedisConfig::at(url) }
}

fn cache(config: &RedisConfig) -> RedisCache {
    RedisCache::new(RedisClient::new(config).unwrap())
}

fn limiter(config: &RedisConfig) -> Arc<dyn RateLimiter> {
    Arc::new(RedisRateLimiter::new(RedisClient::new(config).unwrap()))
}

/// That it is unavailable, as the back end `cache`; returns the whole chain of causes.
fn unavailable<T: std::fmt::Debug>(result: Result<T, PortError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, PortError::Unavailable { component: "cache", .. }), "{error:?}");
    let mut causes: Vec<String> = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = next {
        causes.push(format!("{cause} {cause:?}"));
        next = cause.source();
    }
    causes.join("\n")
}

/// A connection that knows nothing of menjin.
async fn plain() -> deadpool_redis::redis::aio::MultiplexedConnection {
    let client = deadpool_redis::redis::Client::open(shared_url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn installations_do_not_meet() {
    let (one, two) = (config(&shared_url()), config(&shared_url()));
    cache(&one).set(&slot("a"), b"one".to_vec(), MINUTE).await.unwrap();
    assert_eq!(cache(&two).get(&slot("a")).await.unwrap(), None);
    assert!(!cache(&two).delete(&slot("a")).await.unwrap());
    let again = cache(&one).get(&slot("a")).await.unwrap().unwrap();
    assert_eq!(again.value, b"one", "other connections see what these have put");
}

/// A client's key reaches nothing that is not a client's (C2).
#[tokio::test(flavor = "multi_thread")]
async fn c2_keys_of_clients_have_a_place_of_their_own() {
    let config = config(&shared_url());
    let cache = cache(&config);
    cache.check().await.unwrap();
    cache.set(&slot("v1:rate:x"), b"x".to_vec(), MINUTE).await.unwrap();
    let pattern = format!("{}:*", config.namespace);
    let mut keys: Vec<String> = deadpool_redis::redis::cmd("KEYS")
        .arg(pattern)
        .query_async(&mut plain().await)
        .await
        .unwrap();
    keys.sort_unstable();
    let nil = uuid::Uuid::nil();
    let name = &config.namespace;
    assert_eq!(keys, [format!("{name}:v1:client:v1:rate:x"), format!("{name}:v1:probe:{nil}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_version_is_not_there() {
    let config = config(&shared_url());
    let (cache, mut plain) = (cache(&config), plain().await);
    let key = format!("{}:v1:client:a", config.namespace);
    cache.set(&slot("a"), b"one".to_vec(), MINUTE).await.unwrap();
    let stored: Vec<u8> =
        deadpool_redis::redis::cmd("GET").arg(&key).query_async(&mut plain).await.unwrap();
    assert_eq!(stored, b"\x01one");
    for foreign in [&b"\x02one"[..], b"", b"{\"json\": 1}"] {
        let mut set = deadpool_redis::redis::cmd("SET");
        set.arg(&key).arg(foreign).arg("PX").arg(60_000);
        let _: () = set.query_async(&mut plain).await.unwrap();
        assert_eq!(cache.get(&slot("a")).await.unwrap(), None, "{foreign:?}");
    }
    // Nor one that would never expire, which no release of menjin puts.
    let mut set = deadpool_redis::redis::cmd("SET");
    let _: () = set.arg(&key).arg(b"\x01one").query_async(&mut plain).await.unwrap();
    assert_eq!(cache.get(&slot("a")).await.unwrap(), None);
    cache.set(&slot("a"), b"two".to_vec(), MINUTE).await.unwrap();
    assert_eq!(cache.get(&slot("a")).await.unwrap().unwrap().value, b"two");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_to_live_are_exact_to_the_millisecond() {
    let cache = cache(&config(&shared_url()));
    cache.set(&slot("a"), vec![], Duration::from_millis(60_777)).await.unwrap();
    let ttl = cache.get(&slot("a")).await.unwrap().unwrap().ttl;
    assert!(ttl > Duration::from_secs(58) && ttl <= Duration::from_millis(60_777), "{ttl:?}");
    cache.set(&slot("b"), vec![], Duration::from_millis(150)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(cache.get(&slot("b")).await.unwrap(), None);
    cache.set(&slot("c"), vec![], Duration::from_nanos(1)).await.unwrap();
    cache.set(&slot("d"), vec![], Duration::MAX).await.unwrap();
    assert!(cache.get(&slot("d")).await.unwrap().is_some());
}

/// Something else under the key is a fault, which waiting does not mend.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_is_a_fault() {
    let config = config(&shared_url());
    let mut push = deadpool_redis::redis::cmd("RPUSH");
    push.arg(format!("{}:v1:client:a", config.namespace)).arg(1);
    let _: () = push.query_async(&mut plain().await).await.unwrap();
    let error = cache(&config).get(&slot("a")).await.unwrap_err();
    assert!(matches!(error, PortError::Internal { component: "cache", .. }), "{error:?}");
}
