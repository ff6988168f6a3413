//! The port of the cache.

use std::time::Duration;

use async_trait::async_trait;

use crate::cache::CacheKey;
use crate::common::PortError;

/// Who owns an entry. Namespaces are separate, whatever a key contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheNamespace {
    /// Entries that clients put.
    Client,
    /// Probes of the cache itself.
    Probe,
}

/// Where a value is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheSlot {
    namespace: CacheNamespace,
    key: String,
}

impl CacheSlot {
    /// The slot of a client's key.
    pub fn client(key: &CacheKey) -> Self {
        Self { namespace: CacheNamespace::Client, key: key.as_str().to_owned() }
    }

    /// The slot of a probe.
    pub fn probe(id: uuid::Uuid) -> Self {
        Self { namespace: CacheNamespace::Probe, key: id.to_string() }
    }

    /// The namespace.
    pub fn namespace(&self) -> CacheNamespace {
        self.namespace
    }

    /// The key within the namespace.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A value found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedValue {
    /// The value.
    pub value: Vec<u8>,
    /// How long it still lives; more than zero.
    pub ttl: Duration,
}

/// Values with a time to live. The cache is bounded: it MAY drop a value earlier.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value and the rest of its time; `None` once its time has passed.
    async fn get(&self, slot: &CacheSlot) -> Result<Option<CachedValue>, PortError>;

    /// Stores a value for this time, and replaces an earlier value.
    async fn set(&self, slot: &CacheSlot, value: Vec<u8>, ttl: Duration) -> Result<(), PortError>;

    /// Removes the value; `true` if there was one.
    async fn delete(&self, slot: &CacheSlot) -> Result<bool, PortError>;
}

/// Takes the place of a cache if there is none.
pub(crate) struct NoCache;

impl NoCache {
    fn error() -> PortError {
        PortError::unavailable("cache", "this server has no cache for clients")
    }
}

#[async_trait]
impl Cache for NoCache {
    async fn get(&self, _: &CacheSlot) -> Result<Option<CachedValue>, PortError> {
        Err(Self::error())
    }

    async fn set(&self, _: &CacheSlot, _: Vec<u8>, _: Duration) -> Result<(), PortError> {
        Err(Self::error())
    }

    async fn delete(&self, _: &CacheSlot) -> Result<bool, PortError> {
        Err(Self::error())
    }
}
