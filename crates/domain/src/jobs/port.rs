//! The store of jobs.

use std::sync::Arc;

use async_trait::async_trait;

use crate::common::{Error, NoSealer, PortError, Sealer, Timestamp, UserId};
use crate::import::{NoTables, UserTables};
use crate::jobs::{Job, JobFailure, JobId, JobInProgress, JobKind, JobState, Lease, Progress};

/// A job to be made.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What it does.
    pub kind: JobKind,
    /// Who makes it.
    pub maker: UserId,
    /// How it begins.
    pub state: JobState,
    /// What it is to do, sealed.
    pub spec: Vec<u8>,
    /// What it reads, in parts, each sealed.
    pub input: Vec<Vec<u8>>,
    /// When it is made.
    pub created_at: Timestamp,
    /// When it is gone, unless it goes on.
    pub expires_at: Timestamp,
}

/// What there are parts of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// What a job reads.
    Input,
    /// What a job reports.
    Report,
}

/// Which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartOf {
    /// Of which job.
    pub job: JobId,
    /// Of what.
    pub kind: PartKind,
    /// Which, from 0.
    pub number: u32,
}

/// The jobs.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait JobRepository: Send + Sync {
    /// Makes a job with what it reads. One of the same maker that waits to be told to go on is deleted.
    ///
    /// MUST return `JobInProgress` if one of the same maker is at work, however many are made at once.
    async fn create(&self, new: NewJob) -> Result<JobId, Error<JobInProgress>>;

    /// The job of this id and kind, if this user made it and it has not expired.
    async fn find(
        &self,
        id: JobId,
        kind: JobKind,
        maker: UserId,
        now: Timestamp,
    ) -> Result<Option<Job>, PortError>;

    /// A part; `None`: there is no such part.
    async fn part(&self, part: PartOf) -> Result<Option<Vec<u8>>, PortError>;

    /// Lets a job that was [`JobState::Checked`] do what it is to do, from its first part on; what it has
    /// reported is deleted. `false`: it is in another state, expired, or not there.
    async fn commit(
        &self,
        id: JobId,
        maker: UserId,
        spec: Vec<u8>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError>;

    /// Deletes a job with all its parts, whatever it does. `false`: there is none such.
    async fn cancel(&self, id: JobId, kind: JobKind, maker: UserId) -> Result<bool, PortError>;

    /// Gives the oldest job that is at work, and for which nobody has a lease at this time, to whoever asks
    /// first.
    async fn claim(&self, at: Timestamp, lease: Lease) -> Result<Option<Job>, PortError>;

    /// Stores a part that is done. `false`: the lease is gone, and nothing was stored.
    ///
    /// [`AccountRepository::import`](crate::accounts::AccountRepository::import) does the same in the
    /// transaction of its rows.
    async fn advance(&self, progress: Progress) -> Result<bool, PortError>;

    /// Ends work on a job. What it reads is deleted if it is done or has failed. `false`: the lease is
    /// gone.
    async fn finish(
        &self,
        id: JobId,
        lease: Lease,
        state: JobState,
        failure: Option<JobFailure>,
        expires_at: Timestamp,
    ) -> Result<bool, PortError>;

    /// Deletes some of the jobs that have expired; returns how many.
    async fn delete_expired(&self, now: Timestamp) -> Result<u64, PortError>;
}

/// A repository without jobs, in which none can be made.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJobs;

#[async_trait]
impl JobRepository for NoJobs {
    async fn create(&self, _: NewJob) -> Result<JobId, Error<JobInProgress>> {
        Err(PortError::internal("jobs", "there is no store for jobs").into())
    }

    async fn find(
        &self,
        _: JobId,
        _: JobKind,
        _: UserId,
        _: Timestamp,
    ) -> Result<Option<Job>, PortError> {
        Ok(None)
    }

    async fn part(&self, _: PartOf) -> Result<Option<Vec<u8>>, PortError> {
        Ok(None)
    }

    async fn commit(
        &self,
        _: JobId,
        _: UserId,
        _: Vec<u8>,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn cancel(&self, _: JobId, _: JobKind, _: UserId) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn claim(&self, _: Timestamp, _: Lease) -> Result<Option<Job>, PortError> {
        Ok(None)
    }

    async fn advance(&self, _: Progress) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn finish(
        &self,
        _: JobId,
        _: Lease,
        _: JobState,
        _: Option<JobFailure>,
        _: Timestamp,
    ) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn delete_expired(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }
}

/// What jobs need.
#[derive(Clone)]
pub struct JobPorts {
    /// The jobs.
    pub repository: Arc<dyn JobRepository>,
    /// Seals what they are to do, read and report.
    pub sealer: Arc<dyn Sealer>,
    /// Reads tables of users.
    pub tables: Arc<dyn UserTables>,
}

impl JobPorts {
    /// Without jobs.
    pub(crate) fn none() -> Self {
        let (repository, sealer, tables) =
            (Arc::new(NoJobs), Arc::new(NoSealer), Arc::new(NoTables));
        Self { repository, sealer, tables }
    }
}
