//! The report on what a job has done, which is stored in parts.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::Allowed;
use crate::common::{Clock, Error, PortError};
use crate::jobs::{
    Job, JobId, JobKind, JobNotFound, JobPorts, JobSealer, Lease, PartKind, PartOf, Progress,
    Tally, part,
};

/// A job, and a part of its report.
#[derive(Debug, Clone)]
pub struct JobReport<T> {
    /// The job.
    pub job: Job,
    /// What has become of some rows or accounts, in their order.
    pub results: Vec<T>,
    /// Where the next part of the report is, if there is one.
    pub next: Option<u32>,
}

impl JobPorts {
    /// A job of the caller, and a part of its report. The first part is 0.
    pub(crate) async fn report<T: DeserializeOwned, R>(
        &self,
        allowed: &Allowed<R>,
        id: JobId,
        kind: JobKind,
        number: u32,
    ) -> Result<JobReport<T>, Error<JobNotFound>> {
        let (maker, now) = (allowed.caller(), allowed.context().at);
        let job = self.repository.find(id, kind, maker, now).await?;
        let job = job.ok_or(Error::Refused(JobNotFound))?;
        let of = PartOf { job: id, kind: PartKind::Report, number };
        let results = match self.repository.part(of).await? {
            None => Vec::new(),
            Some(stored) => {
                let sealer = JobSealer::of(&self.sealer, maker, job.created_at);
                let results = sealer.open(&part("report", number), &stored);
                results.ok_or_else(|| PortError::internal("jobs", "a report cannot be opened"))?
            }
        };
        let next = Some(number.saturating_add(1)).filter(|next| *next < job.parts);
        Ok(JobReport { job, results, next })
    }
}

/// A part of a job that is at work.
#[derive(Clone)]
pub(crate) struct PartAtWork {
    pub(crate) job: JobId,
    pub(crate) lease: Lease,
    pub(crate) number: u32,
    pub(crate) sealer: JobSealer,
    pub(crate) clock: Arc<dyn Clock>,
}

impl PartAtWork {
    /// The part is done, and this is the report on it. The lease is prolonged for the next part.
    pub(crate) fn done(
        &self,
        tally: Tally,
        report: &impl Serialize,
    ) -> Result<Progress, PortError> {
        let now = self.clock.now();
        Ok(Progress {
            job: self.job,
            lease: Lease { until: now + Job::LEASE, ..self.lease },
            part: self.number,
            tally,
            report: self.sealer.seal(&part("report", self.number), report)?,
            expires_at: now + Job::KEPT,
        })
    }
}
