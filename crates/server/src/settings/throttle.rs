//! `[throttle]`: how many failures are permitted.

use menjin_domain::lockout::{AttemptLimits, Limit, LoginLimits, RegistrationLimit};

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct ThrottleSettings {
    enabled: bool,
    #[garde(dive)]
    per_client: LimitSettings,
    #[garde(dive)]
    per_account: LimitSettings,
    #[garde(dive)]
    per_network: LimitSettings,
    #[garde(dive)]
    registrations: LimitSettings,
}

/// `{ max = 10, window = "15m" }`
#[derive(Debug, Clone, Copy, Deserialize, Serialize, Validate)]
struct LimitSettings {
    #[garde(range(min = 1))]
    max: u32,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SECOND, LONGEST)))]
    window: Duration,
}

impl ThrottleSettings {
    /// The limits on failed logins, if they are turned on.
    pub(crate) fn logins(&self) -> Option<LoginLimits> {
        self.enabled.then(|| LoginLimits {
            attempts: AttemptLimits {
                per_client: self.per_client.into(),
                per_account: self.per_account.into(),
            },
            per_network: self.per_network.into(),
        })
    }

    /// The limit on failed registrations, if it is turned on.
    pub(crate) fn registrations(&self) -> Option<RegistrationLimit> {
        self.enabled.then(|| RegistrationLimit(self.registrations.into()))
    }
}

impl From<LimitSettings> for Limit {
    fn from(LimitSettings { max, window }: LimitSettings) -> Self {
        Self { max, window }
    }
}
