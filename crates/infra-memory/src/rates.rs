//! The limit on failures per client network, counted in this process.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::lockout::{Admission, Limit, RateKey, RateLimiter, was_put_back};

/// Counts failures in this process.
///
/// The number of counts is bounded. When there is no room for a new one, the counts whose window
/// has passed are dropped. If no window has passed, the eighth of the counts that would expire
/// soonest is dropped. So only a client with more networks than there is room for can make a count
/// be forgotten early, and such a client has that many times the limit anyway.
pub struct MemoryRateLimiter {
    counts: Mutex<HashMap<RateKey, Count>>,
    max_keys: usize,
}

/// The failures that still count, oldest first: at most as many as the limit admits.
#[derive(Debug, Default)]
struct Count {
    times: VecDeque<Timestamp>,
    window: Duration,
}

impl Count {
    /// When the last of them no longer counts.
    fn until(&self) -> Timestamp {
        self.times.back().map_or(Timestamp::MIN_UTC, |last| end(*last, self.window))
    }

    /// Counts one failure, or says how long until there is room for it.
    fn reserve(&mut self, limit: Limit, at: Timestamp) -> Admission {
        self.window = limit.window;
        if self.times.back().is_some_and(|last| was_put_back(*last, at)) {
            for time in &mut self.times {
                *time = at.min(*time);
            }
        }
        while self.times.front().is_some_and(|first| end(*first, limit.window) <= at) {
            self.times.pop_front();
        }
        let max = usize::try_from(limit.max).unwrap_or(usize::MAX);
        if self.times.len() >= max {
            let blocking = self.times.len().checked_sub(max).and_then(|nth| self.times.get(nth));
            let free = end(blocking.copied().unwrap_or(at), limit.window);
            let wait = (free - at).to_std().unwrap_or_default();
            return Admission::Refused { retry_after: wait.min(limit.window) };
        }
        // A clock that lags must not make its failures count for less.
        let newest = self.times.back().map_or(at, |last| at.max(*last));
        self.times.push_back(newest);
        Admission::Admitted
    }
}

impl MemoryRateLimiter {
    /// Room for 100,000 networks: about 10 MB, or ten times that if every network reaches a limit
    /// of 100.
    pub const DEFAULT_KEYS: usize = 100_000;

    /// A limiter that has counted nothing, with room for this many counts (at least one).
    pub fn new(max_keys: usize) -> Self {
        Self { counts: Mutex::default(), max_keys: max_keys.max(1) }
    }

    /// How many counts it keeps now.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether it keeps no count.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No code that holds the lock can panic in the middle of a change, so a poisoned lock is safe
    /// to use.
    fn lock(&self) -> MutexGuard<'_, HashMap<RateKey, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRateLimiter {
    fn default() -> Self {
        Self::new(Self::DEFAULT_KEYS)
    }
}

impl fmt::Debug for MemoryRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRateLimiter")
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn reserve(
        &self,
        key: RateKey,
        limit: Limit,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let mut counts = self.lock();
        if !counts.contains_key(&key) && counts.len() >= self.max_keys {
            make_room(&mut counts, at, self.max_keys);
        }
        let count = counts.entry(key).or_default();
        let admission = count.reserve(limit, at);
        if count.times.is_empty() {
            counts.remove(&key);
        }
        Ok(admission)
    }

    async fn release(&self, key: RateKey) -> Result<(), PortError> {
        let mut counts = self.lock();
        if let Some(count) = counts.get_mut(&key) {
            count.times.pop_back();
            if count.times.is_empty() {
                counts.remove(&key);
            }
        }
        Ok(())
    }
}

fn end(last: Timestamp, window: Duration) -> Timestamp {
    let window = TimeDelta::from_std(window).unwrap_or(TimeDelta::MAX);
    last.checked_add_signed(window).unwrap_or(Timestamp::MAX_UTC)
}

/// Drops an eighth of the counts at once, so that many later insertions share the cost of one walk
/// over all counts.
fn make_room(counts: &mut HashMap<RateKey, Count>, at: Timestamp, max_keys: usize) {
    counts.retain(|_, count| count.until() > at);
    let keep = max_keys - max_keys.div_ceil(8);
    if counts.len() > keep {
        let mut ends: Vec<Timestamp> = counts.values().map(Count::until).collect();
        let surplus = counts.len() - keep;
        let (_, &mut last, _) = ends.select_nth_unstable(surplus - 1);
        let mut left = surplus;
        counts.retain(|_, count| {
            let drop = left > 0 && count.until() <= last;
            left -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn key(n: u32) -> RateKey {
        RateKey::FailedLogin(IpAddr::V4(Ipv4Addr::from_bits(n)).into())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    const LIMIT: Limit = Limit { max: 1, window: Duration::from_secs(1000) };

    async fn admits(limiter: &MemoryRateLimiter, n: u32, seconds: i64) -> bool {
        let admission = limiter.reserve(key(n), LIMIT, at(seconds)).await.unwrap();
        admission == Admission::Admitted
    }

    #[test]
    fn the_newest_counts_stay_when_there_is_no_room() {
        block_on(async {
            let limiter = MemoryRateLimiter::new(80);
            for n in 0..81 {
                assert!(admits(&limiter, n, n.into()).await);
            }
            assert_eq!(limiter.len(), 71, "ten made room for one");
            assert!(!admits(&limiter, 80, 81).await && !admits(&limiter, 10, 81).await);
            assert!(admits(&limiter, 9, 81).await, "the oldest were forgotten");
        });
    }

    #[test]
    fn counts_whose_window_has_passed_make_room_first() {
        block_on(async {
            let limiter = MemoryRateLimiter::new(8);
            for n in 0..8 {
                assert!(admits(&limiter, n, if n < 4 { 0 } else { 500 }).await);
            }
            assert!(admits(&limiter, 99, 1200).await);
            assert_eq!(limiter.len(), 5);
        });
    }

    #[test]
    fn a_flood_of_networks_is_bounded_and_quick() {
        block_on(async {
            let limiter = MemoryRateLimiter::new(1000);
            for n in 0..200_000 {
                admits(&limiter, n, 0).await;
            }
            assert!(limiter.len() <= 1000 && !limiter.is_empty());
        });
    }

    /// The futures in these tests are ready at once.
    fn block_on(future: impl Future<Output = ()>) {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::pin::pin!(future).poll(&mut context).is_ready());
    }
}
