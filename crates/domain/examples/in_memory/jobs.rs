//! Jobs.

use async_trait::async_trait;
use menjin_domain::common::{Error, PortError, Timestamp, UserId};
use menjin_domain::jobs::{
    Job, JobFailure, JobId, JobInProgress, JobKind, JobRepository, JobState, Lease, NewJob,
    PartKind, PartOf, Progress, Tally,
};

use super::rows::StoredJob;
use super::store::{State, Store, next_id};

fn key(part: PartOf) -> (bool, u32) {
    (part.kind == PartKind::Input, part.number)
}

impl State {
    /// Stores a part that is done. `false`: the lease is gone.
    pub(crate) fn advance(&mut self, progress: Progress) -> bool {
        let Progress { job, lease, part, tally, report, expires_at } = progress;
        let Some(stored) = self.leased(job, lease) else { return false };
        if stored.job.parts != part {
            return false;
        }
        stored.lease = Some(lease);
        stored.job.parts += 1;
        stored.job.expires_at = expires_at;
        let total = &mut stored.job.tally;
        total.created += tally.created;
        total.updated += tally.updated;
        total.unchanged += tally.unchanged;
        total.failed += tally.failed;
        stored.parts.insert((false, part), report);
        true
    }

    fn leased(&mut self, id: JobId, lease: Lease) -> Option<&mut StoredJob> {
        let stored = self.jobs.get_mut(&id)?;
        let is_held = stored.lease.is_some_and(|held| held.id == lease.id);
        is_held.then_some(stored)
    }
}

#[async_trait]
impl JobRepository for Store {
    async fn create(&self, new: NewJob) -> Result<JobId, Error<JobInProgress>> {
        let mut state = self.lock();
        let is_of_maker = |stored: &StoredJob| stored.job.maker == new.maker;
        state.jobs.retain(|_, it| !(is_of_maker(it) && it.job.state == JobState::Checked));
        if state.jobs.values().any(|it| is_of_maker(it) && it.job.state.is_at_work()) {
            return Err(Error::Refused(JobInProgress));
        }
        let id = next_id(&mut state.last_job)?;
        let job = Job {
            id,
            kind: new.kind,
            maker: new.maker,
            state: new.state,
            spec: new.spec,
            failure: None,
            created_at: new.created_at,
            expires_at: new.expires_at,
            parts: 0,
            tally: Tally::default(),
        };
        let parts = (0..).map(|number| (true, number)).zip(new.input).collect();
        state.jobs.insert(id, StoredJob { job, lease: None, parts });
        Ok(id)
    }

    async fn find(
        &self,
        id: JobId,
        kind: JobKind,
        maker: UserId,
        now: Timestamp,
    ) -> Result<Option<Job>, PortError> {
        let job = self.lock().jobs.get(&id).map(|stored| stored.job.clone());
        Ok(job.filter(|job| job.kind == kind && job.maker == maker && job.expires_at > now))
    }

    async fn part(&self, part: PartOf) -> Result<Option<Vec<u8>>, PortError> {
        let state = self.lock();
        Ok(state.jobs.get(&part.job).and_then(|stored| stored.parts.get(&key(part)).cloned()))
    }

    async fn commit(
        &self,
        id: JobId,
        maker: UserId,
        spec: Vec<u8>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let stored = state.jobs.get_mut(&id).filter(|StoredJob { job, .. }| {
            job.maker == maker && job.state == JobState::Checked && job.expires_at > now
        });
        let Some(StoredJob { job, parts, .. }) = stored else { return Ok(false) };
        (job.state, job.spec, job.expires_at) = (JobState::Running, spec, expires_at);
        (job.parts, job.tally) = (0, Tally::default());
        parts.retain(|(is_input, _), _| *is_input);
        Ok(true)
    }

    async fn cancel(&self, id: JobId, kind: JobKind, maker: UserId) -> Result<bool, PortError> {
        let mut state = self.lock();
        let is_theirs = |it: &StoredJob| it.job.kind == kind && it.job.maker == maker;
        let is_there = state.jobs.get(&id).is_some_and(is_theirs);
        Ok(is_there && state.jobs.remove(&id).is_some())
    }

    async fn claim(&self, at: Timestamp, lease: Lease) -> Result<Option<Job>, PortError> {
        let mut state = self.lock();
        let due = state.jobs.values_mut().find(|stored| {
            stored.job.state.is_at_work() && stored.lease.is_none_or(|held| held.until <= at)
        });
        Ok(due.map(|stored| {
            stored.lease = Some(lease);
            stored.job.clone()
        }))
    }

    async fn advance(&self, progress: Progress) -> Result<bool, PortError> {
        Ok(self.lock().advance(progress))
    }

    async fn finish(
        &self,
        id: JobId,
        lease: Lease,
        state: JobState,
        failure: Option<JobFailure>,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        let mut all = self.lock();
        let Some(stored) = all.leased(id, lease) else { return Ok(false) };
        stored.lease = None;
        let job = &mut stored.job;
        (job.state, job.failure, job.expires_at) = (state, failure, expires_at);
        if state != JobState::Checked {
            stored.parts.retain(|(is_input, _), _| !is_input);
        }
        Ok(true)
    }

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, PortError> {
        let mut state = self.lock();
        let before = state.jobs.len();
        state.jobs.retain(|_, stored| stored.job.expires_at > now);
        Ok((before - state.jobs.len()) as u64)
    }
}
