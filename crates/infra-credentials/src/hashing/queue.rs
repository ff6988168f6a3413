//! The queue: which jobs are accepted or refused, and which thread takes which job.
//!
//! It has neither threads nor a clock: the current time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use metrics::Histogram;

use super::work::{Full, Ride, Waiter, Work};

/// How long a busy thread leaves work to a thread that has less to do. The other thread takes the
/// work within microseconds, unless the operating system gives it no core.
const PATIENCE: Duration = Duration::from_millis(2);

/// The waiting jobs, and the load of the threads.
pub(super) struct Queue {
    waiting: VecDeque<(Instant, Work)>,
    /// Jobs that are begun only while no other waits. Their number is not limited, and they wait for as
    /// long as it takes.
    behind: VecDeque<Ride>,
    /// How many places are kept for jobs that are about to come.
    kept: usize,
    overdue: Vec<Work>,
    pub(super) limits: Limits,
    /// How many hashes a thread computes at once.
    lanes: usize,
    loads: Vec<Load>,
    pace: Pace,
    /// How long the jobs waited before a thread took them.
    pub(super) waits: Histogram,
}

/// The load of a thread.
#[derive(Clone, Copy)]
struct Load {
    jobs: usize,
    /// The thread can take nothing besides its current jobs.
    away: bool,
}

/// How many jobs may wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Jobs that a free lane is about to take do not count.
    pub(super) waiting: usize,
    pub(super) wait: Duration,
}

/// What a thread is given.
pub(super) enum Taken {
    /// A job to run at once, apart from the lanes.
    Alone(Box<dyn Waiter<()>>),
    /// Jobs to compute besides those in the lanes. There may be none.
    Rides(Vec<Ride>),
}

impl Queue {
    pub(super) fn new(threads: usize, limits: Limits) -> Self {
        Self {
            waiting: VecDeque::new(),
            behind: VecDeque::new(),
            kept: 0,
            overdue: Vec::new(),
            limits,
            lanes: 1,
            // Until the threads first ask for work.
            loads: vec![Load { jobs: 0, away: true }; threads],
            pace: Pace::default(),
            waits: Histogram::noop(),
        }
    }

    pub(super) fn set_lanes(&mut self, lanes: usize) {
        self.lanes = lanes.max(1);
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes the jobs that have waited too long, so that they can be refused.
    pub(super) fn overdue(&mut self) -> Vec<Work> {
        std::mem::take(&mut self.overdue)
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.behind.clear();
    }

    /// Accepts a job that gives way to all others.
    pub(super) fn push_behind(&mut self, ride: Ride) {
        self.behind.push_back(ride);
    }

    /// Accepts a job, or refuses it.
    pub(super) fn push(&mut self, work: Work, now: Instant) -> Result<(), Full> {
        if !self.has_room() {
            return Err(Full);
        }
        self.waiting.push_back((now, work));
        if self.waiting.len() > self.free() {
            self.pace.begin(now);
        }
        Ok(())
    }

    /// Keeps a place for a job that is about to come, if there is one. So of many callers at the
    /// same time, only as many go on as will be accepted.
    pub(super) fn keep_place(&mut self) -> bool {
        let has_room = self.has_room();
        self.kept += usize::from(has_room);
        has_room
    }

    /// Gives a kept place back: its job has arrived, or will not come.
    pub(super) fn give_place_back(&mut self) {
        self.kept -= 1;
    }

    /// Whether one more job would be accepted.
    fn has_room(&mut self) -> bool {
        if self.is_too_long() {
            self.waiting.retain(|(_, work)| !work.is_gone());
        }
        !self.is_too_long()
    }

    fn is_too_long(&self) -> bool {
        let free = self.free();
        // Four fifths of the limit: the pace is an estimate, and a refusal after a long wait is
        // worse than a refusal at once.
        //
        // A job that finds no other job waiting is always accepted. The pace is measured on waiting
        // jobs; if it had once been very slow, all jobs would otherwise be refused for ever.
        self.waiting.len() + self.kept >= self.limits.waiting.saturating_add(free)
            || self.pace.time_for(self.queued()) > self.limits.wait / 5 * 4
    }

    /// How many jobs wait, or are about to, without a free lane for them.
    fn queued(&self) -> usize {
        (self.waiting.len() + self.kept).saturating_sub(self.free())
    }

    fn free(&self) -> usize {
        let here = self.loads.iter().filter(|load| !load.away);
        here.map(|load| self.lanes.saturating_sub(load.jobs)).sum()
    }

    /// The thread with this number computes `active` hashes, and asks for more.
    pub(super) fn take(&mut self, thread: usize, active: usize, now: Instant) -> Taken {
        let had = self.loads.get(thread).map_or(0, |load| load.jobs);
        self.pace.freed(had.saturating_sub(active), now);
        let taken = self.take_beside(thread, active, now);
        if self.waiting.is_empty() {
            self.pace.end();
        }
        taken
    }

    fn take_beside(&mut self, thread: usize, active: usize, now: Instant) -> Taken {
        let mut rides = Vec::new();
        loop {
            let jobs = active + rides.len();
            self.set_load(thread, Load { jobs, away: false });
            if !self.is_for(jobs, now) {
                rides.extend(self.take_behind(thread, jobs));
                return Taken::Rides(rides);
            }
            match self.waiting.pop_front() {
                Some((since, Work::Bcrypt(ride))) => {
                    self.waits.record(now.saturating_duration_since(since));
                    rides.push(ride);
                }
                // This job comes next, after the jobs before it have begun.
                Some((since, work @ Work::Alone(_))) if !rides.is_empty() => {
                    self.waiting.push_front((since, work));
                    return Taken::Rides(rides);
                }
                Some((since, Work::Alone(waiter))) => {
                    self.waits.record(now.saturating_duration_since(since));
                    self.set_load(thread, Load { jobs: jobs + 1, away: true });
                    return Taken::Alone(waiter);
                }
                None => return Taken::Rides(rides),
            }
        }
    }

    /// The jobs that nobody is in a hurry for, if no other waits: as many as leave the thread a lane for one
    /// that comes.
    fn take_behind(&mut self, thread: usize, jobs: usize) -> Vec<Ride> {
        if !self.waiting.is_empty() {
            return Vec::new();
        }
        let room = self.lanes.saturating_sub(1).max(1).saturating_sub(jobs);
        let mut rides = Vec::new();
        while rides.len() < room {
            match self.behind.pop_front() {
                Some(ride) if ride.waiter.is_gone() => {}
                Some(ride) => rides.push(ride),
                None => break,
            }
        }
        self.set_load(thread, Load { jobs: jobs + rides.len(), away: false });
        rides
    }

    /// The thread has no jobs, and does something else for a while.
    pub(super) fn away(&mut self, thread: usize) {
        self.set_load(thread, Load { jobs: 0, away: true });
    }

    fn set_load(&mut self, thread: usize, load: Load) {
        if let Some(place) = self.loads.get_mut(thread) {
            *place = load;
        }
    }

    /// Whether a thread with this many jobs is the one to take the first waiting job. Removes jobs
    /// that have waited too long.
    fn is_for(&mut self, jobs: usize, now: Instant) -> bool {
        while let Some((since, work)) = self.waiting.front() {
            let waited = now.saturating_duration_since(*since);
            if !work.is_gone() && waited <= self.limits.wait {
                let least = self.loads.iter().all(|other| other.away || jobs <= other.jobs);
                return jobs < self.lanes && (least || waited >= PATIENCE);
            }
            self.overdue.extend(self.waiting.pop_front().map(|(_, work)| work));
        }
        false
    }
}

/// How fast the queue moves, whatever jobs are in it and however many threads and lanes there are:
/// the time from one freed place to the next, while a job waits for a place.
///
/// Both sums decay: after about 70 more places, half of the earlier ones remains.
#[derive(Default)]
struct Pace {
    /// When the current wait began, or when a place was last freed during it.
    since: Option<Instant>,
    seconds: f64,
    places: f64,
}

impl Pace {
    const REMEMBERED: f64 = 0.99;

    /// A job waits.
    fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn freed(&mut self, places: usize, now: Instant) {
        let Some(since) = self.since.as_mut().filter(|_| places > 0) else { return };
        let time = now.saturating_duration_since(*since);
        *since = now;
        self.seconds += time.as_secs_f64();
        for _ in 0..places {
            self.seconds *= Self::REMEMBERED;
            self.places = self.places * Self::REMEMBERED + 1.0;
        }
    }

    /// No job waits any more.
    fn end(&mut self) {
        self.since = None;
    }

    /// How long it takes until this many places are freed. Zero while nothing has been measured.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 in the queue")]
    fn time_for(&self, count: usize) -> Duration {
        let seconds = self.seconds / self.places * count as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
