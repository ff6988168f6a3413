//! Tests of the threads behind the queue.

use super::super::engine::{HashingEngine, Mode};
use super::super::tests::{BOTH, LANES};
use super::super::work::{Ride, Waiter};
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

const LIMITS: Limits = Limits { waiting: 1, wait: Duration::from_secs(5) };

fn start(engine: HashingEngine, threads: usize, waiting: usize) -> Workers {
    let mut engine = Engine::trying(Input::plain, engine, Some(LANES), threads);
    // Without a trial, because its parts between the jobs would disturb the counts in these tests.
    (0..threads).for_each(|_| engine.tried(vec![1.0; 16]));
    Workers::start(threads, Limits { waiting, ..LIMITS }, engine).unwrap()
}

fn input(cost: u32) -> Input {
    Input::new(b"secret", [7; 16], cost)
}

fn right(cost: u32) -> [u8; 24] {
    bcrypt::bcrypt(cost, [7; 16], b"secret\0")
}

fn bcrypt(workers: &Workers, cost: u32) -> Reply<[u8; 24]> {
    workers.submit_bcrypt(input(cost), |digest| *digest.as_bytes()).unwrap()
}

/// Occupies a thread until the returned sender is dropped.
fn occupy(workers: &Workers) -> (mpsc::Sender<()>, Reply<()>) {
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
    for engine in BOTH {
        let workers = start(engine, 1, 1);
        idle(&workers, 1);
        let busy = occupy(&workers);
        let waiting = workers.submit(|| 1).unwrap();
        assert_eq!(workers.submit(|| 2).err(), Some(Full));
        drop(busy);
        assert_eq!(waiting.await, Ok(Ok(1)));
        idle(&workers, 1);
        assert_eq!(workers.submit(|| 3).unwrap().await, Ok(Ok(3)));
    }
}

#[test]
fn without_a_queue_only_idle_threads_take_work() {
    for engine in BOTH {
        let workers = start(engine, 2, 0);
        idle(&workers, 2);
        let busy = [occupy(&workers), occupy(&workers)];
        assert_eq!(workers.submit(|| ()).err(), Some(Full));
        drop(busy);
        idle(&workers, 2);
        assert!(workers.submit(|| ()).is_ok());
    }
}

#[tokio::test]
async fn abandoned_jobs_are_skipped_and_leave_their_place() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    for engine in BOTH {
        let workers = start(engine, 1, 2);
        idle(&workers, 1);
        let busy = occupy(&workers);
        drop(workers.submit(|| RUNS.fetch_add(1, Ordering::SeqCst)).unwrap());
        let count = |_| RUNS.fetch_add(1, Ordering::SeqCst);
        drop(workers.submit_bcrypt(input(4), count).unwrap());
        let next = workers.submit(|| 7).unwrap();
        let gone = workers.submit(|| RUNS.fetch_add(1, Ordering::SeqCst)).unwrap();
        drop(gone);
        drop(busy);
        assert_eq!(next.await, Ok(Ok(7)));
        idle(&workers, 1);
        assert_eq!(RUNS.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_panic_reaches_the_caller_and_spares_the_thread() {
    for engine in BOTH {
        let workers = start(engine, 1, 1);
        idle(&workers, 1);
        assert!(workers.submit(|| panic!("on purpose")).unwrap().await.is_err());
        idle(&workers, 1);
        assert_eq!(workers.submit(|| 1).unwrap().await, Ok(Ok(1)));
    }
}

#[test]
fn threads_end_with_the_pool_which_does_not_wait_for_them() {
    for engine in BOTH {
        let workers = start(engine, 2, 1);
        idle(&workers, 2);
        let busy = occupy(&workers);
        let shared = Arc::downgrade(&workers.shared);
        drop(workers);
        eventually("the idle one ends", || shared.strong_count() == 1);
        drop(busy);
        eventually("the busy one ends", || shared.strong_count() == 0);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_the_pools_threads_are_nice() {
    let own = rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
    let workers = start(HashingEngine::Lanes, 1, 1);
    let (name, theirs) = workers
        .submit(|| {
            let nice = rustix::process::getpriority_process(Some(rustix::thread::gettid()));
            (thread::current().name().map(str::to_owned), nice.unwrap())
        })
        .unwrap()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(name.as_deref(), Some("menjin-hash-0"));
    assert_eq!(theirs, own.max(10));
    let after = rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
    assert_eq!(after, own);
}

#[tokio::test]
async fn hashes_of_any_cost_share_a_thread() {
    for engine in BOTH {
        let workers = start(engine, 1, 100);
        let replies: Vec<_> =
            (0..30).map(|n| n % 5 + 4).map(|c| (c, bcrypt(&workers, c))).collect();
        let other = workers.submit(|| "another kind").unwrap();
        for (cost, reply) in replies {
            assert_eq!(reply.await, Ok(Ok(right(cost))), "{engine:?}, cost {cost}");
        }
        assert_eq!(other.await, Ok(Ok("another kind")));
    }
}

/// A hash waits neither for others to join, nor for another hash to end.
#[tokio::test]
async fn a_cheap_hash_joins_a_dear_one_and_is_done_before() {
    let workers = start(HashingEngine::Lanes, 1, 10);
    idle(&workers, 1);
    let mut dear = bcrypt(&workers, 16);
    eventually("it has begun", || workers.shared.lock().queue.len() == 0);
    assert_eq!(bcrypt(&workers, 4).await, Ok(Ok(right(4))));
    assert!(dear.try_recv().is_err(), "it goes on");
}

#[tokio::test]
async fn a_lane_is_free_once_its_client_has_gone() {
    let workers = start(HashingEngine::Lanes, 1, 0);
    idle(&workers, 1);
    let dear: Vec<_> = (0..LANES).map(|_| bcrypt(&workers, 31)).collect();
    let full = || workers.submit_bcrypt(input(4), drop).err() == Some(Full);
    eventually("all have begun", || workers.shared.lock().queue.len() == 0);
    assert!(full());
    drop(dear);
    idle(&workers, 1);
    assert_eq!(bcrypt(&workers, 4).await, Ok(Ok(right(4))));
}

#[tokio::test]
async fn a_panic_in_a_lane_spares_the_others() {
    let workers = start(HashingEngine::Lanes, 1, 10);
    idle(&workers, 1);
    let others = [bcrypt(&workers, 10), bcrypt(&workers, 8)];
    let faulty = workers.submit_bcrypt(input(6), |_| panic!("on purpose")).unwrap();
    assert!(faulty.await.is_err());
    for (reply, cost) in others.into_iter().zip([10, 8]) {
        assert_eq!(reply.await, Ok(Ok(right(cost))));
    }
    assert_eq!(workers.shared.lock().engine.mode(), Mode::Lanes(LANES));
}

/// Panics when it is asked for the second time: in the lanes, and not in the queue.
struct Faulty(AtomicUsize);

impl Waiter<Digest> for Faulty {
    fn is_gone(&self) -> bool {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) == 0, "on purpose");
        false
    }

    fn reply(self: Box<Self>, _: Digest) {}

    fn refuse(self: Box<Self>) {}
}

/// A panic outside of a single hash ends the jobs in the other lanes too. Their callers are told,
/// and later jobs work.
#[tokio::test]
async fn a_panic_of_the_lanes_themselves_leads_back_to_plain() {
    let workers = start(HashingEngine::Lanes, 1, 10);
    idle(&workers, 1);
    let beside = bcrypt(&workers, 31);
    let faulty = Ride { input: input(31), waiter: Box::new(Faulty(AtomicUsize::new(0))) };
    workers.push(Work::Bcrypt(faulty)).unwrap();
    assert!(beside.await.is_err());
    for cost in [4, 5] {
        assert_eq!(bcrypt(&workers, cost).await, Ok(Ok(right(cost))));
    }
    assert_eq!(workers.shared.lock().engine.mode(), Mode::Plain);
}

#[tokio::test]
async fn who_waited_too_long_is_refused_while_the_lanes_are_taken() {
    for engine in BOTH {
        let workers = start(engine, 1, 10);
        idle(&workers, 1);
        let busy: Vec<_> = match engine {
            // They would not end by themselves.
            HashingEngine::Lanes => (0..LANES).map(|_| bcrypt(&workers, 31)).collect(),
            _ => vec![bcrypt(&workers, 12)],
        };
        eventually("they have begun", || workers.shared.lock().queue.len() == 0);
        workers.shared.lock().queue.limits.wait = Duration::from_millis(1);
        assert_eq!(bcrypt(&workers, 4).await, Ok(Err(Full)), "{engine:?}");
        drop(busy);
    }
}

#[tokio::test]
async fn a_pool_that_is_dropped_finishes_its_lanes() {
    for engine in BOTH {
        let workers = start(engine, 1, 10);
        idle(&workers, 1);
        let running = bcrypt(&workers, 10);
        eventually("it has begun", || workers.shared.lock().queue.len() == 0);
        let shared = Arc::downgrade(&workers.shared);
        drop(workers);
        assert_eq!(running.await, Ok(Ok(right(10))));
        eventually("the thread ends", || shared.strong_count() == 0);
    }
}

/// Jobs are answered from the first moment on, however far the trial is.
#[tokio::test]
async fn a_trial_disturbs_nobody() {
    let engine = Engine::trying(Input::plain, HashingEngine::Lanes, None, 2);
    let workers = Workers::start(2, Limits { waiting: 1000, ..LIMITS }, engine).unwrap();
    let replies: Vec<_> = (0..200).map(|_| bcrypt(&workers, 4)).collect();
    for reply in replies {
        assert_eq!(reply.await, Ok(Ok(right(4))));
    }
    eventually("the trial ends", || workers.shared.lock().engine.is_settled());
    assert!(matches!(workers.shared.lock().engine.mode(), Mode::Lanes(1..)));
    assert_eq!(bcrypt(&workers, 4).await, Ok(Ok(right(4))));
}

#[tokio::test]
async fn lanes_that_are_wrong_are_not_used() {
    let wrong = |_: &Input| Digest::from([0; 24]);
    let engine = Engine::trying(wrong, HashingEngine::Lanes, Some(4), 2);
    let workers = Workers::start(2, LIMITS, engine).unwrap();
    eventually("the trial ends", || workers.shared.lock().engine.is_settled());
    assert_eq!(workers.shared.lock().engine.mode(), Mode::Plain);
    assert_eq!(bcrypt(&workers, 4).await, Ok(Ok(right(4))));
}
