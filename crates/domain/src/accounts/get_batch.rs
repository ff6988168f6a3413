//! Use-case: seeing what a change of many accounts does or did.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersWrite;
use crate::accounts::BatchResult;
use crate::accounts::batch_spec::StoredResult;
use crate::common::{Error, PortError, Sealer};
use crate::jobs::{Job, JobId, JobKind, JobNotFound, JobRepository, JobSealer, PartKind, PartOf};
use crate::ports::Ports;

/// A change of many accounts, and a part of its results.
#[derive(Debug, Clone)]
pub struct BatchReport {
    /// The change.
    pub job: Job,
    /// What has become of some accounts, in the order of their ids.
    pub results: Vec<BatchResult>,
    /// Where the next part of the results is, if there is one.
    pub next: Option<u32>,
}

/// Shows a change of many accounts to whoever began it.
#[non_exhaustive]
pub struct GetBatch {
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Opens what they report.
    pub sealer: Arc<dyn Sealer>,
}

impl GetBatch {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.repository.clone(), sealer: ports.jobs.sealer.clone() }
    }

    /// Runs the use-case. The first part of the results is 0.
    ///
    /// # Errors
    /// [`JobNotFound`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: JobId,
        number: u32,
    ) -> Result<BatchReport, Error<JobNotFound>> {
        let (maker, now) = (allowed.caller(), allowed.context().at);
        let job = self.jobs.find(id, JobKind::Batch, maker, now).await?;
        let job = job.ok_or(Error::Refused(JobNotFound))?;
        let of = PartOf { job: id, kind: PartKind::Report, number };
        let results = match self.jobs.part(of).await? {
            None => Vec::new(),
            Some(stored) => {
                let sealer = JobSealer::of(&self.sealer, maker, job.created_at);
                let kept: Option<Vec<StoredResult>> =
                    sealer.open(&format!("report/{number}"), &stored);
                let kept =
                    kept.ok_or_else(|| PortError::internal("jobs", "a report cannot be opened"))?;
                kept.into_iter().filter_map(StoredResult::read).collect()
            }
        };
        let next = Some(number.saturating_add(1)).filter(|next| *next < job.parts);
        Ok(BatchReport { job, results, next })
    }
}
