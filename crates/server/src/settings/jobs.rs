//! `[jobs]`: work that goes on after its request was answered.

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct JobSettings {
    #[serde(with = "duration")]
    #[garde(custom(lasts(MILLISECOND, HOUR)))]
    pub(crate) check_every: Duration,
}
