//! Threads that do slow work behind a bounded queue.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

/// No thread is free and the queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The threads. Dropping this lets each finish what it is doing and end, without waiting for it:
/// a drop on a thread that serves requests must not take as long as a hash.
pub(super) struct Workers {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Something was queued, or the pool is gone.
    changed: Condvar,
}

struct State {
    queue: VecDeque<Box<dyn Job>>,
    /// How many jobs may wait that no idle thread is about to take.
    capacity: usize,
    /// Threads that wait for a job.
    idle: usize,
    closed: bool,
}

trait Job: Send {
    /// Nobody waits for the reply any more.
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>);
}

struct Task<F, T> {
    work: F,
    reply: oneshot::Sender<T>,
}

impl<F: FnOnce() -> T + Send, T: Send> Job for Task<F, T> {
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(self: Box<Self>) {
        // Whoever asked may have left meanwhile: then nobody wants the reply.
        drop(self.reply.send((self.work)()));
    }
}

impl Workers {
    pub(super) fn start(threads: usize, capacity: usize) -> io::Result<Self> {
        let state = State { queue: VecDeque::new(), capacity, idle: 0, closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        // Made before the threads, so that those already running end if one cannot be started.
        let workers = Self { shared: Arc::clone(&shared) };
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("menjin-hash-{number}")).spawn(move || {
                lower_priority();
                shared.work();
            })?;
        }
        Ok(workers)
    }

    /// Queues `work`. Its result comes through the receiver; an error there means that it panicked.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.shared.lock();
        if state.is_full() {
            state.queue.retain(|job| !job.is_abandoned());
            if state.is_full() {
                return Err(Full);
            }
        }
        state.queue.push_back(Box::new(Task { work, reply }));
        drop(state);
        self.shared.changed.notify_one();
        Ok(receiver)
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

impl State {
    fn is_full(&self) -> bool {
        self.queue.len() >= self.capacity.saturating_add(self.idle)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No job runs under the lock, so that a poisoned one guards a sound state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // The job dies with its reply, which tells the caller; the thread lives on.
            if catch_unwind(AssertUnwindSafe(|| job.run())).is_err() {
                tracing::error!("a password hashing job panicked");
            }
        }
    }

    fn next(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        while !state.closed {
            while let Some(job) = state.queue.pop_front() {
                if !job.is_abandoned() {
                    return Some(job);
                }
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
        None
    }
}

/// Lets the threads that serve requests go first. On Linux the priority belongs to the thread,
/// whatever POSIX says of processes (`setpriority(2)`, "C library/kernel differences").
#[cfg(target_os = "linux")]
fn lower_priority() {
    const NICE: i32 = 10;
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "hashing threads keep their priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::*;

    /// Occupies a thread until what is returned is dropped.
    fn occupy(workers: &Workers) -> (mpsc::Sender<()>, oneshot::Receiver<()>) {
        let (release, released) = mpsc::channel();
        let (started, starts) = mpsc::channel();
        let work = move || {
            started.send(()).unwrap();
            let _ = released.recv();
        };
        let reply = workers.submit(work).unwrap();
        starts.recv().unwrap();
        (release, reply)
    }

    fn eventually(what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !holds() {
            assert!(Instant::now() < deadline, "{what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn idle(workers: &Workers, threads: usize) {
        eventually("threads wait", || workers.shared.lock().idle == threads);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_recovers() {
        let workers = Workers::start(1, 1).unwrap();
        idle(&workers, 1);
        let busy = occupy(&workers);
        let waiting = workers.submit(|| 1).unwrap();
        assert_eq!(workers.submit(|| 2).err(), Some(Full));
        drop(busy);
        assert_eq!(waiting.await, Ok(1));
        idle(&workers, 1);
        assert_eq!(workers.submit(|| 3).unwrap().await, Ok(3));
    }

    #[test]
    fn without_a_queue_only_idle_threads_take_work() {
        let workers = Workers::start(2, 0).unwrap();
        idle(&workers, 2);
        let busy = [occupy(&workers), occupy(&workers)];
        assert_eq!(workers.submit(|| ()).err(), Some(Full));
        drop(busy);
        idle(&workers, 2);
        assert!(workers.submit(|| ()).is_ok());
    }

    #[tokio::test]
    async fn abandoned_jobs_are_skipped_and_leave_their_place() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let workers = Workers::start(1, 2).unwrap();
        idle(&workers, 1);
        let busy = occupy(&workers);
        for _ in 0..2 {
            drop(workers.submit(|| RUNS.fetch_add(1, Ordering::SeqCst)).unwrap());
        }
        let next = workers.submit(|| 7).unwrap();
        let gone = workers.submit(|| RUNS.fetch_add(1, Ordering::SeqCst)).unwrap();
        drop(gone);
        drop(busy);
        assert_eq!(next.await, Ok(7));
        idle(&workers, 1);
        assert_eq!(RUNS.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_panic_reaches_the_caller_and_spares_the_thread() {
        let workers = Workers::start(1, 1).unwrap();
        idle(&workers, 1);
        assert!(workers.submit(|| panic!("on purpose")).unwrap().await.is_err());
        idle(&workers, 1);
        assert_eq!(workers.submit(|| 1).unwrap().await, Ok(1));
    }

    #[test]
    fn threads_end_with_the_pool_which_does_not_wait_for_them() {
        let workers = Workers::start(2, 1).unwrap();
        idle(&workers, 2);
        let busy = occupy(&workers);
        let shared = Arc::downgrade(&workers.shared);
        drop(workers);
        eventually("the idle one ends", || shared.strong_count() == 1);
        drop(busy);
        eventually("the busy one ends", || shared.strong_count() == 0);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_pools_threads_are_nice() {
        let own = rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let workers = Workers::start(1, 1).unwrap();
        let (name, theirs) = workers
            .submit(|| {
                let nice = rustix::process::getpriority_process(Some(rustix::thread::gettid()));
                (thread::current().name().map(str::to_owned), nice.unwrap())
            })
            .unwrap()
            .await
            .unwrap();
        assert_eq!(name.as_deref(), Some("menjin-hash-0"));
        assert_eq!(theirs, own.max(10));
        let after = rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        assert_eq!(after, own);
    }
}
