//! One-time tokens, and what is done by them.

use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
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

use crate::PostgresStore;
use crate::audit::record;
use crate::email_changes::{self, is_anothers};
use crate::error::Abort;
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::mfa::take_away;
use crate::recipients::{find, find_recipient, lock, user};
use crate::sessions::end_open;

#[async_trait]
impl OneTimeTokenRepository for PostgresStore {
    async fn find_recipient(&self, name: &LoginName) -> Result<Option<Recipient>, PortError> {
        self.statement(name.clone(), |postgres, name| {
            async move {
                let all = users::table.select((UserRow::as_select(), RecoveryRow::as_select()));
                let row: QueryResult<(UserRow, RecoveryRow)> = match name {
                    LoginName::Username(name) => {
                        all.filter(users::username_canonical.eq(name)).get_result(postgres).await
                    }
                    LoginName::Email(email) => {
                        all.filter(users::email_canonical.eq(email)).get_result(postgres).await
                    }
                };
                Ok(row.optional()?.map(|(user, row)| recipient(user, row)).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn find_recipient_by_id(&self, id: UserId) -> Result<Option<Recipient>, PortError> {
        self.statement(id, |postgres, id| find_recipient(postgres, *id).boxed()).await
    }

    async fn issue(&self, token: NewOneTimeToken) -> Result<bool, PortError> {
        self.transaction(token, |postgres, token| issue(postgres, token).boxed()).await
    }

    async fn count_live(
        &self,
        user: UserId,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<u64, PortError> {
        self.statement((user, purpose, at), |postgres, (user, purpose, at)| {
            async move {
                let live = tokens::table
                    .inner_join(users::table)
                    .filter(tokens::user_id.eq(user.get()))
                    .filter(tokens::purpose.eq(purpose.as_str()))
                    .filter(is_live_at((*at).into()));
                let live: i64 = live.count().get_result(postgres).await?;
                Ok(u64::try_from(live).unwrap_or(0))
            }
            .boxed()
        })
        .await
    }

    async fn find(
        &self,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<Option<TokenHolder>, PortError> {
        self.statement((digest.clone(), purpose, at), |postgres, (digest, purpose, at)| {
            find(postgres, digest, *purpose, *at).boxed()
        })
        .await
    }

    async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error<TokenInvalid>> {
        self.transaction(reset, |postgres, reset| reset_password(postgres, reset).boxed()).await
    }

    async fn verify_email(&self, proof: EmailVerification) -> Result<User, Error<TokenInvalid>> {
        self.transaction(proof, |postgres, proof| verify_email(postgres, proof).boxed()).await
    }

    async fn disown(&self, disowning: Disowning) -> Result<(), Error<TokenInvalid>> {
        self.transaction(disowning, |postgres, it| disown(postgres, it).boxed()).await
    }

    async fn request_email_change(&self, change: EmailChangeRequest) -> Result<bool, PortError> {
        self.transaction(change, |postgres, it| email_changes::request(postgres, it).boxed()).await
    }

    async fn withdraw_email_change(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<(), PortError> {
        self.transaction((id, context), |postgres, (id, context)| {
            email_changes::withdraw(postgres, *id, context).boxed()
        })
        .await
    }

    async fn confirm_email_change(
        &self,
        change: EmailChange,
    ) -> Result<User, Error<ConfirmEmailChangeError>> {
        self.transaction(change, |postgres, it| email_changes::confirm(postgres, it).boxed()).await
    }

    async fn undo_email_change(&self, undo: EmailChangeUndo) -> Result<User, Error<TokenInvalid>> {
        self.transaction(undo, |postgres, it| email_changes::undo(postgres, it).boxed()).await
    }

    async fn forget_pending_before(&self, before: Timestamp) -> Result<u64, PortError> {
        self.statement(before, |postgres, before| {
            async move {
                let old = users::table.filter(users::pending_since.lt(Micros::from(*before)));
                let pending = PendingRow::default();
                Ok(diesel::update(old).set(pending).execute(postgres).await? as u64)
            }
            .boxed()
        })
        .await
    }

    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM one_time_tokens WHERE digest IN (
            SELECT digest FROM one_time_tokens WHERE created_at < $1 LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}

async fn issue(
    postgres: &mut AsyncPgConnection,
    token: &NewOneTimeToken,
) -> Result<bool, Abort<PortError>> {
    if !lock(postgres, token.user_id).await? {
        return Ok(false);
    }
    let made = diesel::insert_into(tokens::table)
        .values(NewTokenRow::from(token))
        .on_conflict_do_nothing()
        .execute(postgres)
        .await?;
    let mut found = find(postgres, &token.digest, token.purpose, token.created_at).await?;
    if token.purpose == Purpose::ChangeEmail
        && is_anothers(postgres, &token.email, token.user_id, token.created_at).await?
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
            .execute(postgres)
            .await?;
    } else if made > 0 {
        let token = tokens::table.find(token.digest.as_str());
        diesel::delete(token).execute(postgres).await?;
    }
    Ok(found.is_some())
}

async fn reset_password(
    postgres: &mut AsyncPgConnection,
    reset: &PasswordReset,
) -> Result<(), Abort<Error<TokenInvalid>>> {
    let invalid = || Abort::Refused(Error::Refused(TokenInvalid));
    let (id, at) = (reset.user_id, Micros::from(reset.at));
    lock(postgres, id).await?;
    let found = find(postgres, &reset.digest, Purpose::ResetPassword, reset.at).await?;
    let holder = found.filter(|holder| holder.user.id == id).ok_or_else(invalid)?;
    let changed = diesel::update(users::table.filter(is_verified(id.get(), reset.version.0)))
        .set((
            OwnPasswordRow::new(&reset.hash, reset.at),
            users::credential_version.eq(users::credential_version + 1),
        ))
        .execute(postgres)
        .await?;
    if changed == 0 {
        return Err(invalid());
    }
    // Whoever made the account without ever proving an address does not keep a factor on it.
    if holder.user.has_factor && !holder.is_proved {
        take_away(postgres, id).await?;
    }
    // The link was in the mailbox of this address, which is the one for new passwords.
    if holder.user.email.canonical() == holder.email {
        let before = find_recipient(postgres, id).await?.ok_or_else(invalid)?;
        let mailbox = before.with_proof(true, reset.at);
        let row = MailboxRow::new(&mailbox, reset.at);
        diesel::update(users::table.find(id.get())).set(row).execute(postgres).await?;
    }
    end_open(postgres, id, None, at).await?;
    diesel::update(tokens::table.filter(is_open_token_but_undo_of(id.get())))
        .set(tokens::ended_at.eq(at))
        .execute(postgres)
        .await?;
    forget(postgres, id).await?;
    if let Some(mail) = &reset.mail {
        enqueue(postgres, mail, Some(id)).await?;
    }
    record(postgres, &reset.event()).await?;
    Ok(())
}

async fn verify_email(
    postgres: &mut AsyncPgConnection,
    proof: &EmailVerification,
) -> Result<User, Abort<Error<TokenInvalid>>> {
    let invalid = || Abort::Refused(Error::Refused(TokenInvalid));
    lock(postgres, proof.user_id).await?;
    let found = find(postgres, &proof.digest, Purpose::VerifyEmail, proof.at).await?;
    let id = proof.user_id;
    if found.is_none_or(|holder| holder.user.id != id) {
        return Err(invalid());
    }
    let before = find_recipient(postgres, id).await?.ok_or_else(invalid)?;
    let mailbox = before.with_proof(proof.with_password, proof.at);
    if mailbox.is_verified != before.user.is_verified || mailbox.recovery != before.recovery {
        let account = users::table.find(id.get());
        diesel::update(account).set(MailboxRow::new(&mailbox, proof.at)).execute(postgres).await?;
    }
    if !before.user.is_verified {
        record(postgres, &proof.event()).await?;
    }
    user(postgres, id).await
}

async fn disown(
    postgres: &mut AsyncPgConnection,
    disowning: &Disowning,
) -> Result<(), Abort<Error<TokenInvalid>>> {
    let invalid = || Abort::Refused(Error::Refused(TokenInvalid));
    let digest = &disowning.digest;
    let found = find(postgres, digest, Purpose::VerifyEmail, disowning.at).await?;
    let id = disowning.user_id;
    let holder = found.filter(|holder| holder.user.id == id).ok_or_else(invalid)?;
    let role = holder.user.role;
    if disowning.roles.has_any(role) {
        return Err(invalid());
    }
    let unproved = users::table
        .find(id.get())
        .filter(users::is_active)
        .filter(users::is_verified.eq(false))
        .filter(users::recovery_verified.eq(false))
        .filter(users::role.eq(role.as_str()));
    if diesel::delete(unproved).execute(postgres).await? == 0 {
        return Err(invalid());
    }
    forget(postgres, id).await?;
    record(postgres, &disowning.event()).await?;
    Ok(())
}
