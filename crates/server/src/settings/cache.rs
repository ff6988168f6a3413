//! `[cache]`: the cache of this process.

use menjin_infra_memory::MemoryCacheConfig;

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct CacheSettings {
    #[garde(range(min = 1024 * 1024))]
    max_bytes: u64,
}

impl CacheSettings {
    pub(crate) fn config(&self) -> MemoryCacheConfig {
        MemoryCacheConfig { max_bytes: self.max_bytes }
    }
}
