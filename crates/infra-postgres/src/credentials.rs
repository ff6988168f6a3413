//! The credentials of accounts.

use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use menjin_domain::accounts::LoginName;
use menjin_domain::common::UserId;
use menjin_domain::credentials::{
    CredentialRepository, CredentialVersion, Credentials, PasswordChange, PasswordHash,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::is_verified;

use crate::PostgresStore;
use crate::audit::record;
use crate::mails::enqueue;
use crate::sessions::end_open;

#[async_trait]
impl CredentialRepository for PostgresStore {
    async fn find_by_name(&self, name: &LoginName) -> Result<Option<Credentials>, PortError> {
        self.statement(name.clone(), |postgres, name| {
            async move {
                let all = users::table.select(CredentialsRow::as_select());
                let row: QueryResult<CredentialsRow> = match name {
                    LoginName::Username(name) => {
                        all.filter(users::username_canonical.eq(name)).get_result(postgres).await
                    }
                    LoginName::Email(email) => {
                        all.filter(users::email_canonical.eq(email)).get_result(postgres).await
                    }
                };
                Ok(row.optional()?.map(Credentials::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Credentials>, PortError> {
        self.statement(id, |postgres, id| {
            async move {
                let row = users::table.find(id.get()).select(CredentialsRow::as_select());
                let row: Option<CredentialsRow> = row.get_result(postgres).await.optional()?;
                Ok(row.map(Credentials::try_from).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError> {
        self.transaction(change, |postgres, change| {
            async move {
                let account = is_verified(change.user_id.get(), change.verified_version.0);
                let changed = diesel::update(users::table.filter(account))
                    .set((
                        OwnPasswordRow::new(&change.hash, change.at),
                        users::credential_version.eq(users::credential_version + 1),
                    ))
                    .execute(postgres)
                    .await?;
                if changed == 0 {
                    return Ok(false);
                }
                // This is a separate statement, so that it sees the sessions of logins that the
                // statement before has waited for.
                let (id, keep) = (change.user_id, Some(change.keep_session));
                end_open(postgres, id, keep, change.at.into()).await?;
                if let Some(mail) = &change.mail {
                    enqueue(postgres, mail, Some(change.user_id)).await?;
                }
                record(postgres, &change.event()).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    async fn rehash(
        &self,
        id: UserId,
        credential_version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError> {
        self.statement(
            (id, credential_version, hash),
            |postgres, (id, credential_version, hash)| {
                async move {
                    let account = users::table
                        .find(id.get())
                        .filter(users::credential_version.eq(credential_version.0));
                    diesel::update(account)
                        .set(users::password_hash.eq(hash.expose()))
                        .execute(postgres)
                        .await?;
                    Ok(())
                }
                .boxed()
            },
        )
        .await
    }
}
