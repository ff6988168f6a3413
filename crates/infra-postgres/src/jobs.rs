//! Jobs.

use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::jobs::{
    Job, JobFailure, JobId, JobInProgress, JobKind, JobRepository, JobState, Lease, NewJob,
    PartKind, PartOf, Progress,
};
use menjin_infra_sql::jobs::{
    ADVANCE, Advance, CommittedRow, FinishedRow, JobIdRow, JobRow, NewJobRow, ONE_A_USER, PartRow,
    claim, is_checked, is_leased, is_part, job_id, lease_id, of_user, part_kind, report,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::{job_parts, jobs};
use menjin_infra_sql::sql_types::{Moment, Uuid16};

use crate::PostgresStore;
use crate::error::{Abort, violates};

#[async_trait]
impl JobRepository for PostgresStore {
    async fn create(&self, new: NewJob) -> Result<JobId, Error<JobInProgress>> {
        self.transaction(new, |postgres, new| create(postgres, new).boxed()).await
    }

    async fn find(
        &self,
        id: JobId,
        kind: JobKind,
        maker: UserId,
        now: Timestamp,
    ) -> Result<Option<Job>, PortError> {
        self.statement((id, kind, maker, now), |postgres, (id, kind, maker, now)| {
            async move {
                let found = of_user(id.get(), kind.as_str(), maker.get(), (*now).into());
                let row = jobs::table.filter(found).select(JobRow::as_select());
                let row: Option<JobRow> = row.first(postgres).await.optional()?;
                Ok(row.map(Job::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn part(&self, part: PartOf) -> Result<Option<Vec<u8>>, PortError> {
        self.statement(part, |postgres, part| {
            async move {
                let part = is_part(part.job.get(), part_kind(part.kind), part.number.into());
                let content = job_parts::table.filter(part).select(job_parts::content);
                Ok(content.first(postgres).await.optional()?)
            }
            .boxed()
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
        let arguments = (id, maker, spec, now, expires_at);
        self.transaction(arguments, |postgres, (id, maker, spec, now, expires_at)| {
            async move {
                let checked = is_checked(id.get(), maker.get(), (*now).into());
                let committed = diesel::update(jobs::table.filter(checked))
                    .set(CommittedRow::new(spec, *expires_at));
                if committed.execute(postgres).await? == 0 {
                    return Ok(false);
                }
                delete_parts(postgres, *id, PartKind::Report).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn cancel(&self, id: JobId, kind: JobKind, maker: UserId) -> Result<bool, PortError> {
        self.statement((id, kind, maker), |postgres, (id, kind, maker)| {
            async move {
                let job = jobs::table
                    .find(id.get())
                    .filter(jobs::kind.eq(kind.as_str()))
                    .filter(jobs::user_id.eq(maker.get()));
                Ok(diesel::delete(job).execute(postgres).await? > 0)
            }
            .boxed()
        })
        .await
    }

    async fn claim(&self, at: Timestamp, lease: Lease) -> Result<Option<Job>, PortError> {
        self.transaction((at, lease), |postgres, (at, lease)| {
            async move {
                let claimed: Option<JobIdRow> = diesel::sql_query(claim("FOR UPDATE SKIP LOCKED"))
                    .bind::<Moment, _>(Micros::from(*at))
                    .bind::<Uuid16, _>(lease_id(*lease))
                    .bind::<Moment, _>(Micros::from(lease.until))
                    .get_result(postgres)
                    .await
                    .optional()?;
                let Some(JobIdRow { id }) = claimed else { return Ok(None) };
                let row = jobs::table.find(id).select(JobRow::as_select());
                let row: Option<JobRow> = row.first(postgres).await.optional()?;
                Ok(row.map(Job::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn advance(&self, progress: Progress) -> Result<bool, PortError> {
        self.transaction(progress, |postgres, progress| advance(postgres, progress).boxed()).await
    }

    async fn finish(
        &self,
        id: JobId,
        lease: Lease,
        state: JobState,
        failure: Option<JobFailure>,
        expires_at: Timestamp,
    ) -> Result<bool, PortError> {
        let arguments = (id, lease, state, failure, expires_at);
        self.transaction(arguments, |postgres, (id, lease, state, failure, expires_at)| {
            async move {
                let job = jobs::table.filter(is_leased(id.get(), lease_id(*lease)));
                let finished = FinishedRow::new(*state, failure.as_ref(), *expires_at);
                if diesel::update(job).set(finished).execute(postgres).await? == 0 {
                    return Ok(false);
                }
                if *state != JobState::Checked {
                    delete_parts(postgres, *id, PartKind::Input).await?;
                }
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn delete_expired(&self, now: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM jobs WHERE id IN (
            SELECT id FROM jobs WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, now).await
    }
}

async fn create(
    postgres: &mut AsyncPgConnection,
    new: &NewJob,
) -> Result<JobId, Abort<Error<JobInProgress>>> {
    let waiting = jobs::table
        .filter(jobs::user_id.eq(new.maker.get()))
        .filter(jobs::state.eq(JobState::Checked.as_str()));
    diesel::delete(waiting).execute(postgres).await?;
    let row = diesel::insert_into(jobs::table).values(NewJobRow::from(new));
    let id = row.returning(jobs::id).get_result(postgres).await.map_err(|error| {
        if violates(&error, ONE_A_USER) {
            Abort::Refused(Error::Refused(JobInProgress))
        } else {
            Abort::Failed(error)
        }
    })?;
    let id = job_id(id)?;
    for (content, number) in new.input.iter().zip(0..) {
        let part = PartOf { job: id, kind: PartKind::Input, number };
        let row = diesel::insert_into(job_parts::table).values(PartRow::new(part, content));
        row.execute(postgres).await?;
    }
    Ok(id)
}

/// Stores a part that is done. `false`: the lease is gone.
pub(crate) async fn advance<E>(
    postgres: &mut AsyncPgConnection,
    progress: &Progress,
) -> Result<bool, Abort<E>> {
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
        .execute(postgres)
        .await?;
    if advanced == 0 {
        return Ok(false);
    }
    let row = diesel::insert_into(job_parts::table).values(report(progress));
    row.execute(postgres).await?;
    Ok(true)
}

async fn delete_parts<E>(
    postgres: &mut AsyncPgConnection,
    id: JobId,
    kind: PartKind,
) -> Result<(), Abort<E>> {
    let parts = job_parts::table
        .filter(job_parts::job_id.eq(id.get()))
        .filter(job_parts::kind.eq(part_kind(kind)));
    diesel::delete(parts).execute(postgres).await?;
    Ok(())
}
