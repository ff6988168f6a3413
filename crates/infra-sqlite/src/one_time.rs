//! One-time tokens, and what is done by them.

use diesel::sql_types::{BigInt, Text};
use menjin_domain::accounts::{LoginName, User};
use menjin_domain::audit::AuditContext;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::one_time::{
    ConfirmEmailChangeError, Disowning, EmailChange, EmailChangeRequest, EmailChangeUndo,
    EmailVerification, NewOneTimeToken, OneTimeTokenRepository, PasswordReset, Purpose, Recipient,
    TokenDigest, TokenHolder, TokenInvalid,
};
use menjin_infra_sql::one_time::{
    MailboxRow, NewTokenRow, PendingRow, RecoveryRow, VOID_OLDEST, is_live_at,
    is_open_token_but_undo_of, recipient,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::is_verified;
use menjin_infra_sql::schema::one_time_tokens as tokens;
use menjin_infra_sql::sql_types::Moment;

use crate::SqliteStore;
use crate::audit::record;
use crate::email_changes::{self, is_anothers};
use crate::error::OrPortError;
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::mfa::take_away;
use crate::recipients::{find, find_recipient, user};
use crate::sessions::end_open;

#[async_trait]
impl OneTimeTokenRepository for SqliteStore {
    async fn find_recipient(&self, name: &LoginName) -> Result<Option<Recipient>, PortError> {
        let name = name.clone();
        self.read(move |sqlite| {
            let all = users::table.select((UserRow::as_select(), RecoveryRow::as_select()));
            let row = match &name {
                LoginName::Username(name) => {
                    all.filter(users::username_canonical.eq(name)).get_result(sqlite)
                }
                LoginName::Email(email) => {
                    all.filter(users::email_canonical.eq(email)).get_result(sqlite)
                }
            };
            row.optional().or_port_error()?.map(|(user, row)| recipient(user, row)).transpose()
        })
        .await
    }

    async fn find_recipient_by_id(&self, id: UserId) -> Result<Option<Recipient>, PortError> {
        self.read(move |sqlite| find_recipient(sqlite, id)).await
    }

    async fn issue(&self, token: NewOneTimeToken) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let made = diesel::insert_into(tokens::table)
                .values(NewTokenRow::from(&token))
                .on_conflict_do_nothing()
                .execute(sqlite);
            // The account may be gone.
            let made = match made {
                Err(diesel::result::Error::DatabaseError(
                    diesel::result::DatabaseErrorKind::ForeignKeyViolation,
                    _,
                )) => return Ok(false),
                made => made.or_port_error()?,
            };
            let mut found = find(sqlite, &token.digest, token.purpose, token.created_at)?;
            if token.purpose == Purpose::ChangeEmail
                && is_anothers(sqlite, &token.email, token.user_id, token.created_at)?
            {
                found = None;
            }
            if made > 0 && found.is_some() {
                diesel::sql_query(VOID_OLDEST)
                    .bind::<Moment, _>(Micros::from(token.created_at))
                    .bind::<BigInt, _>(token.user_id.get())
                    .bind::<Text, _>(token.purpose.as_str())
                    .bind::<Text, _>(token.digest.as_str())
                    .bind::<BigInt, _>(i64::from(token.max_live.saturating_sub(1)))
                    .execute(sqlite)
                    .or_port_error()?;
            } else if made > 0 {
                diesel::delete(tokens::table.find(token.digest.as_str()))
                    .execute(sqlite)
                    .or_port_error()?;
            }
            Ok(found.is_some())
        })
        .await
    }

    async fn count_live(
        &self,
        user: UserId,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<u64, PortError> {
        self.read(move |sqlite| {
            let live = tokens::table
                .inner_join(users::table)
                .filter(tokens::user_id.eq(user.get()))
                .filter(tokens::purpose.eq(purpose.as_str()))
                .filter(is_live_at(at.into()));
            let live: i64 = live.count().get_result(sqlite).or_port_error()?;
            Ok(u64::try_from(live).unwrap_or(0))
        })
        .await
    }

    async fn find(
        &self,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<Option<TokenHolder>, PortError> {
        let digest = digest.clone();
        self.read(move |sqlite| find(sqlite, &digest, purpose, at)).await
    }

    async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error<TokenInvalid>> {
        self.write(move |sqlite| {
            let found = find(sqlite, &reset.digest, Purpose::ResetPassword, reset.at)?;
            let holder = found.filter(|holder| holder.user.id == reset.user_id);
            let holder = holder.ok_or(Error::Refused(TokenInvalid))?;
            let (id, at) = (reset.user_id, Micros::from(reset.at));
            let account = is_verified(id.get(), reset.version.0);
            let changed = diesel::update(users::table.filter(account))
                .set((
                    OwnPasswordRow::new(&reset.hash, reset.at),
                    users::credential_version.eq(users::credential_version + 1),
                ))
                .execute(sqlite)
                .or_port_error()?;
            if changed == 0 {
                return Err(Error::Refused(TokenInvalid));
            }
            // Whoever made the account without ever proving an address does not keep a factor on it.
            if holder.user.has_factor && !holder.is_proved {
                take_away(sqlite, id)?;
            }
            // The link was in the mailbox of this address, which is the one for new passwords.
            if holder.user.email.canonical() == holder.email {
                let before = find_recipient(sqlite, id)?.ok_or(Error::Refused(TokenInvalid))?;
                diesel::update(users::table.find(id.get()))
                    .set(MailboxRow::new(&before.with_proof(true, reset.at), reset.at))
                    .execute(sqlite)
                    .or_port_error()?;
            }
            diesel::update(tokens::table.filter(is_open_token_but_undo_of(id.get())))
                .set(tokens::ended_at.eq(at))
                .execute(sqlite)
                .or_port_error()?;
            end_open(sqlite, id, None, at)?;
            forget(sqlite, id)?;
            if let Some(mail) = &reset.mail {
                enqueue(sqlite, mail, Some(id))?;
            }
            record(sqlite, &reset.event())?;
            Ok(())
        })
        .await
    }

    async fn verify_email(&self, proof: EmailVerification) -> Result<User, Error<TokenInvalid>> {
        self.write(move |sqlite| {
            let found = find(sqlite, &proof.digest, Purpose::VerifyEmail, proof.at)?;
            if found.is_none_or(|holder| holder.user.id != proof.user_id) {
                return Err(Error::Refused(TokenInvalid));
            }
            let id = proof.user_id;
            let before = find_recipient(sqlite, id)?.ok_or(Error::Refused(TokenInvalid))?;
            let mailbox = before.with_proof(proof.with_password, proof.at);
            if mailbox.is_verified != before.user.is_verified || mailbox.recovery != before.recovery
            {
                diesel::update(users::table.find(id.get()))
                    .set(MailboxRow::new(&mailbox, proof.at))
                    .execute(sqlite)
                    .or_port_error()?;
            }
            if !before.user.is_verified {
                record(sqlite, &proof.event())?;
            }
            Ok(user(sqlite, id)?)
        })
        .await
    }

    async fn disown(&self, disowning: Disowning) -> Result<(), Error<TokenInvalid>> {
        self.write(move |sqlite| {
            let found = find(sqlite, &disowning.digest, Purpose::VerifyEmail, disowning.at)?;
            let id = disowning.user_id;
            let roles = &disowning.roles;
            if found.is_none_or(|holder| holder.user.id != id || roles.has_any(holder.user.role)) {
                return Err(Error::Refused(TokenInvalid));
            }
            let unproved = users::table
                .find(id.get())
                .filter(users::is_verified.eq(false))
                .filter(users::recovery_verified.eq(false));
            if diesel::delete(unproved).execute(sqlite).or_port_error()? == 0 {
                return Err(Error::Refused(TokenInvalid));
            }
            forget(sqlite, id)?;
            record(sqlite, &disowning.event())?;
            Ok(())
        })
        .await
    }

    async fn request_email_change(&self, change: EmailChangeRequest) -> Result<bool, PortError> {
        self.write(move |sqlite| email_changes::request(sqlite, &change)).await
    }

    async fn withdraw_email_change(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<(), PortError> {
        self.write(move |sqlite| email_changes::withdraw(sqlite, id, &context)).await
    }

    async fn confirm_email_change(
        &self,
        change: EmailChange,
    ) -> Result<User, Error<ConfirmEmailChangeError>> {
        self.write(move |sqlite| email_changes::confirm(sqlite, &change)).await
    }

    async fn undo_email_change(&self, undo: EmailChangeUndo) -> Result<User, Error<TokenInvalid>> {
        self.write(move |sqlite| email_changes::undo(sqlite, &undo)).await
    }

    async fn forget_pending_before(&self, before: Timestamp) -> Result<u64, PortError> {
        self.write(move |sqlite| {
            let old = users::table.filter(users::pending_since.lt(Micros::from(before)));
            let forgotten = diesel::update(old).set(PendingRow::default()).execute(sqlite);
            Ok(forgotten.or_port_error()? as u64)
        })
        .await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM one_time_tokens WHERE digest IN (
            SELECT digest FROM one_time_tokens WHERE created_at < ?1 LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}
