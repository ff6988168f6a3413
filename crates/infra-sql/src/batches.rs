//! Calls that arrive at the same time and are done together.
//!
//! What surrounds a statement (the hand-over to a connection, the round trip, the transaction) often
//! costs more than the statement. So a worker that has begun goes on while calls are waiting, and
//! takes all that came meanwhile as its next batch. No call waits for a batch to fill: the first one
//! goes at once.
//!
//! A channel with a batch receive (tokio's `recv_many`) has one receiver; here several workers take
//! turns, and none of them runs or holds a connection while nothing waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use menjin_domain::common::PortError;

use crate::error::COMPONENT;

/// How many calls a batch has at most. With more, the first one would wait for too many others.
const TOGETHER: usize = 64;
/// How long a call may wait for those before it. It needs the rest of its time for itself.
const WAIT: Duration = Duration::from_millis(1800);

/// The calls that wait for a worker.
pub struct Batches<C, A> {
    queue: Mutex<Queue<C, A>>,
    max_workers: usize,
}

struct Queue<C, A> {
    waiting: Vec<Waiting<C, A>>,
    workers: usize,
}

/// A call that waits for its answer.
pub struct Waiting<C, A> {
    /// What is asked for.
    pub call: C,
    /// Since when it waits.
    pub since: Instant,
    answer: Answer<A>,
}

/// Who waits for the answer.
pub struct Answer<A>(oneshot::Sender<Result<A, PortError>>);

/// The right to work, of one of the workers. However it ends (its runtime may end), no call is left
/// waiting for it.
pub struct Turn<C, A> {
    batches: Arc<Batches<C, A>>,
    is_over: bool,
}

impl<A> Answer<A> {
    /// Answers. The caller may have gone.
    pub fn send(self, answer: Result<A, PortError>) {
        drop(self.0.send(answer));
    }
}

impl<C, A> Waiting<C, A> {
    /// The call, and where its answer goes.
    pub fn into_parts(self) -> (C, Answer<A>) {
        (self.call, self.answer)
    }
}

impl<C, A> Batches<C, A> {
    /// At most one worker per core, and one at least.
    pub fn new(max_workers: usize) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let queue = Mutex::new(Queue { waiting: Vec::new(), workers: 0 });
        Arc::new(Self { queue, max_workers: max_workers.clamp(1, cores) })
    }

    /// Waits for the answer. `start` is called if another worker is needed, and must see to it that
    /// the turn is taken or dropped.
    pub async fn ask(
        self: &Arc<Self>,
        call: C,
        start: impl FnOnce(Turn<C, A>),
    ) -> Result<A, PortError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { call, since: Instant::now(), answer: Answer(answer) };
        if let Some(turn) = self.enter(waiting) {
            start(turn);
        }
        answered.await.unwrap_or_else(|gone| Err(PortError::unavailable(COMPONENT, gone)))
    }

    fn enter(self: &Arc<Self>, waiting: Waiting<C, A>) -> Option<Turn<C, A>> {
        let mut queue = self.queue();
        queue.waiting.push(waiting);
        if queue.workers == self.max_workers {
            return None;
        }
        queue.workers += 1;
        Some(Turn { batches: Arc::clone(self), is_over: false })
    }

    fn queue(&self) -> MutexGuard<'_, Queue<C, A>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The batches to do, until no call is waiting: then the turn is over. Calls whose callers have gone are
/// in none. Calls that have waited too long are answered here.
impl<C, A> Iterator for Turn<C, A> {
    type Item = Vec<Waiting<C, A>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut queue = self.batches.queue();
        queue.waiting.retain(|each| !each.answer.0.is_canceled());
        let late = queue.waiting.partition_point(|each| each.since.elapsed() > WAIT);
        for each in queue.waiting.drain(..late) {
            each.answer
                .send(Err(PortError::unavailable(COMPONENT, "those before it took too long")));
        }
        if queue.waiting.is_empty() {
            queue.workers -= 1;
            self.is_over = true;
            return None;
        }
        let together = queue.waiting.len().min(TOGETHER);
        Some(queue.waiting.drain(..together).collect())
    }
}

impl<C, A> Turn<C, A> {
    /// Answers all waiting calls with an error: nothing can be done for any of them.
    pub fn fail(self, error: &PortError) {
        for each in self.batches.queue().waiting.drain(..) {
            each.answer.send(Err(error.again()));
        }
    }
}

impl<C, A> Drop for Turn<C, A> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut queue = self.batches.queue();
            queue.workers -= 1;
            if queue.workers == 0 {
                // Dropping them tells their callers that no worker will answer.
                queue.waiting.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{FutureExt as _, join_all};

    use super::*;

    /// Doubles each number.
    fn work(turn: Turn<u32, u32>, batches: &Mutex<Vec<usize>>) {
        for batch in turn {
            batches.lock().unwrap().push(batch.len());
            for each in batch {
                let (call, answer) = each.into_parts();
                answer.send(Ok(call * 2));
            }
        }
    }

    #[test]
    fn what_waits_is_done_together_in_bounded_batches() {
        let batches = Batches::new(1);
        let turn = Mutex::new(None);
        let sizes = Mutex::new(Vec::new());
        let mut asked: Vec<_> = (0..100)
            .map(|number| batches.ask(number, |begun| *turn.lock().unwrap() = Some(begun)).boxed())
            .collect();
        assert!(asked.iter_mut().all(|each| each.now_or_never().is_none()));
        work(turn.lock().unwrap().take().unwrap(), &sizes);
        let answers = join_all(asked).now_or_never().unwrap();
        for (number, answer) in (0..100).zip(answers) {
            assert_eq!(answer.unwrap(), number * 2);
        }
        assert_eq!(*sizes.lock().unwrap(), [64, 36]);
    }

    #[test]
    fn callers_who_have_gone_are_left_out() {
        let batches = Batches::new(1);
        let turn = Mutex::new(None);
        let mut gone = batches.ask(1, |begun| *turn.lock().unwrap() = Some(begun)).boxed();
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        let sizes = Mutex::new(Vec::new());
        work(turn.lock().unwrap().take().unwrap(), &sizes);
        assert!(sizes.lock().unwrap().is_empty());
    }

    #[test]
    fn a_turn_that_is_dropped_leaves_nobody_waiting() {
        let batches = Batches::<u32, u32>::new(1);
        let lost = batches.ask(1, drop).now_or_never().unwrap();
        assert!(matches!(lost, Err(PortError::Unavailable { .. })));
        let sizes = Mutex::new(Vec::new());
        let done = batches.ask(1, |turn| work(turn, &sizes)).now_or_never().unwrap();
        assert_eq!(done.unwrap(), 2, "another turn can begin");
    }
}
