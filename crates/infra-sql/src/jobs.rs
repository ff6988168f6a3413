//! Jobs: rows, and the statements that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]

use diesel::prelude::*;
use menjin_domain::common::{PortError, Timestamp, UserId};
use menjin_domain::jobs::{
    Job, JobFailure, JobId, JobState, Lease, NewJob, PartKind, PartOf, Progress, Tally,
};

use crate::error::bad_column;
use crate::schema::{job_parts, jobs};
use crate::values::{Id, Micros};

/// The name of the constraint that a user has one job that is not done.
pub const ONE_A_USER: &str = "jobs_one_a_user";

/// A new job.
#[derive(Insertable)]
#[diesel(table_name = jobs)]
pub struct NewJobRow<'a> {
    kind: &'a str,
    user_id: i64,
    state: &'a str,
    spec: &'a [u8],
    created_at: Micros,
    expires_at: Micros,
}

impl<'a> From<&'a NewJob> for NewJobRow<'a> {
    fn from(new: &'a NewJob) -> Self {
        Self {
            kind: new.kind.as_str(),
            user_id: new.maker.get(),
            state: new.state.as_str(),
            spec: &new.spec,
            created_at: new.created_at.into(),
            expires_at: new.expires_at.into(),
        }
    }
}

/// A part of what a job reads or reports.
#[derive(Insertable)]
#[diesel(table_name = job_parts)]
pub struct PartRow<'a> {
    job_id: i64,
    kind: &'static str,
    number: i64,
    content: &'a [u8],
}

impl<'a> PartRow<'a> {
    pub fn new(part: PartOf, content: &'a [u8]) -> Self {
        Self {
            job_id: part.job.get(),
            kind: part_kind(part.kind),
            number: part.number.into(),
            content,
        }
    }
}

/// The name of a kind of parts.
pub fn part_kind(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Input => "input",
        PartKind::Report => "report",
    }
}

/// A job.
#[derive(Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct JobRow {
    pub id: i64,
    pub kind: String,
    pub user_id: i64,
    pub state: String,
    pub spec: Vec<u8>,
    pub failure: Option<String>,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub parts: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
}

impl TryFrom<JobRow> for Job {
    type Error = PortError;

    fn try_from(row: JobRow) -> Result<Self, PortError> {
        let bad = |column| bad_column("jobs", column, row.id.to_string());
        let count = |column, count: i64| u64::try_from(count).map_err(|_negative| bad(column));
        let moment = |column, at: Micros| at.moment().ok_or_else(|| bad(column));
        Ok(Self {
            id: job_id(row.id)?,
            kind: row.kind.parse().map_err(|_unknown| bad("kind"))?,
            maker: UserId::try_from(row.user_id).map_err(|_invalid| bad("user_id"))?,
            state: row.state.parse().map_err(|_unknown| bad("state"))?,
            failure: row
                .failure
                .as_deref()
                .map(|text| JobFailure::of_stored(text).ok_or_else(|| bad("failure")))
                .transpose()?,
            created_at: moment("created_at", row.created_at)?,
            expires_at: moment("expires_at", row.expires_at)?,
            parts: u32::try_from(row.parts).map_err(|_invalid| bad("parts"))?,
            tally: Tally {
                created: count("created", row.created)?,
                updated: count("updated", row.updated)?,
                unchanged: count("unchanged", row.unchanged)?,
                failed: count("failed", row.failed)?,
            },
            spec: row.spec,
        })
    }
}

/// The id of a job.
pub fn job_id(id: i64) -> Result<JobId, PortError> {
    JobId::try_from(id).map_err(|_invalid| bad_column("jobs", "id", id.to_string()))
}

/// The job of a user, if it has not expired.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn of_user(id: i64, kind: &'static str, maker: i64, now: Micros) -> _ {
    jobs::id
        .eq(id)
        .and(jobs::kind.eq(kind))
        .and(jobs::user_id.eq(maker))
        .and(jobs::expires_at.gt(now))
}

/// A job of which somebody has the lease.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn is_leased(id: i64, lease: Id) -> _ {
    jobs::id.eq(id).and(jobs::lease.eq(lease))
}

/// A job of a user that was looked at and waits.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn is_checked(id: i64, maker: i64, now: Micros) -> _ {
    let state: &'static str = JobState::Checked.as_str();
    jobs::id
        .eq(id)
        .and(jobs::user_id.eq(maker))
        .and(jobs::state.eq(state))
        .and(jobs::expires_at.gt(now))
}

/// A part of a job.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn is_part(job: i64, kind: &'static str, number: i64) -> _ {
    job_parts::job_id.eq(job).and(job_parts::kind.eq(kind)).and(job_parts::number.eq(number))
}

/// How a job is let go on. The tally begins anew.
#[derive(AsChangeset)]
#[diesel(table_name = jobs)]
pub struct CommittedRow<'a> {
    state: &'a str,
    spec: &'a [u8],
    expires_at: Micros,
    parts: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    failed: i64,
}

impl<'a> CommittedRow<'a> {
    pub fn new(spec: &'a [u8], expires_at: Timestamp) -> Self {
        Self {
            state: JobState::Running.as_str(),
            spec,
            expires_at: expires_at.into(),
            parts: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            failed: 0,
        }
    }
}

/// How work on a job ends.
#[derive(AsChangeset)]
#[diesel(table_name = jobs)]
#[diesel(treat_none_as_null = true)]
pub struct FinishedRow {
    state: &'static str,
    failure: Option<String>,
    expires_at: Micros,
    lease: Option<Id>,
    leased_until: Option<Micros>,
}

impl FinishedRow {
    pub fn new(state: JobState, failure: Option<&JobFailure>, expires_at: Timestamp) -> Self {
        Self {
            state: state.as_str(),
            failure: failure.map(JobFailure::to_stored),
            expires_at: expires_at.into(),
            lease: None,
            leased_until: None,
        }
    }
}

/// Claims a job; loads [`JobIdRow`]. The parameters are: now, the lease, and until when. `SKIP LOCKED`, or
/// nothing where a database has one writer, goes into the place for it.
#[must_use]
pub fn claim(skip_locked: &str) -> String {
    format!(
        "WITH due AS MATERIALIZED (SELECT id FROM jobs WHERE state IN ('checking', 'running') \
         AND (leased_until IS NULL OR leased_until <= $1) ORDER BY id LIMIT 1 {skip_locked}) \
         UPDATE jobs SET lease = $2, leased_until = $3 WHERE id IN (SELECT id FROM due) RETURNING id"
    )
}

/// Stores that a part is done, if the lease is there. The parameters are: until when the lease holds, until
/// when the job is kept, what was created, updated, unchanged and failed, the job, the lease, and which part
/// it is.
pub const ADVANCE: &str = "UPDATE jobs SET leased_until = $1, expires_at = $2, parts = parts + 1, \
     created = created + $3, updated = updated + $4, unchanged = unchanged + $5, \
     failed = failed + $6 WHERE id = $7 AND lease = $8 AND parts = $9";

/// The values of [`ADVANCE`].
pub struct Advance {
    pub leased_until: Micros,
    pub expires_at: Micros,
    pub counts: [i64; 4],
    pub job: i64,
    pub lease: Id,
    pub part: i64,
}

impl From<&Progress> for Advance {
    fn from(progress: &Progress) -> Self {
        let Tally { created, updated, unchanged, failed } = progress.tally;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            leased_until: progress.lease.until.into(),
            expires_at: progress.expires_at.into(),
            counts: [created, updated, unchanged, failed].map(count),
            job: progress.job.get(),
            lease: lease_id(progress.lease),
            part: progress.part.into(),
        }
    }
}

/// The id of a lease.
pub fn lease_id(lease: Lease) -> Id {
    Id(lease.id)
}

/// The report on a part.
pub fn report(progress: &Progress) -> PartRow<'_> {
    let part = PartOf { job: progress.job, kind: PartKind::Report, number: progress.part };
    PartRow::new(part, &progress.report)
}

/// The id of a job.
#[derive(QueryableByName)]
pub struct JobIdRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub id: i64,
}
