//! The repository of one-time tokens.

use async_trait::async_trait;

use crate::accounts::{Email, LoginName, User};
use crate::audit::AuditContext;
use crate::common::{ClientInfo, Error, PortError, Timestamp, UserId};
use crate::credentials::CredentialVersion;
use crate::mail::MailId;
use crate::one_time::{
    ConfirmEmailChangeError, Disowning, EmailChange, EmailChangeRequest, EmailChangeUndo,
    EmailVerification, OneTimeToken, PasswordReset, Purpose, Recipient, TokenDigest, TokenInvalid,
};

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
    /// The address that it gives back, if it undoes a change.
    pub gives_back: Option<Email>,
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
                Purpose::ResetPassword | Purpose::ChangeEmail => Some(recipient.version),
                // Who changes a first password and then presses the button is not sent away; and what
                // undoes a change is there against those who may have changed the password as well.
                Purpose::VerifyEmail | Purpose::UndoEmailChange | Purpose::Invitation => None,
            },
            email: canonical.unwrap_or_else(|_violation| email.to_lowercase()),
            client,
            mail: None,
            created_at: now,
            expires_at: None,
            max_live: purpose.max_live(),
            gives_back: None,
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
    /// Whether the owner has ever proved an address of the account.
    pub is_proved: bool,
    /// The address that the token was sent to: canonical.
    pub email: String,
    /// The address that the token gives back, of one that undoes a change.
    pub gives_back: Option<Email>,
    /// Where what it was made for came from.
    pub client: ClientInfo,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when the account has had a second factor, without a gap.
    pub factor_since: Option<Timestamp>,
    /// Whether no change that is older than this one can be undone; of a token that undoes none, it is always so.
    pub is_oldest: bool,
}

impl TokenHolder {
    /// Whether the second factor stays when the change is undone; then it is asked for. One that came after the
    /// change may be that of whoever took the address, and goes. But an address that was the account's for less
    /// than [`UNDO_TIME`](crate::one_time::UNDO_TIME), so that the one before can be given back as well, takes no
    /// factor away: it may have been planted to do so.
    pub fn keeps_factor(&self) -> bool {
        self.factor_since.is_some_and(|since| since < self.created_at || !self.is_oldest)
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

    /// Makes the token, and makes the oldest others void that are more than `max_live` with it; `true`
    /// if the token is live then. `false`, and nothing is made, if the account is inactive or gone, or is not as the
    /// token is bound to, or if the token is for an address that another account has or keeps, or its mail is gone. A token
    /// that is there already stays as it is: `true` if it is live.
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
    /// failed logins, makes all of its tokens void but those that undo a change of the address, and
    /// appends the mail. If the token was sent to the current address, the mailbox is what
    /// [`Recipient::with_proof`] says with the password.
    /// Records [`PasswordReset::event`].
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live, or if the credentials
    /// are of another version. Of any number of concurrent calls for one token exactly one succeeds.
    async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error<TokenInvalid>>;

    /// Makes the mailbox of the account what [`Recipient::with_proof`] says, and returns the account.
    /// The token stays as it is. Records [`EmailVerification::event`] if the account was not verified
    /// before.
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live.
    async fn verify_email(&self, proof: EmailVerification) -> Result<User, Error<TokenInvalid>>;

    /// Deletes the account with all that is its own. Records [`Disowning::event`].
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live, if an address of the
    /// account was ever proved, or if the account has rights.
    async fn disown(&self, disowning: Disowning) -> Result<(), Error<TokenInvalid>>;

    /// Remembers the address as the pending one, in place of any that was, appends the mail, and
    /// returns `true`. Whether another account has the address makes no difference. `false`, and
    /// nothing changes, if the account is inactive or gone, or its credentials are of another version.
    /// Records `email_change_requested`.
    async fn request_email_change(&self, change: EmailChangeRequest) -> Result<bool, PortError>;

    /// Forgets the pending address, and makes the tokens for it void. Records `email_change_withdrawn`
    /// if there was one.
    async fn withdraw_email_change(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<(), PortError>;

    /// Gives the account the pending address, makes its mailbox what [`Recipient::with_address`] says,
    /// forgets the pending address, uses the token up, and appends the mails: see
    /// [`AccountRepository::update_profile`](crate::accounts::AccountRepository::update_profile).
    /// Records [`EmailChange::event`].
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live; else `EmailTaken` if
    /// another account has or keeps the address.
    async fn confirm_email_change(
        &self,
        change: EmailChange,
    ) -> Result<User, Error<ConfirmEmailChangeError>>;

    /// Gives the account the address of the token back: its mailbox is what
    /// [`Recipient::with_address_back`] says. Forgets the pending address, raises the credential
    /// version, ends every session, makes all tokens of the account void but those that undo an older
    /// change, sends no link to a new password for [`RESET_DELAY`](crate::one_time::RESET_DELAY), and
    /// appends the mails: the first to the address that is back, the second to the one before. Records
    /// [`EmailChangeUndo::event`].
    ///
    /// MUST return `TokenInvalid`, and change nothing, if the token is not live.
    async fn undo_email_change(&self, undo: EmailChangeUndo) -> Result<User, Error<TokenInvalid>>;

    /// Forgets the addresses that have been pending since before this time; returns how many.
    async fn forget_pending_before(&self, before: Timestamp) -> Result<u64, PortError>;

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

    async fn request_email_change(&self, _: EmailChangeRequest) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn withdraw_email_change(&self, _: UserId, _: AuditContext) -> Result<(), PortError> {
        Ok(())
    }

    async fn confirm_email_change(
        &self,
        _: EmailChange,
    ) -> Result<User, Error<ConfirmEmailChangeError>> {
        Err(Error::Refused(TokenInvalid.into()))
    }

    async fn undo_email_change(&self, _: EmailChangeUndo) -> Result<User, Error<TokenInvalid>> {
        Err(Error::Refused(TokenInvalid))
    }

    async fn forget_pending_before(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }

    async fn delete_before(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }
}
