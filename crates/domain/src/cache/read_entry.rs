//! Use-case: reading an entry of the cache.

use std::sync::Arc;

use crate::cache::{Cache, CacheAllowed, CacheKey, CacheSlot, CachedValue};
use crate::common::Error;
use crate::ports::Ports;

/// There is no such entry, or its time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such entry")]
pub struct EntryNotFound;

/// Reads an entry of a client. No key leads to menjin's own entries.
#[non_exhaustive]
pub struct ReadEntry {
    /// The cache.
    pub cache: Arc<dyn Cache>,
}

impl ReadEntry {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { cache: ports.cache.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`EntryNotFound`].
    pub async fn execute(
        &self,
        _allowed: CacheAllowed,
        key: &CacheKey,
    ) -> Result<CachedValue, Error<EntryNotFound>> {
        self.cache.get(&CacheSlot::client(key)).await?.ok_or(Error::Refused(EntryNotFound))
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
            let read = ReadEntry { cache: Arc::new(cache) };
            let result = read.execute(CacheAllowed::FOR_TESTS, &key()).await;
            assert_eq!(result.ok(), found);
        }
    }
}
