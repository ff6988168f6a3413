//! `[cache_api]`: who may use `/cache/*`.

use menjin_domain::cache::CacheAccess;

use super::prelude::*;
use super::text::Parsed;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct CacheApiSettings {
    #[serde(with = "text")]
    pub(crate) access: Parsed<CacheAccess>,
}
