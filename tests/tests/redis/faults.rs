//! Redis killed, stopped and back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_contract::cache::slot;
use menjin_contract::{at, at_once, network};
use menjin_domain::cache::Cache as _;
use menjin_domain::health::HealthProbe as _;
use menjin_domain::lockout::{Admission, Limit, RateKey, RateLimiter};
use menjin_infra_memory::MemoryRateLimiter;
use menjin_infra_redis::{FallbackRateLimiter, RedisConfig};
use menjin_tests::servers::redis::RedisServer;

use crate::{MINUTE, cache, config, limiter, unavailable};

const TIMEOUT: Duration = Duration::from_millis(800);
/// What an answer may take: the deadline, and the hesitation of a busy machine.
const IN_TIME: Duration = Duration::from_millis(1500);

const LIMIT: Limit = Limit { max: 2, window: Duration::from_secs(100) };
const ONE: fn() -> RateKey = || RateKey::FailedLogin(network(1));

fn impatient(server: &RedisServer) -> RedisConfig {
    RedisConfig { timeout: TIMEOUT, pool_size: 4, ..config(&server.url()) }
}

async fn within<T>(time: Duration, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let result = work.await;
    assert!(started.elapsed() < time, "{:?}", started.elapsed());
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_killed_it_is_unavailable_and_back_it_works_at_once() {
    let server = RedisServer::start(&[]);
    let cache = Arc::new(cache(&impatient(&server)));
    // Fill the pool: every connection will be found broken.
    let filled = at_once(8, |_| {
        let cache = Arc::clone(&cache);
        async move { cache.set(&slot("a"), b"one".to_vec(), MINUTE).await.is_ok() }
    })
    .await;
    assert!(filled.into_iter().all(|done| done));
    for _ in 0..2 {
        server.kill();
        unavailable(within(IN_TIME, cache.get(&slot("a"))).await);
        unavailable(within(IN_TIME, cache.set(&slot("a"), vec![], MINUTE)).await);
        unavailable(within(IN_TIME, cache.delete(&slot("a"))).await);
        unavailable(within(IN_TIME, cache.check()).await);
        server.restart();
        cache.check().await.unwrap();
        assert_eq!(cache.get(&slot("a")).await.unwrap(), None, "it forgot");
        // A restart that nobody noticed costs nobody anything.
        server.restart();
        cache.set(&slot("a"), vec![1], MINUTE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_stopped_it_is_unavailable_in_time_and_goes_on() {
    let server = RedisServer::start(&[]);
    let cache = Arc::new(cache(&impatient(&server)));
    cache.set(&slot("a"), b"one".to_vec(), MINUTE).await.unwrap();
    server.stop();
    unavailable(within(IN_TIME, cache.get(&slot("a"))).await);
    unavailable(within(IN_TIME, cache.check()).await);
    // More callers than connections: none waits longer than one alone.
    let started = Instant::now();
    let failed = at_once(20, |_| {
        let cache = Arc::clone(&cache);
        async move { cache.get(&slot("a")).await.is_err() }
    })
    .await;
    assert!(failed.into_iter().all(|failed| failed) && started.elapsed() < IN_TIME);
    server.cont();
    let found = cache.get(&slot("a")).await.unwrap().unwrap();
    assert_eq!(found.value, b"one");
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_it_need_not_be_there_at_the_start() {
    let server = RedisServer::start(&[]);
    server.kill();
    let cache = cache(&impatient(&server));
    unavailable(cache.check().await);
    server.restart();
    cache.check().await.unwrap();
}

/// A full Redis that evicts nothing refuses to write, which the probe notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_is_not_healthy() {
    let server = RedisServer::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let cache = cache(&impatient(&server));
    unavailable(cache.check().await);
    assert_eq!(cache.get(&slot("a")).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_shared_and_outlive_a_lost_script() {
    let server = RedisServer::start(&[]);
    let config = impatient(&server);
    let replicas = [limiter(&config), limiter(&config)];
    for replica in &replicas {
        let admission = replica.reserve(ONE(), LIMIT, at(0)).await.unwrap();
        assert_eq!(admission, Admission::Admitted);
        server.ask("SCRIPT FLUSH");
    }
    for replica in &replicas {
        let admission = replica.reserve(ONE(), LIMIT, at(1)).await.unwrap();
        assert_eq!(admission, Admission::Refused { retry_after: Duration::from_secs(99) });
    }
    let expiry = server.ask(&format!("PTTL {}:v1:rate:{{login:192.0.2.1}}", config.namespace));
    let left: u64 = expiry.lines().next().unwrap().trim_start_matches(':').parse().unwrap();
    assert!((90_000..=101_000).contains(&left), "it expires by itself: {expiry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_limits_are_counted_here_while_it_is_away() {
    let server = RedisServer::start(&[]);
    let config = impatient(&server);
    let shared = limiter(&config);
    let combined =
        FallbackRateLimiter::new(Arc::clone(&shared), Arc::new(MemoryRateLimiter::default()));
    let combined: Arc<dyn RateLimiter> = Arc::new(combined);
    let admitted =
        async || combined.reserve(ONE(), LIMIT, at(0)).await.unwrap() == Admission::Admitted;
    assert!(admitted().await);
    server.stop();
    within(IN_TIME, async {
        assert!(admitted().await && admitted().await);
        assert!(!admitted().await, "the limit holds");
        combined.release(ONE()).await.unwrap();
        assert!(admitted().await);
    })
    .await;
    server.cont();
    // It is tried again after a second.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(admitted().await, "one of two is left in the shared count");
    let refused = shared.reserve(ONE(), LIMIT, at(0)).await.unwrap();
    assert_ne!(refused, Admission::Admitted, "it was counted there");
}
