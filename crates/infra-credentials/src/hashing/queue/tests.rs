//! Tests of the queue, without threads and without a clock.

use super::super::work::{Input, Reply, Ride};
use super::*;

const WAIT: Duration = Duration::from_secs(5);

/// A queue whose threads have all asked once, and the time.
struct World {
    queue: Queue,
    now: Instant,
}

impl World {
    fn new(threads: usize, lanes: usize, waiting: usize) -> Self {
        let mut queue = Queue::new(threads, Limits { waiting, wait: WAIT });
        queue.set_lanes(lanes);
        let mut world = Self { queue, now: Instant::now() };
        (0..threads).for_each(|thread| assert_eq!(world.take(thread, 0), 0));
        world
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn bcrypt(&mut self) -> Result<Reply<()>, Full> {
        let (work, reply) = Work::bcrypt(Input::new(b"secret", [0; 16], 4), drop);
        self.queue.push(work, self.now).map(|()| reply)
    }

    fn alone(&mut self) -> Result<Reply<()>, Full> {
        let (work, reply) = Work::alone(|| ());
        self.queue.push(work, self.now).map(|()| reply)
    }

    fn behind(&mut self) -> Reply<()> {
        let (ride, reply) = Ride::new(Input::new(b"secret", [0; 16], 4), drop);
        self.queue.push_behind(ride);
        reply
    }

    /// How many hashes the thread is given.
    fn take(&mut self, thread: usize, active: usize) -> usize {
        let taken = self.queue.take(thread, active, self.now);
        self.queue.overdue().into_iter().for_each(Work::refuse);
        match taken {
            Taken::Rides(rides) => rides.len(),
            Taken::Alone(_) => panic!("not by itself"),
        }
    }

    fn takes_alone(&mut self, thread: usize, active: usize) {
        assert!(matches!(self.queue.take(thread, active, self.now), Taken::Alone(_)));
    }
}

#[test]
fn a_thread_takes_as_many_as_it_has_lanes() {
    let mut world = World::new(1, 3, 10);
    let replies: Vec<_> = (0..5).map(|_| world.bcrypt().unwrap()).collect();
    assert_eq!(world.take(0, 0), 3);
    assert_eq!(world.take(0, 3), 0);
    assert_eq!(world.take(0, 2), 1);
    assert_eq!(world.take(0, 0), 1);
    drop(replies);
}

#[test]
fn the_thread_that_has_least_takes_it() {
    let mut world = World::new(2, 4, 10);
    let _replies: Vec<_> = (0..4).map(|_| world.bcrypt().unwrap()).collect();
    assert_eq!(world.take(0, 0), 1, "the other is idle");
    assert_eq!(world.take(0, 1), 0);
    assert_eq!(world.take(1, 0), 2);
    assert_eq!(world.take(0, 1), 1);
    assert_eq!(world.queue.len(), 0);
}

/// A thread that gets no core must not keep other threads from the jobs that are meant for it.
#[test]
fn patience_has_an_end() {
    let mut world = World::new(2, 4, 10);
    let _replies: Vec<_> = (0..3).map(|_| world.bcrypt().unwrap()).collect();
    assert_eq!(world.take(0, 1), 0);
    world.pass(PATIENCE);
    assert_eq!(world.take(0, 1), 3);
}

#[test]
fn a_thread_that_is_away_is_not_waited_for() {
    let mut world = World::new(2, 4, 10);
    let _replies: Vec<_> = (0..3).map(|_| world.bcrypt().unwrap()).collect();
    world.queue.away(1);
    assert_eq!(world.take(0, 1), 3);
}

#[test]
fn work_of_other_kinds_keeps_its_turn() {
    let mut world = World::new(2, 4, 10);
    let _replies = [world.bcrypt().unwrap(), world.alone().unwrap(), world.bcrypt().unwrap()];
    world.queue.away(1);
    assert_eq!(world.take(0, 0), 1);
    world.takes_alone(0, 1);
    assert_eq!(world.take(1, 0), 1, "the first is away");
}

#[test]
fn free_lanes_do_not_count_as_a_queue() {
    let mut world = World::new(2, 3, 1);
    let replies: Vec<_> = (0..7).map(|_| world.bcrypt().unwrap()).collect();
    assert_eq!(world.bcrypt().err(), Some(Full));
    let mut none = World::new(1, 3, 0);
    let _replies: Vec<_> = (0..3).map(|_| none.bcrypt().unwrap()).collect();
    assert_eq!(none.bcrypt().err(), Some(Full));
    // A caller who has gone leaves a free place.
    drop(replies);
    assert!(world.bcrypt().is_ok());
}

#[test]
fn threads_that_have_not_started_take_nothing() {
    let mut queue = Queue::new(2, Limits { waiting: 1, wait: WAIT });
    let mut push = || {
        let (work, reply) = Work::alone(|| ());
        queue.push(work, Instant::now()).map(|()| reply)
    };
    let _first = push().unwrap();
    assert_eq!(push().err(), Some(Full));
}

#[test]
fn who_would_wait_too_long_is_sent_away_at_once() {
    let mut world = World::new(1, 1, 100);
    let mut replies = vec![world.bcrypt().unwrap()];
    assert_eq!(world.take(0, 0), 1);
    // Nothing has been measured yet, so that all are accepted.
    replies.extend((0..20).map(|_| world.bcrypt().unwrap()));
    for _ in 0..10 {
        world.pass(Duration::from_millis(400));
        assert_eq!(world.take(0, 0), 1);
    }
    // Ten wait: that takes four seconds, four fifths of the limit.
    replies.push(world.bcrypt().unwrap());
    assert!(!world.queue.keep_place());
    assert_eq!(world.bcrypt().err(), Some(Full));
    // A caller who has gone does not count.
    drop(replies.split_off(21));
    assert!(world.queue.keep_place());
    world.queue.give_place_back();
    assert!(world.bcrypt().is_ok());
}

/// Of many callers at the same time, only as many begin as will be accepted.
#[test]
fn a_kept_place_is_nobody_elses() {
    let mut world = World::new(1, 1, 3);
    let places = (0..10).filter(|_| world.queue.keep_place()).count();
    assert_eq!(places, 4, "three wait while one is hashed");
    assert_eq!(world.bcrypt().err(), Some(Full), "whoever has none");
    let mut replies = Vec::new();
    for _ in 0..3 {
        world.queue.give_place_back();
        replies.push(world.bcrypt().unwrap());
    }
    assert!(!world.queue.keep_place());
    // One of them does not come.
    world.queue.give_place_back();
    assert!(world.queue.keep_place());
}

#[test]
fn the_pace_is_that_of_all_lanes_and_threads() {
    let mut world = World::new(2, 4, 1000);
    let _replies: Vec<_> = (0..100).map(|_| world.bcrypt().unwrap()).collect();
    for _ in 0..5 {
        // All lanes finish together, and both threads ask until nothing is left for them.
        let mut active = [0, 0];
        for thread in [0, 1, 0, 1, 0, 1] {
            active[thread] += world.take(thread, active[thread]);
        }
        assert_eq!(active, [4, 4]);
        world.pass(Duration::from_millis(800));
    }
    // Eight in 0.8 seconds: the 60 that wait will do so for 6 seconds.
    assert_eq!(world.bcrypt().err(), Some(Full));
    assert!((90..110).contains(&world.queue.pace.time_for(1).as_millis()));
}

#[test]
fn who_has_waited_too_long_is_sent_away() {
    let mut world = World::new(1, 1, 10);
    let _running = world.bcrypt().unwrap();
    assert_eq!(world.take(0, 0), 1);
    let mut early = world.bcrypt().unwrap();
    world.pass(WAIT);
    let mut late = world.bcrypt().unwrap();
    world.pass(Duration::from_millis(1));
    assert_eq!(world.take(0, 1), 0, "it is still computing");
    assert_eq!(early.try_recv(), Ok(Err(Full)));
    assert!(late.try_recv().is_err(), "no reply yet");
    assert_eq!(world.take(0, 0), 1);
}

/// The pace is measured on waiting jobs: if it was slow once, some job must be accepted so that it
/// can change.
#[test]
fn a_slow_time_is_forgotten() {
    let mut world = World::new(1, 1, 10);
    let slow = |world: &mut World, time| {
        let _running = world.bcrypt().unwrap();
        assert_eq!(world.take(0, 0), 1);
        let _waiting = world.bcrypt().unwrap();
        world.pass(time);
        assert_eq!(world.take(0, 0), 1);
    };
    slow(&mut world, WAIT);
    world.pass(Duration::from_secs(3600));
    for _ in 0..100 {
        slow(&mut world, Duration::from_millis(100));
    }
    assert!(world.queue.pace.time_for(1) < Duration::from_millis(400));
}

#[test]
fn u4_work_behind_gives_way_and_leaves_a_lane_free() {
    let mut world = World::new(1, 4, 10);
    let mut behind: Vec<_> = (0..6).map(|_| world.behind()).collect();
    let first = world.bcrypt().unwrap();
    assert_eq!(world.take(0, 0), 3, "the one that waits, and two behind it");
    assert_eq!(world.take(0, 3), 0, "a lane is left");
    let second = world.bcrypt().unwrap();
    assert_eq!(world.take(0, 3), 1);
    assert_eq!(world.take(0, 3), 0);
    // Whoever is gone is skipped.
    drop(behind.remove(2));
    assert_eq!(world.take(0, 1), 2);
    assert_eq!(world.queue.behind.len(), 1);
    // Nobody is refused for it, and it is never overdue.
    world.pass(WAIT * 10);
    assert_eq!(world.take(0, 0), 1);
    drop((first, second, behind));
    let mut plain = World::new(1, 1, 10);
    let _reply = plain.behind();
    assert_eq!(plain.take(0, 0), 1, "a thread with one lane does it, too");
}
