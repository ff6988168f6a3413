//! Caches.

use std::sync::Arc;
use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::cache::{Cache, CacheKey, CacheSlot};
use menjin_domain::health::HealthProbe;
use uuid::Uuid;

use super::at_once;
use crate::clock::TurnableClock;

/// A cache, empty at first.
#[derive(Clone)]
pub struct CacheUnderTest {
    /// The cache.
    pub cache: Arc<dyn Cache>,
    /// The same.
    pub health: Arc<dyn HealthProbe>,
    /// Its clock, if a test can turn it. Otherwise tests wait.
    pub clock: Option<TurnableClock>,
}

/// The slot of a client's key.
pub fn slot(key: &str) -> CacheSlot {
    CacheSlot::client(&CacheKey::parse(key).unwrap())
}

const MINUTE: Duration = Duration::from_secs(60);

impl CacheUnderTest {
    async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    async fn set(&self, key: &str, value: impl Into<Vec<u8>>, ttl: Duration) {
        self.cache.set(&slot(key), value.into(), ttl).await.unwrap();
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.cache.get(&slot(key)).await.unwrap().map(|found| found.value)
    }
}

/// A stored value reads back byte for byte.
#[apply(row!)]
async fn a_stored_value_is_read_back(under_test: CacheUnderTest) {
    let every_byte: Vec<u8> = (0..=255).collect();
    for (key, value) in [("a", vec![]), ("b", b"{\"x\": 1}".to_vec()), ("c", every_byte)] {
        assert_eq!(under_test.get(key).await, None);
        under_test.set(key, value.clone(), MINUTE).await;
        assert_eq!(under_test.get(key).await, Some(value));
    }
}

/// A second value replaces the first, with its own time.
#[apply(row!)]
async fn a_second_value_replaces_the_first(under_test: CacheUnderTest) {
    under_test.set("a", "one", Duration::from_secs(1)).await;
    under_test.set("a", "two", MINUTE).await;
    under_test.pass(Duration::from_millis(1500)).await;
    assert_eq!(under_test.get("a").await, Some(b"two".to_vec()));
    under_test.set("a", "three", Duration::from_secs(1)).await;
    under_test.pass(Duration::from_millis(1500)).await;
    assert_eq!(under_test.get("a").await, None);
}

/// A deleted value is gone. Deleting returns whether there was one.
#[apply(row!)]
async fn a_deleted_value_is_gone(under_test: CacheUnderTest) {
    under_test.set("a", "one", MINUTE).await;
    under_test.set("b", "two", MINUTE).await;
    assert!(under_test.cache.delete(&slot("a")).await.unwrap());
    assert!(!under_test.cache.delete(&slot("a")).await.unwrap());
    assert_eq!(under_test.get("a").await, None);
    assert_eq!(under_test.get("b").await, Some(b"two".to_vec()));
}

/// A value comes with the rest of its time, and is gone once that has passed.
#[apply(row!)]
async fn values_expire(under_test: CacheUnderTest) {
    under_test.set("a", "one", Duration::from_secs(3)).await;
    let ttl = under_test.cache.get(&slot("a")).await.unwrap().unwrap().ttl;
    assert!(ttl <= Duration::from_secs(3) && ttl > Duration::from_secs(2), "{ttl:?}");
    under_test.pass(Duration::from_secs(1)).await;
    let ttl = under_test.cache.get(&slot("a")).await.unwrap().unwrap().ttl;
    assert!(ttl <= Duration::from_secs(2) && ttl > Duration::from_secs(1), "{ttl:?}");
    under_test.pass(Duration::from_secs(2)).await;
    assert_eq!(under_test.get("a").await, None);
    assert!(!under_test.cache.delete(&slot("a")).await.unwrap(), "there was none any more");
}

/// The longest time is accepted.
#[apply(row!)]
async fn a_long_time_to_live_is_possible(under_test: CacheUnderTest) {
    for ttl in [Duration::from_secs(30 * 24 * 3600), Duration::from_secs(u64::from(u32::MAX))] {
        under_test.set("a", "one", ttl).await;
        assert_eq!(under_test.get("a").await, Some(b"one".to_vec()));
    }
}

/// Namespaces are separate, whatever a key contains.
#[apply(row!)]
async fn namespaces_are_separate(under_test: CacheUnderTest) {
    let id = Uuid::from_u128(7);
    let probe = CacheSlot::probe(id);
    let text = id.to_string();
    under_test.cache.set(&probe, b"probe".to_vec(), MINUTE).await.unwrap();
    for key in [text.clone(), format!("probe:{text}")] {
        assert_eq!(under_test.get(&key).await, None, "{key}");
        under_test.set(&key, "client", MINUTE).await;
        assert!(under_test.cache.delete(&slot(&key)).await.unwrap());
    }
    let found = under_test.cache.get(&probe).await.unwrap().unwrap();
    assert_eq!(found.value, b"probe");
    assert!(under_test.cache.delete(&probe).await.unwrap());
}

/// Concurrent readers find only complete values that a writer stored.
#[apply(row!)]
async fn concurrent_use_does_not_mix_values(under_test: CacheUnderTest) {
    let found = at_once(16, |number| {
        let under_test = under_test.clone();
        async move {
            let (own, value) = (format!("own{number}"), vec![u8::try_from(number).unwrap(); 1000]);
            let mut whole = true;
            for _ in 0..200 {
                under_test.set("shared", value.clone(), MINUTE).await;
                under_test.set(&own, value.clone(), MINUTE).await;
                let shared = under_test.get("shared").await.unwrap();
                whole &= shared.len() == 1000 && shared.iter().all(|byte| *byte == shared[0]);
                whole &= under_test.get(&own).await == Some(value.clone());
            }
            whole
        }
    })
    .await;
    assert!(found.into_iter().all(|whole| whole));
}

/// A working cache reports that it is healthy, as often as it is asked.
#[apply(row!)]
async fn a_working_cache_is_healthy(under_test: CacheUnderTest) {
    let results = at_once(10, |_| {
        let health = under_test.health.clone();
        async move { health.check().await }
    })
    .await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}
