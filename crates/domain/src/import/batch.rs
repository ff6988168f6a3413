//! Rows that a store takes together.

use crate::accounts::Authority;
use crate::import::{OnConflict, ReadyRow};
use crate::jobs::RecordProgress;

/// Rows to be stored together.
#[derive(Debug, Clone)]
pub struct ImportBatch {
    /// The rows.
    pub rows: Vec<ReadyRow>,
    /// What is done with those whose user is there already.
    pub on_conflict: OnConflict,
    /// Whether nothing is to be kept: it is only to be seen what would be done.
    pub dry_run: bool,
    /// Who acts, and whom they may change.
    pub authority: Authority,
    /// Makes the part of a job that is stored with the rows; `None`: they are not of a job, or it is a dry
    /// run.
    pub progress: Option<RecordProgress>,
}
