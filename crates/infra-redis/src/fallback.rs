//! The limiter in this process that replaces the shared one during an outage.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use menjin_domain::common::{Causes, PortError, Timestamp};
use menjin_domain::lockout::{Admission, Limit, RateKey, RateLimiter};

/// Counts elsewhere, such as in this process, while the limiter that replicas share does not work.
///
/// After a failure the shared limiter is not used for a second. Then one caller at a time tries it,
/// so that few callers wait for it during an outage. The two limiters do not know each other's
/// counts. So when one replaces the other, a network may fail once more as often as the limit
/// admits, and a failure counted by one may be taken back at the other.
pub struct FallbackRateLimiter {
    primary: Arc<dyn RateLimiter>,
    fallback: Arc<dyn RateLimiter>,
    pause: Duration,
    /// During an outage: when to try the shared limiter again.
    outage: Mutex<Option<Instant>>,
}

impl FallbackRateLimiter {
    /// How long the primary is not used after a failure.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Counts with `primary`, and with `fallback` when the primary fails.
    pub fn new(primary: Arc<dyn RateLimiter>, fallback: Arc<dyn RateLimiter>) -> Self {
        Self { primary, fallback, pause: Self::PAUSE, outage: Mutex::default() }
    }

    /// No code that holds the lock can panic in the middle of a change, so a poisoned lock is safe
    /// to use.
    fn outage(&self) -> MutexGuard<'_, Option<Instant>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to try the primary. During an outage, one caller at a time gets `true`, and tries
    /// for all.
    fn tries_primary(&self) -> bool {
        let now = Instant::now();
        let mut outage = self.outage();
        match *outage {
            Some(again) if now < again => false,
            Some(_) => {
                *outage = Some(now + self.pause);
                true
            }
            None => true,
        }
    }

    fn failed(&self, error: &PortError) {
        let before = self.outage().replace(Instant::now() + self.pause);
        if before.is_none() {
            tracing::warn!(error = %Causes(error), "shared limits do not work: this process counts for itself");
        }
    }

    fn worked(&self) {
        if self.outage().take().is_some() {
            tracing::info!("shared limits work again");
        }
    }
}

#[async_trait]
impl RateLimiter for FallbackRateLimiter {
    async fn reserve(
        &self,
        key: RateKey,
        limit: Limit,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        if self.tries_primary() {
            match self.primary.reserve(key, limit, at).await {
                Ok(admission) => {
                    self.worked();
                    return Ok(admission);
                }
                Err(error) => self.failed(&error),
            }
        }
        self.fallback.reserve(key, limit, at).await
    }

    async fn release(&self, key: RateKey) -> Result<(), PortError> {
        if self.tries_primary() {
            match self.primary.release(key).await {
                Ok(()) => {
                    self.worked();
                    return Ok(());
                }
                Err(error) => self.failed(&error),
            }
        }
        self.fallback.release(key).await
    }
}

impl fmt::Debug for FallbackRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackRateLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::atomic::{AtomicU32, Ordering};

    use menjin_domain::lockout::MockRateLimiter;

    use super::*;

    const LIMIT: Limit = Limit { max: 1, window: Duration::from_secs(60) };

    fn key() -> RateKey {
        RateKey::FailedLogin(IpAddr::V4(Ipv4Addr::LOCALHOST).into())
    }

    /// Fails while `working` is 0, and counts the calls.
    fn primary(working: &Arc<AtomicU32>, asked: &Arc<AtomicU32>) -> Arc<dyn RateLimiter> {
        let (working, asked) = (Arc::clone(working), Arc::clone(asked));
        let mut limiter = MockRateLimiter::new();
        limiter.expect_reserve().returning(move |_, _, _| {
            asked.fetch_add(1, Ordering::SeqCst);
            match working.load(Ordering::SeqCst) {
                0 => Err(PortError::unavailable("cache", "away")),
                _ => Ok(Admission::Admitted),
            }
        });
        Arc::new(limiter)
    }

    fn refusing() -> Arc<dyn RateLimiter> {
        let mut limiter = MockRateLimiter::new();
        let refused = Admission::Refused { retry_after: Duration::ZERO };
        limiter.expect_reserve().returning(move |_, _, _| Ok(refused));
        Arc::new(limiter)
    }

    async fn admits(limiter: &FallbackRateLimiter) -> bool {
        let at = Timestamp::UNIX_EPOCH;
        limiter.reserve(key(), LIMIT, at).await.unwrap() == Admission::Admitted
    }

    #[tokio::test]
    async fn it_falls_back_leaves_the_primary_alone_and_recovers() {
        let (working, asked) = (Arc::new(AtomicU32::new(1)), Arc::default());
        let pause = Duration::from_millis(200);
        let limiter = FallbackRateLimiter {
            pause,
            ..FallbackRateLimiter::new(primary(&working, &asked), refusing())
        };
        assert!(admits(&limiter).await);
        working.store(0, Ordering::SeqCst);
        for _ in 0..10 {
            assert!(!admits(&limiter).await, "the fallback is asked");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "the primary was asked once more");
        working.store(1, Ordering::SeqCst);
        assert!(!admits(&limiter).await, "not yet");
        tokio::time::sleep(pause * 2).await;
        assert!(admits(&limiter).await && admits(&limiter).await);
    }
}
