//! The cache of clients' values, in Redis.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{Value, cmd, pipe};
use menjin_domain::cache::{Cache, CacheNamespace, CacheSlot, CachedValue};
use menjin_domain::common::PortError;
use menjin_domain::health::HealthProbe;

use crate::client::RedisClient;
use crate::error::COMPONENT;

/// The first byte of a value: its version. A release that writes values in another form uses
/// another number.
const VERSION: u8 = 1;

/// The longest time to live: Redis refuses expiry times beyond its calendar.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A cache that all replicas share. Its size, and what is evicted when it is full, are settings of
/// Redis (`maxmemory`, `maxmemory-policy`).
#[derive(Debug, Clone)]
pub struct RedisCache {
    client: RedisClient,
}

impl RedisCache {
    /// A cache on this Redis.
    pub fn new(client: RedisClient) -> Self {
        Self { client }
    }

    /// The key. Keys of different kinds cannot collide: the client chooses only what follows the
    /// kind.
    fn key(&self, slot: &CacheSlot) -> String {
        let kind = match slot.namespace() {
            CacheNamespace::Client => "client",
            CacheNamespace::Probe => "probe",
        };
        self.client.name(kind, slot.key())
    }
}

/// The value without its version; `None` if the version is not this release's.
fn unwrapped(mut stored: Vec<u8>) -> Option<Vec<u8>> {
    (stored.first() == Some(&VERSION)).then(|| {
        stored.remove(0);
        stored
    })
}

fn wrapped(value: &[u8]) -> Vec<u8> {
    [&[VERSION], value].concat()
}

/// At least one millisecond: Redis has no shorter time to live.
fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.min(FOREVER).as_millis()).unwrap_or(u64::MAX).max(1)
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, slot: &CacheSlot) -> Result<Option<CachedValue>, PortError> {
        let key = self.key(slot);
        // One round trip, but no transaction: once memory is full, Redis refuses transactions, even
        // those that only read. At worst, the time to live belongs to a value that was put between
        // the two commands.
        let mut both = pipe();
        both.cmd("GET").arg(&key).cmd("PTTL").arg(&key);
        let (stored, left): (Option<Vec<u8>>, i64) = self.client.pipeline(&both).await?;
        // Negative: the key is gone, or something else has set it without an expiry.
        let left = u64::try_from(left).ok().filter(|left| *left > 0);
        Ok(stored
            .and_then(unwrapped)
            .zip(left)
            .map(|(value, left)| CachedValue { value, ttl: Duration::from_millis(left) }))
    }

    async fn set(&self, slot: &CacheSlot, value: Vec<u8>, ttl: Duration) -> Result<(), PortError> {
        let mut set = cmd("SET");
        set.arg(self.key(slot)).arg(wrapped(&value)).arg("PX").arg(millis(ttl));
        let _ok: Value = self.client.command(&set).await?;
        Ok(())
    }

    async fn delete(&self, slot: &CacheSlot) -> Result<bool, PortError> {
        let mut delete = cmd("DEL");
        delete.arg(self.key(slot));
        Ok(self.client.command::<u64>(&delete).await? > 0)
    }
}

#[async_trait]
impl HealthProbe for RedisCache {
    /// Puts a value and reads it back: a node that answers but takes no writes is of no use.
    async fn check(&self) -> Result<(), PortError> {
        let slot = CacheSlot::probe(uuid::Uuid::nil());
        let key = self.key(&slot);
        let mut both = pipe();
        both.cmd("SET").arg(&key).arg(wrapped(b"ok")).arg("PX").arg(60_000).ignore();
        both.cmd("GET").arg(&key);
        let (stored,): (Option<Vec<u8>>,) = self.client.pipeline(&both).await?;
        match stored.and_then(unwrapped) {
            Some(found) if found == b"ok" => Ok(()),
            _ => Err(PortError::unavailable(COMPONENT, "what was put is not there")),
        }
    }
}
