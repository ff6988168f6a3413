//! `[sessions]`: how many there may be, and when they end that are not used.

use menjin_domain::sessions::{OnExcess, SessionLimit};

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct SessionSettings {
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, YEAR)))]
    idle_ttl: Duration,
    #[garde(range(max = 1000))]
    max_per_user: u32,
    on_excess: Excess,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Excess {
    EndOldest,
    Refuse,
}

impl SessionSettings {
    /// For how long a session lives that is not refreshed; `None`: to its end.
    pub(crate) fn idle_ttl(&self) -> Option<Duration> {
        Some(self.idle_ttl).filter(|idle| !idle.is_zero())
    }

    /// How many sessions a user may have; `None`: any number.
    pub(crate) fn limit(&self) -> Option<SessionLimit> {
        let on_excess = match self.on_excess {
            Excess::EndOldest => OnExcess::EndOldest,
            Excess::Refuse => OnExcess::Refuse,
        };
        Some(SessionLimit { max: self.max_per_user, on_excess }).filter(|limit| limit.max > 0)
    }
}
