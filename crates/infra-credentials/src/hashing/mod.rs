//! bcrypt, off the threads that serve requests.

mod stored;
#[cfg(test)]
mod tests;
mod workers;

use std::hint::black_box;
use std::num::NonZero;
use std::{io, thread};

use async_trait::async_trait;
use menjin_domain::ports::{HashingError, PasswordHasher, PortError, Verdict};
use menjin_domain::values::{CandidatePassword, NewPassword, PasswordHash};

use self::stored::{Stored, Unreadable};
use self::workers::{Full, Workers};

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
}

/// Why the pool did not start.
#[derive(Debug, thiserror::Error)]
pub enum HashingStartError {
    /// The cost is out of range.
    #[error("the bcrypt cost is {0}, not {MIN_COST} to {MAX_COST}")]
    Cost(u32),
    /// No thread could ever hash.
    #[error("hashing needs at least one thread")]
    NoThreads,
    /// A thread could not be started.
    #[error("cannot start a hashing thread")]
    Thread(#[from] io::Error),
}

/// Hashes passwords with bcrypt on threads of its own, and verifies what others have hashed.
///
/// * The threads yield to those that serve requests (nice 10, on Linux).
/// * A full queue refuses before anything is hashed; work that nobody waits for any more is
///   skipped. Dropping the pool lets its threads finish and end, without waiting for them.
/// * Every [`verify`](PasswordHasher::verify) hashes exactly once, whatever it is given. A stored
///   hash of another cost or kind takes its own time, until it is hashed anew at log-in.
/// * `$2b$` is written, and read like `$2a$` and `$2y$`. So are hashes that other systems have made:
///   Argon2id in PHC format, and Django's `bcrypt_sha256`. What would take much more than a second
///   counts as unreadable: bcrypt of a cost above 14 and more than one above the configured cost,
///   Argon2id of more than 128 MiB or 512 MiB over all passes. A broken row must not occupy a thread
///   for hours.
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
        let threads = config
            .threads
            .unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        if threads == 0 {
            return Err(HashingStartError::NoThreads);
        }
        Ok(Self { workers: Workers::start(threads, config.queue)?, cost: config.cost })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let reply = match self.workers.submit(work) {
            Ok(reply) => reply,
            Err(Full) => return Err(HashingError::Overloaded),
        };
        Ok(reply.await.map_err(|panicked| PortError::internal(COMPONENT, panicked))?)
    }
}

#[async_trait]
impl PasswordHasher for BcryptPool {
    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingError> {
        let (password, cost) = (password.clone(), self.cost);
        Ok(self.run(move || hash(password.expose(), cost)).await??)
    }

    async fn rehash(&self, password: &CandidatePassword) -> Result<PasswordHash, HashingError> {
        let (password, cost) = (password.clone(), self.cost);
        Ok(self.run(move || hash(password.expose(), cost)).await??)
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashingError> {
        let (password, cost) = (password.clone(), self.cost);
        self.run(move || verify(password.expose(), hash.as_ref(), cost)).await
    }
}

/// The salt is drawn by the library, from the operating system.
fn hash(password: &str, cost: u32) -> Result<PasswordHash, PortError> {
    bcrypt::non_truncating_hash(password, cost)
        .map(PasswordHash::new)
        .map_err(|error| PortError::internal(COMPONENT, error))
}

/// Hashes once, also when the answer is known before.
fn verify(password: &str, hash: Option<&PasswordHash>, cost: u32) -> Verdict {
    let stored = hash.and_then(|hash| {
        let unreadable = |error: &Unreadable| {
            tracing::warn!(error = error as &dyn std::error::Error, "a stored hash cannot be read");
        };
        Stored::read(hash, cost).inspect_err(unreadable).ok()
    });
    let bytes = password.as_bytes();
    let possible = (1..=NewPassword::MAX_BYTES).contains(&bytes.len());
    let read = bytes.get(..NewPassword::MAX_BYTES).unwrap_or(bytes);
    let nobodys;
    let against = if let Some(stored) = &stored {
        stored
    } else {
        nobodys = nobodys_hash(cost);
        &Stored::Bcrypt { hash: &nobodys, outdated: false }
    };
    // Opaque to the optimiser, which could otherwise skip a hash that does not change the answer.
    let equal = black_box(against.matches(read));
    match stored {
        Some(stored) if equal && possible => Verdict::Right { needs_rehash: stored.outdated() },
        _ => Verdict::Wrong,
    }
}

/// A well-formed hash to spend the time of a real one on. Its bits need not be secret: no password
/// is right by it, whatever bcrypt says.
fn nobodys_hash(cost: u32) -> String {
    format!("$2b${cost:02}${:.<53}", "")
}
