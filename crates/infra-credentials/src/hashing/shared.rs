//! What the threads and their owner share: the queue, the engine, and how many wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::engine::Engine;
use super::metrics::HashingMetrics;
use super::queue::Queue;

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Something was queued, or the pool is gone.
    pub(super) changed: Condvar,
    /// How many wait, for a look without the lock: threads that serve requests take it too.
    pub(super) waiting: AtomicUsize,
    pub(super) metrics: HashingMetrics,
    pub(super) threads: usize,
}

pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) engine: Engine,
    /// Threads that wait for work.
    pub(super) idle: usize,
    pub(super) closed: bool,
}

/// A place in the queue for somebody who is about to come.
pub(super) struct KeptPlace(pub(super) Arc<Shared>);

impl Drop for KeptPlace {
    fn drop(&mut self) {
        self.0.lock().queue.give_place_back();
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so that a poisoned one guards a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, state: &State) {
        let waiting = state.queue.len();
        if self.waiting.swap(waiting, Ordering::Relaxed) != waiting {
            self.metrics.waiting(waiting);
        }
    }

    pub(super) fn tell_lanes(&self, state: &State) {
        self.metrics.lanes(self.threads * state.engine.mode().lanes());
    }

    pub(super) fn settle(&self, with: impl FnOnce(&mut Engine)) {
        let mut state = self.lock();
        with(&mut state.engine);
        let lanes = state.engine.mode().lanes();
        state.queue.set_lanes(lanes);
        self.tell_lanes(&state);
    }
}
