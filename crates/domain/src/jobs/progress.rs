//! Progress of a job, which is stored together with what was done.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::common::{PortError, Timestamp};
use crate::import::{Imported, RowRefusal};
use crate::jobs::{JobId, Tally};

/// The right to do a job, for a while. Whoever has it is the only one who does the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Names it.
    pub id: Uuid,
    /// When it ends by itself, if whoever has it dies.
    pub until: Timestamp,
}

/// A part that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Of which job.
    pub job: JobId,
    /// Who has the right to do it, and from now on for how long.
    pub lease: Lease,
    /// Which part, from 0.
    pub part: u32,
    /// What was done in it.
    pub tally: Tally,
    /// The report on it, sealed.
    pub report: Vec<u8>,
    /// When the job is gone, unless it goes on.
    pub expires_at: Timestamp,
}

/// What makes [`Progress`] of what has become of rows.
type MakeProgress =
    dyn Fn(&[Result<Imported, RowRefusal>]) -> Result<Progress, PortError> + Send + Sync;

/// Makes, of what has become of rows, the part of a job that is stored in the same change. It does
/// nothing else, and may be called again if the change is tried again.
#[derive(Clone)]
pub struct RecordProgress(Arc<MakeProgress>);

impl RecordProgress {
    /// By this function.
    pub fn new(
        make: impl Fn(&[Result<Imported, RowRefusal>]) -> Result<Progress, PortError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(make))
    }

    /// The part.
    ///
    /// # Errors
    /// It cannot be sealed.
    pub fn of(&self, outcomes: &[Result<Imported, RowRefusal>]) -> Result<Progress, PortError> {
        (self.0)(outcomes)
    }
}

impl fmt::Debug for RecordProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordProgress").finish_non_exhaustive()
    }
}

/// The lease of a job is gone: it was cancelled, or another replica does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease of a job is gone")]
pub struct LeaseGone;

impl From<LeaseGone> for PortError {
    fn from(gone: LeaseGone) -> Self {
        Self::unavailable("jobs", gone)
    }
}
