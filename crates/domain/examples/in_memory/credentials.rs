//! The passwords.

use async_trait::async_trait;
use menjin_domain::accounts::LoginName;
use menjin_domain::common::{PortError, UserId};
use menjin_domain::credentials::{
    CredentialRepository, CredentialVersion, Credentials, PasswordChange, PasswordHash,
};

use super::rows::Account;
use super::store::Store;

impl Account {
    fn credentials(&self) -> Credentials {
        Credentials {
            user_id: self.user.id,
            hash: self.hash.clone(),
            version: self.version,
            is_active: self.user.is_active,
            banned_until: self.user.ban.as_ref().map(|ban| ban.until),
            first_password: self.user.first_password,
            has_factor: self.user.has_factor,
            is_proved: self.recipient().is_proved(),
        }
    }
}

#[async_trait]
impl CredentialRepository for Store {
    async fn find_by_name(&self, name: &LoginName) -> Result<Option<Credentials>, PortError> {
        Ok(self.lock().find_by_name(name).map(Account::credentials))
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Credentials>, PortError> {
        Ok(self.lock().accounts.get(&id).map(Account::credentials))
    }

    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError> {
        let (mut state, event) = (self.lock(), change.event());
        let PasswordChange { user_id, verified_version, hash, keep_session, mail, at, .. } = change;
        let Some(account) = state.at_version(user_id, verified_version) else { return Ok(false) };
        account.hash = hash;
        account.user.first_password = None;
        account.raise_version();
        account.user.updated_at = Some(at);
        state.end_sessions(user_id, Some(keep_session), at);
        if let Some(mail) = mail {
            state.append(mail, Some(user_id))?;
        }
        state.record(event);
        Ok(true)
    }

    async fn rehash(
        &self,
        id: UserId,
        credential_version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError> {
        // With another credential version, the hash may be that of an old password.
        let mut state = self.lock();
        let account = state.accounts.get_mut(&id);
        if let Some(account) = account.filter(|it| it.version == credential_version) {
            account.hash = hash;
        }
        Ok(())
    }
}
