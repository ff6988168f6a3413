//! `[password]`: which passwords are refused.

use menjin_domain::credentials::PasswordLength;
use menjin_infra_credentials::PolicyConfig;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct PasswordSettings {
    #[garde(range(min = 1, max = PasswordLength::DEFAULT.max))]
    min_length: usize,
    #[garde(range(min = 1, max = 20))]
    pub(crate) envelope_min_length: usize,
    pub(crate) envelope_policy: bool,
    refuse_common: usize,
    #[garde(range(max = 4))]
    min_score: u8,
    #[serde(with = "list")]
    exceptions: Vec<String>,
    #[serde(with = "duration")]
    #[garde(custom(lasts(HOUR, DAY * 90)))]
    pub(crate) initial_ttl: Duration,
}

impl PasswordSettings {
    /// The permitted length of passwords that are chosen through `/api/v1` or on the command line.
    pub(crate) fn length(&self) -> PasswordLength {
        PasswordLength { min: self.min_length, ..PasswordLength::DEFAULT }
    }

    pub(crate) fn policy(&self) -> PolicyConfig {
        PolicyConfig {
            refuse_common: self.refuse_common,
            min_score: self.min_score,
            exceptions: self.exceptions.clone(),
        }
    }
}
