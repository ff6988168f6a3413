//! The repository of accounts.

use async_trait::async_trait;

use crate::accounts::{
    AccountChange, AttributeChanges, Authority, AvatarUrl, Bio, ChangeUserError, Email, FoundUsers,
    FullName, Phone, Profile, Role, User, UserSearch, Username,
};
use crate::audit::{AuditAction, AuditContext, AuditEvent, AuditReason, ChangedField};
use crate::common::{Error, Locale, PageStart, Patch, PortError, Timestamp, UserId};
use crate::credentials::{FirstPassword, PasswordHash};
use crate::import::{ImportBatch, Imported, RowRefusal};
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
    /// Whether the account may log in.
    pub is_active: bool,
    /// Whether the user has proved that the address is theirs.
    pub is_verified: bool,
    /// The mail that asks to prove the address.
    pub mail: Option<NewMail>,
    /// If somebody else has chosen the password: for how long it is good.
    pub first_password: Option<FirstPassword>,
    /// What to record: how the account came to be.
    pub action: AuditAction,
    /// Who makes it, when and from where. Nobody is logged in at a registration or on the command line.
    pub context: AuditContext,
}

impl NewUser {
    /// What to record on the new account.
    pub fn event(&self) -> AuditEvent {
        self.context.clone().event(self.action)
    }

    /// When it is made.
    pub fn created_at(&self) -> Timestamp {
        self.context.at
    }
}

/// Why no account was made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
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
    /// What the settings declare beside that. Only [`AccountRepository::change`] changes it.
    pub attributes: AttributeChanges,
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
    /// The fields that are to change, for the record.
    pub fn changed_fields(&self) -> Vec<ChangedField> {
        use ChangedField as F;
        let fields = [
            (F::Email, self.email.is_some()),
            (F::FullName, !self.full_name.is_keep()),
            (F::Phone, !self.phone.is_keep()),
            (F::Bio, !self.bio.is_keep()),
            (F::Avatar, !self.avatar.is_keep()),
            (F::Locale, !self.locale.is_keep()),
            (F::Attributes, !self.attributes.is_empty()),
        ];
        fields.into_iter().filter(|(_, changes)| *changes).map(|(field, _)| field).collect()
    }

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

impl UserQuery {
    /// The first users of any role.
    pub fn first(limit: u64) -> Self {
        Self { start: PageStart::Skip(0), limit, role: None }
    }
}

/// A part of the users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users, by ascending id.
    pub users: Vec<User>,
    /// How many match, on all pages.
    pub total: u64,
}

/// The account is that of the last administrator who can log in. Without one, nobody could activate
/// accounts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[error("it is the account of the last administrator who can log in")]
pub struct LastAdmin;

/// The account is to be deleted, and can only be restored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[error("the account is to be deleted")]
pub struct DeletionScheduled;

/// The accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AccountRepository: Send + Sync {
    /// Makes an account at credential version 0 and returns it with its id.
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
    /// there is no active account of this id. Records `profile_updated` with
    /// [`ProfileChanges::changed_fields`].
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

    /// The accounts of a page that match, in the order asked for, which begins after the position; and
    /// the number of all that match. Names match by their [search form](crate::accounts::search_form).
    /// The number is exact if it is of a role alone or of all, or not more than
    /// [`FoundUsers::COUNTED`](crate::accounts::FoundUsers::COUNTED); else it is that.
    async fn search(&self, search: UserSearch) -> Result<FoundUsers, PortError>;

    /// Changes the account as [`AccountChange::plan`] says of it as it is in this transaction, and
    /// returns it; `None` if nobody has the id. Appends the mail of the plan, and records its action with
    /// the fields that it changes; if there is no action, `lock_lifted` if there were failures to forget, else nothing.
    ///
    /// MUST return what the plan refuses; `UsernameTaken` and `EmailTaken` as
    /// [`create`](Self::create) and [`update_profile`](Self::update_profile) do; and `LastAdmin` if the
    /// plan takes an administrator ([`ChangePlan::takes_admin`](crate::accounts::ChangePlan::takes_admin))
    /// and no other is lasting ([`User::is_lasting_admin`]), however many calls run at once. It changes
    /// nothing then.
    async fn change(
        &self,
        id: UserId,
        change: AccountChange,
        authority: Authority,
    ) -> Result<Option<User>, Error<ChangeUserError>>;

    /// Stores rows of a table together, each as [`ReadyRow::step`](crate::import::ReadyRow::step) says of the accounts that have its
    /// name and its address, and tells of each, in their order. An account is made as by
    /// [`create`](Self::create), and changed as by [`change`](Self::change), one change after the other.
    ///
    /// A row that is refused changes nothing and stops no other. A dry run changes nothing, and MUST tell
    /// the same as if it did.
    ///
    /// MUST store the [progress](crate::import::ImportBatch::progress) of the rows, if they are of a job, in the
    /// same change, as [`JobRepository::advance`](crate::jobs::JobRepository::advance) does; and fail with
    /// [`LeaseGone`](crate::jobs::LeaseGone), and change nothing, if the lease is gone.
    async fn import(
        &self,
        batch: ImportBatch,
    ) -> Result<Vec<Result<Imported, RowRefusal>>, PortError>;

    /// Deletes some of the accounts that are to be gone at this time, with all that is their own: their
    /// names and addresses are free then. Returns how many. Records `account_deleted` on each.
    async fn delete_due(&self, at: Timestamp) -> Result<u64, PortError>;

    /// Deletes some of the accounts that were made before this time, of which no address was ever
    /// proved, whose owner has never logged in, and which have one of these roles; returns how many.
    /// Records `account_deleted` on each.
    async fn delete_unverified(
        &self,
        created_before: Timestamp,
        roles: &[Role],
        at: Timestamp,
    ) -> Result<u64, PortError>;
}
