//! What an account is.

use crate::accounts::{AvatarUrl, Bio, Email, FullName, Phone, Role, Username};
use crate::common::{Locale, Timestamp, UserId};

/// The optional part of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The person's name.
    pub full_name: Option<FullName>,
    /// A telephone number.
    pub phone: Option<Phone>,
    /// Some lines about oneself.
    pub bio: Option<Bio>,
    /// A picture.
    pub avatar: Option<AvatarUrl>,
}

/// An account, as its owner and administrators may see it: no hash, no credential version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name, unique in its canonical form.
    pub username: Username,
    /// The address, unique in its canonical form.
    pub email: Email,
    /// What the user may do.
    pub role: Role,
    /// The optional part.
    pub profile: Profile,
    /// The language of mails to the user, if it is known.
    pub locale: Option<Locale>,
    /// The address that the user has asked for, until its link is used.
    pub pending_email: Option<Email>,
    /// When the account is gone, if it is to be deleted: it is inactive until then.
    pub deletes_at: Option<Timestamp>,
    /// Whether the account may log in and its tokens work.
    pub is_active: bool,
    /// Whether the user has proved that the address is theirs. A changed address is unverified.
    pub is_verified: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed; `None` until the first change. A login does not count as a change.
    pub updated_at: Option<Timestamp>,
    /// When the user last logged in; `None` until the first time.
    pub last_login_at: Option<Timestamp>,
}

impl User {
    /// Whether the user may manage others. It is derived from the role, so the two always agree.
    pub fn is_superuser(&self) -> bool {
        self.role == Role::Admin
    }
}
