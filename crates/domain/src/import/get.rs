//! Use-case: seeing what an import does, did, or would do.

use crate::access::Allowed;
use crate::access::rights::UsersImport;
use crate::common::Error;
use crate::import::ReportedRow;
use crate::jobs::{JobId, JobKind, JobNotFound, JobPorts, JobReport};
use crate::ports::Ports;

/// Shows an import to whoever handed in its table.
#[non_exhaustive]
pub struct GetImport {
    /// The jobs.
    pub jobs: JobPorts,
}

impl GetImport {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.clone() }
    }

    /// Runs the use-case: the import, and what has become of the rows in a part of its report. The first
    /// part is 0.
    ///
    /// # Errors
    /// [`JobNotFound`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersImport>,
        id: JobId,
        part: u32,
    ) -> Result<JobReport<ReportedRow>, Error<JobNotFound>> {
        self.jobs.report(allowed, id, JobKind::Import, part).await
    }
}
