//! Use-case: seeing what an import does, did, or would do.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::UsersImport;
use crate::common::{Error, PortError, Sealer};
use crate::import::ReportedRow;
use crate::import::spec::part;
use crate::jobs::{Job, JobId, JobKind, JobNotFound, JobRepository, JobSealer, PartKind, PartOf};
use crate::ports::Ports;

/// An import, and a part of its report.
#[derive(Debug, Clone)]
pub struct ImportReport {
    /// The import.
    pub job: Job,
    /// What has become of some rows, in their order.
    pub rows: Vec<ReportedRow>,
    /// Where the next part of the report is, if there is one.
    pub next: Option<u32>,
}

/// Shows an import to whoever handed in its table.
#[non_exhaustive]
pub struct GetImport {
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Opens what they report.
    pub sealer: Arc<dyn Sealer>,
}

impl GetImport {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.repository.clone(), sealer: ports.jobs.sealer.clone() }
    }

    /// Runs the use-case. The first part of a report is 0.
    ///
    /// # Errors
    /// [`JobNotFound`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersImport>,
        id: JobId,
        number: u32,
    ) -> Result<ImportReport, Error<JobNotFound>> {
        let (maker, now) = (allowed.caller(), allowed.context().at);
        let job = self.jobs.find(id, JobKind::Import, maker, now).await?;
        let job = job.ok_or(Error::Refused(JobNotFound))?;
        let rows = self.rows(&job, number).await?;
        let next = number.saturating_add(1);
        Ok(ImportReport { next: Some(next).filter(|next| *next < job.parts), job, rows })
    }

    async fn rows(&self, job: &Job, number: u32) -> Result<Vec<ReportedRow>, PortError> {
        let of = PartOf { job: job.id, kind: PartKind::Report, number };
        let Some(stored) = self.jobs.part(of).await? else { return Ok(Vec::new()) };
        let sealer = JobSealer::of(&self.sealer, job.maker, job.created_at);
        let rows = sealer.open(&part("report", number), &stored);
        rows.ok_or_else(|| PortError::internal("jobs", "a report cannot be opened"))
    }
}
