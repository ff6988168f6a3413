//! What is the in-process cache's own: how much memory it holds. The contract suite is in `contract`.

use std::sync::Arc;
use std::time::Duration;

use menjin_contract::cache::slot;
use menjin_domain::cache::Cache;
use menjin_infra_memory::{MemoryCache, MemoryCacheConfig};
use menjin_tests::clock::TurnableClock;

const MIB: u64 = 1024 * 1024;

/// However much is written, it holds no more than it may, and what was written last is there (C5).
#[tokio::test(flavor = "multi_thread")]
async fn c5_the_cache_is_bounded() {
    let config = MemoryCacheConfig { max_bytes: 8 * MIB };
    let cache = MemoryCache::new(config, Arc::new(TurnableClock::default()));
    let mut heaviest = 0;
    for number in 0..100_000 {
        let key = slot(&format!("key{number}"));
        cache.set(&key, vec![0; 1024], Duration::from_secs(3600)).await.unwrap();
        if number % 1000 == 0 {
            heaviest = heaviest.max(cache.weight());
        }
    }
    assert!(heaviest <= 8 * MIB, "{heaviest}");
    assert!(cache.weight() > 7 * MIB, "it is not kept emptier than need be: {}", cache.weight());
    assert!(cache.get(&slot("key99999")).await.unwrap().is_some());
    assert!(cache.get(&slot("key0")).await.unwrap().is_none());
}

/// A value larger than the cache is not kept, and drives nothing out for long.
#[tokio::test(flavor = "multi_thread")]
async fn c5_a_value_larger_than_the_cache_is_not_kept() {
    let config = MemoryCacheConfig { max_bytes: 10_000 };
    let cache = MemoryCache::new(config, Arc::new(TurnableClock::default()));
    cache.set(&slot("a"), vec![0; 20_000], Duration::from_secs(60)).await.unwrap();
    assert_eq!(cache.weight(), 0);
    assert_eq!(cache.get(&slot("a")).await.unwrap(), None);
}

/// What has expired frees its memory, whether it is asked for or not.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_frees_its_memory() {
    let cache = MemoryCache::new(MemoryCacheConfig::default(), Arc::new(TurnableClock::default()));
    for number in 0..100 {
        let key = slot(&format!("key{number}"));
        cache.set(&key, vec![0; 1024], Duration::from_millis(300)).await.unwrap();
    }
    assert!(cache.weight() > 100 * 1024);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if cache.weight() == 0 {
            return;
        }
    }
    panic!("still {} bytes", cache.weight());
}
