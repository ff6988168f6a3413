//! Second factors.

use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use menjin_domain::access::OutOfReach;
use menjin_domain::common::{SessionId, Timestamp, UserId};
use menjin_domain::lockout::LockoutSubject;
use menjin_domain::mail::NewMail;
use menjin_domain::mfa::{
    Confirmation, Enrolment, FactorRepository, NewRecoveryCodes, RecoveryDigest, Removal,
    SealedSecret, StoredFactor, UsedRecoveryCode,
};
use menjin_infra_sql::mfa::{
    COUNT_OF_OTHER_KEYS, EnrolmentRow, FactorRow, NewFactorRow, RESEALED_AT_ONCE, RecoveryRow,
    TotalRow, is_enrolment, is_factor,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::{is_live_of, is_verified};
use menjin_infra_sql::rows::user_id;
use menjin_infra_sql::schema::{passkeys, recovery_codes, totp_enrolments, totp_factors};

use crate::PostgresStore;
use crate::audit::record;
use crate::error::Abort;
use crate::lockouts::forget_subject;
use crate::mails::enqueue;
use crate::recipients::lock;
use crate::sessions::end_open;

#[async_trait]
impl FactorRepository for PostgresStore {
    async fn find(&self, user: UserId) -> Result<Option<StoredFactor>, PortError> {
        self.statement(user, |postgres, user| {
            async move {
                let row = totp_factors::table.find(user.get()).select(FactorRow::as_select());
                let row: Option<FactorRow> = row.get_result(postgres).await.optional()?;
                Ok(row.map(StoredFactor::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn begin(&self, enrolment: Enrolment) -> Result<(), PortError> {
        self.statement(enrolment, |postgres, enrolment| {
            async move {
                let row = EnrolmentRow::from(enrolment);
                diesel::insert_into(totp_enrolments::table)
                    .values(&row)
                    .on_conflict(totp_enrolments::user_id)
                    .do_update()
                    .set(&row)
                    .execute(postgres)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn enrolment(
        &self,
        user: UserId,
        session: SessionId,
        at: Timestamp,
    ) -> Result<Option<SealedSecret>, PortError> {
        self.statement((user, session, at), |postgres, (user, session, at)| {
            async move {
                let found: Option<(String, String)> = totp_enrolments::table
                    .filter(is_enrolment(user.get(), (*session).into(), (*at).into()))
                    .select((totp_enrolments::secret, totp_enrolments::key_id))
                    .get_result(postgres)
                    .await
                    .optional()?;
                Ok(found.map(|(sealed, key_id)| SealedSecret { sealed, key_id }))
            }
            .boxed()
        })
        .await
    }

    async fn confirm(&self, confirmation: Confirmation) -> Result<bool, PortError> {
        self.transaction(confirmation, |postgres, confirmation| {
            async move {
                let (id, session) = (confirmation.user_id, confirmation.session_id);
                let at = Micros::from(confirmation.context.at);
                // Locks the user, as whatever ends sessions does.
                lock(postgres, id).await?;
                let live = sessions::table.find(Id::from(session)).filter(is_live_of(id.get(), at));
                let live: Option<Id> =
                    live.select(sessions::id).get_result(postgres).await.optional()?;
                let version = users::table.find(id.get()).select(users::credential_version);
                let version: Option<i64> = version.get_result(postgres).await.optional()?;
                let begun = totp_enrolments::table
                    .filter(is_enrolment(id.get(), session.into(), at))
                    .filter(totp_enrolments::credential_version.nullable().eq(version))
                    .filter(totp_enrolments::secret.eq(&confirmation.secret.sealed));
                if live.is_none() || diesel::delete(begun).execute(postgres).await? == 0 {
                    return Ok(false);
                }
                let row = NewFactorRow::from(&*confirmation);
                diesel::insert_into(totp_factors::table)
                    .values(&row)
                    .on_conflict(totp_factors::user_id)
                    .do_update()
                    .set(&row)
                    .execute(postgres)
                    .await?;
                give_factor(postgres, id, session, Some(&confirmation.recovery), at).await?;
                end_open(postgres, id, Some(session), at).await?;
                notify(postgres, id, confirmation.mail.as_ref()).await?;
                record(postgres, &confirmation.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn use_step(
        &self,
        user: UserId,
        secret: &SealedSecret,
        step: i64,
    ) -> Result<bool, PortError> {
        self.statement((user, secret.clone(), step), |postgres, (user, secret, step)| {
            async move {
                let factor = totp_factors::table
                    .filter(is_factor(user.get(), &secret.sealed))
                    .filter(totp_factors::last_step.lt(*step));
                let taken = diesel::update(factor).set(totp_factors::last_step.eq(*step));
                Ok(taken.execute(postgres).await? > 0)
            }
            .boxed()
        })
        .await
    }

    async fn use_recovery_code(&self, used: UsedRecoveryCode) -> Result<bool, PortError> {
        self.transaction(used, |postgres, used| {
            async move {
                let digests = used.digests.iter().map(|code| code.digest.as_str());
                let code = recovery_codes::table
                    .filter(recovery_codes::user_id.eq(used.user_id.get()))
                    .filter(recovery_codes::digest.eq_any(digests.collect::<Vec<_>>()));
                if diesel::delete(code).execute(postgres).await? == 0 {
                    return Ok(false);
                }
                notify(postgres, used.user_id, used.mail.as_ref()).await?;
                record(postgres, &used.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn replace_recovery_codes(&self, new: NewRecoveryCodes) -> Result<bool, PortError> {
        self.transaction(new, |postgres, new| {
            async move {
                let account = is_verified(new.user_id.get(), new.verified_version.0);
                let account = users::table.filter(account).filter(users::has_factor);
                let found: Option<i64> =
                    account.select(users::id).for_update().get_result(postgres).await.optional()?;
                if found.is_none() {
                    return Ok(false);
                }
                set_recovery_codes(postgres, new.user_id, &new.recovery).await?;
                notify(postgres, new.user_id, new.mail.as_ref()).await?;
                record(postgres, &new.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn remove(&self, removal: Removal) -> Result<bool, Error<OutOfReach>> {
        self.transaction(removal, |postgres, removal| {
            async move {
                let id = removal.user_id;
                let account = users::table
                    .find(id.get())
                    .select((UserRow::as_select(), users::credential_version))
                    .for_update();
                let row: Option<(UserRow, i64)> = account.get_result(postgres).await.optional()?;
                let Some((row, version)) = row else { return Ok(false) };
                let user = menjin_domain::accounts::User::try_from(row)?;
                let reach = removal.authority.reach.check(user.role);
                reach.map_err(|error| Abort::Refused(Error::Refused(error)))?;
                let is_other = removal.verified_version.is_some_and(|known| known.0 != version);
                if !user.has_factor || is_other {
                    return Ok(false);
                }
                if !removal.keep_passkeys {
                    take_away(postgres, id).await?;
                } else if !take_app_away(postgres, id).await? {
                    return Ok(false);
                }
                let at = Micros::from(removal.authority.context.at);
                end_open(postgres, id, removal.keep_session, at).await?;
                notify(postgres, id, removal.mail.as_ref()).await?;
                record(postgres, &removal.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn reseal(
        &self,
        user: UserId,
        before: &SealedSecret,
        after: &SealedSecret,
    ) -> Result<bool, PortError> {
        let arguments = (user, before.clone(), after.clone());
        self.statement(arguments, |postgres, (user, before, after)| {
            async move {
                let factor = totp_factors::table.filter(is_factor(user.get(), &before.sealed));
                let sealed = (
                    totp_factors::secret.eq(&after.sealed),
                    totp_factors::key_id.eq(&after.key_id),
                );
                Ok(diesel::update(factor).set(sealed).execute(postgres).await? > 0)
            }
            .boxed()
        })
        .await
    }

    async fn of_other_keys(&self, key_id: &str) -> Result<Vec<(UserId, SealedSecret)>, PortError> {
        self.statement(key_id.to_owned(), |postgres, key_id| {
            async move {
                let rows: Vec<FactorRow> = totp_factors::table
                    .filter(totp_factors::key_id.ne(&*key_id))
                    .limit(RESEALED_AT_ONCE)
                    .select(FactorRow::as_select())
                    .load(postgres)
                    .await?;
                let secret = |row: FactorRow| {
                    let secret = SealedSecret { sealed: row.secret, key_id: row.key_id };
                    Ok((user_id(row.user_id)?, secret))
                };
                Ok(rows.into_iter().map(secret).collect::<Result<_, PortError>>()?)
            }
            .boxed()
        })
        .await
    }

    async fn count_of_other_keys(&self, key_id: &str) -> Result<u64, PortError> {
        self.statement(key_id.to_owned(), |postgres, key_id| {
            async move {
                let counted = diesel::sql_query(COUNT_OF_OTHER_KEYS).bind::<Text, _>(&*key_id);
                let counted: TotalRow = counted.get_result(postgres).await?;
                Ok(u64::try_from(counted.total).unwrap_or(0))
            }
            .boxed()
        })
        .await
    }
}

/// Takes the second factor of an account away, with all that belongs to it, and raises the credential
/// version. The account is locked.
pub(crate) async fn take_away(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<()> {
    let all = passkeys::table.filter(passkeys::user_id.eq(id.get()));
    diesel::delete(all).execute(postgres).await?;
    if !take_app_away(postgres, id).await? {
        settle_factor(postgres, id).await?;
    }
    Ok(())
}

/// The same for the authenticator app alone; `false`: there is none.
async fn take_app_away(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    let is_gone = diesel::delete(totp_factors::table.find(id.get())).execute(postgres).await? > 0;
    diesel::delete(totp_enrolments::table.find(id.get())).execute(postgres).await?;
    if is_gone {
        settle_factor(postgres, id).await?;
    }
    Ok(is_gone)
}

/// Gives an account a factor, which the session has, too: with recovery codes instead of all others, if there
/// are any. The account is locked.
pub(crate) async fn give_factor(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    session: SessionId,
    recovery: Option<&[RecoveryDigest]>,
    at: Micros,
) -> QueryResult<()> {
    diesel::update(users::table.find(id.get()).filter(users::factor_since.is_null()))
        .set(users::factor_since.eq(at))
        .execute(postgres)
        .await?;
    diesel::update(sessions::table.find(Id::from(session)))
        .set(sessions::has_factor.eq(true))
        .execute(postgres)
        .await?;
    if let Some(recovery) = recovery {
        set_recovery_codes(postgres, id, recovery).await?;
    }
    set_factor(postgres, id, true).await
}

/// After a factor has gone: with the last one, the recovery codes go, and the count of wrong codes. Raises the
/// credential version. The account is locked.
pub(crate) async fn settle_factor(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<()> {
    let app = totp_factors::table.find(id.get()).select(totp_factors::user_id);
    let app: Option<i64> = app.get_result(postgres).await.optional()?;
    let passkey = passkeys::table.filter(passkeys::user_id.eq(id.get())).select(passkeys::id);
    let passkey: Option<i64> = passkey.first(postgres).await.optional()?;
    let has_factor = app.or(passkey).is_some();
    if !has_factor {
        set_recovery_codes(postgres, id, &[]).await?;
        forget_subject(postgres, &LockoutSubject::Codes(id)).await?;
        diesel::update(users::table.find(id.get()))
            .set(users::factor_since.eq(None::<Micros>))
            .execute(postgres)
            .await?;
    }
    set_factor(postgres, id, has_factor).await
}

async fn set_factor(postgres: &mut AsyncPgConnection, id: UserId, has: bool) -> QueryResult<()> {
    diesel::update(users::table.find(id.get()))
        .set((
            users::has_factor.eq(has),
            users::credential_version.eq(users::credential_version + 1),
        ))
        .execute(postgres)
        .await
        .map(drop)
}

async fn set_recovery_codes(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    codes: &[RecoveryDigest],
) -> QueryResult<()> {
    let all = recovery_codes::table.filter(recovery_codes::user_id.eq(id.get()));
    diesel::delete(all).execute(postgres).await?;
    let rows = RecoveryRow::all(id.get(), codes);
    diesel::insert_into(recovery_codes::table).values(rows).execute(postgres).await.map(drop)
}

pub(crate) async fn notify<E>(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    mail: Option<&NewMail>,
) -> Result<(), Abort<E>> {
    let Some(mail) = mail else { return Ok(()) };
    enqueue(postgres, mail, Some(id)).await.map(drop)
}
