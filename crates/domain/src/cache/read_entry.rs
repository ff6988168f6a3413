//! Use-case: reading an entry of the cache.

use std::sync::Arc;

use crate::access::Principal;
use crate::cache::{Cache, CacheAccess, CacheDenied, CacheKey, CacheSlot, CachedValue};
use crate::common::PortError;

/// Why no entry is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadEntryError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] CacheDenied),
    /// There is none, or its time has passed.
    #[error("no such entry")]
    NotFound,
    /// The cache failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Reads what a client put. Whatever the key, nothing of menjin's own can be read.
pub struct ReadEntry {
    /// The cache.
    pub cache: Arc<dyn Cache>,
    /// Who may.
    pub access: CacheAccess,
}

impl ReadEntry {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ReadEntryError`].
    pub async fn execute(
        &self,
        caller: Option<&Principal>,
        key: &CacheKey,
    ) -> Result<CachedValue, ReadEntryError> {
        self.access.check(caller)?;
        self.cache.get(&CacheSlot::client(key)).await?.ok_or(ReadEntryError::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::{CacheNamespace, MockCache};

    fn key() -> CacheKey {
        CacheKey::parse("session:1").unwrap()
    }

    #[tokio::test]
    async fn c2_a_key_names_a_slot_of_the_clients_namespace() {
        let value = CachedValue { value: b"{}".to_vec(), ttl: Duration::from_secs(3) };
        for found in [Some(value), None] {
            let (mut cache, stored) = (MockCache::new(), found.clone());
            cache
                .expect_get()
                .withf(|slot| {
                    slot.namespace() == CacheNamespace::Client && slot.key() == "session:1"
                })
                .return_once(|_| Ok(stored));
            let read = ReadEntry { cache: Arc::new(cache), access: CacheAccess::Public };
            let result = read.execute(None, &key()).await;
            assert_eq!(result.ok(), found);
        }
    }

    #[tokio::test]
    async fn who_may_not_asks_no_cache() {
        let read = ReadEntry { cache: Arc::new(MockCache::new()), access: CacheAccess::Off };
        assert!(matches!(
            read.execute(None, &key()).await,
            Err(ReadEntryError::Denied(CacheDenied::Off))
        ));
    }
}
