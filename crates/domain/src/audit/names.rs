//! What happened, and how it went: the names that stores and clients see.

use std::fmt;
use std::str::FromStr;

/// Not a name of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such name")]
pub struct UnknownName;

/// Makes an enum and its names of one table, so that neither can lack a row of the other.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$doc])* $variant,)*
        }

        impl $type {
            /// One of each.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in stores and answers.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownName),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// What happened. Each says in itself whether it went well.
    AuditAction {
        /// Somebody made an account for themselves.
        Registered = "registered",
        /// A registration found its name or address taken.
        RegistrationFailed = "registration_failed",
        /// A registration was not tried: too many have failed.
        RegistrationRefused = "registration_refused",
        /// An administrator was made on the command line.
        AdminCreated = "admin_created",
        /// A password was right: a session began.
        LoggedIn = "logged_in",
        /// A log-in failed.
        LoginFailed = "log_in_failed",
        /// A log-in was not tried: too many have failed.
        LoginRefused = "log_in_refused",
        /// A refresh token was traded for the next.
        Refreshed = "refreshed",
        /// A refresh token was not taken.
        RefreshFailed = "refresh_failed",
        /// A refresh token was used a second time: its session was ended.
        RefreshReplayed = "refresh_replayed",
        /// A session was ended by its user.
        LoggedOut = "logged_out",
        /// A session was ended by its user, from the list of sessions.
        SessionRevoked = "session_revoked",
        /// All other sessions of a user were ended by that user.
        OtherSessionsRevoked = "other_sessions_revoked",
        /// A password was changed; all other sessions of the user ended.
        PasswordChanged = "password_changed",
        /// A password was not changed.
        PasswordChangeFailed = "password_change_failed",
        /// A change of a password was not tried: too many have failed.
        PasswordChangeRefused = "password_change_refused",
        /// A profile was changed.
        ProfileUpdated = "profile_updated",
        /// A profile was not changed.
        ProfileUpdateFailed = "profile_update_failed",
        /// An account was made active; its failed log-ins are forgotten.
        Activated = "activated",
        /// An account was made inactive; all its sessions ended.
        Deactivated = "deactivated",
        /// An account was not made inactive.
        DeactivationFailed = "deactivation_failed",
        /// The failed log-ins of an account were forgotten.
        LockoutCleared = "lock_lifted",
        /// Somebody asked for what only administrators may do.
        AccessDenied = "access_denied",
    }
}

named! {
    /// How it went.
    AuditOutcome {
        /// It was done.
        Success = "success",
        /// It was not.
        Failure = "failure",
    }
}

named! {
    /// Why something was not done. A closed set: no text of a client's is ever in a record.
    AuditReason {
        /// Nobody has the name. It is not recorded: what people mistype there may be a password.
        UnknownName = "unknown_name",
        /// The password was wrong.
        WrongPassword = "wrong_password",
        /// The password was right, the account inactive.
        Inactive = "inactive",
        /// The account was deactivated, or its password changed, in the meantime.
        AccountChanged = "account_changed",
        /// The client went away before the password was looked at.
        Abandoned = "abandoned",
        /// Too many failures on this account.
        AccountLimit = "account_limit",
        /// Too many failures from this network.
        NetworkLimit = "network_limit",
        /// The token is none of ours, or has expired.
        InvalidToken = "invalid_token",
        /// The session has ended or expired, or its user is inactive.
        SessionOver = "session_over",
        /// Somebody has the user name.
        UsernameTaken = "username_taken",
        /// Somebody has the e-mail address.
        EmailTaken = "email_taken",
        /// No other administrator is active.
        LastAdmin = "last_admin",
        /// The caller is no administrator.
        NotAdmin = "not_admin",
    }
}

impl AuditAction {
    /// Whether this action succeeded.
    ///
    /// The outcome follows from the action, so that no record can contradict itself. The column
    /// `outcome` exists for queries in SQL.
    pub fn outcome(self) -> AuditOutcome {
        match self {
            Self::Registered
            | Self::AdminCreated
            | Self::LoggedIn
            | Self::Refreshed
            | Self::LoggedOut
            | Self::SessionRevoked
            | Self::OtherSessionsRevoked
            | Self::PasswordChanged
            | Self::ProfileUpdated
            | Self::Activated
            | Self::Deactivated
            | Self::LockoutCleared => AuditOutcome::Success,
            Self::RegistrationFailed
            | Self::RegistrationRefused
            | Self::LoginFailed
            | Self::LoginRefused
            | Self::RefreshFailed
            | Self::RefreshReplayed
            | Self::PasswordChangeFailed
            | Self::PasswordChangeRefused
            | Self::ProfileUpdateFailed
            | Self::DeactivationFailed
            | Self::AccessDenied => AuditOutcome::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_round() {
        for action in AuditAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
        }
        for reason in AuditReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        assert_eq!("Registered".parse::<AuditAction>(), Err(UnknownName));
    }
}
