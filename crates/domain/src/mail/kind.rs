//! The kinds of mails.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::one_time::Purpose;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// Asks to prove the address.
    VerifyEmail,
    /// Has the link to a new password.
    ResetPassword,
    /// Tells that the password was changed.
    PasswordChanged,
    /// Tells, at the address before, that the account has another.
    EmailChanged,
    /// A trial, by `menjin mail test`.
    Test,
}

/// No such kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of mail")]
pub struct UnknownMailKind;

impl MailKind {
    /// One of each.
    pub const ALL: [Self; 5] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::Test,
    ];

    /// The name in stores, answers and the folder of templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::Test => "test",
        }
    }

    /// What the token in it is for; `None` if it has none.
    pub fn purpose(self) -> Option<Purpose> {
        match self {
            Self::VerifyEmail => Some(Purpose::VerifyEmail),
            Self::ResetPassword => Some(Purpose::ResetPassword),
            Self::PasswordChanged | Self::EmailChanged | Self::Test => None,
        }
    }

    /// Whether somebody who is not logged in can cause it. Such mails have ceilings, and go after all
    /// others.
    pub fn is_for_anybody(self) -> bool {
        match self {
            Self::VerifyEmail | Self::ResetPassword => true,
            Self::PasswordChanged | Self::EmailChanged | Self::Test => false,
        }
    }
}

impl Purpose {
    /// The page that the link leads to, below the public URL.
    pub fn page(self) -> &'static str {
        match self {
            Self::VerifyEmail => "/account/verify-email",
            Self::ResetPassword => "/account/reset-password",
        }
    }

    /// How long a token lives from the moment when its mail was handed over.
    pub fn lifetime(self, reset: Duration) -> Duration {
        match self {
            Self::VerifyEmail => Duration::from_secs(24 * 60 * 60),
            Self::ResetPassword => reset,
        }
    }

    /// How many live tokens an account may have.
    pub fn max_live(self) -> u32 {
        match self {
            // A user who asks three times opens whichever mail comes.
            Self::ResetPassword => 3,
            // They do no harm: each proves the one address that it was sent to.
            Self::VerifyEmail => 10,
        }
    }
}

impl FromStr for MailKind {
    type Err = UnknownMailKind;

    fn from_str(text: &str) -> Result<Self, UnknownMailKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownMailKind)
    }
}

impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
