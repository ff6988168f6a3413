//! Work that goes on after its request was answered: a job. It is stored with what it is to do, done in
//! parts under a lease by any replica, and goes on after a crash at the part that was not done yet.

mod check;
mod job;
mod port;
mod progress;
mod report;
mod run;
mod sealed;

pub(crate) use check::Officer;
pub use job::{
    InvalidJobId, Job, JobFailure, JobId, JobInProgress, JobKind, JobNotFound, JobState, Tally,
};
#[cfg(feature = "mock")]
pub use port::MockJobRepository;
pub use port::{JobPorts, JobRepository, NewJob, NoJobs, PartKind, PartOf};
pub use progress::{Lease, LeaseGone, Progress, RecordProgress};
pub use report::JobReport;
pub(crate) use report::PartAtWork;
pub use run::RunJobs;
pub(crate) use sealed::{JobSealer, StoredContext, moment, part, read};
