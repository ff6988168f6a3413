//! Use-case: importing a table that was looked at.

use std::sync::Arc;

use crate::access::rights::UsersImport;
use crate::access::{Allowed, Forbidden};
use crate::common::{Error, Sealer};
use crate::import::spec::ImportSpec;
use crate::jobs::{
    Job, JobId, JobKind, JobNotFound, JobRepository, JobSealer, JobState, StoredContext,
};
use crate::ports::Ports;

/// Why the table is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommitImportError {
    /// There is no such import.
    #[error(transparent)]
    NotFound(#[from] JobNotFound),
    /// It is not checked yet, or it was begun, or it failed.
    #[error("only what was checked can be imported, and only once")]
    NotChecked,
    /// A row fails, and then nothing may be imported.
    #[error("a row fails, so nothing is imported")]
    RowsFail,
    /// What is to be updated needs another right.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

/// Imports a table that was handed in and looked at. The rights are those that the caller has now.
#[non_exhaustive]
pub struct CommitImport {
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Opens what they are to do.
    pub sealer: Arc<dyn Sealer>,
}

impl CommitImport {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.repository.clone(), sealer: ports.jobs.sealer.clone() }
    }

    /// Runs the use-case: the import begins soon.
    ///
    /// # Errors
    /// See [`CommitImportError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersImport>,
        id: JobId,
    ) -> Result<(), Error<CommitImportError>> {
        let (maker, now) = (allowed.caller(), allowed.context().at);
        let job = self.jobs.find(id, JobKind::Import, maker, now).await?;
        let job = job.ok_or(Error::Refused(JobNotFound.into()))?;
        if job.state != JobState::Checked {
            return Err(Error::Refused(CommitImportError::NotChecked));
        }
        let sealer = JobSealer::of(&self.sealer, maker, job.created_at);
        // Sealed with a secret that is gone: the table can only be handed in again.
        let spec: Option<ImportSpec> = sealer.open("spec", &job.spec);
        let mut spec = spec.ok_or(Error::Refused(JobNotFound.into()))?;
        if !spec.update.rights().into_iter().all(|right| allowed.has(right)) {
            return Err(Error::Refused(Forbidden.into()));
        }
        if spec.all_or_nothing && job.tally.failed > 0 {
            return Err(Error::Refused(CommitImportError::RowsFail));
        }
        spec.context = StoredContext::from(allowed.context());
        let spec = sealer.seal("spec", &spec)?;
        if self.jobs.commit(id, maker, spec, now, now + Job::KEPT).await? {
            Ok(())
        } else {
            Err(Error::Refused(CommitImportError::NotChecked))
        }
    }
}
