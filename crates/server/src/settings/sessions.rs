//! `[sessions]`: how many there may be, and when they end that are not used.

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct SessionSettings {
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, YEAR)))]
    idle_ttl: Duration,
    #[garde(range(max = 1000))]
    max_per_user: u32,
}

impl SessionSettings {
    /// For how long a session lives that is not refreshed; `None`: to its end.
    pub(crate) fn idle_ttl(&self) -> Option<Duration> {
        Some(self.idle_ttl).filter(|idle| !idle.is_zero())
    }

    /// How many sessions a user may have; `None`: any number.
    pub(crate) fn max_per_user(&self) -> Option<u32> {
        Some(self.max_per_user).filter(|max| *max > 0)
    }
}
