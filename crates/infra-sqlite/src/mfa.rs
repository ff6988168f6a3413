//! Second factors.

use menjin_domain::access::OutOfReach;
use menjin_domain::audit::AuditContext;
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

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;
use crate::lockouts::forget_subject;
use crate::mails::enqueue;
use crate::recipients::find_user;
use crate::sessions::end_open;

#[async_trait]
impl FactorRepository for SqliteStore {
    async fn find(&self, user: UserId) -> Result<Option<StoredFactor>, PortError> {
        self.read(move |sqlite| {
            let row = totp_factors::table.find(user.get()).select(FactorRow::as_select());
            let row: Option<FactorRow> = row.get_result(sqlite).optional().or_port_error()?;
            row.map(StoredFactor::try_from).transpose()
        })
        .await
    }

    async fn begin(&self, enrolment: Enrolment) -> Result<(), PortError> {
        self.write(move |sqlite| {
            let row = EnrolmentRow::from(&enrolment);
            diesel::insert_into(totp_enrolments::table)
                .values(&row)
                .on_conflict(totp_enrolments::user_id)
                .do_update()
                .set(&row)
                .execute(sqlite)
                .or_port_error()
                .map(drop)
        })
        .await
    }

    async fn enrolment(
        &self,
        user: UserId,
        session: SessionId,
        at: Timestamp,
    ) -> Result<Option<SealedSecret>, PortError> {
        self.read(move |sqlite| {
            let found: Option<(String, String)> = totp_enrolments::table
                .filter(is_enrolment(user.get(), session.into(), at.into()))
                .select((totp_enrolments::secret, totp_enrolments::key_id))
                .get_result(sqlite)
                .optional()
                .or_port_error()?;
            Ok(found.map(|(sealed, key_id)| SealedSecret { sealed, key_id }))
        })
        .await
    }

    async fn confirm(&self, confirmation: Confirmation) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let (id, session) = (confirmation.user_id, confirmation.session_id);
            let at = Micros::from(confirmation.context.at);
            let live = sessions::table.find(Id::from(session)).filter(is_live_of(id.get(), at));
            let live: Option<Id> =
                live.select(sessions::id).get_result(sqlite).optional().or_port_error()?;
            let version = users::table.find(id.get()).select(users::credential_version);
            let version: Option<i64> = version.get_result(sqlite).optional().or_port_error()?;
            let begun = totp_enrolments::table
                .filter(is_enrolment(id.get(), session.into(), at))
                .filter(totp_enrolments::credential_version.nullable().eq(version))
                .filter(totp_enrolments::secret.eq(&confirmation.secret.sealed));
            if live.is_none() || diesel::delete(begun).execute(sqlite).or_port_error()? == 0 {
                return Ok(false);
            }
            let row = NewFactorRow::from(&confirmation);
            diesel::insert_into(totp_factors::table)
                .values(&row)
                .on_conflict(totp_factors::user_id)
                .do_update()
                .set(&row)
                .execute(sqlite)
                .or_port_error()?;
            give_factor(sqlite, id, session, Some(&confirmation.recovery), at)?;
            end_open(sqlite, id, Some(session), at)?;
            notify(sqlite, id, confirmation.mail.as_ref())?;
            record(sqlite, &confirmation.event())?;
            Ok(true)
        })
        .await
    }

    async fn use_step(
        &self,
        user: UserId,
        secret: &SealedSecret,
        step: i64,
    ) -> Result<bool, PortError> {
        let secret = secret.clone();
        self.write(move |sqlite| {
            let factor = totp_factors::table
                .filter(is_factor(user.get(), &secret.sealed))
                .filter(totp_factors::last_step.lt(step));
            let taken = diesel::update(factor).set(totp_factors::last_step.eq(step));
            Ok(cached(taken).execute(sqlite).or_port_error()? > 0)
        })
        .await
    }

    async fn use_recovery_code(&self, used: UsedRecoveryCode) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let digests = used.digests.iter().map(|code| code.digest.as_str());
            let code = recovery_codes::table
                .filter(recovery_codes::user_id.eq(used.user_id.get()))
                .filter(recovery_codes::digest.eq_any(digests));
            if diesel::delete(code).execute(sqlite).or_port_error()? == 0 {
                return Ok(false);
            }
            notify(sqlite, used.user_id, used.mail.as_ref())?;
            record(sqlite, &used.event())?;
            Ok(true)
        })
        .await
    }

    async fn replace_recovery_codes(&self, new: NewRecoveryCodes) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let account = is_verified(new.user_id.get(), new.verified_version.0);
            let account = users::table.filter(account).filter(users::has_factor);
            let found: Option<i64> =
                account.select(users::id).get_result(sqlite).optional().or_port_error()?;
            if found.is_none() {
                return Ok(false);
            }
            set_recovery_codes(sqlite, new.user_id, &new.recovery)?;
            notify(sqlite, new.user_id, new.mail.as_ref())?;
            record(sqlite, &new.event())?;
            Ok(true)
        })
        .await
    }

    async fn remove(&self, removal: Removal) -> Result<bool, Error<OutOfReach>> {
        self.write(move |sqlite| {
            let id = removal.user_id;
            let Some(user) = find_user(sqlite, id)? else { return Ok(false) };
            removal.authority.reach.check(user.role).map_err(Error::Refused)?;
            let version = users::table.find(id.get()).select(users::credential_version);
            let version: i64 = version.get_result(sqlite).or_port_error()?;
            let is_other = removal.verified_version.is_some_and(|known| known.0 != version);
            if !user.has_factor || is_other {
                return Ok(false);
            }
            let AuditContext { at, .. } = removal.authority.context;
            if !removal.keep_passkeys {
                take_away(sqlite, id)?;
            } else if !take_app_away(sqlite, id)? {
                return Ok(false);
            }
            end_open(sqlite, id, removal.keep_session, at.into())?;
            notify(sqlite, id, removal.mail.as_ref())?;
            record(sqlite, &removal.event())?;
            Ok(true)
        })
        .await
    }

    async fn reseal(
        &self,
        user: UserId,
        before: &SealedSecret,
        after: &SealedSecret,
    ) -> Result<bool, PortError> {
        let (before, after) = (before.clone(), after.clone());
        self.write(move |sqlite| {
            let factor = totp_factors::table.filter(is_factor(user.get(), &before.sealed));
            let sealed =
                (totp_factors::secret.eq(&after.sealed), totp_factors::key_id.eq(&after.key_id));
            Ok(diesel::update(factor).set(sealed).execute(sqlite).or_port_error()? > 0)
        })
        .await
    }

    async fn of_other_keys(&self, key_id: &str) -> Result<Vec<(UserId, SealedSecret)>, PortError> {
        let key_id = key_id.to_owned();
        self.read(move |sqlite| {
            let rows: Vec<FactorRow> = totp_factors::table
                .filter(totp_factors::key_id.ne(key_id))
                .limit(RESEALED_AT_ONCE)
                .select(FactorRow::as_select())
                .load(sqlite)
                .or_port_error()?;
            let secret = |row: FactorRow| {
                let secret = SealedSecret { sealed: row.secret, key_id: row.key_id };
                Ok((user_id(row.user_id)?, secret))
            };
            rows.into_iter().map(secret).collect()
        })
        .await
    }

    async fn count_of_other_keys(&self, key_id: &str) -> Result<u64, PortError> {
        let key_id = key_id.to_owned();
        self.read(move |sqlite| {
            let counted = diesel::sql_query(COUNT_OF_OTHER_KEYS)
                .bind::<diesel::sql_types::Text, _>(key_id)
                .get_result::<TotalRow>(sqlite);
            Ok(u64::try_from(counted.or_port_error()?.total).unwrap_or(0))
        })
        .await
    }
}

/// Takes the second factor of an account away, with all that belongs to it, and raises the credential
/// version.
pub(crate) fn take_away(sqlite: &mut SqliteConnection, id: UserId) -> Result<(), PortError> {
    let all = passkeys::table.filter(passkeys::user_id.eq(id.get()));
    diesel::delete(all).execute(sqlite).or_port_error()?;
    if !take_app_away(sqlite, id)? {
        settle_factor(sqlite, id)?;
    }
    Ok(())
}

/// The same for the authenticator app alone; `false`: there is none.
fn take_app_away(sqlite: &mut SqliteConnection, id: UserId) -> Result<bool, PortError> {
    let app = totp_factors::table.find(id.get());
    let is_gone = diesel::delete(app).execute(sqlite).or_port_error()? > 0;
    diesel::delete(totp_enrolments::table.find(id.get())).execute(sqlite).or_port_error()?;
    if is_gone {
        settle_factor(sqlite, id)?;
    }
    Ok(is_gone)
}

/// Gives an account a factor, which the session has, too: with recovery codes instead of all others, if there
/// are any.
pub(crate) fn give_factor(
    sqlite: &mut SqliteConnection,
    id: UserId,
    session: SessionId,
    recovery: Option<&[RecoveryDigest]>,
    at: Micros,
) -> Result<(), PortError> {
    diesel::update(users::table.find(id.get()).filter(users::factor_since.is_null()))
        .set(users::factor_since.eq(at))
        .execute(sqlite)
        .or_port_error()?;
    diesel::update(sessions::table.find(Id::from(session)))
        .set(sessions::has_factor.eq(true))
        .execute(sqlite)
        .or_port_error()?;
    if let Some(recovery) = recovery {
        set_recovery_codes(sqlite, id, recovery)?;
    }
    set_factor(sqlite, id, true)
}

/// After a factor has gone: with the last one, the recovery codes go, and the count of wrong codes. Raises the
/// credential version.
pub(crate) fn settle_factor(sqlite: &mut SqliteConnection, id: UserId) -> Result<(), PortError> {
    let app = totp_factors::table.find(id.get()).select(totp_factors::user_id);
    let app: Option<i64> = app.get_result(sqlite).optional().or_port_error()?;
    let passkey = passkeys::table.filter(passkeys::user_id.eq(id.get())).select(passkeys::id);
    let passkey: Option<i64> = passkey.first(sqlite).optional().or_port_error()?;
    let has_factor = app.or(passkey).is_some();
    if !has_factor {
        set_recovery_codes(sqlite, id, &[])?;
        forget_subject(sqlite, &LockoutSubject::Codes(id))?;
        diesel::update(users::table.find(id.get()))
            .set(users::factor_since.eq(None::<Micros>))
            .execute(sqlite)
            .or_port_error()?;
    }
    set_factor(sqlite, id, has_factor)
}

fn set_factor(sqlite: &mut SqliteConnection, id: UserId, has: bool) -> Result<(), PortError> {
    diesel::update(users::table.find(id.get()))
        .set((
            users::has_factor.eq(has),
            users::credential_version.eq(users::credential_version + 1),
        ))
        .execute(sqlite)
        .or_port_error()
        .map(drop)
}

fn set_recovery_codes(
    sqlite: &mut SqliteConnection,
    id: UserId,
    codes: &[RecoveryDigest],
) -> Result<(), PortError> {
    let all = recovery_codes::table.filter(recovery_codes::user_id.eq(id.get()));
    diesel::delete(all).execute(sqlite).or_port_error()?;
    // One by one: diesel would begin a transaction for all of them, and this is in one already.
    for row in RecoveryRow::all(id.get(), codes) {
        diesel::insert_into(recovery_codes::table).values(row).execute(sqlite).or_port_error()?;
    }
    Ok(())
}

pub(crate) fn notify(
    sqlite: &mut SqliteConnection,
    id: UserId,
    mail: Option<&NewMail>,
) -> Result<(), PortError> {
    let Some(mail) = mail else { return Ok(()) };
    enqueue(sqlite, mail, Some(id)).map(drop)
}
