//! Threads that do slow work behind a bounded queue.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;
use std::{io, thread};

use menjin_bcrypt_lanes::Digest;

use super::engine::Engine;
use super::metrics::HashingMetrics;
use super::queue::{Limits, Queue};
use super::shared::{KeptPlace, Shared, State};
use super::thread::{Thread, lower_priority};
use super::work::{Full, Input, Reply, Ride, Work};

/// The threads. When this is dropped, each thread finishes its current work and ends. The drop does
/// not wait for that: a drop on a thread that serves requests must not take as long as a hash.
pub(super) struct Workers {
    shared: Arc<Shared>,
}

impl Workers {
    pub(super) fn start(threads: usize, limits: Limits, engine: Engine) -> io::Result<Self> {
        let metrics = HashingMetrics::new();
        let mut queue = Queue::new(threads, limits);
        queue.waits = metrics.waits();
        queue.set_lanes(engine.mode().lanes());
        let trials: Vec<_> = (0..threads).map(|_| engine.trial()).collect();
        let shared = Arc::new(Shared {
            state: Mutex::new(State { queue, engine, idle: 0, closed: false }),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            metrics,
            threads,
        });
        shared.tell_lanes(&shared.lock());
        // Created before the threads: if one thread cannot be started, the drop ends those that
        // already run.
        let workers = Self { shared: Arc::clone(&shared) };
        for (number, trial) in trials.into_iter().enumerate() {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("menjin-hash-{number}")).spawn(move || {
                lower_priority();
                Thread::new(number, &shared, trial).work();
            })?;
        }
        Ok(workers)
    }

    /// Queues `work`, which gets a thread to itself.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Reply<T>, Full> {
        let (work, reply) = Work::alone(work);
        self.push(work)?;
        Ok(reply)
    }

    /// Queues bcrypt. `finish` turns the digest into the reply, on the hashing thread.
    pub(super) fn submit_bcrypt<T: Send + 'static>(
        &self,
        input: Input,
        finish: impl FnOnce(Digest) -> T + Send + 'static,
    ) -> Result<Reply<T>, Full> {
        let (work, reply) = Work::bcrypt(input, finish);
        self.push(work)?;
        Ok(reply)
    }

    /// Queues bcrypt behind all other work.
    pub(super) fn submit_bcrypt_behind<T: Send + 'static>(
        &self,
        input: Input,
        finish: impl FnOnce(Digest) -> T + Send + 'static,
    ) -> Reply<T> {
        let (ride, reply) = Ride::new(input, finish);
        self.shared.lock().queue.push_behind(ride);
        self.shared.changed.notify_one();
        reply
    }

    #[cfg(test)]
    pub(super) fn has_lanes(&self) -> bool {
        self.shared.lock().engine.mode() != super::engine::Mode::Plain
    }

    /// Reserves a place in the queue, if there is one. If not, this counts as a refusal, because
    /// the caller stops here.
    pub(super) fn try_reserve(&self) -> Option<KeptPlace> {
        if self.shared.lock().queue.keep_place() {
            return Some(KeptPlace(Arc::clone(&self.shared)));
        }
        self.shared.metrics.full();
        None
    }

    fn push(&self, work: Work) -> Result<(), Full> {
        let mut state = self.shared.lock();
        let pushed = state.queue.push(work, Instant::now());
        self.shared.count(&state);
        drop(state);
        match pushed {
            Ok(()) => self.shared.changed.notify_one(),
            Err(Full) => self.shared.metrics.full(),
        }
        pushed
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.queue.clear();
        drop(state);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
