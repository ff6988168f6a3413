//! Jobs.

use diesel::dsl::{exists, select};
use diesel::sql_types::BigInt;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::jobs::{
    Job, JobFailure, JobId, JobInProgress, JobKind, JobRepository, JobState, Lease, NewJob,
    PartKind, PartOf, Progress,
};
use menjin_infra_sql::jobs::{
    ADVANCE, Advance, CommittedRow, FinishedRow, JobIdRow, JobRow, NewJobRow, PartRow, claim,
    is_checked, is_leased, is_part, job_id, lease_id, of_user, part_kind, report,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::{job_parts, jobs};
use menjin_infra_sql::sql_types::{Moment, Uuid16};

use crate::SqliteStore;
use crate::error::{OrPortError, failed, is_taken};

#[async_trait]
impl JobRepository for SqliteStore {
    async fn create(&self, new: NewJob) -> Result<JobId, Error<JobInProgress>> {
        self.write(move |sqlite| {
            let waiting = jobs::table
                .filter(jobs::user_id.eq(new.maker.get()))
                .filter(jobs::state.eq(JobState::Checked.as_str()));
            diesel::delete(waiting).execute(sqlite).or_port_error()?;
            let row = diesel::insert_into(jobs::table).values(NewJobRow::from(&new));
            let id = row.returning(jobs::id).get_result(sqlite).map_err(|error| {
                if is_taken(&error) { Error::Refused(JobInProgress) } else { failed(error).into() }
            })?;
            let id = job_id(id)?;
            for (content, number) in new.input.iter().zip(0..) {
                let part = PartOf { job: id, kind: PartKind::Input, number };
                let row = diesel::insert_into(job_parts::table).values(PartRow::new(part, content));
                row.execute(sqlite).or_port_error()?;
            }
            Ok(id)
        })
        .await
    }

    async fn find(
        &self,
        id: JobId,
        kind: JobKind,
        maker: UserId,
        now: Timestamp,
    ) -> Result<Option<Job>, PortError> {
        let found = of_user(id.get(), kind.as_str(), maker.get(), now.into());
        self.read(move |sqlite| {
            let row = jobs::table.filter(found).select(JobRow::as_select()).first(sqlite);
            row.optional().or_port_error()?.map(Job::try_from).transpose()
        })
        .await
    }

    async fn part(&self, part: PartOf) -> Result<Option<Vec<u8>>, PortError> {
        let part = is_part(part.job.get(), part_kind(part.kind), part.number.into());
        self.read(move |sqlite| {
            let content = job_parts::table.filter(part).select(job_parts::content);
            content.first(sqlite).optional().or_port_error()
        })
        .await
    }

    async fn commit(
        &self,
        id: JobId,
        maker: UserId,
        spec: Vec<u8>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let checked = jobs::table.filter(is_checked(id.get(), maker.get(), now.into()));
            let committed = diesel::update(checked).set(CommittedRow::new(&spec, expires_at));
            if committed.execute(sqlite).or_port_error()? == 0 {
                return Ok(false);
            }
            delete_parts(sqlite, id, PartKind::Report)?;
            Ok(true)
        })
        .await
    }

    async fn cancel(&self, id: JobId, kind: JobKind, maker: UserId) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let job = jobs::table
                .find(id.get())
                .filter(jobs::kind.eq(kind.as_str()))
                .filter(jobs::user_id.eq(maker.get()));
            Ok(diesel::delete(job).execute(sqlite).or_port_error()? > 0)
        })
        .await
    }

    async fn claim(&self, at: Timestamp, lease: Lease) -> Result<Option<Job>, PortError> {
        // Workers ask often, and mostly there is nothing: reading does not hold up writers.
        let is_any = |sqlite: &mut SqliteConnection| -> Result<bool, PortError> {
            let at_work = [JobState::Checking.as_str(), JobState::Running.as_str()];
            let any = jobs::table.filter(jobs::state.eq_any(at_work));
            select(exists(any)).get_result(sqlite).or_port_error()
        };
        if !self.read(is_any).await? {
            return Ok(None);
        }
        self.write(move |sqlite| {
            let claimed: Option<JobIdRow> = diesel::sql_query(claim(""))
                .bind::<Moment, _>(Micros::from(at))
                .bind::<Uuid16, _>(lease_id(lease))
                .bind::<Moment, _>(Micros::from(lease.until))
                .get_result(sqlite)
                .optional()
                .or_port_error()?;
            let Some(JobIdRow { id }) = claimed else { return Ok(None) };
            let row = jobs::table.find(id).select(JobRow::as_select()).first(sqlite);
            row.optional().or_port_error()?.map(Job::try_from).transpose()
        })
        .await
    }

    async fn advance(&self, progress: Progress) -> Result<bool, PortError> {
        self.write(move |sqlite| advance(sqlite, &progress)).await
    }

    async fn finish(
        &self,
        id: JobId,
        lease: Lease,
        state: JobState,
        failure: Option<JobFailure>,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let job = jobs::table.filter(is_leased(id.get(), lease_id(lease)));
            let finished = FinishedRow::new(state, failure.as_ref(), expires_at);
            if diesel::update(job).set(finished).execute(sqlite).or_port_error()? == 0 {
                return Ok(false);
            }
            if state != JobState::Checked {
                delete_parts(sqlite, id, PartKind::Input)?;
            }
            Ok(true)
        })
        .await
    }

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM jobs WHERE id IN \
            (SELECT id FROM jobs WHERE expires_at <= $1 LIMIT $2)";
        self.delete_in_parts(statement, now).await
    }
}

/// Stores a part that is done. `false`: the lease is gone.
pub(crate) fn advance(
    sqlite: &mut SqliteConnection,
    progress: &Progress,
) -> Result<bool, PortError> {
    let Advance { leased_until, expires_at, counts, job, lease, part } = Advance::from(progress);
    let [created, updated, unchanged, refused] = counts;
    let advanced = diesel::sql_query(ADVANCE)
        .bind::<Moment, _>(leased_until)
        .bind::<Moment, _>(expires_at)
        .bind::<BigInt, _>(created)
        .bind::<BigInt, _>(updated)
        .bind::<BigInt, _>(unchanged)
        .bind::<BigInt, _>(refused)
        .bind::<BigInt, _>(job)
        .bind::<Uuid16, _>(lease)
        .bind::<BigInt, _>(part)
        .execute(sqlite)
        .or_port_error()?;
    if advanced == 0 {
        return Ok(false);
    }
    let row = diesel::insert_into(job_parts::table).values(report(progress));
    row.execute(sqlite).or_port_error()?;
    Ok(true)
}

fn delete_parts(sqlite: &mut SqliteConnection, id: JobId, kind: PartKind) -> Result<(), PortError> {
    let parts = job_parts::table
        .filter(job_parts::job_id.eq(id.get()))
        .filter(job_parts::kind.eq(part_kind(kind)));
    diesel::delete(parts).execute(sqlite).or_port_error().map(drop)
}
