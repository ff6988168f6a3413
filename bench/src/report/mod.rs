//! What came of a run, as a table and as JSON.

mod curve;
mod row;

use std::fmt;

use serde::Serialize;

use crate::machine::Machine;

pub(crate) use curve::Point;
pub(crate) use row::{Row, Target, Unit, grouped};

/// A run.
#[derive(Serialize, Debug)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) versions: Vec<String>,
    /// Whether this was a try of seconds, whose figures say nothing.
    pub(crate) quick: bool,
    pub(crate) seconds: u64,
    pub(crate) rows: Vec<Row>,
    /// How long logins take by load; empty unless asked for.
    pub(crate) curve: Vec<Point>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        writeln!(f, "{}", self.versions.join(", "))?;
        if self.quick {
            writeln!(f, "quick: it works, or does not; the figures say nothing")?;
        }
        if !self.rows.is_empty() {
            let lines: Vec<[String; 9]> =
                std::iter::once(row::head()).chain(self.rows.iter().map(Row::cells)).collect();
            write!(f, "\n{}", Table { lines: &lines, numbers: row::NUMBERS })?;
            writeln!(f, "\n{}", self.verdict())?;
        }
        if !self.curve.is_empty() {
            let lines: Vec<[String; 6]> =
                std::iter::once(curve::head()).chain(self.curve.iter().map(Point::cells)).collect();
            writeln!(f, "\n{}", curve::TITLE)?;
            write!(f, "\n{}", Table { lines: &lines, numbers: curve::NUMBERS })?;
        }
        writeln!(f, "\n{} s in all", self.seconds)
    }
}

impl Report {
    fn verdict(&self) -> String {
        let with = |met| self.rows.iter().filter(|row| row.met == met).count();
        let open = self.rows.iter().filter(|row| row.note.is_some()).count();
        let (met, missed) = (with(Some(true)), with(Some(false)));
        format!("targets: {met} met, {missed} missed; not measured: {open}")
    }
}

/// Cells below each other, as text.
struct Table<'a, const COLUMNS: usize> {
    lines: &'a [[String; COLUMNS]],
    /// The columns that are aligned to the right.
    numbers: std::ops::Range<usize>,
}

impl<const COLUMNS: usize> fmt::Display for Table<'_, COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last column is as wide as it likes: reasons are long.
        let width = |column: usize| {
            let cells = self.lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
        for line in self.lines {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let padded = if self.numbers.contains(&column) {
                    format!("{cell:>width$}  ")
                } else {
                    format!("{cell:<width$}  ")
                };
                text.push_str(&padded);
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: Vec<Row>, curve: Vec<Point>) -> Report {
        Report { machine: Machine::now(), versions: vec![], quick: false, seconds: 7, rows, curve }
    }

    #[test]
    fn the_table_says_what_was_met_and_what_was_not() {
        let row = |id| Row::new(id, "SQLite", "a thing").target(Target::RatioAtLeast(0.8));
        let rounds = [(79.0, 100.0), (85.0, 100.0), (83.0, 100.0)];
        let text = report(
            vec![
                row("B1").rounds(&rounds),
                row("B2").figure(1234.4).against(10_000.0),
                row("B8").not_measured("there is no tool"),
            ],
            vec![],
        )
        .to_string();
        let lines: Vec<&str> = text.lines().skip(3).collect();
        let expected = [
            "    what     on         figure   ceiling  ratio     rounds  target",
            "B1  a thing  SQLite     83.0/s   100.0/s   0.83  0.79–0.85  ≥ 0.80  met",
            "B2  a thing  SQLite  1,234.4/s  10,000/s   0.12             ≥ 0.80  MISSED",
            "B8  a thing  SQLite                                         ≥ 0.80  not measured: there is \
             no tool",
            "",
            "targets: 1 met, 1 missed; not measured: 1",
            "",
            "7 s in all",
        ];
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn the_curve_is_in_units_of_one_hash() {
        let point = Point {
            engine: "plain",
            load: 0.05,
            plain_hash: 50.0,
            log_ins: 100,
            p50: Some(55.0),
            p95: Some(60.0),
            refused: 0.25,
        };
        let none = Point { log_ins: 0, p50: None, p95: None, refused: 1.0, ..point.clone() };
        let text = report(vec![], vec![point, none]).to_string();
        assert!(text.contains("0.05  plain       100  1.10  1.20     25 %"), "{text}");
        assert!(text.contains("0.05  plain         0     –     –    100 %"), "{text}");
    }

    #[test]
    fn the_json_has_what_the_table_has() {
        let row = Row::new("B1", "SQLite", "x").rounds(&[(8.0, 10.0)]);
        let json = serde_json::to_value(report(vec![row], vec![])).unwrap();
        let row = &json["rows"][0];
        assert_eq!((row["figure"].as_f64(), row["ratio"].as_f64()), (Some(8.0), Some(0.8)));
        assert_eq!(row["unit"], "per_second");
    }
}
