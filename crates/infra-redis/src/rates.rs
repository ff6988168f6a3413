//! The limits on failures per client network, in Redis.

use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{Cmd, Script, Value, cmd};
use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::lockout::{Admission, Limit, MAX_AHEAD, RateKey, RateLimiter};

use crate::client::RedisClient;

/// A longer window than anybody needs. A double in Lua still holds its end to the microsecond.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Counts failures for all replicas together. The counts expire by themselves. Redis may also evict
/// them when it is full and its `maxmemory-policy` allows that.
#[derive(Debug)]
pub struct RedisRateLimiter {
    client: RedisClient,
    reserve: Script,
}

impl RedisRateLimiter {
    /// A limiter on this Redis.
    pub fn new(client: RedisClient) -> Self {
        Self { client, reserve: Script::new(include_str!("rates.lua")) }
    }

    /// In braces, so that a cluster keeps all counts of one network on one node.
    fn key(&self, key: RateKey) -> String {
        self.client.name("rate", format_args!("{{{key}}}"))
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn reserve(
        &self,
        key: RateKey,
        limit: Limit,
        at: Timestamp,
    ) -> Result<Admission, PortError> {
        let key = self.key(key);
        let window = u64::try_from(limit.window.min(FOREVER).as_micros()).unwrap_or(u64::MAX);
        let max_ahead = u64::try_from(MAX_AHEAD.as_micros()).unwrap_or(u64::MAX);
        let script = |name: &str, what: &str| -> Cmd {
            let mut command = cmd(name);
            command.arg(what).arg(1).arg(&key);
            command.arg(limit.max).arg(window).arg(at.timestamp_micros()).arg(max_ahead);
            command
        };
        let wait: i64 = self
            .client
            .script(&script("EVALSHA", self.reserve.get_hash()), || {
                script("EVAL", include_str!("rates.lua"))
            })
            .await?;
        Ok(match u64::try_from(wait) {
            Ok(wait) => Admission::Refused { retry_after: Duration::from_micros(wait) },
            Err(_negative) => Admission::Admitted,
        })
    }

    async fn release(&self, key: RateKey) -> Result<(), PortError> {
        let mut pop = cmd("RPOP");
        pop.arg(self.key(key));
        let _popped: Value = self.client.command(&pop).await?;
        Ok(())
    }
}
