//! Use-case: testing the cache.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Principal;
use crate::cache::{Cache, CacheAccess, CacheDenied, CacheSlot};
use crate::common::{PortError, Random};

/// Why the cache does not work.
#[derive(Debug, thiserror::Error)]
pub enum ProbeCacheError {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] CacheDenied),
    /// What was read is not what was written.
    #[error("the cache did not return what was written")]
    Mismatch,
    /// The cache failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Writes a probe, reads it back and deletes it.
pub struct ProbeCache {
    /// The cache.
    pub cache: Arc<dyn Cache>,
    /// Gives the probe its key, so that probes at once do not meet.
    pub random: Arc<dyn Random>,
    /// Who may.
    pub access: CacheAccess,
}

impl ProbeCache {
    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ProbeCacheError`].
    pub async fn execute(&self, caller: Option<&Principal>) -> Result<(), ProbeCacheError> {
        self.access.check(caller)?;
        let id = self.random.uuid()?;
        let slot = CacheSlot::probe(id);
        self.cache.set(&slot, id.as_bytes().to_vec(), Duration::from_secs(60)).await?;
        let found = self.cache.get(&slot).await?;
        let deleted = self.cache.delete(&slot).await?;
        let matches = found.is_some_and(|found| found.value == id.as_bytes());
        if matches && deleted { Ok(()) } else { Err(ProbeCacheError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{CachedValue, MockCache};
    use crate::testing;

    async fn probe(read_back: Option<Vec<u8>>) -> Result<(), ProbeCacheError> {
        let mut cache = MockCache::new();
        cache.expect_set().times(1).return_once(|_, _, _| Ok(()));
        cache.expect_get().times(1).return_once(|_| {
            Ok(read_back.map(|value| CachedValue { value, ttl: Duration::from_secs(60) }))
        });
        cache.expect_delete().times(1).return_once(|_| Ok(true));
        let probe = ProbeCache {
            cache: Arc::new(cache),
            random: testing::random(),
            access: CacheAccess::Public,
        };
        probe.execute(None).await
    }

    #[tokio::test]
    async fn what_was_written_must_come_back() {
        probe(Some(testing::SESSION.0.as_bytes().to_vec())).await.unwrap();
        for other in [None, Some(vec![1])] {
            assert!(matches!(probe(other).await, Err(ProbeCacheError::Mismatch)));
        }
    }

    #[tokio::test]
    async fn a_cache_that_fails_is_told() {
        let mut cache = MockCache::new();
        cache.expect_set().return_once(|_, _, _| Err(testing::broken()));
        let probe = ProbeCache {
            cache: Arc::new(cache),
            random: testing::random(),
            access: CacheAccess::Public,
        };
        assert!(matches!(probe.execute(None).await, Err(ProbeCacheError::Port(_))));
    }
}
