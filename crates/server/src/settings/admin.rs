//! `[admin]`: what is asked of people who administer.

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct AdminSettings {
    #[serde(with = "duration")]
    #[garde(custom(lasts(Duration::ZERO, DAY)))]
    step_up: Duration,
}

impl AdminSettings {
    /// How long ago the password may have been given for what is critical; `None`: at any time.
    pub(crate) fn step_up(&self) -> Option<Duration> {
        Some(self.step_up).filter(|limit| !limit.is_zero())
    }
}
