//! Passkeys.

use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::passkeys::{
    ChallengePurpose, NewChallenge, NewPasskey, Passkey, PasskeyRemoval, PasskeyRepository,
    PasskeyUse, TakenChallenge,
};
use menjin_infra_sql::passkeys::{
    NewChallengeRow, NewPasskeyRow, PasskeyRow, TakenRow, is_passkey_of,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::{is_live_of, is_verified};
use menjin_infra_sql::schema::{passkey_challenges, passkeys};

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;
use crate::mfa::{give_factor, notify, settle_factor};
use crate::sessions::end_open;

#[async_trait]
impl PasskeyRepository for SqliteStore {
    async fn begin(&self, challenge: NewChallenge) -> Result<(), PortError> {
        self.write(move |sqlite| {
            let row = NewChallengeRow::from(&challenge);
            let new = diesel::insert_into(passkey_challenges::table).values(&row);
            new.execute(sqlite).or_port_error().map(drop)
        })
        .await
    }

    async fn take(
        &self,
        challenge: &str,
        purpose: ChallengePurpose,
        at: Timestamp,
    ) -> Result<Option<TakenChallenge>, PortError> {
        let challenge = challenge.to_owned();
        self.write(move |sqlite| {
            let taken: Option<TakenRow> =
                diesel::delete(passkey_challenges::table.find(&challenge))
                    .returning(TakenRow::as_returning())
                    .get_result(sqlite)
                    .optional()
                    .or_port_error()?;
            Ok(taken.and_then(|taken| taken.taken(purpose, at)))
        })
        .await
    }

    async fn list(&self, user: UserId) -> Result<Vec<Passkey>, PortError> {
        self.read(move |sqlite| {
            let rows: Vec<PasskeyRow> = passkeys::table
                .filter(passkeys::user_id.eq(user.get()))
                .order(passkeys::id)
                .select(PasskeyRow::as_select())
                .load(sqlite)
                .or_port_error()?;
            rows.into_iter().map(Passkey::try_from).collect()
        })
        .await
    }

    async fn find(&self, credential_id: &str) -> Result<Option<Passkey>, PortError> {
        let credential_id = credential_id.to_owned();
        self.read(move |sqlite| {
            let row: Option<PasskeyRow> = passkeys::table
                .filter(passkeys::credential_id.eq(credential_id))
                .select(PasskeyRow::as_select())
                .get_result(sqlite)
                .optional()
                .or_port_error()?;
            row.map(Passkey::try_from).transpose()
        })
        .await
    }

    async fn add(&self, new: NewPasskey) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let (id, session) = (new.user_id, new.session_id);
            let at = Micros::from(new.context.at);
            let live: Option<bool> = sessions::table
                .inner_join(users::table)
                .filter(sessions::id.eq(Id::from(session)))
                .filter(is_live_of(id.get(), at))
                .filter(is_verified(id.get(), new.verified_version.0))
                .select(users::has_factor)
                .get_result(sqlite)
                .optional()
                .or_port_error()?;
            if live != Some(new.recovery.is_none()) {
                return Ok(false);
            }
            let row = NewPasskeyRow::from(&new);
            let added = diesel::insert_into(passkeys::table)
                .values(&row)
                .on_conflict(passkeys::credential_id)
                .do_nothing()
                .execute(sqlite);
            if added.or_port_error()? == 0 {
                return Ok(false);
            }
            give_factor(sqlite, id, session, new.recovery.as_deref(), at)?;
            end_open(sqlite, id, Some(session), at)?;
            notify(sqlite, id, new.mail.as_ref())?;
            record(sqlite, &new.event())?;
            Ok(true)
        })
        .await
    }

    async fn use_passkey(&self, used: PasskeyUse) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let passkey =
                passkeys::table.filter(is_passkey_of(used.user_id.get(), used.passkey.get()));
            let before: Option<i64> = passkey
                .select(passkeys::sign_count)
                .get_result(sqlite)
                .optional()
                .or_port_error()?;
            let Some(before) = before else { return Ok(false) };
            diesel::update(passkey)
                .set((
                    passkeys::sign_count.eq(i64::from(used.sign_count)),
                    passkeys::last_used_at.eq(Micros::from(used.context.at)),
                ))
                .execute(sqlite)
                .or_port_error()?;
            if used.has_gone_back(u32::try_from(before).unwrap_or(u32::MAX)) {
                record(sqlite, &used.event())?;
            }
            Ok(true)
        })
        .await
    }

    async fn remove(&self, removal: PasskeyRemoval) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let id = removal.user_id;
            let account = users::table.filter(is_verified(id.get(), removal.verified_version.0));
            let found: Option<i64> =
                account.select(users::id).get_result(sqlite).optional().or_port_error()?;
            if found.is_none() {
                return Ok(false);
            }
            let passkey = passkeys::table.filter(is_passkey_of(id.get(), removal.passkey.get()));
            if diesel::delete(passkey).execute(sqlite).or_port_error()? == 0 {
                return Ok(false);
            }
            settle_factor(sqlite, id)?;
            end_open(sqlite, id, Some(removal.keep_session), removal.context.at.into())?;
            notify(sqlite, id, removal.mail.as_ref())?;
            record(sqlite, &removal.event())?;
            Ok(true)
        })
        .await
    }

    async fn delete_challenges(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM passkey_challenges WHERE challenge IN (
            SELECT challenge FROM passkey_challenges WHERE expires_at < ?1 LIMIT ?2)";
        self.delete_in_parts(statement, before).await
    }
}
