//! The repository of accounts.

use async_trait::async_trait;

use crate::accounts::{AvatarUrl, Bio, Email, FullName, Phone, Profile, Role, User, Username};
use crate::audit::{AuditAction, AuditContext, AuditEvent, AuditReason};
use crate::common::{
    Error, Locale, PageStart, Patch, PortError, RequestContext, Timestamp, UserId,
};
use crate::credentials::PasswordHash;
use crate::mail::NewMail;
use crate::one_time::EmailChangeMails;

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
    /// The language of mails, if it is known.
    pub locale: Option<Locale>,
    /// Whether the user has proved that the address is theirs.
    pub is_verified: bool,
    /// The mail that asks to prove the address.
    pub mail: Option<NewMail>,
    /// Now.
    pub created_at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl NewUser {
    /// What to record on the new account. There is no actor: nobody is logged in at a registration
    /// or on the command line.
    pub fn event(&self) -> AuditEvent {
        let action = match self.role {
            Role::Admin => AuditAction::AdminCreated,
            Role::Student | Role::Teacher => AuditAction::Registered,
        };
        AuditContext::anonymous(self.created_at, self.request.clone()).event(action)
    }
}

/// Why no account was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreateUserError {
    /// Somebody has a name of the same canonical form.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Somebody has an address of the same canonical form.
    #[error("the e-mail address is taken")]
    EmailTaken,
}

impl CreateUserError {
    /// Why, in records.
    pub(crate) fn reason(self) -> AuditReason {
        match self {
            Self::UsernameTaken => AuditReason::UsernameTaken,
            Self::EmailTaken => AuditReason::EmailTaken,
        }
    }
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
    /// The language of mails.
    pub locale: Patch<Locale>,
    /// What else there is to a change of the address.
    pub address: AddressChange,
}

/// How an address may be changed with the profile, and what is sent then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressChange {
    /// Whether it may become another: if not, it may be written in another way only.
    pub is_allowed: bool,
    /// Whether the password was given as well.
    pub by_password: bool,
    /// The mails to append if it becomes another.
    pub mails: Option<EmailChangeMails>,
}

impl ProfileChanges {
    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a profile was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpdateProfileError {
    /// Somebody else has, or keeps, an address of the same canonical form.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The address would become another, and may not.
    #[error("the e-mail address is not changed without more ado")]
    AnotherMailbox,
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

/// The account is that of the last active administrator. Without one, nobody could activate
/// accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the last active administrator cannot be deactivated")]
pub struct LastAdmin;

/// A deletion, which comes into force later.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// Whose account.
    pub user_id: UserId,
    /// The first moment at which it is gone.
    pub deletes_at: Timestamp,
    /// The mail that tells the owner.
    pub mail: Option<NewMail>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// The account is to be deleted, and can only be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account is to be deleted")]
pub struct DeletionScheduled;

/// The accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountRepository: Send + Sync {
    /// Makes an active account at credential version 0 and returns it with its id.
    /// Appends the mail to it. Records [`NewUser::event`] on it.
    ///
    /// MUST return `UsernameTaken` if the canonical name is taken, else `EmailTaken` if the
    /// canonical address is taken, or kept by another account that can have it back; of any number of concurrent calls for one name exactly one succeeds.
    /// Ids begin at 1, MUST never be used twice, and ascend: a call that begins after another has
    /// succeeded gets a higher one. Concurrent calls may succeed in another order than their ids.
    async fn create(&self, user: NewUser) -> Result<User, Error<CreateUserError>>;

    /// The account of this id, active or not.
    async fn find(&self, id: UserId) -> Result<Option<User>, PortError>;

    /// Applies the changes, sets `updated_at`, and returns the account as it is then; `None` if
    /// there is no active account of this id. Records `profile_updated`.
    ///
    /// If the address is another ([`Email::is_same_mailbox`]), the mailbox MUST become what
    /// [`Recipient::with_address`](crate::one_time::Recipient::with_address) says, and the mails are
    /// appended: the notice goes to the address before if that was verified, and then its token is made
    /// with it, which gives that address back and expires some time after its mail was handed over;
    /// else it goes to the recovery address.
    ///
    /// MUST return `AnotherMailbox`, and change nothing, if the address is another and
    /// [`AddressChange::is_allowed`] is not set; else `EmailTaken`, and change nothing, if another
    /// account has the canonical address, or keeps it: it has a live token that gives it back.
    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<UpdateProfileError>>;

    /// A page of the matching accounts, and the number of all that match, both read at one moment.
    /// The number counts all pages, wherever this one begins.
    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError>;

    /// Makes the account active, forgets its failed logins, and returns it; `None` if nobody has
    /// the id. `updated_at` changes only if the account was inactive.
    ///
    /// Records `activated` if it was inactive, else `lock_lifted` if there were failures to forget,
    /// else nothing.
    ///
    /// MUST return `DeletionScheduled`, and change nothing, if the account is to be deleted.
    async fn activate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<DeletionScheduled>>;

    /// Makes the account inactive as [`deactivate`](Self::deactivate) does, remembers when it is to be
    /// deleted and whether it was active, appends the mail, and returns it; `None` if nobody has the
    /// id. One that is to be deleted already stays as it is. Records `deletion_scheduled`.
    ///
    /// MUST return `LastAdmin`, and change nothing, as [`deactivate`](Self::deactivate) does.
    async fn schedule_deletion(&self, deletion: Deletion)
    -> Result<Option<User>, Error<LastAdmin>>;

    /// Forgets that the account is to be deleted, makes it active if it was, and returns it; `None` if
    /// nobody has the id. One that is not to be deleted stays as it is. Records `deletion_undone`.
    async fn restore(&self, id: UserId, context: AuditContext) -> Result<Option<User>, PortError>;

    /// Deletes some of the accounts that are to be gone at this time, with all that is their own: their
    /// names and addresses are free then. Returns how many. Records `account_deleted` on each.
    async fn delete_due(&self, at: Timestamp) -> Result<u64, PortError>;

    /// Deletes some of the accounts that were made before this time, of which no address was ever
    /// proved, whose owner has never logged in, and which have no rights; returns how many. Records
    /// `account_deleted` on each.
    async fn delete_unverified(
        &self,
        created_before: Timestamp,
        at: Timestamp,
    ) -> Result<u64, PortError>;

    /// Makes the account inactive, raises its credential version, ends all its sessions, makes its
    /// one-time tokens void, and returns it; `None` if nobody has the id. For an inactive account nothing changes. Records
    /// `deactivated`.
    ///
    /// MUST return `LastAdmin`, and change nothing, if the account is an active administrator's and
    /// no other administrator is active, however many calls run at once.
    async fn deactivate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<LastAdmin>>;
}
