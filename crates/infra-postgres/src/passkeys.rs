//! Passkeys.

use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
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

use crate::PostgresStore;
use crate::audit::record;
use crate::mfa::{give_factor, notify, settle_factor};
use crate::recipients::lock;
use crate::sessions::end_open;

#[async_trait]
impl PasskeyRepository for PostgresStore {
    async fn begin(&self, challenge: NewChallenge) -> Result<(), PortError> {
        self.statement(challenge, |postgres, challenge| {
            async move {
                let row = NewChallengeRow::from(&*challenge);
                let new = diesel::insert_into(passkey_challenges::table).values(&row);
                new.execute(postgres).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn take(
        &self,
        challenge: &str,
        purpose: ChallengePurpose,
        at: Timestamp,
    ) -> Result<Option<TakenChallenge>, PortError> {
        self.statement(challenge.to_owned(), |postgres, challenge| {
            async move {
                let taken: Option<TakenRow> =
                    diesel::delete(passkey_challenges::table.find(&*challenge))
                        .returning(TakenRow::as_returning())
                        .get_result(postgres)
                        .await
                        .optional()?;
                Ok(taken)
            }
            .boxed()
        })
        .await
        .map(|taken: Option<TakenRow>| taken.and_then(|taken| taken.taken(purpose, at)))
    }

    async fn list(&self, user: UserId) -> Result<Vec<Passkey>, PortError> {
        self.statement(user, |postgres, user| {
            async move {
                let rows: Vec<PasskeyRow> = passkeys::table
                    .filter(passkeys::user_id.eq(user.get()))
                    .order(passkeys::id)
                    .select(PasskeyRow::as_select())
                    .load(postgres)
                    .await?;
                Ok(rows.into_iter().map(Passkey::try_from).collect::<Result<_, _>>()?)
            }
            .boxed()
        })
        .await
    }

    async fn find(&self, credential_id: &str) -> Result<Option<Passkey>, PortError> {
        self.statement(credential_id.to_owned(), |postgres, credential_id| {
            async move {
                let row: Option<PasskeyRow> = passkeys::table
                    .filter(passkeys::credential_id.eq(&*credential_id))
                    .select(PasskeyRow::as_select())
                    .get_result(postgres)
                    .await
                    .optional()?;
                Ok(row.map(Passkey::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn add(&self, new: NewPasskey) -> Result<bool, PortError> {
        self.transaction(new, |postgres, new| {
            async move {
                let (id, session) = (new.user_id, new.session_id);
                let at = Micros::from(new.context.at);
                // Locks the user, as whatever ends sessions does.
                lock(postgres, id).await?;
                let live: Option<bool> = sessions::table
                    .inner_join(users::table)
                    .filter(sessions::id.eq(Id::from(session)))
                    .filter(is_live_of(id.get(), at))
                    .filter(is_verified(id.get(), new.verified_version.0))
                    .select(users::has_factor)
                    .get_result(postgres)
                    .await
                    .optional()?;
                if live != Some(new.recovery.is_none()) {
                    return Ok(false);
                }
                let row = NewPasskeyRow::from(&*new);
                let added = diesel::insert_into(passkeys::table)
                    .values(&row)
                    .on_conflict(passkeys::credential_id)
                    .do_nothing()
                    .execute(postgres);
                if added.await? == 0 {
                    return Ok(false);
                }
                give_factor(postgres, id, session, new.recovery.as_deref(), at).await?;
                end_open(postgres, id, Some(session), at).await?;
                notify(postgres, id, new.mail.as_ref()).await?;
                record(postgres, &new.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn use_passkey(&self, used: PasskeyUse) -> Result<bool, PortError> {
        self.transaction(used, |postgres, used| {
            async move {
                let passkey =
                    passkeys::table.filter(is_passkey_of(used.user_id.get(), used.passkey.get()));
                let before: Option<i64> = passkey
                    .select(passkeys::sign_count)
                    .for_update()
                    .get_result(postgres)
                    .await
                    .optional()?;
                let Some(before) = before else { return Ok(false) };
                diesel::update(passkey)
                    .set((
                        passkeys::sign_count.eq(i64::from(used.sign_count)),
                        passkeys::last_used_at.eq(Micros::from(used.context.at)),
                    ))
                    .execute(postgres)
                    .await?;
                if used.has_gone_back(u32::try_from(before).unwrap_or(u32::MAX)) {
                    record(postgres, &used.event()).await?;
                }
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn remove(&self, removal: PasskeyRemoval) -> Result<bool, PortError> {
        self.transaction(removal, |postgres, removal| {
            async move {
                let id = removal.user_id;
                let account =
                    users::table.filter(is_verified(id.get(), removal.verified_version.0));
                let found: Option<i64> =
                    account.select(users::id).for_update().get_result(postgres).await.optional()?;
                if found.is_none() {
                    return Ok(false);
                }
                let passkey =
                    passkeys::table.filter(is_passkey_of(id.get(), removal.passkey.get()));
                if diesel::delete(passkey).execute(postgres).await? == 0 {
                    return Ok(false);
                }
                settle_factor(postgres, id).await?;
                let at = Micros::from(removal.context.at);
                end_open(postgres, id, Some(removal.keep_session), at).await?;
                notify(postgres, id, removal.mail.as_ref()).await?;
                record(postgres, &removal.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn delete_challenges(&self, before: Timestamp) -> Result<u64, PortError> {
        let statement = "DELETE FROM passkey_challenges WHERE challenge IN (
            SELECT challenge FROM passkey_challenges WHERE expires_at < $1 LIMIT $2
            FOR UPDATE SKIP LOCKED)";
        self.delete_in_parts(statement, before).await
    }
}
