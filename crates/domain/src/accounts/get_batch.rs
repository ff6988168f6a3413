//! Use-case: seeing what a change of many accounts does or did.

use crate::access::Allowed;
use crate::access::rights::UsersWrite;
use crate::accounts::BatchResult;
use crate::accounts::batch_spec::StoredResult;
use crate::common::Error;
use crate::jobs::{JobId, JobKind, JobNotFound, JobPorts, JobReport};
use crate::ports::Ports;

/// Shows a change of many accounts to whoever began it.
#[non_exhaustive]
pub struct GetBatch {
    /// The jobs.
    pub jobs: JobPorts,
}

impl GetBatch {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.clone() }
    }

    /// Runs the use-case: the change, and what has become of some accounts, in the order of their ids: a
    /// part of its report. The first part is 0.
    ///
    /// # Errors
    /// [`JobNotFound`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: JobId,
        part: u32,
    ) -> Result<JobReport<BatchResult>, Error<JobNotFound>> {
        let report = self.jobs.report(allowed, id, JobKind::Batch, part).await?;
        let results: Vec<StoredResult> = report.results;
        let results = results.into_iter().filter_map(StoredResult::read).collect();
        Ok(JobReport { job: report.job, results, next: report.next })
    }
}
