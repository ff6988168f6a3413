//! What lives in the process.

use std::sync::Arc;

use menjin_contract::cache::CacheUnderTest;
use menjin_contract::rates::Limiter;
use menjin_infra_memory::{MemoryCache, MemoryCacheConfig, MemoryRateLimiter};
use menjin_tests::clock::TurnableClock;

pub(crate) async fn cache() -> CacheUnderTest {
    let clock = TurnableClock::default();
    let config = MemoryCacheConfig::default();
    let cache = Arc::new(MemoryCache::new(config, Arc::new(clock.clone())));
    CacheUnderTest { cache: cache.clone(), health: cache, clock: Some(clock) }
}

pub(crate) async fn limiter() -> Limiter {
    Arc::new(MemoryRateLimiter::default())
}
