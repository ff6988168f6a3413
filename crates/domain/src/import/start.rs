//! Use-case: handing in a table of users.

use std::sync::Arc;

use crate::access::rights::UsersImport;
use crate::access::{Allowed, Forbidden};
use crate::common::{Error, Sealer};
use crate::import::spec::ImportSpec;
use crate::import::{ImportOptions, TableFormat};
use crate::jobs::{
    Job, JobId, JobInProgress, JobKind, JobRepository, JobSealer, JobState, NewJob, StoredContext,
    part,
};
use crate::ports::Ports;

/// A table of users.
#[derive(Debug, Clone)]
pub struct StartImportInput {
    /// Its format.
    pub format: TableFormat,
    /// The table.
    pub file: Vec<u8>,
    /// How it is imported. Nothing is before [`CommitImport`](crate::import::CommitImport).
    pub options: ImportOptions,
    /// Whether nothing may be imported if a row fails.
    pub all_or_nothing: bool,
}

/// Why the table was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartImportError {
    /// What is to be updated needs another right.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The caller has a job that is not done.
    #[error(transparent)]
    InProgress(#[from] JobInProgress),
}

/// Takes a table of users, to see what importing it would do. The table is kept encrypted, and only
/// whoever handed it in sees what comes of it.
#[non_exhaustive]
pub struct StartImport {
    /// The jobs.
    pub jobs: Arc<dyn JobRepository>,
    /// Seals the table.
    pub sealer: Arc<dyn Sealer>,
}

impl StartImport {
    /// The bytes of a table that are kept together.
    const PART: usize = 1024 * 1024;

    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { jobs: ports.jobs.repository.clone(), sealer: ports.jobs.sealer.clone() }
    }

    /// Runs the use-case; returns the id of its job, which begins soon.
    ///
    /// # Errors
    /// See [`StartImportError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<UsersImport>,
        input: StartImportInput,
    ) -> Result<JobId, Error<StartImportError>> {
        if !input.options.update.rights().into_iter().all(|right| allowed.has(right)) {
            return Err(Error::Refused(Forbidden.into()));
        }
        let (maker, now) = (allowed.caller(), allowed.context().at);
        let sealer = JobSealer::of(&self.sealer, maker, now);
        let context = StoredContext::from(allowed.context());
        let spec = ImportSpec::new(input.format, &input.options, input.all_or_nothing, context);
        let parts = input.file.chunks(Self::PART).zip(0..);
        let parts = parts.map(|(bytes, number)| sealer.seal_bytes(&part("file", number), bytes));
        let new = NewJob {
            kind: JobKind::Import,
            maker,
            state: JobState::Checking,
            spec: sealer.seal("spec", &spec)?,
            input: parts.collect::<Result<_, _>>()?,
            created_at: now,
            expires_at: now + Job::KEPT,
        };
        self.jobs.create(new).await.map_err(Error::cast)
    }
}
