//! What an account is.

use crate::accounts::{
    Attributes, AvatarUrl, BanReason, Bio, Email, FullName, Phone, Role, Username,
};
use crate::common::{Locale, Timestamp, UserId};
use crate::credentials::FirstPassword;

/// Somebody may not log in for a while. A ban that is over needs no clean-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// The first moment at which they may again.
    pub until: Timestamp,
    /// Why, for other administrators.
    pub reason: Option<BanReason>,
}

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
    /// What the settings declare beside that.
    pub attributes: Attributes,
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
    /// The ban of the user, which may be over.
    pub ban: Option<Ban>,
    /// The password was set by somebody else: its user has to change it.
    pub first_password: Option<FirstPassword>,
    /// Whether the account has a second factor.
    pub has_factor: bool,
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
    /// A student who has just registered: active, and not verified yet.
    pub fn new(id: UserId, username: Username, email: Email, created_at: Timestamp) -> Self {
        Self {
            id,
            username,
            email,
            role: Role::STUDENT,
            profile: Profile::default(),
            locale: None,
            pending_email: None,
            ban: None,
            first_password: None,
            has_factor: false,
            deletes_at: None,
            is_active: true,
            is_verified: false,
            created_at,
            updated_at: None,
            last_login_at: None,
        }
    }

    /// Whether the user may manage others. It is derived from the role, so the two always agree.
    pub fn is_superuser(&self) -> bool {
        self.role == Role::ADMIN
    }

    /// Whether the user may log in at this moment, with the right password.
    pub fn is_active_at(&self, now: Timestamp) -> bool {
        self.is_active && self.banned_until(now).is_none()
    }

    /// Until when the user is banned; `None`: not now.
    pub fn banned_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.ban.as_ref().map(|ban| ban.until).filter(|until| *until > now)
    }

    /// Whether the user has to change the password before anything else.
    pub fn must_change_password(&self) -> bool {
        self.first_password.is_some()
    }

    /// Whether the user is an administrator who can log in, by a password that does not expire.
    pub fn is_lasting_admin(&self, now: Timestamp) -> bool {
        self.is_superuser() && self.is_active_at(now) && self.first_password.is_none()
    }
}
