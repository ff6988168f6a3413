//! Use-case: writing an entry of the cache.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, CacheAllowed, CacheKey, CacheSlot};
use crate::common::Error;
use crate::ports::Ports;

/// How long an entry is to live: 1 second to 30 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryTtl(Duration);

impl EntryTtl {
    /// 30 days, in seconds.
    pub const MAX_SECONDS: u64 = 30 * 24 * 60 * 60;
    /// An hour.
    pub const DEFAULT: Self = Self(Duration::from_secs(3600));

    /// Takes a number of seconds; `None` if out of bounds.
    pub fn from_seconds(seconds: u64) -> Option<Self> {
        (1..=Self::MAX_SECONDS).contains(&seconds).then(|| Self(Duration::from_secs(seconds)))
    }

    /// The time.
    pub fn get(self) -> Duration {
        self.0
    }
}

/// The value is longer than [`WriteEntry::MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is longer than {} bytes", WriteEntry::MAX_BYTES)]
pub struct EntryTooLarge;

/// Puts an entry for clients to read.
#[non_exhaustive]
pub struct WriteEntry {
    /// The cache.
    pub cache: Arc<dyn Cache>,
}

impl WriteEntry {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { cache: ports.cache.clone() }
    }

    /// The most bytes that a value may have.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`EntryTooLarge`].
    pub async fn execute(
        &self,
        _allowed: CacheAllowed,
        key: &CacheKey,
        value: Vec<u8>,
        ttl: EntryTtl,
    ) -> Result<(), Error<EntryTooLarge>> {
        if value.len() > Self::MAX_BYTES {
            return Err(Error::Refused(EntryTooLarge));
        }
        Ok(self.cache.set(&CacheSlot::client(key), value, ttl.get()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{CacheNamespace, MockCache};

    fn key() -> CacheKey {
        CacheKey::parse("k").unwrap()
    }

    #[test]
    fn c4_times_are_bounded() {
        assert_eq!(EntryTtl::from_seconds(0), None);
        assert_eq!(EntryTtl::from_seconds(1).map(|ttl| ttl.get().as_secs()), Some(1));
        assert!(EntryTtl::from_seconds(2_592_000).is_some());
        assert_eq!(EntryTtl::from_seconds(2_592_001), None);
    }

    #[tokio::test]
    async fn a_value_goes_into_the_clients_namespace_for_its_time() {
        let mut cache = MockCache::new();
        cache
            .expect_set()
            .withf(|slot, value, ttl| {
                slot.namespace() == CacheNamespace::Client
                    && value == b"{}"
                    && ttl.as_secs() == 3600
            })
            .times(1)
            .return_once(|_, _, _| Ok(()));
        let write = WriteEntry { cache: Arc::new(cache) };
        write
            .execute(CacheAllowed::FOR_TESTS, &key(), b"{}".to_vec(), EntryTtl::DEFAULT)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn c4_a_value_that_is_too_large_changes_nothing() {
        let write = WriteEntry { cache: Arc::new(MockCache::new()) };
        let (allowed, value) = (CacheAllowed::FOR_TESTS, vec![0; 65_537]);
        let result = write.execute(allowed, &key(), value, EntryTtl::DEFAULT).await;
        assert!(matches!(result, Err(Error::Refused(EntryTooLarge))));
    }
}
