//! The work of an import that is a job.

use std::sync::Arc;

use crate::access::Roles;
use crate::common::{Clock, PortError};
use crate::credentials::FirstPasswords;
use crate::import::spec::{ImportSpec, ReportedRow};
use crate::import::{
    Cells, ImportRun, ImportUsers, Importer, NumberedRow, RecordReports, RowReport,
    TableUnreadable, UserTable,
};
use crate::jobs::{
    Job, JobFailure, JobPorts, JobSealer, JobState, Lease, LeaseGone, Officer, PartAtWork,
    PartKind, PartOf, Tally, part,
};
use crate::mail::Post;
use crate::ports::{Policy, Ports};

/// Imports the table of a job, or sees what that would do.
pub(crate) struct ImportJob {
    import: ImportUsers,
    jobs: JobPorts,
    officer: Officer,
    roles: Arc<Roles>,
    clock: Arc<dyn Clock>,
}

/// A failure that whoever made the job can do something about, or one of a port.
enum Stop {
    Failed(JobFailure),
    Port(PortError),
}

impl From<PortError> for Stop {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl ImportJob {
    /// How many rows are imported together, so few that their passwords can be hashed within a lease.
    const PART: usize = 100;

    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let (accounts, roles) = (ports.required.accounts.clone(), policy.roles.clone());
        Self {
            import: ImportUsers::standalone(
                accounts.clone(),
                FirstPasswords::new(ports, policy),
                Post::new(ports),
                policy.attributes.clone(),
            ),
            jobs: ports.jobs.clone(),
            officer: Officer { accounts, roles: roles.clone() },
            roles,
            clock: ports.required.clock.clone(),
        }
    }

    /// Goes on with a job to its end. `None`: somebody else has it.
    pub(crate) async fn work(
        &self,
        job: &Job,
        lease: Lease,
    ) -> Result<Option<Result<JobState, JobFailure>>, PortError> {
        match self.import(job, lease).await {
            Ok(state) => Ok(state.map(Ok)),
            Err(Stop::Failed(failure)) => Ok(Some(Err(failure))),
            Err(Stop::Port(error)) => Err(error),
        }
    }

    async fn import(&self, job: &Job, lease: Lease) -> Result<Option<JobState>, Stop> {
        let sealer = JobSealer::of(&self.jobs.sealer, job.maker, job.created_at);
        let unsealable = || Stop::Failed(JobFailure::Unsealable);
        let spec: ImportSpec = sealer.open("spec", &job.spec).ok_or_else(unsealable)?;
        let dry_run = job.state == JobState::Checking;
        let options = spec.options(dry_run).ok_or(Stop::Failed(JobFailure::Forbidden))?;
        let mut run = self.import.begin(self.importer(job, &spec).await?, options);
        let file = self.file(job, &sealer).await?.ok_or_else(unsealable)?;
        let unreadable = |error: TableUnreadable| Stop::Failed(JobFailure::Unreadable(error.0));
        let mut table = self.jobs.tables.open(spec.format, file).await.map_err(unreadable)?;
        let mut number = 0;
        while let Some(rows) = next(&mut *table).await.map_err(unreadable)? {
            if number < job.parts {
                run.skip(&rows);
                number += 1;
                continue;
            }
            // It may take hours: what the maker may do is asked before each part, and dated then.
            run.go_on_as(self.importer(job, &spec).await?);
            if !self.part(job, lease, &sealer, &mut run, (number, rows, dry_run)).await? {
                return Ok(None);
            }
            number += 1;
        }
        Ok(Some(if dry_run { JobState::Checked } else { JobState::Done }))
    }

    /// Whoever made the job, as they are now.
    async fn importer(&self, job: &Job, spec: &ImportSpec) -> Result<Importer, Stop> {
        let (now, needed) = (self.clock.now(), spec.update.rights());
        let authority = self.officer.authority(job, &needed, &spec.context, now).await?;
        let (authority, role) = authority.ok_or(Stop::Failed(JobFailure::Forbidden))?;
        Ok(Importer::of_role(authority, role, self.roles.clone()))
    }

    /// Does a part. `false`: the lease is gone.
    async fn part(
        &self,
        job: &Job,
        lease: Lease,
        sealer: &JobSealer,
        run: &mut ImportRun,
        (number, rows, dry_run): (u32, Vec<NumberedRow>, bool),
    ) -> Result<bool, PortError> {
        let cells: Vec<Option<Cells>> = rows.iter().map(|row| row.cells.clone().ok()).collect();
        let (sealer, clock) = (sealer.clone(), self.clock.clone());
        let part = PartAtWork { job: job.id, lease, number, sealer, clock };
        let progress = move |reports: &[RowReport]| {
            let mut tally = Tally::default();
            for report in reports {
                tally.count(&report.outcome);
            }
            let rows = reports.iter().zip(&cells);
            let rows: Vec<_> =
                rows.map(|(report, cells)| ReportedRow::new(report, cells.as_ref())).collect();
            part.done(tally, &rows)
        };
        let progress: RecordReports = Arc::new(progress);
        let record = Some(progress.clone()).filter(|_| !dry_run);
        let (reports, is_stored) = match run.recorded(rows, record).await {
            Ok(done) => done,
            Err(error) if error.is::<LeaseGone>() => return Ok(false),
            Err(error) => return Err(error),
        };
        if is_stored {
            return Ok(true);
        }
        self.jobs.repository.advance(progress(&reports)?).await
    }

    /// The table; `None`: it was sealed with a secret that is gone.
    async fn file(&self, job: &Job, sealer: &JobSealer) -> Result<Option<Vec<u8>>, PortError> {
        let mut file = Vec::new();
        for number in 0.. {
            let of = PartOf { job: job.id, kind: PartKind::Input, number };
            let Some(stored) = self.jobs.repository.part(of).await? else { break };
            let Some(bytes) = sealer.open_bytes(&part("file", number), &stored) else {
                return Ok(None);
            };
            file.extend(bytes);
        }
        Ok(Some(file))
    }
}

/// The next part of the rows; `None`: there are no more.
async fn next(table: &mut dyn UserTable) -> Result<Option<Vec<NumberedRow>>, TableUnreadable> {
    let rows = table.next(ImportJob::PART).await?;
    Ok(if rows.is_empty() { None } else { Some(rows) })
}

#[cfg(test)]
mod tests;
