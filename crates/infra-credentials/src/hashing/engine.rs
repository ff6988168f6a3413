//! How bcrypt is computed: one hash after the other on each thread, or in lanes.

use std::sync::OnceLock;

use super::trial::{Found, Reference, Trial, best};
use super::work::Input;

/// Below this gain over one hash after the other, `Auto` stays with that.
const WORTH_IT: f64 = 1.1;

/// Neither the code nor the machine changes under a process: who starts several pools tries once.
static FOUND: OnceLock<Found> = OnceLock::new();

/// How bcrypt is to be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashingEngine {
    /// In lanes where that is faster, one after the other where it is not.
    Auto,
    /// Several hashes interleaved on each thread.
    Lanes,
    /// One hash after the other on each thread, by the `bcrypt` crate.
    Plain,
}

/// How it is computed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    /// So many at a time on each thread.
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

/// What was chosen, and what is known by now. Begins plain: lanes have to be tried first.
pub(super) struct Engine {
    choice: HashingEngine,
    /// As many lanes as this, whatever is measured.
    lanes: Option<usize>,
    threads: usize,
    reference: Reference,
    /// By each thread whose trial is over.
    speeds: Vec<Vec<f64>>,
    mode: Mode,
    /// No trial is needed, or it would tell nothing new.
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

    /// Compares with something else than the `bcrypt` crate, and remembers nothing.
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

    /// What a thread is to begin with.
    pub(super) fn trial(&self) -> Option<Trial> {
        (!self.settled).then(|| Trial::new(self.reference))
    }

    /// A thread's trial is over.
    pub(super) fn tried(&mut self, speeds: Vec<f64>) {
        self.speeds.push(speeds);
        let found = best(&self.speeds);
        if self.settled {
            return;
        }
        if self.speeds.len() < self.threads {
            // Good enough until the others are done.
            self.mode = self.mode_for(found);
        } else {
            self.settle(found);
            self.remember(found);
        }
    }

    /// Lanes have computed something else than the `bcrypt` crate does.
    pub(super) fn distrust(&mut self) {
        self.settle(Found::Wrong);
        self.remember(Found::Wrong);
    }

    fn remember(&self, found: Found) {
        if std::ptr::fn_addr_eq(self.reference, Input::plain as Reference) {
            // Another pool may have been faster: then it is remembered.
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
