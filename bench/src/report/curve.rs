//! How long logins take, by load.

use serde::Serialize;

pub(super) const TITLE: &str = "log-ins at random moments, times in units of one plain hash, by load \
                                in units of what plain hashing can serve";

/// The columns that hold numbers.
pub(super) const NUMBERS: std::ops::Range<usize> = 2..6;

/// What is above them.
pub(super) fn head() -> [String; 6] {
    ["load", "hashed", "log-ins", "p50", "p95", "refused"].map(str::to_owned)
}

/// One load on one engine.
#[derive(Serialize, Debug, Clone)]
pub(crate) struct Point {
    /// How passwords are hashed: `hashing.engine`.
    pub(crate) engine: &'static str,
    /// Logins that are due a second, over those that the plain crate could hash on all cores.
    pub(crate) load: f64,
    /// How long one plain hash takes, in milliseconds, measured just before.
    pub(crate) plain_hash: f64,
    /// How many were let in and measured.
    pub(crate) log_ins: usize,
    /// How long these took, in milliseconds, from when they were due.
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    /// The share that was answered with 503.
    pub(crate) refused: f64,
}

impl Point {
    pub(super) fn cells(&self) -> [String; 6] {
        let hashes = |time: Option<f64>| {
            time.map_or_else(|| "–".to_owned(), |time| format!("{:.2}", time / self.plain_hash))
        };
        [
            format!("{:.2}", self.load),
            self.engine.to_owned(),
            self.log_ins.to_string(),
            hashes(self.p50),
            hashes(self.p95),
            format!("{:.0} %", self.refused * 100.0),
        ]
    }
}
