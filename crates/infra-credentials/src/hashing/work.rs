//! What waits in the queue, and who waits for it.

use menjin_bcrypt_lanes::{Digest, Job, Key};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Refused: the queue is full, or the wait is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Where a result arrives. An error here, rather than in it, means that its computation panicked.
pub(super) type Reply<T> = oneshot::Receiver<Result<T, Full>>;

/// Somebody who waits for a reply that is made from an `I`.
pub(super) trait Waiter<I>: Send {
    /// Nobody waits any more.
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
        // Whoever asked may have left meanwhile: then nobody wants the reply.
        drop(self.reply.send(Ok((self.finish)(with))));
    }

    fn refuse(self: Box<Self>) {
        drop(self.reply.send(Err(Full)));
    }
}

/// Something to do.
pub(super) enum Work {
    /// It has a thread to itself.
    Alone(Box<dyn Waiter<()>>),
    /// bcrypt, which shares a thread with others of its kind.
    Bcrypt(Ride),
}

/// bcrypt of one password, and who waits for it.
pub(super) struct Ride {
    pub(super) input: Input,
    pub(super) waiter: Box<dyn Waiter<Digest>>,
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
        let (reply, receiver) = oneshot::channel();
        (Self::Bcrypt(Ride { input, waiter: Box::new(Caller { finish, reply }) }), receiver)
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

/// What bcrypt is computed of. Kept as bytes, so that the plain engine shares nothing with the one
/// that it stands in for.
pub(super) struct Input {
    /// With the NUL.
    key: Zeroizing<Vec<u8>>,
    salt: [u8; 16],
    cost: u32,
}

impl Input {
    /// How many bytes of a password count.
    pub(super) const MAX_BYTES: usize = Key::MAX_PASSWORD;

    /// Of a password, of which no more than [`MAX_BYTES`](Self::MAX_BYTES) are read.
    pub(super) fn new(password: &[u8], salt: [u8; 16], cost: u32) -> Self {
        let read = password.get(..Self::MAX_BYTES).unwrap_or(password);
        // Made at its length: a vector that grows leaves copies of itself behind.
        Self { key: Zeroizing::new([read, &[0]].concat()), salt, cost }
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    #[cfg(test)]
    pub(super) fn salt(&self) -> [u8; 16] {
        self.salt
    }

    /// By the `bcrypt` crate, here and now.
    pub(super) fn plain(&self) -> Digest {
        Digest::from(bcrypt::bcrypt(self.cost, self.salt, &self.key))
    }

    /// The same to be done in a lane. Never `None` for a cost that this pool takes.
    pub(super) fn job(&self) -> Option<Job> {
        Job::new(Key::raw(&self.key).ok()?, self.salt, self.cost).ok()
    }
}
