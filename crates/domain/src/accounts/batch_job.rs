//! The work of a change of many accounts that is a job.

use std::sync::Arc;

use crate::accounts::batch_spec::{BatchSpec, StoredResult};
use crate::accounts::change_many::results;
use crate::accounts::{BatchAction, BatchResult, ChangeUsers};
use crate::common::{Clock, PortError};
use crate::jobs::{
    Job, JobFailure, JobSealer, JobState, Lease, LeaseGone, Officer, PartAtWork, RecordProgress,
    Tally,
};
use crate::ports::{Policy, Ports};

/// Changes the accounts of a job.
pub(crate) struct BatchJob {
    change: ChangeUsers,
    officer: Officer,
    clock: Arc<dyn Clock>,
}

impl BatchJob {
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let (accounts, roles) = (ports.required.accounts.clone(), policy.roles.clone());
        Self {
            change: ChangeUsers::new(ports, policy),
            officer: Officer { accounts, roles },
            clock: ports.required.clock.clone(),
        }
    }

    /// Goes on with a job to its end. `None`: somebody else has it.
    pub(crate) async fn work(
        &self,
        job: &Job,
        lease: Lease,
    ) -> Result<Option<Result<JobState, JobFailure>>, PortError> {
        let sealer = JobSealer::of(&self.change.sealer, job.maker, job.created_at);
        let spec: Option<BatchSpec> = sealer.open("spec", &job.spec);
        let Some((spec, action)) = spec.and_then(|spec| spec.action().map(|it| (spec, it))) else {
            return Ok(Some(Err(JobFailure::Unsealable)));
        };
        let ids = spec.ids();
        let parts = ids.chunks(ChangeUsers::AT_ONCE).zip(0..).skip(job.parts as usize);
        for (ids, part) in parts {
            // What the maker may do is asked before each part, and dated then.
            let (now, needed) = (self.clock.now(), [action.right()]);
            let authority = self.officer.authority(job, &needed, &spec.context, now).await?;
            let Some((authority, _)) = authority else {
                return Ok(Some(Err(JobFailure::Forbidden)));
            };
            let (number, sealer, clock) = (part, sealer.clone(), self.clock.clone());
            let part = PartAtWork { job: job.id, lease, number, sealer, clock };
            let progress = move |results: &[BatchResult]| {
                let kept: Vec<_> = results.iter().map(StoredResult::from).collect();
                part.done(tally(results), &kept)
            };
            let is_together = action != BatchAction::EndSessions && !spec.dry_run;
            let record = is_together.then(|| {
                let (progress, ids) = (progress.clone(), ids.to_vec());
                RecordProgress::new(move |outcomes| progress(&results(&ids, outcomes)))
            });
            let done = self.change.apply(&authority, ids, &action, spec.dry_run, record).await;
            let done = match done {
                Err(error) if error.is::<LeaseGone>() => return Ok(None),
                done => done?,
            };
            if !is_together && !self.change.jobs.advance(progress(&done)?).await? {
                return Ok(None);
            }
        }
        Ok(Some(Ok(JobState::Done)))
    }
}

/// How many accounts have become what.
fn tally(results: &[BatchResult]) -> Tally {
    let mut tally = Tally::default();
    for result in results {
        *match result.outcome {
            Ok(true) => &mut tally.updated,
            Ok(false) => &mut tally.unchanged,
            Err(_) => &mut tally.failed,
        } += 1;
    }
    tally
}
