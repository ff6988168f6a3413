//! bcrypt on its own threads, apart from those that serve requests.

mod engine;
mod foreign;
mod metrics;
mod queue;
mod shared;
mod stored;
#[cfg(test)]
mod tests;
mod thread;
mod trial;
mod work;
mod workers;

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use async_trait::async_trait;
use menjin_bcrypt_lanes::{Digest, Hash, Lanes};
use menjin_domain::common::{Error, PortError};
use menjin_domain::credentials::{
    CandidatePassword, NewPassword, Overloaded, PasswordHash, PasswordHasher, Permit, Verification,
};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use zeroize::Zeroizing;

use self::engine::Engine;
pub use self::engine::HashingEngine;
pub use self::foreign::{ForeignHashError, check_foreign_hash};
use self::queue::Limits;
use self::stored::{Stored, Unreadable, hmac_of, write_hmac_then_bcrypt};
use self::work::{Full, Input, Reply};
use self::workers::Workers;
use crate::random;

const COMPONENT: &str = "hasher";

/// The lowest cost that bcrypt has.
const MIN_COST: u32 = 4;

/// About four seconds per hash: a higher cost would be a mistake, or a denial of service.
const MAX_COST: u32 = 16;

/// Stored hashes up to this cost are read whatever the configured cost is; this cost takes about
/// one second. Hashes of other systems, or from a time with a higher setting, must still verify.
const READABLE_COST: u32 = 14;

/// How far the cost of a stored hash may exceed a configured cost that is even higher.
const COST_ABOVE: u32 = 1;

/// How much memory Argon2id and scrypt may take at a time over all threads, in KiB. Without a bound,
/// as many logins of users from another system as there are threads would take 128 MiB each.
const FOREIGN_TOGETHER: usize = 256 * 1024;

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashingConfig {
    /// The cost of new hashes, 4 to 16: each step doubles the time. The OWASP Password Storage
    /// Cheat Sheet asks for at least 10 for bcrypt.
    pub cost: u32,
    /// How many threads hash; `None` means as many as the process may run at once.
    pub threads: Option<usize>,
    /// How many jobs may wait for a thread. One more is refused as [`Overloaded`].
    pub queue: usize,
    /// How long a job may wait. A job that would probably wait longer than four fifths of this time
    /// is refused in the same way. So is a job that has waited for all of it.
    pub max_wait: Duration,
    /// How bcrypt is computed.
    pub engine: HashingEngine,
    /// How many hashes a thread computes at once, from 1 to [`MAX_LANES`](Self::MAX_LANES). `None`
    /// uses the number that measures best. The plain engine computes one.
    pub lanes: Option<usize>,
}

/// Hashes of cost 12, on as many threads as there are cores.
impl Default for HashingConfig {
    fn default() -> Self {
        Self {
            cost: 12,
            threads: None,
            queue: 64,
            max_wait: Duration::from_secs(5),
            engine: HashingEngine::Auto,
            lanes: None,
        }
    }
}

impl HashingConfig {
    /// The greatest number of lanes that a thread can have.
    pub const MAX_LANES: usize = Lanes::<()>::MAX;
}

/// Why the pool did not start.
#[derive(Debug, thiserror::Error)]
pub enum HashingStartError {
    /// The cost is out of range.
    #[error("the bcrypt cost is {0}, not {MIN_COST} to {MAX_COST}")]
    Cost(u32),
    /// The number of lanes is out of range.
    #[error("a thread has 1 to {max} lanes, not {0}", max = HashingConfig::MAX_LANES)]
    Lanes(usize),
    /// Without threads nothing could be hashed.
    #[error("hashing needs at least one thread")]
    NoThreads,
    /// A thread could not be started.
    #[error("cannot start a hashing thread")]
    Thread(#[from] io::Error),
}

/// Hashes passwords with bcrypt on its own threads, and verifies stored hashes, also those of other
/// systems.
///
/// * The threads yield to those that serve requests (nice 10, on Linux).
/// * Each thread computes several hashes at once, which takes little longer than one (the crate
///   `menjin-bcrypt-lanes`); a new hash joins those that are running. First the lanes must prove
///   that they compute the same as the `bcrypt` crate. Until then, and if they do not, the `bcrypt`
///   crate is used.
/// * A full queue refuses before anything is hashed. Work that no caller waits for any more is
///   skipped or broken off. When the pool is dropped, its threads finish and end, and the drop does
///   not wait for them.
/// * Every [`verify`](PasswordHasher::verify) hashes exactly once, whatever its input is. A stored
///   hash of another cost or kind takes its own time, until it is hashed anew at a login.
/// * New hashes are `$2b$`. bcrypt reads 72 bytes with the NUL at the end, so a password of more than
///   71 bytes goes through HMAC-SHA-256 first (passlib's `bcrypt_sha256`, version 2). The form of
///   the row alone decides how a password is verified; a `$2b$`, `$2a$` or `$2y$` row is verified
///   with the first 72 bytes, as where it came from.
/// * Hashes of other systems are read too: Argon2id in PHC format, also with Django's `argon2` before
///   it; Django's `bcrypt_sha256` and `pbkdf2_sha256`; and scrypt in PHC format, as passlib writes
///   it. Whoever logs in with one gets a new hash. [`check_foreign_hash`] says which of them may be
///   imported.
/// * A hash that would take much more than a second counts as unreadable, because a broken row must
///   not occupy a thread for hours: bcrypt with a cost above 14 that also exceeds the configured
///   cost by more than one; Argon2id with more than 128 MiB, or more than 512 MiB over all passes;
///   PBKDF2 with more than 2,000,000 iterations; and scrypt with more than 64 MiB, or more than
///   256 MiB over all its parallel parts. Argon2id and scrypt together take at most 256 MiB at a
///   time.
pub struct BcryptPool {
    workers: Workers,
    cost: u32,
    max_wait: Duration,
    /// A permit for each KiB that Argon2id and scrypt may take at a time.
    foreign_memory: Arc<Semaphore>,
}

impl BcryptPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// The cost or the number of lanes is out of range, there are no threads, or the operating
    /// system starts none.
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
        Ok(Self {
            workers: Workers::start(threads, limits, engine)?,
            cost: config.cost,
            max_wait: config.max_wait,
            foreign_memory: Arc::new(Semaphore::new(FOREIGN_TOGETHER)),
        })
    }

    async fn make(&self, password: &str) -> Result<PasswordHash, Error<Overloaded>> {
        let (input, form) = self.new_hash(password)?;
        let digest = self.bcrypt(input, |digest| digest).await?;
        Ok(form.write(&digest)?)
    }

    /// What is hashed for a new password, and how the result is written.
    fn new_hash(&self, password: &str) -> Result<(Input, NewForm), PortError> {
        let mut salt = [0; 16];
        random::fill(&mut salt)?;
        let (password, cost) = (password.as_bytes(), self.cost);
        let is_long = password.len() > Input::MAX_BYTES;
        let input = if is_long {
            hmac_input(password, salt, cost)?
        } else {
            Input::new(password, salt, cost)
        };
        Ok((input, NewForm { salt, cost, is_long }))
    }

    /// Waits until so many KiB are free, and takes them.
    async fn foreign_memory(&self, kib: u32) -> Result<OwnedSemaphorePermit, Error<Overloaded>> {
        let memory = Arc::clone(&self.foreign_memory).acquire_many_owned(kib);
        match timeout(self.max_wait, memory).await {
            Ok(Ok(memory)) => Ok(memory),
            Ok(Err(closed)) => Err(PortError::internal(COMPONENT, closed).into()),
            Err(_elapsed) => Err(Error::Refused(Overloaded)),
        }
    }

    /// Compares a password with a hash that gets a thread to itself, and perhaps memory.
    async fn compare(
        &self,
        password: &[u8],
        memory: Option<OwnedSemaphorePermit>,
        matches: impl FnOnce(&[u8]) -> bool + Send + 'static,
    ) -> Result<bool, Error<Overloaded>> {
        let password = Zeroizing::new(password.to_vec());
        let work = move || {
            let _memory = memory;
            matches(&password)
        };
        reply(self.workers.submit(work)).await
    }

    async fn bcrypt<T: Send + 'static>(
        &self,
        input: Input,
        finish: impl FnOnce(Digest) -> T + Send + 'static,
    ) -> Result<T, Error<Overloaded>> {
        reply(self.workers.submit_bcrypt(input, finish)).await
    }
}

/// How a new hash is written.
struct NewForm {
    salt: [u8; 16],
    cost: u32,
    /// Of the HMAC of a password.
    is_long: bool,
}

impl NewForm {
    fn write(&self, digest: &Digest) -> Result<PasswordHash, PortError> {
        let hash = Hash::new(self.cost, self.salt, digest)
            .map_err(|error| PortError::internal(COMPONENT, error))?;
        let text = if self.is_long { write_hmac_then_bcrypt(&hash) } else { hash.to_string() };
        Ok(PasswordHash::new(text))
    }
}

/// The input for the HMAC of a password.
fn hmac_input(password: &[u8], salt: [u8; 16], cost: u32) -> Result<Input, PortError> {
    let hmac = hmac_of(password, salt).map_err(|error| PortError::internal(COMPONENT, error))?;
    Ok(Input::new(hmac.as_bytes(), salt, cost))
}

async fn reply<T>(submitted: Result<Reply<T>, Full>) -> Result<T, Error<Overloaded>> {
    let Ok(reply) = submitted else { return Err(Error::Refused(Overloaded)) };
    match reply.await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(Full)) => Err(Error::Refused(Overloaded)),
        Err(panicked) => Err(PortError::internal(COMPONENT, panicked).into()),
    }
}

#[async_trait]
impl PasswordHasher for BcryptPool {
    fn try_reserve(&self) -> Option<Permit> {
        self.workers.try_reserve().map(Permit::holding)
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, Error<Overloaded>> {
        self.make(password.expose()).await
    }

    async fn hash_behind(&self, password: &NewPassword) -> Result<PasswordHash, PortError> {
        let (input, form) = self.new_hash(password.expose())?;
        let reply = self.workers.submit_bcrypt_behind(input, |digest| digest);
        match reply.await {
            Ok(Ok(digest)) => form.write(&digest),
            // It is refused only when the pool ends.
            Ok(Err(Full)) => Err(PortError::unavailable(COMPONENT, "the hasher has ended")),
            Err(panicked) => Err(PortError::internal(COMPONENT, panicked)),
        }
    }

    async fn rehash(
        &self,
        password: &CandidatePassword,
    ) -> Result<PasswordHash, Error<Overloaded>> {
        self.make(password.expose()).await
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Error<Overloaded>> {
        let stored = hash.and_then(|hash| read(&hash, self.cost));
        let password = password.expose().as_bytes();
        let is_given = !password.is_empty();
        let is_long = password.len() > Input::MAX_BYTES;
        let verdict = move |equal: bool, needs_rehash| {
            if equal && is_given {
                Verification::Match { needs_rehash }
            } else {
                Verification::Mismatch
            }
        };
        match stored {
            Some(Stored::Bcrypt { hash, outdated }) => {
                // A longer password was cut off where this row comes from.
                let input = Input::new(password, hash.salt(), hash.cost());
                let outdated = outdated || is_long;
                self.bcrypt(input, move |digest| verdict(hash.matches(&digest), outdated)).await
            }
            Some(Stored::HmacThenBcrypt { hash, outdated }) => {
                let input = hmac_input(password, hash.salt(), hash.cost())?;
                let outdated = outdated || !is_long;
                self.bcrypt(input, move |digest| verdict(hash.matches(&digest), outdated)).await
            }
            Some(Stored::Sha256ThenBcrypt { hash }) => {
                let digits = Zeroizing::new(random::hex(&Sha256::digest(password)));
                let input = Input::new(digits.as_bytes(), hash.salt(), hash.cost());
                self.bcrypt(input, move |digest| verdict(hash.matches(&digest), true)).await
            }
            Some(Stored::Argon2id(hash)) => {
                let memory = Some(self.foreign_memory(hash.memory()).await?);
                let equal = self.compare(password, memory, move |given| hash.matches(given));
                Ok(verdict(equal.await?, true))
            }
            Some(Stored::Pbkdf2(hash)) => {
                let equal = self.compare(password, None, move |given| hash.matches(given));
                Ok(verdict(equal.await?, true))
            }
            Some(Stored::Scrypt(hash)) => {
                let memory = Some(self.foreign_memory(hash.memory()).await?);
                let equal = self.compare(password, memory, move |given| hash.matches(given));
                Ok(verdict(equal.await?, true))
            }
            // The time of one hash is spent all the same.
            None => {
                let input = Input::new(password, [0; 16], self.cost);
                self.bcrypt(input, |_| Verification::Mismatch).await
            }
        }
    }
}

fn read(hash: &PasswordHash, cost: u32) -> Option<Stored> {
    let unreadable = |error: &Unreadable| {
        tracing::warn!(error = error as &dyn std::error::Error, "a stored hash cannot be read");
    };
    Stored::read(hash, cost).inspect_err(unreadable).ok()
}
