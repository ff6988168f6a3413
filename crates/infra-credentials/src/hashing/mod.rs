//! bcrypt, off the threads that serve requests.

mod engine;
mod queue;
#[cfg(test)]
mod tests;
mod thread;
mod trial;
mod work;
mod workers;

use std::io;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::Duration;

use async_trait::async_trait;
use menjin_bcrypt_lanes::{Digest, Hash, Lanes, Version};
use menjin_domain::ports::{HashingError, PasswordHasher, PortError, Verdict};
use menjin_domain::values::{CandidatePassword, NewPassword, PasswordHash};

use self::engine::Engine;
pub use self::engine::HashingEngine;
use self::queue::Limits;
use self::work::{Full, Input, Reply};
use self::workers::Workers;
use crate::entropy;

const COMPONENT: &str = "hasher";

/// bcrypt knows no cheaper cost.
const MIN_COST: u32 = 4;

/// About four seconds a hash: more would be a mistake, or a denial of service.
const MAX_COST: u32 = 16;

/// The cost up to which stored hashes are read whatever the configured one is: about one second.
/// Hashes of other systems, or of a time of a higher setting, must go on to verify.
const READABLE_COST: u32 = 14;

/// How far the cost of a stored hash may exceed a configured one that is higher still.
const COST_ABOVE: u32 = 1;

/// How to hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingConfig {
    /// The cost of new hashes, 4 to 16: each step doubles the time. The OWASP Password Storage
    /// Cheat Sheet has 10 as the least for bcrypt.
    pub cost: u32,
    /// How many threads hash; `None` is as many as the process may run at once.
    pub threads: Option<usize>,
    /// How many jobs may wait for a thread. One more is refused as
    /// [`HashingError::Overloaded`].
    pub queue: usize,
    /// How long one may wait. Who would have to wait for longer, as far as can be told, is refused
    /// in the same way, and so is who has.
    pub max_wait: Duration,
    /// How bcrypt is computed.
    pub engine: HashingEngine,
    /// How many hashes a thread computes at once, from 1 to [`MAX_LANES`](Self::MAX_LANES); `None`
    /// is what proves best. The plain engine does one.
    pub lanes: Option<usize>,
}

impl HashingConfig {
    /// The most lanes that a thread can have.
    pub const MAX_LANES: usize = Lanes::<()>::MAX;
}

/// Why the pool did not start.
#[derive(Debug, thiserror::Error)]
pub enum HashingStartError {
    /// The cost is out of range.
    #[error("the bcrypt cost is {0}, not {MIN_COST} to {MAX_COST}")]
    Cost(u32),
    /// No thread could have so many lanes.
    #[error("a thread has 1 to {max} lanes, not {0}", max = HashingConfig::MAX_LANES)]
    Lanes(usize),
    /// No thread could ever hash.
    #[error("hashing needs at least one thread")]
    NoThreads,
    /// A thread could not be started.
    #[error("cannot start a hashing thread")]
    Thread(#[from] io::Error),
}

/// Hashes passwords with bcrypt on threads of its own.
///
/// * The threads yield to those that serve requests (nice 10, on Linux).
/// * Each computes several hashes at once, which takes little longer than one (the crate
///   `menjin-bcrypt-lanes`); what comes joins what is running. Before that the lanes have to prove
///   that they compute what the `bcrypt` crate does: until then, and otherwise, that one is used.
/// * A full queue refuses before anything is hashed; work that nobody waits for any more is
///   skipped or broken off. Dropping the pool lets its threads finish and end, without waiting for
///   them.
/// * Every [`verify`](PasswordHasher::verify) runs bcrypt exactly once, whatever it is given. A
///   stored hash of another cost takes the time of that cost, until it is hashed anew at log-in.
/// * `$2a$`, `$2b$`, `$2x$` and `$2y$` are read, `$2b$` is written. `$2x$` was made with a faulty
///   implementation and verifies for ASCII passwords only. A hash of a cost above 14 and
///   more than one above the configured cost counts as unreadable: a broken row must not occupy a
///   thread for hours.
pub struct BcryptPool {
    workers: Workers,
    cost: u32,
}

impl BcryptPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// A cost out of range, no threads at all, or none to be had from the operating system.
    pub fn start(config: HashingConfig) -> Result<Self, HashingStartError> {
        if !(MIN_COST..=MAX_COST).contains(&config.cost) {
            return Err(HashingStartError::Cost(config.cost));
        }
        let threads =
            config.threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
        if threads == 0 {
            return Err(HashingStartError::NoThreads);
        }
        if let Some(lanes) = config.lanes
            && !(1..=HashingConfig::MAX_LANES).contains(&lanes)
        {
            return Err(HashingStartError::Lanes(lanes));
        }
        let limits = Limits { waiting: config.queue, wait: config.max_wait };
        let engine = Engine::new(config.engine, config.lanes, threads);
        Ok(Self { workers: Workers::start(threads, limits, engine)?, cost: config.cost })
    }

    async fn make(&self, password: &str) -> Result<PasswordHash, HashingError> {
        let mut salt = [0; 16];
        entropy::fill(&mut salt)?;
        if password.len() > Input::MAX_BYTES {
            return Err(PortError::internal(COMPONENT, "the password is too long").into());
        }
        let input = Input::new(password.as_bytes(), salt, self.cost);
        let digest = self.bcrypt(input, |digest| digest).await?;
        let hash = Hash::new(self.cost, salt, &digest)
            .map_err(|error| PortError::internal(COMPONENT, error))?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    async fn bcrypt<T: Send + 'static>(
        &self,
        input: Input,
        finish: impl FnOnce(Digest) -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        reply(self.workers.submit_bcrypt(input, finish)).await
    }
}

async fn reply<T>(submitted: Result<Reply<T>, Full>) -> Result<T, HashingError> {
    let Ok(reply) = submitted else { return Err(HashingError::Overloaded) };
    match reply.await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(Full)) => Err(HashingError::Overloaded),
        Err(panicked) => Err(PortError::internal(COMPONENT, panicked).into()),
    }
}

#[async_trait]
impl PasswordHasher for BcryptPool {
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingError> {
        self.make(password.expose()).await
    }

    async fn rehash(&self, password: &CandidatePassword) -> Result<PasswordHash, HashingError> {
        self.make(password.expose()).await
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashingError> {
        let stored = hash.and_then(|hash| Stored::read(&hash, self.cost));
        let password = password.expose().as_bytes();
        let possible = (1..=NewPassword::MAX_BYTES).contains(&password.len());
        // Without a hash to verify against, the time of one is spent all the same.
        let (salt, cost) = stored
            .as_ref()
            .map_or(([0; 16], self.cost), |stored| (stored.hash.salt(), stored.hash.cost()));
        let verdict = move |digest: Digest| match stored {
            Some(stored) if stored.hash.matches(&digest) && possible => {
                Verdict::Right { needs_rehash: stored.outdated }
            }
            _ => Verdict::Wrong,
        };
        self.bcrypt(Input::new(password, salt, cost), verdict).await
    }
}

/// A stored hash that can be verified against.
struct Stored {
    hash: Hash,
    /// Of another cost or kind than new ones.
    outdated: bool,
}

impl Stored {
    fn read(hash: &PasswordHash, cost: u32) -> Option<Self> {
        let greatest = MAX_COST.min(READABLE_COST.max(cost + COST_ABOVE));
        match hash.expose().parse::<Hash>() {
            Ok(hash) if (MIN_COST..=greatest).contains(&hash.cost()) => {
                let outdated = hash.cost() != cost || hash.version() != Version::TwoB;
                Some(Self { hash, outdated })
            }
            Ok(hash) => {
                let found = hash.cost();
                tracing::warn!(cost = found, greatest, "a stored hash has a cost out of range");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a stored hash cannot be read");
                None
            }
        }
    }
}
