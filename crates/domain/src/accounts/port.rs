//! The repository of accounts.

use async_trait::async_trait;

use crate::accounts::{
    AvatarUrl, Bio, Email, FullName, LoginName, Phone, Profile, Role, User, Username,
};
use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{PageStart, Patch, PortError, RequestContext, Timestamp, UserId};
use crate::credentials::{CredentialVersion, Credentials, PasswordChange, PasswordHash};

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name.
    pub username: Username,
    /// The address.
    pub email: Email,
    /// The hash of the password.
    pub hash: PasswordHash,
    /// What the user may do.
    pub role: Role,
    /// The optional part.
    pub profile: Profile,
    /// Now.
    pub created_at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl NewUser {
    /// What to record, on the account that comes of it. Nobody is logged in who registers, and
    /// administrators are made on the command line: there is no actor.
    pub fn event(&self) -> AuditEvent {
        let action = match self.role {
            Role::Admin => AuditAction::AdminCreated,
            Role::Student | Role::Teacher => AuditAction::Registered,
        };
        AuditContext::anonymous(self.created_at, self.request.clone()).event(action)
    }
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// Somebody has a name of the same canonical form.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Somebody has an address of the same canonical form.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Changes to a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChanges {
    /// A new address.
    pub email: Option<Email>,
    /// The name.
    pub full_name: Patch<FullName>,
    /// The telephone number.
    pub phone: Patch<Phone>,
    /// The lines about oneself.
    pub bio: Patch<Bio>,
    /// The picture.
    pub avatar: Patch<AvatarUrl>,
}

impl ProfileChanges {
    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a profile was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateProfileError {
    /// Somebody else has an address of the same canonical form.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Which users to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserQuery {
    /// Where to begin.
    pub start: PageStart,
    /// How many to return at most.
    pub limit: u64,
    /// Only those of this role.
    pub role: Option<Role>,
}

/// A part of the users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users, by ascending id.
    pub users: Vec<User>,
    /// How many match, on all pages.
    pub total: u64,
}

/// Why an account was not deactivated.
#[derive(Debug, thiserror::Error)]
pub enum DeactivateError {
    /// It is the last active administrator's.
    #[error("the last active administrator cannot be deactivated")]
    LastAdmin,
    /// The store failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// The accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountRepository: Send + Sync {
    /// Makes an active, unverified account at credential_version 0 and returns it with its id. Records
    /// [`NewUser::event`] on it.
    ///
    /// MUST return `UsernameTaken` if the canonical name is taken, else `EmailTaken` if the
    /// canonical address is; of any number of concurrent calls for one name exactly one succeeds.
    /// Ids are from 1, MUST never be given twice, and ascend: a call that begins after another has
    /// succeeded gets a higher one. Concurrent calls may succeed in another order than their ids.
    async fn create(&self, user: NewUser) -> Result<User, CreateUserError>;

    /// The account of this id, active or not.
    async fn find(&self, id: UserId) -> Result<Option<User>, PortError>;

    /// The credentials of the account with this canonical name or address, active or not.
    async fn find_credentials(&self, name: &LoginName) -> Result<Option<Credentials>, PortError>;

    /// The credentials of the account of this id, active or not.
    async fn credentials(&self, id: UserId) -> Result<Option<Credentials>, PortError>;

    /// Applies the changes, sets `updated_at`, and returns the account as it is then; `None` if
    /// there is no active account of this id. Records `profile_updated`.
    ///
    /// An address whose canonical form differs from the one before MUST clear `is_verified`.
    /// MUST return `EmailTaken`, and change nothing, if another account has the canonical address.
    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, UpdateProfileError>;

    /// A page of the accounts that match and the number of all that do, both of one moment. The
    /// number is that of all pages, wherever this one begins.
    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError>;

    /// Makes the account active, forgets its failed log-ins, and returns it; `None` if nobody has
    /// the id. `updated_at` changes only if the account was inactive.
    ///
    /// Records `activated` if it was inactive, else `lock_lifted` if there were failures to forget,
    /// else nothing.
    async fn activate(&self, id: UserId, context: AuditContext) -> Result<Option<User>, PortError>;

    /// Makes the account inactive, raises its credential_version, ends all its sessions, and returns it; `None`
    /// if nobody has the id. For an inactive account nothing changes. Records `deactivated`.
    ///
    /// MUST return `LastAdmin`, and change nothing, if the account is an active administrator's and
    /// no other administrator is active, however many calls run at once.
    async fn deactivate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, DeactivateError>;

    /// Stores the new hash, raises the credential_version and ends every session but the one to keep; `true` if
    /// done. `false`, and nothing changed, if the account is inactive, gone, or of another credential_version.
    /// Records [`PasswordChange::event`].
    async fn change_password(&self, change: PasswordChange) -> Result<bool, PortError>;

    /// Replaces the hash by another of the same password. Does nothing if the account is of another
    /// credential_version. The credential_version, `updated_at` and the sessions MUST stay as they are. Nobody has done
    /// anything: it records nothing.
    async fn rehash(
        &self,
        id: UserId,
        credential_version: CredentialVersion,
        hash: PasswordHash,
    ) -> Result<(), PortError>;
}
