//! Limits, and the rules for counts of failures.

use std::time::Duration;

use crate::common::{ClientNetwork, Timestamp};

/// At most `max` failures in any span of `window`. (A window that starts anew with its first
/// failure would admit twice as many around its end; no port here counts like that.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// How many failures are admitted.
    pub max: u32,
    /// For how long a failure counts.
    pub window: Duration,
}

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and has been counted.
    Admitted,
    /// It may not, and has not been counted.
    Refused {
        /// When to try again.
        retry_after: Duration,
    },
}

/// The limits on attempts at one account's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptLimits {
    /// From one client network.
    pub per_client: Limit,
    /// From all networks together.
    pub per_account: Limit,
}

impl AttemptLimits {
    /// 10 in 15 minutes from one network; 100 in a row, then a day or an administrator
    /// (NIST SP 800-63B-4 §3.2.2 allows no more than 100).
    pub const DEFAULT: Self = Self {
        per_client: Limit { max: 10, window: Duration::from_secs(15 * 60) },
        per_account: Limit { max: 100, window: Duration::from_secs(24 * 60 * 60) },
    };

    /// The longer of the two windows. Older counts no longer matter.
    pub fn longest_window(&self) -> Duration {
        self.per_client.window.max(self.per_account.window)
    }
}

/// What is counted for a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCount {
    /// From this network; `None` from all of them together.
    pub network: Option<ClientNetwork>,
    /// How many failures.
    pub failures: u64,
    /// When the last of them was.
    pub last_failure_at: Timestamp,
}

/// The limits on guessing passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginLimits {
    /// On one account.
    pub attempts: AttemptLimits,
    /// From one network, on whatever accounts. Generous: schools sit behind one address.
    pub per_network: Limit,
}

impl LoginLimits {
    /// [`AttemptLimits::DEFAULT`], and 100 in 15 minutes from one network.
    pub const DEFAULT: Self = Self {
        attempts: AttemptLimits::DEFAULT,
        per_network: Limit { max: 100, window: Duration::from_secs(15 * 60) },
    };
}

/// The limit on failed registrations from one network.
///
/// Only failures count (a name or an address that is taken). A school registers a whole class from
/// one address; the limit is for somebody who tries which names exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationLimit(pub Limit);

impl RegistrationLimit {
    /// 100 an hour.
    pub const DEFAULT: Self = Self(Limit { max: 100, window: Duration::from_secs(60 * 60) });
}

impl FailureCount {
    /// The count, wherever the failures came from.
    pub fn failures(&self) -> Failures {
        Failures { count: self.failures, last_at: self.last_failure_at }
    }
}

/// How far ahead of now a failure may be: the clocks of replicas differ by seconds. What is further
/// ahead was counted by a clock that was wrong and has been put back.
pub const MAX_AHEAD: Duration = Duration::from_secs(5 * 60);

/// Whether the clock was put back since this moment.
pub fn was_put_back(since: Timestamp, now: Timestamp) -> bool {
    passed(now, since) > MAX_AHEAD
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// When the last of them was.
    pub last_at: Timestamp,
}

impl Failures {
    /// The failures as they count now. If the clock was put back since the last of them, that is
    /// dated now: otherwise it would count until the clock has caught up.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Self {
        if was_put_back(self.last_at, now) { Self { last_at: now, ..self } } else { self }
    }
}

impl Limit {
    /// The failures that still count: none once a whole window has passed since the last one. A
    /// failure later than now counts too, since the clocks of machines differ.
    pub fn counting(self, failures: Option<Failures>, now: Timestamp) -> Option<Failures> {
        failures.filter(|failures| {
            now < failures.last_at || passed(failures.last_at, now) < self.window
        })
    }

    /// Until when attempts are refused after failures that count; `None` if they are admitted.
    pub fn locked_until(self, failures: Failures) -> Option<Timestamp> {
        (failures.count >= u64::from(self.max)).then(|| failures.last_at + self.window)
    }

    /// How long an attempt has to wait; `None` if it is admitted. It is never longer than the window,
    /// though the last failure may be later than now.
    pub fn wait(self, failures: Option<Failures>, now: Timestamp) -> Option<Duration> {
        let none = Failures { count: 0, last_at: now };
        let Failures { count, last_at } = self.counting(failures, now).unwrap_or(none);
        let left = self.window.saturating_sub(passed(last_at, now));
        let wait = left.saturating_add(passed(now, last_at)).min(self.window);
        (count >= u64::from(self.max)).then_some(wait)
    }

    /// The failures after one more. Their time never goes back, so that a clock that is behind does
    /// not shorten a wait.
    #[must_use]
    pub fn one_more(self, failures: Option<Failures>, now: Timestamp) -> Failures {
        match self.counting(failures, now) {
            Some(Failures { count, last_at }) => {
                Failures { count: count.saturating_add(1), last_at: last_at.max(now) }
            }
            None => Failures { count: 1, last_at: now },
        }
    }
}

impl AttemptLimits {
    /// Decides on an attempt, from the failures of its network and from those of all: the two
    /// counts after it, or the longer of the two waits. Both limits are checked before either count
    /// changes.
    pub fn admit(
        self,
        of_client: Option<Failures>,
        of_account: Option<Failures>,
        now: Timestamp,
    ) -> Result<(Failures, Failures), Duration> {
        let Self { per_client, per_account } = self;
        match per_client.wait(of_client, now).max(per_account.wait(of_account, now)) {
            Some(wait) => Err(wait),
            None => {
                Ok((per_client.one_more(of_client, now), per_account.one_more(of_account, now)))
            }
        }
    }
}

/// The time from one moment to another; zero if the other is earlier.
fn passed(from: Timestamp, to: Timestamp) -> Duration {
    (to - from).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    const LIMIT: Limit = Limit { max: 3, window: Duration::from_secs(60) };
    const NOW: i64 = 1000;

    #[expect(clippy::unnecessary_wraps, reason = "what is stored may be nothing")]
    fn failures(count: u64, seconds: i64) -> Option<Failures> {
        Some(Failures { count, last_at: at(seconds) })
    }

    /// A stored count, whether it counts, the seconds to wait, and the count after one more.
    #[test]
    fn a_count_means_what_the_table_says() {
        for (stored, counts, wait, next) in [
            (None, false, None, failures(1, NOW)),
            (failures(1, NOW), true, None, failures(2, NOW)),
            (failures(2, NOW - 59), true, None, failures(3, NOW)),
            (failures(3, NOW), true, Some(60), failures(4, NOW)),
            (failures(3, NOW - 59), true, Some(1), failures(4, NOW)),
            // A whole window has passed: it starts anew.
            (failures(3, NOW - 60), false, None, failures(1, NOW)),
            (failures(u64::MAX, NOW - 61), false, None, failures(1, NOW)),
            // The clock lags: the wait is a whole window, and the time does not go back.
            (failures(2, NOW + 10), true, None, failures(3, NOW + 10)),
            (failures(3, NOW + 10), true, Some(60), failures(4, NOW + 10)),
            (failures(u64::MAX, NOW), true, Some(60), failures(u64::MAX, NOW)),
        ] {
            let expected = stored.filter(|_| counts);
            assert_eq!(LIMIT.counting(stored, at(NOW)), expected, "{stored:?}");
            let wait = wait.map(Duration::from_secs);
            assert_eq!(LIMIT.wait(stored, at(NOW)), wait, "{stored:?}");
            assert_eq!(Some(LIMIT.one_more(stored, at(NOW))), next, "{stored:?}");
            let until = expected.and_then(|counting| LIMIT.locked_until(counting));
            let ahead = stored.map_or(Duration::ZERO, |stored| passed(at(NOW), stored.last_at));
            assert_eq!(until, wait.map(|wait| at(NOW) + wait + ahead), "{stored:?}");
        }
    }

    #[test]
    fn j08_what_a_wrong_clock_counted_is_dated_now() {
        for (seconds, dated) in
            [(-500, -500), (0, 0), (20, 20), (300, 300), (301, 0), (86_400, 0), (9_000_000, 0)]
        {
            let failures = Failures { count: 3, last_at: at(NOW + seconds) };
            let dated = Failures { count: 3, last_at: at(NOW + dated) };
            assert_eq!(failures.as_of(at(NOW)), dated, "{seconds}");
            let wait = LIMIT.wait(Some(failures), at(NOW));
            assert!(wait.is_none_or(|wait| wait <= LIMIT.window), "{seconds}: {wait:?}");
        }
    }

    #[test]
    fn a_limit_of_none_admits_nothing_and_an_empty_window_ends_at_once() {
        let none = Limit { max: 0, ..LIMIT };
        assert_eq!(none.wait(None, at(NOW)), Some(LIMIT.window));
        assert_eq!(none.wait(failures(9, NOW - 70), at(NOW)), Some(LIMIT.window));
        let empty = Limit { window: Duration::ZERO, ..LIMIT };
        assert_eq!(empty.wait(failures(9, NOW), at(NOW)), None);
    }

    #[test]
    fn both_limits_are_asked_and_the_longer_wait_is_told() {
        let limits = AttemptLimits {
            per_client: LIMIT,
            per_account: Limit { max: 5, window: Duration::from_secs(600) },
        };
        for (of_client, of_account, expected) in [
            (None, None, Ok((failures(1, NOW), failures(1, NOW)))),
            (failures(1, NOW), failures(4, NOW - 60), Ok((failures(2, NOW), failures(5, NOW)))),
            (failures(3, NOW), failures(4, NOW), Err(60)),
            (failures(1, NOW), failures(5, NOW), Err(600)),
            (failures(3, NOW), failures(5, NOW - 590), Err(60)),
            (failures(3, NOW - 60), failures(5, NOW - 60), Err(540)),
        ] {
            let decision = limits.admit(of_client, of_account, at(NOW));
            let decision = decision.map(|(client, account)| (Some(client), Some(account)));
            assert_eq!(decision, expected.map_err(Duration::from_secs), "{of_client:?}");
        }
    }
}
