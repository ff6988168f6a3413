//! Tests whether the lanes compute the same as the `bcrypt` crate, and measures how many lanes are
//! best on this machine.
//!
//! Each thread runs its own trial, a little at a time, while it has no work. All threads do so at
//! the same time: threads that share a core then measure what they will get under load. The trial
//! takes each thread about 60 ms in total.

use menjin_bcrypt_lanes::{Digest, Lanes};
use subtle::ConstantTimeEq;

use super::work::Input;

/// How often each number of lanes is measured. The fastest run counts, because other work of the
/// machine only adds time.
const ROUNDS: usize = 4;

/// The lanes alternate between this cost and the next one, so that some leave before others.
const LEAST_COST: u32 = 2;

/// The number of iterations that all lanes have in common; these are timed.
const ITERATIONS: u32 = 1 << LEAST_COST;

/// What a hash takes besides its iterations, expressed in iterations: 521 encryptions to begin and
/// 192 to end; an iteration has 1,042.
const AROUND: f64 = (521.0 + 192.0) / 1042.0;

/// The part of the best speed that is enough. With fewer lanes each hash is done sooner, and
/// displaces less data from the cache.
const ENOUGH: f64 = 0.97;

/// Computes a digest that is surely right: the `bcrypt` crate, except in tests.
pub(super) type Reference = fn(&Input) -> Digest;

/// What a trial found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// The lanes computed something else than the `bcrypt` crate.
    Wrong,
    /// The best number of lanes, and how many times faster it is than one hash after the other.
    Best { lanes: usize, speed: f64 },
}

/// The state of one thread's trial.
pub(super) struct Trial {
    reference: Reference,
    inputs: Vec<Input>,
    expected: Vec<Digest>,
    /// Seconds per iteration, one hash after the other.
    plain: f64,
    /// Seconds per iteration of all lanes together, by the number of lanes.
    times: Vec<f64>,
    samples: usize,
}

/// The result of a sample.
pub(super) enum Sample {
    More,
    /// For each number of lanes, how many times faster it is than one hash after the other.
    Over(Vec<f64>),
    Wrong,
}

impl Trial {
    pub(super) fn new(reference: Reference) -> Self {
        let input = |number: u8| {
            // Passwords of different lengths, up to the greatest length.
            let password = vec![number ^ 0xa5; usize::from(number) * 5];
            Input::new(&password, [number; 16], LEAST_COST + u32::from(number % 2))
        };
        Self {
            reference,
            inputs: (0..=u8::MAX).take(Lanes::<usize>::MAX).map(input).collect(),
            expected: Vec::new(),
            plain: f64::INFINITY,
            times: vec![f64::INFINITY; Lanes::<usize>::MAX],
            samples: 0,
        }
    }

    /// Runs a small part of the trial: up to about five milliseconds.
    pub(super) fn sample(&mut self) -> Sample {
        if let Some(input) = self.inputs.get(self.expected.len()) {
            let started = seconds();
            let digest = (self.reference)(input);
            let time = seconds() - started;
            self.plain = self.plain.min(time / (f64::from(1 << input.cost()) + AROUND));
            self.expected.push(digest);
            return Sample::More;
        }
        let count = self.samples % self.times.len() + 1;
        let Some(time) = self.run(count) else { return Sample::Wrong };
        if let Some(best) = self.times.get_mut(count - 1) {
            *best = best.min(time);
        }
        self.samples += 1;
        if self.samples < ROUNDS * self.times.len() {
            return Sample::More;
        }
        let speed = |(count, time): (u32, &f64)| f64::from(count) * self.plain / time;
        Sample::Over((1..).zip(&self.times).map(speed).collect())
    }

    /// Runs this many lanes, and returns how long an iteration took; `None` if a digest was wrong.
    fn run(&self, count: usize) -> Option<f64> {
        let mut lanes = Lanes::new(count);
        for (number, input) in self.inputs.iter().enumerate().take(count) {
            lanes.join(input.job()?, number).ok()?;
        }
        let mut done = Vec::new();
        let started = seconds();
        for _ in 1..ITERATIONS {
            done.extend(lanes.step());
        }
        let time = (seconds() - started) / f64::from(ITERATIONS - 1);
        while !lanes.is_empty() {
            done.extend(lanes.step());
        }
        let right = |(number, digest): &(usize, Digest)| {
            self.expected.get(*number).is_some_and(|expected| digest.ct_eq(expected).into())
        };
        (done.len() == count && done.iter().all(right)).then_some(time)
    }
}

/// The best number of lanes, from the measurements of the threads.
pub(super) fn best(speeds: &[Vec<f64>]) -> Found {
    let count = u32::try_from(speeds.len()).map_or(f64::INFINITY, f64::from);
    let mean = |lanes: usize| {
        speeds.iter().filter_map(|speeds| speeds.get(lanes - 1)).sum::<f64>() / count
    };
    let means: Vec<_> = (1..=Lanes::<()>::MAX).map(|lanes| (lanes, mean(lanes))).collect();
    let best = means.iter().map(|(_, speed)| *speed).fold(0.0, f64::max);
    let enough = means.into_iter().find(|(_, speed)| *speed >= best * ENOUGH);
    let (lanes, speed) = enough.unwrap_or((1, best));
    Found::Best { lanes, speed }
}

/// The processor time of this thread: the trial runs while the process starts, and must not measure
/// its other work.
#[cfg(target_os = "linux")]
fn seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::try_from(time).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(not(target_os = "linux"))]
fn seconds() -> f64 {
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed().as_secs_f64()
}
