//! A Redis of the tests' own, shared by them in namespaces.

use std::sync::Arc;
use std::time::Duration;

use menjin_contract::cache::CacheUnderTest;
use menjin_contract::rates::Limiter;
use menjin_infra_redis::{RedisCache, RedisClient, RedisConfig, RedisRateLimiter};
use menjin_tests::servers::redis::{namespace, shared_url};

fn client() -> RedisClient {
    // Patient, for these tests share few cores.
    let timeout = Duration::from_millis(2500);
    let config = RedisConfig { namespace: namespace(), timeout, ..RedisConfig::at(shared_url()) };
    RedisClient::new(&config).unwrap()
}

pub(crate) async fn cache() -> CacheUnderTest {
    let cache = Arc::new(RedisCache::new(client()));
    CacheUnderTest { cache: cache.clone(), health: cache, clock: None }
}

pub(crate) async fn limiter() -> Limiter {
    Arc::new(RedisRateLimiter::new(client()))
}
