//! `[audit]`: which records are written, and how long they are kept.

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct AuditSettings {
    pub(crate) refreshes: bool,
    #[garde(range(min = 1, max = 1_000_000))]
    pub(crate) queue: usize,
    #[serde(with = "duration")]
    #[garde(custom(lasts(SECOND, LONGEST)))]
    pub(crate) keep: Duration,
}
