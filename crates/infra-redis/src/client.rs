//! The client of Redis that all adapters share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Object, Pool};
use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::{Cmd, FromRedisValue, Pipeline};

use crate::config::RedisConfig;
use crate::error::ConfigError;
use crate::error::Failure;
use crate::manager::{Link, Manager};

/// Redis, as all adapters of this crate share it: connections, deadline and namespace. Clones share
/// the connections.
#[derive(Clone)]
pub struct RedisClient(Arc<Shared>);

struct Shared {
    pool: Pool<Manager>,
    timeout: Duration,
    namespace: String,
}

impl RedisClient {
    /// Opens no connection yet: Redis may be down, and is used as soon as it answers. Reads the files
    /// of TLS.
    ///
    /// # Errors
    /// The part of the configuration that is invalid.
    pub fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let endpoints = config.endpoints()?;
        let certificates = config.tls.read()?;
        if endpoints.tls() {
            // This fails if a default provider is installed already, and then that one is used.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        // Errors of the library may quote their input, which may hold a password.
        let unusable = ConfigError { field: "url", reason: "cannot be used".into() };
        let manager = Manager::new(endpoints, certificates, config.timeout)
            .map_err(|_quotes| unusable.clone())?;
        let pool = Pool::builder(manager).max_size(config.pool_size).build();
        let pool = pool.map_err(|_no_time_outs_are_set| unusable)?;
        let (timeout, namespace) = (config.timeout, config.namespace.clone());
        Ok(Self(Arc::new(Shared { pool, timeout, namespace })))
    }

    /// How long any operation may take.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// A name inside this installation's namespace.
    pub(crate) fn name(&self, kind: &str, key: impl fmt::Display) -> String {
        format!("{}:v1:{kind}:{key}", self.0.namespace)
    }

    /// The name of a channel.
    pub(crate) fn channel(&self, name: &str) -> String {
        format!("{}:v1:{name}", self.0.namespace)
    }

    /// Runs a command.
    pub(crate) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        self.run(async |link: &mut Link| Ok(command.query_async(link).await?)).await
    }

    /// Runs several commands in one round trip.
    pub(crate) async fn pipeline<T: FromRedisValue>(
        &self,
        pipeline: &Pipeline,
    ) -> Result<T, Failure> {
        self.run(async |link: &mut Link| Ok(pipeline.query_async(link).await?)).await
    }

    /// Runs a script with one key: by its digest, and by its text if Redis does not know the digest
    /// (any more).
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        by_digest: &Cmd,
        by_text: impl FnOnce() -> Cmd,
    ) -> Result<T, Failure> {
        use deadpool_redis::redis::{ErrorKind, ServerErrorKind};
        match self.command(by_digest).await {
            Err(Failure::Redis(error))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                self.command(&by_text()).await
            }
            result => result,
        }
    }

    /// A connection that can only subscribe.
    pub(crate) async fn subscriber(&self) -> Result<PubSub, Failure> {
        let connecting = self.0.pool.manager().subscriber();
        match tokio::time::timeout(self.0.timeout, connecting).await {
            Ok(result) => Ok(result?),
            Err(_elapsed) => Err(Failure::TooSlow),
        }
    }

    async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut Link) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let borrowed = async {
            let mut lease = Lease { link: Some(self.0.pool.get().await?), good: false };
            let Some(link) = lease.link.as_mut() else {
                return Err(Failure::Pool("no connection"));
            };
            let result = work(link).await;
            lease.good = result.as_ref().map_or_else(Failure::spares_the_connection, |_| true);
            result
        };
        let result = tokio::time::timeout(self.0.timeout, borrowed).await;
        result.unwrap_or_else(|_elapsed| {
            if self.0.pool.manager().is_of_one_node() {
                // When one connection hangs, the others do too. Without this, each of them would
                // cost one caller the time until the deadline.
                self.0.pool.retain(|_, _| false);
            }
            Err(Failure::TooSlow)
        })
    }
}

/// A borrowed connection. It goes back into the pool only after an answer: a connection whose call
/// was cut off may hang.
struct Lease {
    link: Option<Object<Manager>>,
    good: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(|_| !self.good) {
            drop(Object::take(link));
        }
    }
}

impl fmt::Debug for RedisClient {
    /// Without addresses, because they come with passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisClient")
            .field("namespace", &self.0.namespace)
            .field("timeout", &self.0.timeout)
            .finish_non_exhaustive()
    }
}
