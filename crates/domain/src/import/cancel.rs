//! Use-case: giving up an import.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersImport;
use crate::common::Error;
use crate::jobs::{JobId, JobKind, JobNotFound, JobRepository};
use crate::ports::Ports;

/// Deletes an import with its table and its report. What it has imported stays; one that is at work ends
/// after the rows that it is at.
#[non_exhaustive]
pub struct CancelImport {
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
}

impl CancelImport {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.repository.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// [`JobNotFound`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersImport>,
        id: JobId,
    ) -> Result<(), Error<JobNotFound>> {
        let cancelled = self.jobs.cancel(id, JobKind::Import, allowed.caller()).await?;
        if cancelled { Ok(()) } else { Err(Error::Refused(JobNotFound)) }
    }
}
