//! Checksums over all rows.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::common::text::hex;
use crate::transfer::{Batch, Contents};

/// The number of rows of a table, and a SHA-256 over their contents.
#[derive(Clone, PartialEq, Eq)]
pub struct Checksum {
    /// Which table.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// The digest.
    pub sha256: [u8; 32],
}

impl Checksum {
    /// The digest in hexadecimal.
    pub fn hex(&self) -> String {
        hex(&self.sha256)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} rows, SHA-256 {}", self.table, self.rows, self.hex())
    }
}

/// Computes the checksums of a store, row by row, over every column.
pub(super) struct Tally(Vec<Sum>);

struct Sum {
    table: &'static str,
    rows: u64,
    sha256: Sha256,
}

impl Tally {
    /// Of the tables of a store.
    pub(super) fn of(contents: &[Contents]) -> Self {
        let sum = |each: &Contents| Sum { table: each.table, rows: 0, sha256: Sha256::new() };
        Self(contents.iter().map(sum).collect())
    }

    pub(super) fn add(&mut self, batch: &Batch) {
        let index = self.0.iter().position(|sum| sum.table == batch.table);
        let index = index.unwrap_or_else(|| {
            self.0.push(Sum { table: batch.table, rows: 0, sha256: Sha256::new() });
            self.0.len() - 1
        });
        let Some(sum) = self.0.get_mut(index) else { return };
        for row in &batch.rows {
            sum.rows += 1;
            for value in row {
                sum.value(value.as_deref());
            }
        }
    }

    pub(super) fn finish(self) -> Vec<Checksum> {
        let finished = self.0.into_iter().map(|Sum { table, rows, sha256 }| {
            let sha256 = sha256.finalize().into();
            Checksum { table, rows, sha256 }
        });
        finished.collect()
    }
}

impl Sum {
    /// Different lists of values give different bytes: each value follows its length, and null has
    /// a marker of its own.
    fn value(&mut self, value: Option<&str>) {
        self.sha256.update([u8::from(value.is_some())]);
        if let Some(text) = value {
            self.sha256.update((text.len() as u64).to_be_bytes());
            self.sha256.update(text);
        }
    }
}
