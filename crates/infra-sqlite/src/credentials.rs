//! The credentials of accounts.

use menjin_domain::accounts::LoginName;
use menjin_domain::common::UserId;
use menjin_domain::credentials::{
    CredentialRepository, CredentialVersion, Credentials, PasswordChange, PasswordHash,
};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::is_verified;

use crate::SqliteStore;
use crate::audit::record;
use crate::error::OrPortError;
use crate::mails::enqueue;
use crate::sessions::end_open;

#[async_trait]
impl CredentialRepository for SqliteStore {
    async fn find_by_name(&self, name: &LoginName) -> Result<Option<Credentials>, PortError> {
        let name = name.clone();
        self.read(move |sqlite| {
            let all = users::table.select(CredentialsRow::as_select());
            let row = match &name {
                LoginName::Username(name) => {
                    all.filter(users::username_canonical.eq(name)).get_result(sqlite)
                }
                LoginName::Email(email) => {
                    all.filter(users::email_canonical.eq(email)).get_result(sqlite)
                }
            };
            row.optional().or_port_error()?.map(Credentials::try_from).transpose()
        })
        .await
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Credentials>, PortError> {
        self.read(move |sqlite| {
            let row = users::table.find(id.get()).select(CredentialsRow::as_select());
            let row = row.get_result(sqlite).optional().or_port_error()?;
            row.map(Credentials::try_from).transpose()
        })
        .await
    }

    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError> {
        self.write(move |sqlite| {
            let account = is_verified(change.user_id.get(), change.verified_version.0);
            let changed = diesel::update(users::table.filter(account))
                .set((
                    OwnPasswordRow::new(&change.hash, change.at),
                    users::credential_version.eq(users::credential_version + 1),
                ))
                .execute(sqlite)
                .or_port_error()?;
            if changed == 0 {
                return Ok(false);
            }
            end_open(sqlite, change.user_id, Some(change.keep_session), change.at.into())?;
            if let Some(mail) = &change.mail {
                enqueue(sqlite, mail, Some(change.user_id))?;
            }
            record(sqlite, &change.event())?;
            Ok(true)
        })
        .await
    }

    async fn rehash(
        &self,
        id: UserId,
        credential_version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError> {
        self.write(move |sqlite| {
            diesel::update(
                users::table
                    .find(id.get())
                    .filter(users::credential_version.eq(credential_version.0)),
            )
            .set(users::password_hash.eq(hash.expose()))
            .execute(sqlite)
            .or_port_error()
            .map(drop)
        })
        .await
    }
}
