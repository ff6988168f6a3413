//! Who is let in, who is sent away, and which thread takes what.
//!
//! No thread and no clock here: the moment is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use metrics::Histogram;

use super::work::{Full, Ride, Waiter, Work};

/// How long a thread that is computing leaves work to one that has less to do. The other takes it
/// within microseconds, unless the operating system has no core for it.
const PATIENCE: Duration = Duration::from_millis(2);

/// What waits, and what the threads have.
pub(super) struct Queue {
    waiting: VecDeque<(Instant, Work)>,
    /// Places of those who are about to come.
    kept: usize,
    overdue: Vec<Work>,
    pub(super) limits: Limits,
    /// How many hashes a thread computes at once.
    lanes: usize,
    loads: Vec<Load>,
    pace: Pace,
    /// How long those waited that were taken.
    pub(super) waits: Histogram,
}

/// What a thread has.
#[derive(Clone, Copy)]
struct Load {
    jobs: usize,
    /// It can take nothing beside them.
    away: bool,
}

/// How many may wait, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Not counting those that a free lane is about to take.
    pub(super) waiting: usize,
    pub(super) wait: Duration,
}

/// What a thread is given.
pub(super) enum Taken {
    /// To be run at once, whatever else the thread has.
    Alone(Box<dyn Waiter<()>>),
    /// To be computed beside what it has. May be none.
    Rides(Vec<Ride>),
}

impl Queue {
    pub(super) fn new(threads: usize, limits: Limits) -> Self {
        Self {
            waiting: VecDeque::new(),
            kept: 0,
            overdue: Vec::new(),
            limits,
            lanes: 1,
            // Until they first ask.
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

    /// Those who have waited for too long, to be told so.
    pub(super) fn overdue(&mut self) -> Vec<Work> {
        std::mem::take(&mut self.overdue)
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Lets somebody in.
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

    /// Keeps a place for one who is about to come, if there is one: of many who come at one time no
    /// more are let in than that.
    pub(super) fn keep_place(&mut self) -> bool {
        let has_room = self.has_room();
        self.kept += usize::from(has_room);
        has_room
    }

    /// Whoever it was kept for is there, or will not come.
    pub(super) fn give_place_back(&mut self) {
        self.kept -= 1;
    }

    /// Whether one more would be let in.
    fn has_room(&mut self) -> bool {
        if self.is_too_long() {
            self.waiting.retain(|(_, work)| !work.is_gone());
        }
        !self.is_too_long()
    }

    fn is_too_long(&self) -> bool {
        let free = self.free();
        // Four fifths: the pace is an estimate, and to be sent away after a long wait is worse than at
        // once.
        //
        // Whoever finds nobody before them is always let in: refused would be everybody for good
        // otherwise, once the pace has been very slow, since it is measured on those that wait.
        self.waiting.len() + self.kept >= self.limits.waiting.saturating_add(free)
            || self.pace.time_for(self.queued()) > self.limits.wait / 5 * 4
    }

    /// How many wait, or are about to, that no free lane is about to take.
    fn queued(&self) -> usize {
        (self.waiting.len() + self.kept).saturating_sub(self.free())
    }

    fn free(&self) -> usize {
        let here = self.loads.iter().filter(|load| !load.away);
        here.map(|load| self.lanes.saturating_sub(load.jobs)).sum()
    }

    /// The thread with this number, which is computing `active` hashes, asks for more.
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
                return Taken::Rides(rides);
            }
            match self.waiting.pop_front() {
                Some((since, Work::Bcrypt(ride))) => {
                    self.waits.record(now.saturating_duration_since(since));
                    rides.push(ride);
                }
                // In a moment, after those that were before it have begun.
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

    /// The thread, which has nothing, does something else for a while.
    pub(super) fn away(&mut self, thread: usize) {
        self.set_load(thread, Load { jobs: 0, away: true });
    }

    fn set_load(&mut self, thread: usize, load: Load) {
        if let Some(place) = self.loads.get_mut(thread) {
            *place = load;
        }
    }

    /// Whether a thread with so many is the one to take what is first. Passes over who has waited
    /// for too long.
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

/// How fast the queue moves, whatever is in it and however many threads and lanes there are: the
/// time from one place that becomes free to the next, while somebody waits for one.
///
/// Both sums forget: of what was counted, a half is left after about 70 more.
#[derive(Default)]
struct Pace {
    /// Since when somebody has waited, or when a place has last become free.
    since: Option<Instant>,
    seconds: f64,
    places: f64,
}

impl Pace {
    const REMEMBERED: f64 = 0.99;

    /// Somebody waits.
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

    /// Nobody waits any more.
    fn end(&mut self) {
        self.since = None;
    }

    /// How long it takes until so many places are free. No time, as long as nothing is known.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 in the queue")]
    fn time_for(&self, count: usize) -> Duration {
        let seconds = self.seconds / self.places * count as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
