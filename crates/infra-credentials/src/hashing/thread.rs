//! The loop of each hashing thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use menjin_bcrypt_lanes::{Digest, Lanes};

use super::engine::{Engine, Mode};
use super::queue::Taken;
use super::shared::Shared;
use super::trial::{Sample, Trial};
use super::work::{Ride, Waiter, Work};

/// How often a thread whose lanes are all taken checks whether a job has waited too long.
const LOOK: Duration = Duration::from_millis(10);

/// How long a thread continues its trial before it looks for work.
const PART: Duration = Duration::from_millis(5);

/// What a thread does next.
enum Next {
    Alone(Box<dyn Waiter<()>>),
    Rides(Vec<Ride>),
    /// A small part of the trial.
    Sample,
    End,
}

/// One of the threads.
pub(super) struct Thread<'a> {
    number: usize,
    shared: &'a Shared,
    trial: Option<Trial>,
    /// Whether the last step was a part of the trial.
    sampled: bool,
    lanes: Lanes<Box<dyn Waiter<Digest>>>,
    /// How many lanes were active when the metrics were last updated.
    told: usize,
    mode: Mode,
    /// How many lanes were active when the queue was last asked, and when that was.
    asked: Option<(usize, Instant)>,
}

impl<'a> Thread<'a> {
    pub(super) fn new(number: usize, shared: &'a Shared, trial: Option<Trial>) -> Self {
        let lanes = Lanes::new(Lanes::<()>::MAX);
        let (sampled, mode, asked) = (false, Mode::Plain, None);
        Self { number, shared, trial, sampled, lanes, told: 0, mode, asked }
    }

    pub(super) fn work(mut self) {
        loop {
            match self.next() {
                Next::Alone(waiter) => self.alone(|| waiter.reply(())),
                Next::Rides(rides) => rides.into_iter().for_each(|ride| self.begin(ride)),
                Next::Sample => self.sample(),
                Next::End => return,
            }
            self.step();
            self.shared.metrics.running(self.told, self.lanes.len());
            self.told = self.lanes.len();
        }
    }

    /// Runs work that has the thread to itself.
    fn alone(&self, work: impl FnOnce()) {
        self.shared.metrics.running(0, 1);
        guarded(work);
        self.shared.metrics.running(1, 0);
    }

    /// What to do besides the work in the lanes. Waits if there is nothing to do at all.
    fn next(&mut self) -> Next {
        if self.has_nothing_to_ask() {
            return Next::Rides(Vec::new());
        }
        let active = self.lanes.len();
        let mut state = self.shared.lock();
        loop {
            if state.closed {
                return if active == 0 { Next::End } else { Next::Rides(Vec::new()) };
            }
            if state.engine.is_settled() {
                self.trial = None;
            }
            self.mode = state.engine.mode();
            // Trial and work take turns: otherwise a storm would postpone the trial for ever.
            let sample = self.trial.is_some() && active == 0;
            if self.sampled || !sample {
                self.sampled = false;
                let taken = state.queue.take(self.number, active, Instant::now());
                let overdue = state.queue.overdue();
                self.shared.count(&state);
                let refused = !overdue.is_empty();
                if refused {
                    self.shared.metrics.late(overdue.len());
                    // Done without the lock, because it wakes threads.
                    drop(state);
                    overdue.into_iter().for_each(Work::refuse);
                    state = self.shared.lock();
                }
                match taken {
                    Taken::Alone(waiter) => {
                        self.asked = None;
                        return Next::Alone(waiter);
                    }
                    Taken::Rides(rides) if active + rides.len() > 0 => {
                        self.asked = Some((active + rides.len(), Instant::now()));
                        return Next::Rides(rides);
                    }
                    // New work may have come meanwhile.
                    Taken::Rides(_) if refused => continue,
                    Taken::Rides(_) => {}
                }
            }
            if sample {
                self.sampled = true;
                state.queue.away(self.number);
                return Next::Sample;
            }
            state.idle += 1;
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Whether the queue knows the load of this thread, and has no work for it.
    fn has_nothing_to_ask(&self) -> bool {
        let active = self.lanes.len();
        let Some((known, at)) = self.asked.filter(|_| active > 0) else { return false };
        let nothing = self.shared.waiting.load(Ordering::Relaxed) == 0;
        known == active && (nothing || active >= self.mode.lanes() && at.elapsed() < LOOK)
    }

    fn begin(&mut self, ride: Ride) {
        let Ride { input, mut waiter } = ride;
        if self.mode != Mode::Plain
            && let Some(job) = input.job()
        {
            match self.lanes.join(job, waiter) {
                Ok(()) => return,
                Err(full) => waiter = full.tag,
            }
        }
        self.alone(|| waiter.reply(input.plain()));
    }

    /// Runs one iteration of all lanes.
    fn step(&mut self) {
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            self.lanes.retain(|waiter| !waiter.is_gone());
            self.lanes.step()
        }));
        match stepped {
            Ok(done) => {
                for (waiter, digest) in done {
                    guarded(|| waiter.reply(digest));
                }
            }
            Err(_panic) => {
                // The waiters of the jobs in the lanes are dropped, which tells their callers.
                // Later jobs use the plain mode.
                tracing::error!("interleaved bcrypt panicked");
                self.lanes = Lanes::new(Lanes::<()>::MAX);
                self.shared.settle(Engine::distrust);
            }
        }
    }

    fn sample(&mut self) {
        let Some(trial) = &mut self.trial else { return };
        let started = Instant::now();
        let mut part = || {
            loop {
                let sample = trial.sample();
                if !matches!(sample, Sample::More) || started.elapsed() >= PART {
                    return sample;
                }
            }
        };
        match catch_unwind(AssertUnwindSafe(&mut part)) {
            Ok(Sample::More) => return,
            Ok(Sample::Over(speeds)) => self.shared.settle(|engine| engine.tried(speeds)),
            Ok(Sample::Wrong) | Err(_) => self.shared.settle(Engine::distrust),
        }
        self.trial = None;
    }
}

/// A panic drops the waiter, which tells its caller. This thread and all other jobs continue.
fn guarded(work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        tracing::error!("a password hashing job panicked");
    }
}

/// Gives way to the threads that serve requests. On Linux the priority belongs to the thread,
/// although POSIX says that it belongs to the process (`setpriority(2)`, "C library/kernel
/// differences").
#[cfg(target_os = "linux")]
pub(super) fn lower_priority() {
    const NICE: i32 = 10;
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "hashing threads keep their priority");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn lower_priority() {}
