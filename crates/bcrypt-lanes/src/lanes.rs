//! Lanes, which jobs join and leave.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Job;
use crate::kernel::{self, MAX_LANES, Schedule, State};

/// The result of bcrypt: 24 bytes, of which the text form contains 23. Erased when dropped.
#[derive(Clone)]
pub struct Digest([u8; 24]);

impl Digest {
    /// Its bytes. Do not compare them with `==`, which takes longer the more bytes are right.
    pub fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }
}

impl From<[u8; 24]> for Digest {
    fn from(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }
}

impl ConstantTimeEq for Digest {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Digest {}

/// No lane is free. Returns the job that should have joined.
#[derive(Debug, thiserror::Error)]
#[error("no lane is free")]
pub struct Full<T> {
    /// The job.
    pub job: Job,
    /// The tag that would have come back with its digest.
    pub tag: T,
}

/// bcrypt of several passwords at once, on the calling thread.
///
/// Jobs [`join`](Self::join) and leave between two [`step`](Self::step)s, each with its own cost;
/// no job waits for a batch to fill or to end. `T` is a tag that comes back with the digest, for
/// example whom to tell.
///
/// Everything that a lane has computed, and its key, is erased when the lane is left, and when this
/// is dropped.
pub struct Lanes<T> {
    /// The states of the active lanes, then blank ones. They are separate from the rest, so that
    /// the active states form an array.
    states: Box<[State]>,
    schedules: Vec<Schedule>,
    riders: Vec<Rider<T>>,
}

struct Rider<T> {
    iterations_left: u32,
    tag: T,
}

impl<T> Lanes<T> {
    /// The greatest number of lanes.
    pub const MAX: usize = MAX_LANES;

    /// Room for this many lanes, from 1 to [`MAX`](Self::MAX); a number outside of these bounds is
    /// replaced by the nearest bound. Each lane takes 4.3 KiB.
    ///
    /// More lanes than a processor has registers for are slower than fewer lanes. On most machines
    /// the best number is between 3 and 8: measure it.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, Self::MAX);
        Self {
            states: (0..capacity).map(|_| State::BLANK).collect(),
            // Allocated at its full size: a vector that grows leaves copies behind.
            schedules: Vec::with_capacity(capacity),
            riders: Vec::with_capacity(capacity),
        }
    }

    /// How many lanes there are, active or not.
    pub fn capacity(&self) -> usize {
        self.states.len()
    }

    /// How many lanes are active.
    pub fn len(&self) -> usize {
        self.riders.len()
    }

    /// Whether no lane is active.
    pub fn is_empty(&self) -> bool {
        self.riders.is_empty()
    }

    /// Starts a job. It takes about a quarter of the time of one iteration of all lanes.
    ///
    /// # Errors
    /// All lanes are active.
    pub fn join(&mut self, job: Job, tag: T) -> Result<(), Full<T>> {
        let Some(state) = self.states.get_mut(self.riders.len()) else {
            return Err(Full { job, tag });
        };
        let schedule = job.schedule();
        state.begin(&schedule);
        self.schedules.push(schedule);
        self.riders.push(Rider { iterations_left: job.iterations(), tag });
        Ok(())
    }

    /// Runs one iteration of the cost loop in every lane. Jobs that are finished leave, and their
    /// tags and digests are returned.
    pub fn step(&mut self) -> Vec<(T, Digest)> {
        let active = self.riders.len();
        if let Some(states) = self.states.get_mut(..active) {
            kernel::iterate(states, &self.schedules);
        }
        let mut done = Vec::new();
        // From the last lane to the first: the lane that takes the place of a finished one has then
        // been checked already.
        for lane in (0..active).rev() {
            let Some(rider) = self.riders.get_mut(lane) else { continue };
            rider.iterations_left = rider.iterations_left.saturating_sub(1);
            if rider.iterations_left == 0 {
                let digest = self.states.get(lane).map(|state| Digest(state.digest()));
                done.extend(self.leave(lane).zip(digest));
            }
        }
        done
    }

    /// Ends the lanes whose `keep` is false, because nobody waits for them any more.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for lane in (0..self.riders.len()).rev() {
            if self.riders.get(lane).is_some_and(|rider| !keep(&rider.tag)) {
                drop(self.leave(lane));
            }
        }
    }

    /// Frees this lane. The last active lane takes its place.
    fn leave(&mut self, lane: usize) -> Option<T> {
        let last = self.riders.len().checked_sub(1)?;
        if lane > last {
            return None;
        }
        if let Some((vacated, others)) = self.states.get_mut(..=last)?.split_last_mut() {
            if let Some(place) = others.get_mut(lane) {
                place.copy_from(vacated);
            }
            vacated.zeroize();
        }
        if let Some((vacated, others)) = self.schedules.split_last_mut() {
            if let Some(place) = others.get_mut(lane) {
                place.copy_from(vacated);
            }
            vacated.zeroize();
        }
        self.schedules.truncate(last);
        Some(self.riders.swap_remove(lane).tag)
    }
}

impl<T> fmt::Debug for Lanes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lanes({} of {})", self.len(), self.capacity())
    }
}

impl<T> Drop for Lanes<T> {
    fn drop(&mut self) {
        self.states.zeroize();
        for schedule in &mut self.schedules {
            schedule.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    fn job(cost: u32) -> Job {
        Job::new(Key::truncated(b"secret"), *b"salt of 16 bytes", cost).unwrap()
    }

    fn is_blank(state: &State) -> bool {
        state.words().all(|word| word == 0)
    }

    #[test]
    fn who_leaves_leaves_nothing_behind() {
        let mut lanes = Lanes::new(4);
        for (cost, tag) in [(1, "first"), (2, "second"), (9, "third")] {
            lanes.join(job(cost), tag).unwrap();
        }
        let blank = |lanes: &Lanes<_>| lanes.states.iter().map(is_blank).collect::<Vec<_>>();
        assert_eq!(blank(&lanes), [false, false, false, true]);
        assert!(lanes.step().is_empty());
        assert_eq!(lanes.step().len(), 1);
        assert_eq!(blank(&lanes), [false, false, true, true]);
        lanes.retain(|tag| *tag != "second");
        assert_eq!(blank(&lanes), [false, true, true, true]);
        assert_eq!((lanes.schedules.len(), lanes.schedules.capacity()), (1, 4), "it never grows");
        lanes.retain(|_| false);
        assert_eq!(blank(&lanes), [true; 4]);
    }

    /// If a state were larger, fewer lanes would fit into the cache.
    #[test]
    fn a_state_is_as_small_as_can_be() {
        assert_eq!(size_of::<State>(), (4 * 256 + 18) * 4);
    }
}
