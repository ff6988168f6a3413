//! Decides how bcrypt is computed: one hash after the other on each thread, or in lanes.

use std::sync::OnceLock;

use super::trial::{Found, Reference, Trial, best};
use super::work::Input;

/// If the lanes gain less than this over one hash after the other, `Auto` does not use them.
const WORTH_IT: f64 = 1.1;

/// The result of the trial, kept for the process: code and machine do not change while a process
/// runs, and tests start hundreds of pools.
static FOUND: OnceLock<Found> = OnceLock::new();

/// How bcrypt is to be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashingEngine {
    /// In lanes if that is faster, otherwise one hash after the other.
    Auto,
    /// Several hashes interleaved on each thread.
    Lanes,
    /// One hash after the other on each thread, by the `bcrypt` crate.
    Plain,
}

/// How bcrypt is computed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    /// This many hashes at a time on each thread.
    Lanes(usize),
}

impl Mode {
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::Lanes(lanes) => lanes,
        }
    }
}

/// The chosen engine, and what has been measured. It begins with the plain mode, because lanes have
/// to be tried first.
pub(super) struct Engine {
    choice: HashingEngine,
    /// The configured number of lanes, which replaces the measured one.
    lanes: Option<usize>,
    threads: usize,
    reference: Reference,
    /// The measurements of each thread whose trial is over.
    speeds: Vec<Vec<f64>>,
    mode: Mode,
    /// A trial is not needed, or would tell nothing new.
    settled: bool,
}

impl Engine {
    pub(super) fn new(choice: HashingEngine, lanes: Option<usize>, threads: usize) -> Self {
        let mut engine = Self::trying(Input::plain, choice, lanes, threads);
        if let Some(found) = FOUND.get()
            && !engine.settled
        {
            engine.settle(*found);
        }
        engine
    }

    /// Compares with a reference that need not be the `bcrypt` crate.
    pub(super) fn trying(
        reference: Reference,
        choice: HashingEngine,
        lanes: Option<usize>,
        threads: usize,
    ) -> Self {
        let settled = choice == HashingEngine::Plain;
        let (speeds, mode) = (Vec::new(), Mode::Plain);
        Self { choice, lanes, threads, reference, speeds, mode, settled }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// The trial with which a thread begins.
    pub(super) fn trial(&self) -> Option<Trial> {
        (!self.settled).then(|| Trial::new(self.reference))
    }

    /// Takes the measurements of a thread whose trial is over.
    pub(super) fn tried(&mut self, speeds: Vec<f64>) {
        self.speeds.push(speeds);
        let found = best(&self.speeds);
        if self.settled {
            return;
        }
        if self.speeds.len() < self.threads {
            // Good enough until the other threads are done.
            self.mode = self.mode_for(found);
        } else {
            self.settle(found);
            self.remember(found);
        }
    }

    /// Reports that the lanes computed something else than the `bcrypt` crate.
    pub(super) fn distrust(&mut self) {
        self.settle(Found::Wrong);
        self.remember(Found::Wrong);
    }

    fn remember(&self, found: Found) {
        if std::ptr::fn_addr_eq(self.reference, Input::plain as Reference) {
            // Another pool may have stored its result first, and then that one is kept.
            let _ = FOUND.set(found);
        }
    }

    fn settle(&mut self, found: Found) {
        self.mode = self.mode_for(found);
        self.settled = true;
        match found {
            Found::Wrong => tracing::error!(
                "interleaved bcrypt is wrong on this machine and is not used: please report this"
            ),
            Found::Best { lanes, speed } => {
                tracing::info!(mode = ?self.mode, lanes, speed, "measured interleaved bcrypt");
            }
        }
    }

    fn mode_for(&self, found: Found) -> Mode {
        let Found::Best { lanes, speed } = found else { return Mode::Plain };
        match (self.choice, self.lanes) {
            (HashingEngine::Plain, _) => Mode::Plain,
            (HashingEngine::Auto, None) if speed < WORTH_IT => Mode::Plain,
            (_, fixed) => Mode::Lanes(fixed.unwrap_or(lanes)),
        }
    }
}

#[cfg(test)]
mod tests;
