//! What a password is verified against, and its version.

use async_trait::async_trait;

use crate::accounts::LoginName;
use crate::audit::{AuditAction, AuditContext, AuditEvent, AuditReason};
use crate::common::{PortError, RequestContext, SessionId, Timestamp, UserId};
use crate::credentials::{FirstPassword, PasswordHash};
use crate::mail::NewMail;

/// The version of a user's credentials. It rises with every change of the password or of the second factor, and with deactivation.
///
/// A decision made for an older version, such as a verified password, is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialVersion(pub i64);

/// What a password is verified against, read in one moment.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose they are.
    pub user_id: UserId,
    /// The hash.
    pub hash: PasswordHash,
    /// The version that the hash belongs to. Decisions based on the hash hold for this version
    /// only.
    pub version: CredentialVersion,
    /// Whether the account is active.
    pub is_active: bool,
    /// Until when its user is banned, which may be over.
    pub banned_until: Option<Timestamp>,
    /// If somebody else has set the password: for how long it is good.
    pub first_password: Option<FirstPassword>,
    /// Whether the account has a second factor, which is part of the version.
    pub has_factor: bool,
    /// Whether the owner has ever proved an address of the account.
    pub is_proved: bool,
}

impl Credentials {
    /// Whether somebody may log in with them at this moment.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, now: Timestamp) -> Result<(), AuditReason> {
        if !self.is_active {
            Err(AuditReason::Inactive)
        } else if self.banned_until.is_some_and(|until| until > now) {
            Err(AuditReason::Banned)
        } else if self.first_password.is_some_and(|first| !first.is_good(now)) {
            Err(AuditReason::FirstPasswordExpired)
        } else {
            Ok(())
        }
    }
}

/// A verified change of a password.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// Whose.
    pub user_id: UserId,
    /// The credential version for which the old password was verified.
    pub verified_version: CredentialVersion,
    /// The hash of the new one.
    pub hash: PasswordHash,
    /// The caller's session, which does not end.
    pub keep_session: SessionId,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl PasswordChange {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext {
            actor: Some(self.user_id),
            session_id: Some(self.keep_session),
            at: self.at,
            request: self.request.clone(),
        };
        context.event(AuditAction::PasswordChanged).on(self.user_id)
    }
}

/// The passwords of accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CredentialRepository: Send + Sync {
    /// The credentials of the account with this canonical name or address, active or not.
    async fn find_by_name(&self, name: &LoginName) -> Result<Option<Credentials>, PortError>;

    /// The credentials of the account of this id, active or not.
    async fn find_by_id(&self, id: UserId) -> Result<Option<Credentials>, PortError>;

    /// Stores the new hash, which is no first password any more, raises the credential version, ends every session but the one to keep, and
    /// appends the mail; `true` if done. `false`, and nothing changed, if the account is inactive, gone, or of
    /// another credential version. Records [`PasswordChange::event`].
    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError>;

    /// Replaces the hash by another of the same password. Does nothing if the account is of another
    /// credential version. The credential version, `updated_at` and the sessions MUST stay as they
    /// are. It records nothing, since no user acted.
    async fn rehash(
        &self,
        id: UserId,
        credential_version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError>;
}
