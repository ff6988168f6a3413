//! The outbox.

use diesel::dsl::{exists, select};
use diesel::sql_types::BigInt;
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
use menjin_infra_sql::queries::sqlite::{mails_from, mails_of};
use menjin_infra_sql::schema::{mails, one_time_tokens as tokens};
use menjin_infra_sql::sql_types::Moment;

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;

#[async_trait]
impl Outbox for SqliteStore {
    async fn enqueue(&self, mail: NewMail, user: Option<UserId>) -> Result<(), PortError> {
        self.write(move |sqlite| enqueue(sqlite, &mail, user).map(drop)).await
    }

    async fn claim(&self, claimed_by: Claim) -> Result<Vec<QueuedMail>, PortError> {
        // Workers ask often, and mostly nothing is due: reading does not hold up writers.
        let at = Micros::from(claimed_by.at);
        let is_due = move |sqlite: &mut SqliteConnection| -> Result<bool, PortError> {
            let due = mails::table.filter(mails::state.eq("queued")).filter(mails::due_at.le(at));
            select(exists(due)).get_result(sqlite).or_port_error()
        };
        if !self.read(is_due).await? {
            return Ok(Vec::new());
        }
        self.write(move |sqlite| {
            let ids: Vec<MailIdRow> = diesel::sql_query(claim(""))
                .bind::<Moment, _>(at)
                .bind::<BigInt, _>(i64::from(claimed_by.limit))
                .bind::<Moment, _>(Micros::from(claimed_by.until))
                .load(sqlite)
                .or_port_error()?;
            let ids: Vec<i64> = ids.into_iter().map(|row| row.id).collect();
            let rows = mails::table.filter(mails::id.eq_any(ids)).select(MailRow::as_select());
            claimed(rows.load(sqlite).or_port_error()?)
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
        let mail = mail.clone();
        self.write(move |sqlite| {
            let id = mail.id.get();
            let row = mails::table.filter(is_claimed(id, mail.claims));
            let Some((change, expires_at)) =
                SettledRow::new(&mail, user, recipient.as_deref(), &settlement)
            else {
                return Ok(diesel::delete(row).execute(sqlite).or_port_error()? > 0);
            };
            let settled = diesel::update(row).set(change).execute(sqlite).or_port_error()?;
            if let (1, Some(expires_at)) = (settled, expires_at) {
                let token = tokens::table
                    .filter(tokens::mail_id.eq(id))
                    .filter(tokens::expires_at.is_null());
                diesel::update(token)
                    .set(tokens::expires_at.eq(expires_at))
                    .execute(sqlite)
                    .or_port_error()?;
            }
            Ok(settled > 0)
        })
        .await
    }

    async fn has_other(&self, mail: &QueuedMail, user: UserId) -> Result<bool, PortError> {
        let (id, kind) = (mail.id.get(), mail.mail.kind.as_str());
        self.read(move |sqlite| {
            let others = mails::table.filter(waits_beside(id, kind, user.get()));
            select(exists(others)).get_result(sqlite).or_port_error()
        })
        .await
    }

    async fn find(&self, id: MailId) -> Result<Option<MailRecord>, PortError> {
        self.read(move |sqlite| find(sqlite, id)).await
    }

    async fn list(&self, query: MailQuery) -> Result<MailPage, PortError> {
        self.read_together(move |sqlite| {
            let total: i64 = mails_of(&query).count().get_result(sqlite).or_port_error()?;
            let rows: Vec<MailRow> = mails_from(&query).load(sqlite).or_port_error()?;
            let mails = rows.into_iter().map(MailRecord::try_from).collect::<Result<_, _>>()?;
            Ok(MailPage { mails, total: u64::try_from(total).unwrap_or(0) })
        })
        .await
    }

    async fn retry(
        &self,
        id: MailId,
        context: AuditContext,
    ) -> Result<MailRecord, Error<RetryMailError>> {
        self.write(move |sqlite| {
            let queued: Vec<MailIdRow> = diesel::sql_query(RETRY)
                .bind::<Moment, _>(Micros::from(context.at))
                .bind::<BigInt, _>(id.get())
                .load(sqlite)
                .or_port_error()?;
            let found = find(sqlite, id)?.ok_or(Error::Refused(RetryMailError::NotFound))?;
            if queued.is_empty() {
                return Err(Error::Refused(RetryMailError::NotRetriable));
            }
            let event = context.event(AuditAction::MailRetried);
            record(sqlite, &found.user_id.into_iter().fold(event, AuditEvent::on))?;
            Ok(found)
        })
        .await
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        self.read(|sqlite| {
            let row = diesel::sql_query(BACKLOG).get_result::<BacklogRow>(sqlite);
            Ok(row.or_port_error()?.into())
        })
        .await
    }

    async fn delete_finished(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM mails WHERE id IN (
            SELECT id FROM mails WHERE queued_at < ?1 AND state <> 'queued' LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}

/// Appends a mail in the transaction of its cause.
pub(crate) fn enqueue(
    sqlite: &mut SqliteConnection,
    mail: &NewMail,
    user: Option<UserId>,
) -> Result<MailId, PortError> {
    let row = diesel::insert_into(mails::table).values(NewMailRow::new(mail, user));
    let id: i64 = row.returning(mails::id).get_result(sqlite).or_port_error()?;
    mail_id(id)
}

fn find(sqlite: &mut SqliteConnection, id: MailId) -> Result<Option<MailRecord>, PortError> {
    let row = mails::table.find(id.get()).select(MailRow::as_select());
    row.get_result(sqlite).optional().or_port_error()?.map(MailRecord::try_from).transpose()
}
