//! The cache of clients' values, kept in this process.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::TimeDelta;
use menjin_domain::cache::{Cache, CacheSlot, CachedValue};
use menjin_domain::common::{Clock, PortError, Timestamp};
use menjin_domain::health::HealthProbe;
use moka::Expiry;
use moka::policy::EvictionPolicy;

/// The back end's name in errors and in `/health`.
const COMPONENT: &str = "cache";

/// The bytes that an entry takes besides key and value: its slot, its places in the table and in
/// the queue of recent use, and its expiry timer.
const OVERHEAD: usize = 320;

/// The longest time to live: moka's timers cannot count further.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// How much a [`MemoryCache`] may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryCacheConfig {
    /// Bytes of keys, values and bookkeeping together.
    pub max_bytes: u64,
}

impl Default for MemoryCacheConfig {
    /// 64 MiB.
    fn default() -> Self {
        Self { max_bytes: 64 * 1024 * 1024 }
    }
}

/// A cache in this process. When it is full, the value that was unused for the longest time is
/// removed first. A value larger than the whole cache is not kept.
pub struct MemoryCache {
    entries: moka::sync::Cache<CacheSlot, Entry>,
    clock: Arc<dyn Clock>,
}

/// A value, shared so that a lookup copies it only once.
#[derive(Clone)]
struct Entry {
    value: Arc<[u8]>,
    ttl: Duration,
    expires_at: Timestamp,
}

/// Frees the memory of expired entries. The clock port alone decides which entries can still be
/// read.
struct Expiration;

impl Expiry<CacheSlot, Entry> for Expiration {
    fn expire_after_create(&self, _: &CacheSlot, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &CacheSlot,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(config: MemoryCacheConfig, clock: Arc<dyn Clock>) -> Self {
        let weigh = |slot: &CacheSlot, entry: &Entry| {
            u32::try_from(slot.key().len() + entry.value.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let entries = moka::sync::Cache::builder()
            .name("menjin")
            .max_capacity(config.max_bytes)
            .weigher(weigh)
            // moka's own policy may refuse a new entry in favour of often-used ones, but a value
            // that was just put must be readable.
            .eviction_policy(EvictionPolicy::lru())
            .expire_after(Expiration)
            .build();
        Self { entries, clock }
    }

    /// How many bytes it holds now, as [`MemoryCacheConfig::max_bytes`] counts them.
    pub fn weight(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }

    fn read(&self, slot: &CacheSlot) -> Option<CachedValue> {
        let entry = self.entries.get(slot)?;
        let ttl = entry.left(self.clock.now())?;
        Some(CachedValue { value: entry.value.to_vec(), ttl })
    }

    fn write(&self, slot: &CacheSlot, value: Vec<u8>, ttl: Duration) {
        let ttl = ttl.min(FOREVER);
        let expires_at = TimeDelta::from_std(ttl)
            .ok()
            .and_then(|ttl| self.clock.now().checked_add_signed(ttl))
            .unwrap_or(Timestamp::MAX_UTC);
        self.entries.insert(slot.clone(), Entry { value: value.into(), ttl, expires_at });
    }
}

impl Entry {
    /// The rest of its time to live, if any is left.
    fn left(&self, now: Timestamp) -> Option<Duration> {
        (self.expires_at - now).to_std().ok().filter(|left| !left.is_zero())
    }
}

impl fmt::Debug for MemoryCache {
    /// Does not print the entries: they belong to clients.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").finish_non_exhaustive()
    }
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, slot: &CacheSlot) -> Result<Option<CachedValue>, PortError> {
        Ok(self.read(slot))
    }

    async fn set(&self, slot: &CacheSlot, value: Vec<u8>, ttl: Duration) -> Result<(), PortError> {
        self.write(slot, value, ttl);
        Ok(())
    }

    async fn delete(&self, slot: &CacheSlot) -> Result<bool, PortError> {
        let removed = self.entries.remove(slot);
        Ok(removed.is_some_and(|entry| entry.left(self.clock.now()).is_some()))
    }
}

#[async_trait]
impl HealthProbe for MemoryCache {
    /// Puts a value and reads it back. It fails only if the cache is too small to hold any value.
    async fn check(&self) -> Result<(), PortError> {
        let slot = CacheSlot::probe(uuid::Uuid::nil());
        self.write(&slot, b"ok".to_vec(), Duration::from_secs(60));
        match self.read(&slot) {
            Some(found) if found.value == b"ok" => Ok(()),
            _ => Err(PortError::unavailable(COMPONENT, "what was put is not there")),
        }
    }
}
