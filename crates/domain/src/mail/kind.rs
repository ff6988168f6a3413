//! The kinds of mails.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::one_time::{Purpose, UNDO_TIME};

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// Asks to prove the address.
    VerifyEmail,
    /// Has the link to a new password.
    ResetPassword,
    /// Tells that the password was changed.
    PasswordChanged,
    /// Has the link by which the account gets the address that the mail was sent to.
    ChangeEmail,
    /// Tells, at the address before, that the account has another; with a link that undoes it if that
    /// address was verified.
    EmailChanged,
    /// Tells, at both addresses, that a change was undone.
    EmailRestored,
    /// Has the link of an invitation.
    Invitation,
    /// Tells that the account will be deleted.
    AccountDeletion,
    /// Tells that the account has a second factor, or one more.
    FactorAdded,
    /// Tells that it has none any more, or one less.
    FactorRemoved,
    /// Tells that there were too many wrong codes, by somebody who knows the password.
    FactorLocked,
    /// Tells that a recovery code was used.
    RecoveryCodeUsed,
    /// Tells that there are new recovery codes.
    RecoveryCodesRenewed,
    /// A trial, by `menjin mail test`.
    Test,
}

/// No such kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of mail")]
pub struct UnknownMailKind;

impl MailKind {
    /// One of each.
    pub const ALL: [Self; 14] = [
        Self::VerifyEmail,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::ChangeEmail,
        Self::EmailChanged,
        Self::EmailRestored,
        Self::Invitation,
        Self::AccountDeletion,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::FactorLocked,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesRenewed,
        Self::Test,
    ];

    /// The name in stores, answers and the folder of templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::ChangeEmail => "change_email",
            Self::EmailChanged => "email_changed",
            Self::EmailRestored => "email_restored",
            Self::Invitation => "invitation",
            Self::AccountDeletion => "account_deletion",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::FactorLocked => "factor_locked",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
            Self::Test => "test",
        }
    }

    /// What the token in it is for; `None` if it has none.
    pub fn purpose(self) -> Option<Purpose> {
        match self {
            Self::VerifyEmail => Some(Purpose::VerifyEmail),
            Self::ResetPassword => Some(Purpose::ResetPassword),
            Self::ChangeEmail => Some(Purpose::ChangeEmail),
            Self::EmailChanged => Some(Purpose::UndoEmailChange),
            Self::Invitation => Some(Purpose::Invitation),
            Self::PasswordChanged
            | Self::EmailRestored
            | Self::AccountDeletion
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::FactorLocked
            | Self::RecoveryCodeUsed
            | Self::RecoveryCodesRenewed
            | Self::Test => None,
        }
    }

    /// Whether anybody can cause it, to an address of their choice. Such mails have ceilings, and go
    /// after all others.
    pub fn is_for_anybody(self) -> bool {
        match self {
            Self::VerifyEmail | Self::ResetPassword | Self::ChangeEmail => true,
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::EmailRestored
            | Self::Invitation
            | Self::AccountDeletion
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::FactorLocked
            | Self::RecoveryCodeUsed
            | Self::RecoveryCodesRenewed
            | Self::Test => false,
        }
    }
}

impl Purpose {
    /// The page that the link leads to, below the public URL.
    pub fn page(self) -> &'static str {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => "/account/verify-email",
            Self::UndoEmailChange => "/account/undo-email-change",
            Self::Invitation => "/account/accept-invitation",
            Self::ResetPassword => "/account/reset-password",
        }
    }

    /// How long a token lives from the moment when its mail was handed over.
    pub fn lifetime(self, reset: Duration) -> Duration {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => Duration::from_secs(24 * 60 * 60),
            Self::UndoEmailChange => UNDO_TIME,
            // The invitation knows, and it does not begin anew when its mail is handed over.
            Self::Invitation => Duration::ZERO,
            Self::ResetPassword => reset,
        }
    }

    /// How many live tokens an account may have.
    pub fn max_live(self) -> u32 {
        match self {
            // A user who asks three times opens whichever mail comes.
            Self::ResetPassword | Self::ChangeEmail => 3,
            // Each change has its own.
            Self::UndoEmailChange | Self::Invitation => u32::MAX,
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
