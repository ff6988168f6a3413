//! One figure beside its ceiling.

use std::fmt;

use serde::Serialize;

use crate::stats::{extremes, median};

/// The columns that hold numbers.
pub(super) const NUMBERS: std::ops::Range<usize> = 3..7;

/// What is above them.
pub(super) fn head() -> [String; 9] {
    ["", "what", "on", "figure", "ceiling", "ratio", "rounds", "target", ""].map(str::to_owned)
}

/// What a figure is a number of.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Microseconds,
    Megabytes,
    Bytes,
    Instructions,
}

/// What a row asks for.
#[derive(Serialize, Debug, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    FigureAtMost(f64),
    FigureAtLeast(f64),
}

/// One figure beside its ceiling. Without a target it is there to explain another.
#[derive(Serialize, Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) what: String,
    /// Which back ends it is measured on.
    pub(crate) on: &'static str,
    pub(crate) unit: Unit,
    pub(crate) figure: Option<f64>,
    pub(crate) ceiling: Option<f64>,
    /// The median over the rounds of the two, measured side by side.
    pub(crate) ratio: Option<f64>,
    /// The least and the greatest ratio of a round: how far the machine can be trusted.
    pub(crate) spread: Option<[f64; 2]>,
    pub(crate) target: Option<Target>,
    pub(crate) met: Option<bool>,
    /// Why there is no figure.
    pub(crate) note: Option<String>,
}

impl Row {
    pub(crate) fn new(id: &'static str, on: &'static str, what: impl Into<String>) -> Self {
        Self {
            id,
            what: what.into(),
            on,
            unit: Unit::PerSecond,
            figure: None,
            ceiling: None,
            ratio: None,
            spread: None,
            target: None,
            met: None,
            note: None,
        }
    }

    pub(crate) fn unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    pub(crate) fn figure(mut self, figure: f64) -> Self {
        self.figure = Some(figure);
        self.judged()
    }

    /// What it is measured against, with the ratio of the two.
    pub(crate) fn against(mut self, ceiling: f64) -> Self {
        self.ceiling = Some(ceiling);
        self.ratio = self.figure.map(|figure| figure / ceiling);
        self.judged()
    }

    /// Figures and ceilings of interleaved rounds: the medians of each, and of their ratios.
    pub(crate) fn rounds(mut self, rounds: &[(f64, f64)]) -> Self {
        let each = |value: fn(&(f64, f64)) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
        let ratios = each(|round| round.0 / round.1);
        self.figure = Some(median(&each(|round| round.0)));
        self.ceiling = Some(median(&each(|round| round.1)));
        self.ratio = Some(median(&ratios));
        self.spread = extremes(&ratios);
        self.judged()
    }

    pub(crate) fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self.judged()
    }

    pub(crate) fn not_measured(mut self, why: impl fmt::Display) -> Self {
        self.note = Some(why.to_string());
        self
    }

    fn judged(mut self) -> Self {
        self.met = match self.target {
            None => None,
            Some(Target::RatioAtLeast(least)) => self.ratio.map(|ratio| ratio >= least),
            Some(Target::RatioAtMost(most)) => self.ratio.map(|ratio| ratio <= most),
            Some(Target::FigureAtMost(most)) => self.figure.map(|figure| figure <= most),
            Some(Target::FigureAtLeast(least)) => self.figure.map(|figure| figure >= least),
        };
        self
    }

    pub(super) fn cells(&self) -> [String; 9] {
        let number = |value: Option<f64>| value.map_or_else(String::new, |it| self.unit.show(it));
        let verdict = match (self.met, &self.note) {
            (Some(true), _) => "met".to_owned(),
            (Some(false), _) => "MISSED".to_owned(),
            (None, Some(note)) => format!("not measured: {note}"),
            (None, None) => String::new(),
        };
        let spread = self.spread.map(|[least, greatest]| format!("{least:.2}–{greatest:.2}"));
        [
            self.id.to_owned(),
            self.what.clone(),
            self.on.to_owned(),
            number(self.figure),
            number(self.ceiling),
            self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            spread.unwrap_or_default(),
            self.target.map_or_else(String::new, |target| target.show(self.unit)),
            verdict,
        ]
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        let digits = match value {
            value if value >= 10_000.0 => 0,
            value if value >= 10.0 => 1,
            _ => 2,
        };
        let unit = match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => " ms",
            Self::Microseconds => " µs",
            Self::Megabytes => " MB",
            Self::Bytes => " B",
            Self::Instructions => " instr.",
        };
        format!("{}{unit}", grouped(format_args!("{value:.digits$}")))
    }
}

/// A decimal number with commas between its thousands.
pub(crate) fn grouped(number: impl fmt::Display) -> String {
    let number = number.to_string();
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

impl Target {
    fn show(self, unit: Unit) -> String {
        match self {
            Self::RatioAtLeast(least) => format!("≥ {least:.2}"),
            Self::RatioAtMost(most) => format!("≤ {most:.1}×"),
            Self::FigureAtMost(most) => format!("≤ {}", unit.show(most)),
            Self::FigureAtLeast(least) => format!("≥ {}", unit.show(least)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_knows_whether_it_has_met_its_target() {
        let row = |figure: f64| Row::new("B1", "SQLite", "x").figure(figure).against(100.0);
        assert_eq!(row(80.0).target(Target::RatioAtLeast(0.8)).met, Some(true));
        assert_eq!(row(79.0).target(Target::RatioAtLeast(0.8)).met, Some(false));
        assert_eq!(row(301.0).target(Target::RatioAtMost(3.0)).met, Some(false));
        assert_eq!(row(20.0).target(Target::FigureAtMost(20.0)).met, Some(true));
        let before = Row::new("B1", "", "").target(Target::FigureAtMost(1.0));
        assert_eq!((before.met, before.clone().figure(2.0).met), (None, Some(false)));
        // Nothing was measured: nothing is met.
        assert_eq!(before.clone().figure(f64::NAN).met, Some(false));
        assert_eq!(Row::new("B1", "", "").rounds(&[(1.0, 2.0)]).met, None);
    }

    #[test]
    fn the_ratio_is_the_median_of_ratios() {
        let row = Row::new("B1", "", "").rounds(&[(1.0, 1.0), (50.0, 100.0), (9.0, 10.0)]);
        assert_eq!((row.figure, row.ceiling, row.ratio), (Some(9.0), Some(10.0), Some(0.9)));
        assert_eq!(row.spread, Some([0.5, 1.0]));
    }

    #[test]
    fn numbers_have_as_many_digits_as_mean_something() {
        let show = |value| Unit::PerSecond.show(value);
        let shown = [0.123, 9.999, 12.34, 999.96, 1234.56, 56_789.4, 1_234_567.8].map(show);
        let expected =
            ["0.12/s", "10.00/s", "12.3/s", "1,000.0/s", "1,234.6/s", "56,789/s", "1,234,568/s"];
        assert_eq!(shown, expected);
        let targets = [
            Target::RatioAtLeast(0.8).show(Unit::PerSecond),
            Target::RatioAtMost(1.5).show(Unit::PerSecond),
            Target::FigureAtMost(30.0).show(Unit::Megabytes),
        ];
        assert_eq!(targets, ["≥ 0.80", "≤ 1.5×", "≤ 30.0 MB"]);
    }
}
