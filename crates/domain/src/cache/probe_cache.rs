//! Use-case: testing the cache.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, CacheAllowed, CacheSlot};
use crate::common::{Error, Random};
use crate::ports::Ports;

/// The probe read another value than it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cache did not return what was written")]
pub struct CacheMismatch;

/// Writes a probe, reads it back and deletes it.
#[non_exhaustive]
pub struct ProbeCache {
    /// The cache.
    pub cache: Arc<dyn Cache>,
    /// Gives the probe a random key, so that concurrent probes do not disturb each other.
    pub random: Arc<dyn Random>,
}

impl ProbeCache {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { cache: ports.cache.clone(), random: ports.required.random.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`CacheMismatch`].
    pub async fn execute(&self, _allowed: CacheAllowed) -> Result<(), Error<CacheMismatch>> {
        let id = self.random.uuid()?;
        let slot = CacheSlot::probe(id);
        self.cache.set(&slot, id.as_bytes().to_vec(), Duration::from_secs(60)).await?;
        let found = self.cache.get(&slot).await?;
        let deleted = self.cache.delete(&slot).await?;
        let matches = found.is_some_and(|found| found.value == id.as_bytes());
        if matches && deleted { Ok(()) } else { Err(Error::Refused(CacheMismatch)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{CachedValue, MockCache};
    use crate::testing;

    async fn probe(read_back: Option<Vec<u8>>) -> Result<(), Error<CacheMismatch>> {
        let mut cache = MockCache::new();
        cache.expect_set().times(1).return_once(|_, _, _| Ok(()));
        cache.expect_get().times(1).return_once(|_| {
            Ok(read_back.map(|value| CachedValue { value, ttl: Duration::from_secs(60) }))
        });
        cache.expect_delete().times(1).return_once(|_| Ok(true));
        let probe = ProbeCache { cache: Arc::new(cache), random: testing::random() };
        probe.execute(CacheAllowed::FOR_TESTS).await
    }

    #[tokio::test]
    async fn what_was_written_must_come_back() {
        probe(Some(testing::SESSION.0.as_bytes().to_vec())).await.unwrap();
        for other in [None, Some(vec![1])] {
            assert!(matches!(probe(other).await, Err(Error::Refused(CacheMismatch))));
        }
    }

    #[tokio::test]
    async fn a_cache_that_fails_is_told() {
        let mut cache = MockCache::new();
        cache.expect_set().return_once(|_, _, _| Err(testing::broken()));
        let probe = ProbeCache { cache: Arc::new(cache), random: testing::random() };
        assert!(matches!(probe.execute(CacheAllowed::FOR_TESTS).await, Err(Error::Port(_))));
    }
}
