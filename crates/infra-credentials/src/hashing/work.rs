//! The work that waits in the queue, and its waiters.

use menjin_bcrypt_lanes::{Digest, Job, Key};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Refused: the queue is full, or the wait is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Where a result arrives. An error of the channel itself means that the computation panicked.
pub(super) type Reply<T> = oneshot::Receiver<Result<T, Full>>;

/// A waiter for a reply that is made from an `I`.
pub(super) trait Waiter<I>: Send {
    /// Whether the caller no longer waits.
    fn is_gone(&self) -> bool;
    fn reply(self: Box<Self>, with: I);
    fn refuse(self: Box<Self>);
}

struct Caller<F, T> {
    finish: F,
    reply: oneshot::Sender<Result<T, Full>>,
}

impl<I, F: FnOnce(I) -> T + Send, T: Send> Waiter<I> for Caller<F, T> {
    fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }

    fn reply(self: Box<Self>, with: I) {
        // The caller may have left meanwhile, and then nobody needs the reply.
        drop(self.reply.send(Ok((self.finish)(with))));
    }

    fn refuse(self: Box<Self>) {
        drop(self.reply.send(Err(Full)));
    }
}

/// A job.
pub(super) enum Work {
    /// Gets a thread to itself.
    Alone(Box<dyn Waiter<()>>),
    /// bcrypt, which shares a thread with other bcrypt jobs.
    Bcrypt(Ride),
}

/// The bcrypt of one password, and its waiter.
pub(super) struct Ride {
    pub(super) input: Input,
    pub(super) waiter: Box<dyn Waiter<Digest>>,
}

impl Ride {
    pub(super) fn new<T: Send + 'static>(
        input: Input,
        finish: impl FnOnce(Digest) -> T + Send + 'static,
    ) -> (Self, Reply<T>) {
        let (reply, receiver) = oneshot::channel();
        (Self { input, waiter: Box::new(Caller { finish, reply }) }, receiver)
    }
}

impl Work {
    pub(super) fn alone<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> (Self, Reply<T>) {
        let (reply, receiver) = oneshot::channel();
        (Self::Alone(Box::new(Caller { finish: |()| work(), reply })), receiver)
    }

    pub(super) fn bcrypt<T: Send + 'static>(
        input: Input,
        finish: impl FnOnce(Digest) -> T + Send + 'static,
    ) -> (Self, Reply<T>) {
        let (ride, receiver) = Ride::new(input, finish);
        (Self::Bcrypt(ride), receiver)
    }

    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::Alone(waiter) => waiter.is_gone(),
            Self::Bcrypt(ride) => ride.waiter.is_gone(),
        }
    }

    pub(super) fn refuse(self) {
        match self {
            Self::Alone(waiter) => waiter.refuse(),
            Self::Bcrypt(ride) => ride.waiter.refuse(),
        }
    }
}

/// The input of bcrypt. It is kept as bytes, so that the plain engine shares no code with the lanes
/// that it replaces.
pub(super) struct Input {
    /// The password, with the NUL if it is shorter than 72 bytes.
    key: Zeroizing<Vec<u8>>,
    salt: [u8; 16],
    cost: u32,
}

impl Input {
    /// How many bytes of a password bcrypt reads, with the NUL after them.
    pub(super) const MAX_BYTES: usize = Key::MAX_PASSWORD;

    /// The input for a password, of which bcrypt reads 72 bytes: those of a longer one have no NUL
    /// at the end.
    pub(super) fn new(password: &[u8], salt: [u8; 16], cost: u32) -> Self {
        // Allocated at its full length: a vector that grows leaves copies of the password in
        // memory.
        let key = match password.get(..=Self::MAX_BYTES) {
            Some(read) => read.to_vec(),
            None => [password, &[0]].concat(),
        };
        Self { key: Zeroizing::new(key), salt, cost }
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    #[cfg(test)]
    pub(super) fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// Computes the digest at once, with the `bcrypt` crate.
    pub(super) fn plain(&self) -> Digest {
        Digest::from(bcrypt::bcrypt(self.cost, self.salt, &self.key))
    }

    /// The same as a job for a lane. Never `None` for a cost that this pool accepts.
    pub(super) fn job(&self) -> Option<Job> {
        Job::new(Key::raw(&self.key).ok()?, self.salt, self.cost).ok()
    }
}
