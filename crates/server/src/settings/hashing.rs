//! `[hashing]`: the cost of passwords.

use std::num::NonZero;

use menjin_infra_credentials::{HashingConfig, HashingEngine};

use super::prelude::*;

/// The lowest cost in production (OWASP Password Storage: 10 or more).
const MIN_PRODUCTION_COST: u32 = 10;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct HashingSettings {
    #[garde(range(min = 4, max = 16))]
    cost: u32,
    #[serde(deserialize_with = "text::name")]
    engine: Engine,
    #[garde(range(max = HashingConfig::MAX_LANES))]
    lanes: usize,
    threads: usize,
    #[garde(range(min = 1))]
    queue: usize,
    #[serde(with = "duration")]
    #[garde(custom(lasts(100 * MILLISECOND, 60 * SECOND)))]
    max_wait: Duration,
}

/// How bcrypt is computed.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Engine {
    Auto,
    Lanes,
    Plain,
}

impl HashingSettings {
    pub(crate) fn config(&self) -> HashingConfig {
        // 0: as many as fit the machine.
        let given = |number| NonZero::new(number).map(NonZero::get);
        HashingConfig {
            cost: self.cost,
            threads: given(self.threads),
            queue: self.queue,
            max_wait: self.max_wait,
            engine: match self.engine {
                Engine::Auto => HashingEngine::Auto,
                Engine::Lanes => HashingEngine::Lanes,
                Engine::Plain => HashingEngine::Plain,
            },
            lanes: given(self.lanes),
        }
    }

    pub(super) fn check(&self, production: bool) -> Result<(), SettingsError> {
        require("hashing.cost", !production || self.cost >= MIN_PRODUCTION_COST, {
            format!("{} is too low for production: at least {MIN_PRODUCTION_COST}", self.cost)
        })
    }
}
