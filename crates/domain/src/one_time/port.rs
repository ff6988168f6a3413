//! The repository of one-time tokens.

use std::time::Duration;

use async_trait::async_trait;

use crate::accounts::{Email, LoginName, Role, User};
use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{ClientInfo, Error, PortError, RequestContext, Timestamp, UserId};
use crate::credentials::{CredentialVersion, PasswordHash};
use crate::mail::{MailId, NewMail};
use crate::one_time::{OneTimeToken, Purpose, TokenDigest};

/// What is known about the mailbox of an account's owner, beside the address of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The address before the current one, for as long as the current one has not taken its place.
    pub address: Option<String>,
    /// Whether the owner had proved that address.
    pub is_verified: bool,
    /// When the current address was proved without the password.
    pub proved_at: Option<Timestamp>,
}

/// For how long an address that was proved without the password does not receive what opens the
/// account: the owner of the address before has this time to undo the change.
pub const UNDO_TIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Whom a mail goes to, read in one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The account.
    pub user: User,
    /// The version of its credentials.
    pub version: CredentialVersion,
    /// What is known about its mailbox.
    pub recovery: Recovery,
}

impl Recipient {
    /// The recovery address: the last one that was proved together with the password, or long enough
    /// ago; before any was, the one of the registration. Whoever takes over a session can change the
    /// address of the account, and must not get its next password there.
    pub fn recovery_address(&self, now: Timestamp) -> &str {
        let user = &self.user;
        let is_settled = self.recovery.proved_at.is_some_and(|proved| proved + UNDO_TIME <= now);
        match &self.recovery.address {
            Some(before) if !(user.is_verified && is_settled) => before,
            _ => user.email.as_str(),
        }
    }

    /// Whether the owner has ever proved an address of the account.
    pub fn is_proved(&self) -> bool {
        self.user.is_verified || self.recovery.is_verified
    }

    /// Where a new password may be sent to: the recovery address of an active account. Not to an
    /// address that nobody has proved, if the account has rights.
    pub fn reset_address(&self, now: Timestamp) -> Option<&str> {
        let has_rights = self.user.role == Role::Admin;
        let may = self.user.is_active && (self.is_proved() || !has_rights);
        may.then(|| self.recovery_address(now))
    }
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOneTimeToken {
    /// What it is known by.
    pub digest: TokenDigest,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose it is.
    pub user_id: UserId,
    /// It is void once the credentials are of another version.
    pub version: Option<CredentialVersion>,
    /// The address that it is sent to: canonical. A token that proves an address is void once the
    /// account has another.
    pub email: String,
    /// Where what it was made for came from.
    pub client: ClientInfo,
    /// The mail that it is in.
    pub mail: Option<MailId>,
    /// Now.
    pub created_at: Timestamp,
    /// When it expires; `None`: some time after its mail was handed over, which sets the time.
    pub expires_at: Option<Timestamp>,
    /// How many live tokens of this purpose the account may have, this one included; the oldest are
    /// void.
    pub max_live: u32,
}

impl NewOneTimeToken {
    /// A token for this account as it is now. `email` is the address that it goes to, as typed.
    pub(crate) fn new(
        token: &OneTimeToken,
        purpose: Purpose,
        recipient: &Recipient,
        email: &str,
        client: ClientInfo,
        now: Timestamp,
    ) -> Self {
        let canonical = Email::parse(email).map(|email| email.canonical().to_owned());
        Self {
            digest: token.digest(),
            purpose,
            user_id: recipient.user.id,
            version: match purpose {
                Purpose::ResetPassword => Some(recipient.version),
                // Who changes a first password and then presses the button is not sent away.
                Purpose::VerifyEmail => None,
            },
            email: canonical.unwrap_or_else(|_violation| email.to_lowercase()),
            client,
            mail: None,
            created_at: now,
            expires_at: None,
            max_live: purpose.max_live(),
        }
    }
}

/// Whose a live token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// The account, active.
    pub user: User,
    /// The version of its credentials.
    pub version: CredentialVersion,
    /// The address that the token was sent to: canonical.
    pub email: String,
    /// Where what it was made for came from.
    pub client: ClientInfo,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Nobody knows the token, or it is not live: of another purpose, used, expired or void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is invalid")]
pub struct TokenInvalid;

/// A new password, by a token.
#[derive(Debug, Clone)]
pub struct PasswordReset {
    /// The token.
    pub digest: TokenDigest,
    /// Whose it is.
    pub user_id: UserId,
    /// The version of the credentials when the token was looked up.
    pub version: CredentialVersion,
    /// The hash of the new password.
    pub hash: PasswordHash,
    /// What tells the owner.
    pub mail: Option<NewMail>,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl PasswordReset {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext::anonymous(self.at, self.request.clone());
        context.event(AuditAction::PasswordReset).on(self.user_id)
    }
}

/// A proof that an address is one's own, by a token.
#[derive(Debug, Clone)]
pub struct EmailVerification {
    /// The token.
    pub digest: TokenDigest,
    /// Whose it is.
    pub user_id: UserId,
    /// The address: canonical.
    pub email: String,
    /// Whether the password was given, too: then the address takes the place of the one before at
    /// once.
    pub with_password: bool,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl EmailVerification {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext::anonymous(self.at, self.request.clone());
        context.event(AuditAction::EmailVerified).on(self.user_id)
    }
}

/// The deletion of an account, by a token that was sent to its address.
#[derive(Debug, Clone)]
pub struct Disowning {
    /// The token, one that proves an address.
    pub digest: TokenDigest,
    /// Whose it is.
    pub user_id: UserId,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl Disowning {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext::anonymous(self.at, self.request.clone());
        context.event(AuditAction::AccountDisowned).on(self.user_id)
    }
}

/// One-time tokens, and the changes that are made by them.
///
/// A token is live if it has its purpose, was not used or made void, has not expired, its account is
/// active, and what it is bound to is as it was.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OneTimeTokenRepository: Send + Sync {
    /// The account of this name or address, active or not, with what is known about its mailbox.
    async fn find_recipient(&self, name: &LoginName) -> Result<Option<Recipient>, PortError>;

    /// The same, by the account's id.
    async fn find_recipient_by_id(&self, id: UserId) -> Result<Option<Recipient>, PortError>;

    /// Makes the token, and makes the oldest void that are more than `max_live`; `true` if the token
    /// is live then. `false`, and nothing is made, if the account is inactive or gone, or is not as the
    /// token is bound to. A token that is there already stays as it is: `true` if it is live.
    async fn issue(&self, token: NewOneTimeToken) -> Result<bool, PortError>;

    /// How many live tokens of this purpose the account has.
    async fn count_live(
        &self,
        user: UserId,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<u64, PortError>;

    /// Whose token this is, if it is live.
    async fn find(
        &self,
        digest: &TokenDigest,
        purpose: Purpose,
        at: Timestamp,
    ) -> Result<Option<TokenHolder>, PortError>;

    /// Stores the new hash, raises the credential version, ends every session, forgets the account's
    /// failed logins, makes all of its tokens void, and appends the mail. The account is verified
    /// then if the token was sent to its current address. Records [`PasswordReset::event`].
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live, or if the credentials
    /// are of another version. Of any number of concurrent calls for one token exactly one succeeds.
    async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error<TokenInvalid>>;

    /// Makes the account verified if it has the address, and returns it. The token stays as it is.
    /// Records [`EmailVerification::event`] if the account was not verified before.
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live.
    async fn verify_email(&self, proof: EmailVerification) -> Result<User, Error<TokenInvalid>>;

    /// Deletes the account with all that is its own. Records [`Disowning::event`].
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live, if an address of the
    /// account was ever proved, or if the account has rights.
    async fn disown(&self, disowning: Disowning) -> Result<(), Error<TokenInvalid>>;

    /// Deletes some of the tokens that were made before this time; returns how many.
    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError>;
}

/// A repository without tokens: every token is invalid.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOneTimeTokens;

#[async_trait]
impl OneTimeTokenRepository for NoOneTimeTokens {
    async fn find_recipient(&self, _: &LoginName) -> Result<Option<Recipient>, PortError> {
        Ok(None)
    }

    async fn find_recipient_by_id(&self, _: UserId) -> Result<Option<Recipient>, PortError> {
        Ok(None)
    }

    async fn issue(&self, _: NewOneTimeToken) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn count_live(&self, _: UserId, _: Purpose, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }

    async fn find(
        &self,
        _: &TokenDigest,
        _: Purpose,
        _: Timestamp,
    ) -> Result<Option<TokenHolder>, PortError> {
        Ok(None)
    }

    async fn reset_password(&self, _: PasswordReset) -> Result<(), Error<TokenInvalid>> {
        Err(Error::Refused(TokenInvalid))
    }

    async fn verify_email(&self, _: EmailVerification) -> Result<User, Error<TokenInvalid>> {
        Err(Error::Refused(TokenInvalid))
    }

    async fn disown(&self, _: Disowning) -> Result<(), Error<TokenInvalid>> {
        Err(Error::Refused(TokenInvalid))
    }

    async fn delete_before(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, at};

    fn recipient(is_verified: bool, recovery: Recovery) -> Recipient {
        let email = Email::parse("new@example.com").unwrap();
        let user = User { email, is_verified, ..testing::user() };
        Recipient { user, version: CredentialVersion(0), recovery }
    }

    #[test]
    fn w4_the_recovery_address_is_the_last_that_was_proved() {
        let before = |is_verified, proved_at| Recovery {
            address: Some("old@example.com".into()),
            is_verified,
            proved_at,
        };
        let week = 7 * 86_400;
        for (is_verified, recovery, now, expected) in [
            (false, Recovery::default(), 0, "new@example.com"),
            (true, Recovery::default(), 0, "new@example.com"),
            // Changed, and not proved: whatever the time.
            (false, before(true, None), 2 * week, "old@example.com"),
            (false, before(false, None), 2 * week, "old@example.com"),
            // Changed, and proved without the password.
            (true, before(true, Some(at(0))), week - 1, "old@example.com"),
            (true, before(true, Some(at(0))), week, "new@example.com"),
            // Changed again since.
            (false, before(true, Some(at(0))), week, "old@example.com"),
        ] {
            let told = format!("{is_verified} {recovery:?} {now}");
            let recipient = recipient(is_verified, recovery);
            assert_eq!(recipient.recovery_address(at(now)), expected, "{told}");
        }
    }

    #[test]
    fn w4_an_account_with_rights_is_not_reset_on_an_address_that_nobody_proved() {
        let with = |role, is_verified, recovery_is_verified, is_active| {
            let recovery = Recovery { is_verified: recovery_is_verified, ..Recovery::default() };
            let mut recipient = recipient(is_verified, recovery);
            recipient.user.role = role;
            recipient.user.is_active = is_active;
            recipient.reset_address(at(0)).is_some()
        };
        assert!(with(Role::Student, false, false, true));
        assert!(!with(Role::Admin, false, false, true));
        assert!(with(Role::Admin, true, false, true));
        assert!(with(Role::Admin, false, true, true));
        assert!(!with(Role::Student, true, true, false));
    }
}
