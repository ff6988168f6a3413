//! The outbox.

use diesel::dsl::{exists, select};
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::audit::{AuditAction, AuditContext, AuditEvent};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::mail::{
    Backlog, Claim, MailId, MailPage, MailQuery, MailRecord, NewMail, Outbox, QueuedMail,
    RetryMailError, Settlement,
};
use menjin_infra_sql::mails::{
    BACKLOG, BacklogRow, MailIdRow, MailRow, NewMailRow, RETRY, SettledRow, claim, claimed,
    is_claimed, mail_id, waits_beside,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::postgres::{mails_from, mails_of};
use menjin_infra_sql::schema::{mails, one_time_tokens as tokens};
use menjin_infra_sql::sql_types::Moment;

use crate::PostgresStore;
use crate::audit::record;
use crate::error::Abort;

#[async_trait]
impl Outbox for PostgresStore {
    async fn enqueue(&self, mail: NewMail, user: Option<UserId>) -> Result<(), PortError> {
        self.statement((mail, user), |postgres, (mail, user)| {
            async move { enqueue(postgres, mail, *user).await.map(drop) }.boxed()
        })
        .await
    }

    async fn claim(&self, claimed_by: Claim) -> Result<Vec<QueuedMail>, PortError> {
        self.transaction(claimed_by, |postgres, claimed_by| {
            async move {
                let ids: Vec<MailIdRow> = diesel::sql_query(claim("FOR UPDATE SKIP LOCKED"))
                    .bind::<Moment, _>(Micros::from(claimed_by.at))
                    .bind::<BigInt, _>(i64::from(claimed_by.limit))
                    .bind::<Moment, _>(Micros::from(claimed_by.until))
                    .load(postgres)
                    .await?;
                if ids.is_empty() {
                    return Ok(Vec::new());
                }
                let ids: Vec<i64> = ids.into_iter().map(|row| row.id).collect();
                let rows = mails::table.filter(mails::id.eq_any(ids)).select(MailRow::as_select());
                Ok(claimed(rows.load(postgres).await?)?)
            }
            .boxed()
        })
        .await
    }

    async fn settle(
        &self,
        mail: &QueuedMail,
        user: Option<UserId>,
        recipient: Option<String>,
        settlement: Settlement,
    ) -> Result<bool, PortError> {
        let settled = (mail.clone(), user, recipient, settlement);
        self.transaction(settled, |postgres, (mail, user, recipient, settlement)| {
            settle(postgres, mail, *user, recipient.as_deref(), settlement).boxed()
        })
        .await
    }

    async fn has_other(&self, mail: &QueuedMail, user: UserId) -> Result<bool, PortError> {
        let (id, kind) = (mail.id.get(), mail.mail.kind.as_str());
        self.statement((id, kind, user), |postgres, (id, kind, user)| {
            async move {
                let others = mails::table.filter(waits_beside(*id, kind, user.get()));
                Ok(select(exists(others)).get_result(postgres).await?)
            }
            .boxed()
        })
        .await
    }

    async fn find(&self, id: MailId) -> Result<Option<MailRecord>, PortError> {
        self.statement(id, |postgres, id| find(postgres, *id).boxed()).await
    }

    async fn list(&self, query: MailQuery) -> Result<MailPage, PortError> {
        self.snapshot(query, |postgres, query| list(postgres, query).boxed()).await
    }

    async fn retry(
        &self,
        id: MailId,
        context: AuditContext,
    ) -> Result<MailRecord, Error<RetryMailError>> {
        self.transaction((id, context), |postgres, (id, context)| {
            retry(postgres, *id, context).boxed()
        })
        .await
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        self.statement((), |postgres, ()| {
            async move {
                let row: BacklogRow = diesel::sql_query(BACKLOG).get_result(postgres).await?;
                Ok(row.into())
            }
            .boxed()
        })
        .await
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM mails WHERE id IN (
            SELECT id FROM mails WHERE queued_at < $1 AND state <> 'queued' LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

/// Appends a mail in the transaction of its cause.
pub(crate) async fn enqueue<E>(
    postgres: &mut AsyncPgConnection,
    mail: &NewMail,
    user: Option<UserId>,
) -> Result<MailId, Abort<E>> {
    let row = diesel::insert_into(mails::table).values(NewMailRow::new(mail, user));
    let id: i64 = row.returning(mails::id).get_result(postgres).await?;
    Ok(mail_id(id)?)
}

async fn settle(
    postgres: &mut AsyncPgConnection,
    mail: &QueuedMail,
    user: Option<UserId>,
    recipient: Option<&str>,
    settlement: &Settlement,
) -> Result<bool, Abort<PortError>> {
    let id = mail.id.get();
    let row = mails::table.filter(is_claimed(id, mail.claims));
    let Some((change, expires_at)) = SettledRow::new(mail, user, recipient, settlement) else {
        return Ok(diesel::delete(row).execute(postgres).await? > 0);
    };
    let settled = diesel::update(row).set(change).execute(postgres).await?;
    if let (1, Some(expires_at)) = (settled, expires_at) {
        let token =
            tokens::table.filter(tokens::mail_id.eq(id)).filter(tokens::expires_at.is_null());
        diesel::update(token).set(tokens::expires_at.eq(expires_at)).execute(postgres).await?;
    }
    Ok(settled > 0)
}

async fn find(
    postgres: &mut AsyncPgConnection,
    id: MailId,
) -> Result<Option<MailRecord>, Abort<PortError>> {
    let row = mails::table.find(id.get()).select(MailRow::as_select());
    let row: Option<MailRow> = row.get_result(postgres).await.optional()?;
    Ok(row.map(MailRecord::try_from).transpose()?)
}

async fn list(
    postgres: &mut AsyncPgConnection,
    query: &MailQuery,
) -> Result<MailPage, Abort<PortError>> {
    let total: i64 = mails_of(query).count().get_result(postgres).await?;
    let rows: Vec<MailRow> = mails_from(query).load(postgres).await?;
    let mails = rows.into_iter().map(MailRecord::try_from).collect::<Result<_, PortError>>()?;
    Ok(MailPage { mails, total: u64::try_from(total).unwrap_or(0) })
}

async fn retry(
    postgres: &mut AsyncPgConnection,
    id: MailId,
    context: &AuditContext,
) -> Result<MailRecord, Abort<Error<RetryMailError>>> {
    let queued: Vec<MailIdRow> = diesel::sql_query(RETRY)
        .bind::<Moment, _>(Micros::from(context.at))
        .bind::<BigInt, _>(id.get())
        .load(postgres)
        .await?;
    let row = mails::table.find(id.get()).select(MailRow::as_select());
    let row: Option<MailRow> = row.get_result(postgres).await.optional()?;
    let refused = |error| Abort::Refused(Error::Refused(error));
    let found = MailRecord::try_from(row.ok_or(refused(RetryMailError::NotFound))?)?;
    if queued.is_empty() {
        return Err(refused(RetryMailError::NotRetriable));
    }
    let event = context.clone().event(AuditAction::MailRetried);
    record(postgres, &found.user_id.into_iter().fold(event, AuditEvent::on)).await?;
    Ok(found)
}
