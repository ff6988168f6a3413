//! The parts of a run; each gives rows.

mod cost;
mod curve;
mod import;
mod list;
mod mail;
mod me;
mod mfa;
mod pages;
mod refresh;
mod revocation;
mod search;
mod start;
mod storm;

use std::time::Duration;

use clap::ValueEnum;
use tempfile::TempDir;

use crate::backends::Backends;
use crate::load::Span;
use crate::menjin::Binary;
use crate::report::Row;

pub(crate) use curve::run as curve;

/// A part that can be asked for alone.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// GET me against a bare handler, with copies of sessions (B1) and strictly (B1s).
    B1,
    /// Logins in a storm, and others meanwhile (B3).
    #[value(alias = "b3")]
    B2,
    /// Refreshes.
    B4,
    /// The list of a million users.
    B5,
    /// Start and memory.
    B6,
    /// Logouts heard by the other replica.
    B7,
    /// Instructions.
    B8,
    /// Users searched, filtered and sorted.
    B9,
    /// Users imported, and many changed at once.
    B10,
    /// Mails asked for, and sent.
    B11,
    /// Second steps of log-ins.
    B12,
    /// Pages.
    B13,
}

impl Part {
    /// What it is called in the table.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::B1 => "B1",
            Self::B2 => "B2",
            Self::B4 => "B4",
            Self::B5 => "B5",
            Self::B6 => "B6",
            Self::B7 => "B7",
            Self::B8 => "B8",
            Self::B9 => "B9",
            Self::B10 => "B10",
            Self::B11 => "B11",
            Self::B12 => "B12",
            Self::B13 => "B13",
        }
    }
}

/// What all parts have.
pub(crate) struct Bench {
    pub(crate) binary: Binary,
    pub(crate) backends: Backends,
    /// Seconds in place of minutes.
    pub(crate) quick: bool,
    /// For logs.
    pub(crate) folder: TempDir,
}

impl Bench {
    /// How often what is compared takes turns: what else the machine does then meets all of them.
    fn rounds(&self) -> usize {
        self.choose(9, 1)
    }

    /// One of two, by how long the run may take.
    fn choose<T>(&self, thorough: T, quick: T) -> T {
        if self.quick { quick } else { thorough }
    }

    /// How long a round of load takes.
    fn span(&self) -> Span {
        let span = |warm_up, measured| Span {
            warm_up: Duration::from_millis(warm_up),
            measured: Duration::from_millis(measured),
            patience: Duration::from_secs(5),
        };
        self.choose(span(100, 700), span(50, 200))
    }

    /// Runs a part.
    pub(crate) fn run(&self, part: Part) -> anyhow::Result<Vec<Row>> {
        match part {
            Part::B1 => me::run(self),
            Part::B2 => Ok(storm::run(self)),
            Part::B4 => refresh::run(self),
            Part::B5 => list::run(self),
            Part::B6 => start::run(self),
            Part::B7 => revocation::run(self),
            Part::B8 => cost::run(self),
            Part::B9 => search::run(self),
            Part::B10 => import::run(self),
            Part::B11 => mail::run(self),
            Part::B12 => mfa::run(self),
            Part::B13 => pages::run(self),
        }
    }
}

/// The parts to run, for those asked for; none asked for are all.
pub(crate) fn chosen(asked: &[Part]) -> Vec<Part> {
    let all = Part::value_variants().iter().copied();
    all.filter(|part| asked.is_empty() || asked.contains(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_can_be_asked_for() {
        assert_eq!(chosen(&[]), Part::value_variants());
        assert_eq!(chosen(&[Part::B4, Part::B1]), [Part::B1, Part::B4]);
        for id in ["B1", "b2", "B3", "b8"] {
            assert!(Part::from_str(id, true).is_ok(), "{id}");
        }
        assert_eq!(Part::from_str("B3", true), Ok(Part::B2));
    }
}
