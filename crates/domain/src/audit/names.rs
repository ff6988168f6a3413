//! What happened, and how it went: the names that stores and clients see.

use std::fmt;
use std::str::FromStr;

use crate::common::SessionId;

/// Not a name of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such name")]
pub struct UnknownName;

/// Makes an enum and its names from one table, so that the two always agree.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($variant:ident = $name:literal, $meaning:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $(#[doc = $meaning] $variant,)*
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

            /// What it says, for people.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
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
    /// What happened. Each action implies its outcome.
    AuditAction {
        Registered = "registered", "Somebody made an account for themselves.";
        RegistrationFailed = "registration_failed", "A registration found its name or address taken.";
        RegistrationRefused = "registration_refused", "A registration was not tried: too many have failed.";
        UserCreated = "user_created", "An administrator made an account for somebody.";
        UserImported = "user_imported", "An account was made from a table.";
        UsersExported = "users_exported", "A list of users was written to a file.";
        AdminCreated = "admin_created", "An administrator was made on the command line.";
        LoggedIn = "logged_in", "A password was right: a session began.";
        LoginFailed = "log_in_failed", "A login failed.";
        LoginRefused = "log_in_refused", "A login was not tried: too many have failed.";
        Refreshed = "refreshed", "A refresh token was traded for the next.";
        RefreshRetried = "refresh_retried", "A refresh token was taken once more: the answer to its first use was lost.";
        RefreshFailed = "refresh_failed", "A refresh token was refused.";
        RefreshReplayed = "refresh_replayed", "A refresh token was used a second time: its session was ended.";
        LoggedOut = "logged_out", "A session was ended by its user.";
        SessionRevoked = "session_revoked", "A session was ended by its user, from the list of sessions.";
        OtherSessionsRevoked = "other_sessions_revoked", "All other sessions of a user were ended by that user.";
        AllSessionsRevoked = "all_sessions_revoked", "All sessions of a user were ended by an administrator.";
        Reauthenticated = "reauthenticated", "A user gave the password again, to do what is critical.";
        ReauthenticationFailed = "reauthentication_failed", "A user gave a wrong password again, or was not asked: too many have failed.";
        FactorAdded = "factor_added", "A second factor was confirmed; all other sessions of the user ended.";
        FactorRemoved = "factor_removed", "A second factor was taken away, by its owner or by somebody else.";
        FactorChangeFailed = "factor_change_failed", "A second factor was not added, removed or renewed: password or code was wrong, or too many have failed.";
        PasskeyAdded = "passkey_added", "A passkey was added; all other sessions of the user ended.";
        PasskeyRemoved = "passkey_removed", "A passkey was taken away by its owner; all other sessions of the user ended.";
        PasskeyCountWentBack = "passkey_count_went_back", "A passkey has signed less often than before, as it says: it may have been copied. It was accepted.";
        RecoveryCodesRenewed = "recovery_codes_renewed", "New recovery codes were made; those before are gone.";
        RecoveryCodeUsed = "recovery_code_used", "A recovery code was used up.";
        OldestSessionsEnded = "oldest_sessions_ended", "Sessions of a user ended because a new one began: there may be no more.";
        PasswordChanged = "password_changed", "A password was changed; all other sessions of the user ended.";
        PasswordChangeFailed = "password_change_failed", "A password was not changed.";
        PasswordChangeRefused = "password_change_refused", "A change of a password was not tried: too many have failed.";
        ResetLinkMade = "reset_link_made", "A link to a new password was made on the command line.";
        PasswordReset = "password_reset", "A password was replaced by the link in a mail; all sessions of the user ended.";
        PasswordResetFailed = "password_reset_failed", "A password was not replaced by the link in a mail.";
        EmailVerified = "email_verified", "An address was proved by the link in a mail.";
        EmailVerificationFailed = "email_verification_failed", "An address was not proved by the link in a mail.";
        EmailChangeRequested = "email_change_requested", "A link was sent to a new address, to be confirmed there.";
        EmailChangeWithdrawn = "email_change_withdrawn", "A new address that was not yet confirmed was withdrawn.";
        EmailChanged = "email_changed", "An address was replaced by the link that was sent to the new one.";
        EmailChangeFailed = "email_change_failed", "An address was not replaced: the password, or the link, was wrong.";
        EmailChangeUndone = "email_change_undone", "A change of an address was undone by the link in a mail; all sessions of the user ended.";
        EmailChangeUndoFailed = "email_change_undo_failed", "A change of an address was not undone by the link in a mail.";
        InvitationCreated = "invitation_created", "Somebody was invited, or many by a code.";
        InvitationResent = "invitation_resent", "An invitation got a new link; the one before does not work any more.";
        InvitationRevoked = "invitation_revoked", "An invitation was revoked.";
        InvitationAccepted = "invitation_accepted", "An account was made by an invitation, or got its role.";
        InvitationFailed = "invitation_failed", "An invitation was not accepted: its link or code was wrong.";
        AccountDisowned = "account_disowned", "An account that was not verified was deleted by the link in a mail to its address.";
        MailRetried = "mail_retried", "A mail that had been given up was queued again.";
        ProfileUpdated = "profile_updated", "A profile was changed.";
        ProfileUpdateFailed = "profile_update_failed", "A profile was not changed.";
        UserEdited = "user_updated", "A name, an address or a profile was changed by an administrator.";
        RoleChanged = "role_changed", "An account was given another role; all its sessions ended.";
        PasswordSet = "password_set", "A password was set by an administrator; all sessions of the user ended.";
        UserChangeFailed = "user_change_failed", "An account was not changed by an administrator.";
        Activated = "activated", "An account was made active; its failed logins are forgotten.";
        Banned = "banned", "A user was banned for a while; all sessions of the user ended.";
        BanLifted = "ban_lifted", "A ban was ended before its time.";
        Deactivated = "deactivated", "An account was made inactive; all its sessions ended.";
        DeactivationFailed = "deactivation_failed", "An account was not made inactive.";
        DeletionScheduled = "deletion_scheduled", "An account was made inactive, to be deleted later; all its sessions ended.";
        DeletionFailed = "deletion_failed", "An account was not deleted.";
        DeletionUndone = "deletion_undone", "An account is not to be deleted any more.";
        AccountDeleted = "account_deleted", "An account was deleted, with its personal data.";
        LockoutCleared = "lock_lifted", "The failed logins of an account were forgotten.";
        AccessDenied = "access_denied", "Somebody asked for what their role does not allow.";
    }
}

named! {
    /// A field of an account, in a record of its change. What it held is not recorded.
    ChangedField {
        Username = "username", "The user name.";
        Email = "email", "The e-mail address.";
        FullName = "full_name", "The full name.";
        Phone = "phone", "The telephone number.";
        Bio = "bio", "The lines about the person.";
        Avatar = "avatar", "The picture.";
        Locale = "locale", "The language of mails.";
        Attributes = "attributes", "What the settings declare beside the other fields.";
        Role = "role", "The role.";
        Password = "password", "The password.";
        IsActive = "is_active", "Whether the account is active.";
        BannedUntil = "banned_until", "The ban.";
        DeletesAt = "deletes_at", "The deletion.";
    }
}

named! {
    /// How it went.
    AuditOutcome {
        Success = "success", "It was done.";
        Failure = "failure", "It was not.";
    }
}

named! {
    /// Why something was not done. The set is closed: a record never contains text of a client.
    AuditReason {
        UnknownName = "unknown_name", "Nobody has the name. The name is not recorded, since people may type a password there by mistake.";
        WrongPassword = "wrong_password", "The password was wrong.";
        WrongCode = "wrong_code", "The code of the second factor was wrong, or was used before.";
        WrongPasskey = "wrong_passkey", "What the passkey had signed was not what was asked for.";
        UnknownPasskey = "unknown_passkey", "The passkey is nobody's, or that of somebody else.";
        ChallengeOver = "challenge_over", "The passkey was asked for too long ago, or has answered already.";
        UserNotVerified = "user_not_verified", "The passkey did not ask its user for a PIN, a finger or a face.";
        Inactive = "inactive", "The password was right, but the account is inactive.";
        AccountChanged = "account_changed", "The account was deactivated, or its password changed, in the meantime.";
        Abandoned = "abandoned", "The client went away before the password was checked.";
        AccountLimit = "account_limit", "Too many failures on this account.";
        NetworkLimit = "network_limit", "Too many failures from this network.";
        InvalidToken = "invalid_token", "The token was not issued by menjin, or has expired.";
        SessionOver = "session_over", "The session has ended or expired, or its user is inactive.";
        UsernameTaken = "username_taken", "Somebody has the user name.";
        EmailTaken = "email_taken", "Somebody has the e-mail address.";
        EmailNotVerified = "email_not_verified", "The password was right, but the user has never proved an address.";
        Banned = "banned", "The password was right, but the user is banned.";
        FirstPasswordExpired = "first_password_expired", "The password was right, but it was set by somebody else, and is not good any more, or not yet.";
        LastAdmin = "last_admin", "No other administrator can log in.";
        TooManySessions = "too_many_sessions", "The password was right, but the user has as many sessions as there may be.";
        NotAdmin = "not_admin", "The caller's role does not have the right.";
        OutOfReach = "out_of_reach", "The account has rights that the caller does not have.";
        OwnAccount = "own_account", "Nobody does this to their own account.";
        DeletionScheduled = "deletion_scheduled", "The account is to be deleted.";
    }
}

impl AuditAction {
    /// The action of ending all sessions of a user, but the one to keep if there is one.
    pub fn of_revoked_sessions(keep: Option<SessionId>) -> Self {
        if keep.is_some() { Self::OtherSessionsRevoked } else { Self::AllSessionsRevoked }
    }

    /// Whether the action was done, and not refused.
    pub fn outcome(self) -> AuditOutcome {
        match self {
            Self::Registered
            | Self::AdminCreated
            | Self::UserCreated
            | Self::UserEdited
            | Self::RoleChanged
            | Self::PasswordSet
            | Self::Banned
            | Self::BanLifted
            | Self::LoggedIn
            | Self::Refreshed
            | Self::RefreshRetried
            | Self::LoggedOut
            | Self::SessionRevoked
            | Self::OtherSessionsRevoked
            | Self::AllSessionsRevoked
            | Self::PasswordChanged
            | Self::ResetLinkMade
            | Self::PasswordReset
            | Self::EmailVerified
            | Self::EmailChangeRequested
            | Self::EmailChangeWithdrawn
            | Self::EmailChanged
            | Self::EmailChangeUndone
            | Self::InvitationCreated
            | Self::InvitationResent
            | Self::InvitationRevoked
            | Self::InvitationAccepted
            | Self::AccountDisowned
            | Self::MailRetried
            | Self::ProfileUpdated
            | Self::Activated
            | Self::Deactivated
            | Self::DeletionScheduled
            | Self::DeletionUndone
            | Self::AccountDeleted
            | Self::Reauthenticated
            | Self::OldestSessionsEnded
            | Self::UserImported
            | Self::UsersExported
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::PasskeyCountWentBack
            | Self::RecoveryCodesRenewed
            | Self::RecoveryCodeUsed
            | Self::LockoutCleared => AuditOutcome::Success,
            Self::RegistrationFailed
            | Self::RegistrationRefused
            | Self::LoginFailed
            | Self::LoginRefused
            | Self::RefreshFailed
            | Self::RefreshReplayed
            | Self::PasswordChangeFailed
            | Self::PasswordChangeRefused
            | Self::PasswordResetFailed
            | Self::EmailVerificationFailed
            | Self::EmailChangeFailed
            | Self::InvitationFailed
            | Self::EmailChangeUndoFailed
            | Self::ProfileUpdateFailed
            | Self::DeactivationFailed
            | Self::UserChangeFailed
            | Self::DeletionFailed
            | Self::ReauthenticationFailed
            | Self::FactorChangeFailed
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
        for field in ChangedField::ALL {
            assert_eq!(field.as_str().parse(), Ok(*field));
            assert!(!field.as_str().contains([',', '%', '\'']), "stores keep lists of them");
        }
        assert_eq!("Registered".parse::<AuditAction>(), Err(UnknownName));
    }
}
