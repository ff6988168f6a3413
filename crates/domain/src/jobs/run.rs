//! Use-case: doing jobs.

use std::sync::Arc;

use crate::accounts::BatchJob;
use crate::common::{Causes, Clock, PortError, Random};
use crate::import::ImportJob;
use crate::jobs::{Job, JobKind, JobRepository, JobState, Lease};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Does jobs. Run it again and again, on any number of replicas.
#[non_exhaustive]
pub struct RunJobs {
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Names leases.
    pub random: Arc<dyn Random>,
    import: ImportJob,
    batch: BatchJob,
}

impl RunJobs {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { clock, random, .. } = &ports.required;
        Self {
            jobs: ports.jobs.repository.clone(),
            clock: clock.clone(),
            random: random.clone(),
            import: ImportJob::new(ports, policy),
            batch: BatchJob::new(ports, policy),
        }
    }

    /// Does a job to its end, if there is one; returns whether there was one.
    ///
    /// # Errors
    /// A port failed. The job goes on when its lease has ended.
    pub async fn execute(&self) -> Result<bool, PortError> {
        let now = self.clock.now();
        let lease = Lease { id: self.random.uuid()?, until: now + Job::LEASE };
        let Some(job) = self.jobs.claim(now, lease).await? else { return Ok(false) };
        let worked = match job.kind {
            JobKind::Import => self.import.work(&job, lease).await,
            JobKind::Batch => self.batch.work(&job, lease).await,
        };
        // Nobody has the lease any more: the job was cancelled, or another replica does it.
        let Some(ended) = worked? else { return Ok(true) };
        let (state, failure) = match ended {
            Ok(state) => (state, None),
            Err(failure) => (JobState::Failed, Some(failure)),
        };
        if let Some(failure) = &failure {
            tracing::info!(job = job.id.get(), kind = job.kind.as_str(), %failure, "a job failed");
        }
        let expires_at = self.clock.now() + Job::KEPT;
        self.jobs.finish(job.id, lease, state, failure, expires_at).await?;
        Ok(true)
    }

    /// Does jobs until there are none. What fails is logged.
    pub async fn execute_all(&self) {
        loop {
            match self.execute().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(error = %Causes(&error), "a job broke off");
                    return;
                }
            }
        }
    }
}
