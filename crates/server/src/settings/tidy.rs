//! `[tidy]`: when finished sessions and old data are deleted.

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct TidySettings {
    #[serde(with = "duration")]
    #[garde(custom(lasts(SHORTEST, LONGEST)))]
    pub(crate) every: Duration,
    #[serde(with = "duration")]
    pub(crate) keep_sessions: Duration,
}
