//! What is done by one-time tokens.

use std::sync::Arc;

use crate::access::Roles;
use crate::accounts::Email;
use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{RequestContext, Timestamp, UserId};
use crate::credentials::{CredentialVersion, PasswordHash};
use crate::mail::NewMail;
use crate::one_time::{NewOneTimeToken, Purpose, Recipient, TokenDigest};

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
    /// The roles that there are: an account with rights stays.
    pub roles: Arc<Roles>,
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

/// A request for another address, to be confirmed by a link that is sent there.
#[derive(Debug, Clone)]
pub struct EmailChangeRequest {
    /// Whose.
    pub user_id: UserId,
    /// The version of the credentials that were verified. The request is void once they are of
    /// another.
    pub version: CredentialVersion,
    /// The address.
    pub email: Email,
    /// The mail with the link.
    pub mail: NewMail,
    /// Who asks, when and from where.
    pub context: AuditContext,
}

/// The mails that go out when an account has another address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailChangeMails {
    /// Tells the address before. The store says which that is.
    pub notice: NewMail,
    /// What the token in the notice is known by, if the address before was verified: it takes the
    /// change back.
    pub undo: TokenDigest,
    /// Asks to prove the new address, unless it is proved already.
    pub verification: Option<NewMail>,
}

impl EmailChangeMails {
    /// The notice, and the token in it if the address that this account had before was verified.
    pub fn of_change(&self, before: &Recipient) -> (NewMail, Option<NewOneTimeToken>) {
        let (user, notice) = (&before.user, self.notice.clone());
        if !user.is_verified {
            return (notice, None);
        }
        let purpose = Purpose::UndoEmailChange;
        let token = NewOneTimeToken {
            digest: self.undo.clone(),
            purpose,
            user_id: user.id,
            version: None,
            email: user.email.canonical().to_owned(),
            client: notice.client.clone(),
            mail: None,
            created_at: notice.created_at,
            expires_at: None,
            max_live: purpose.max_live(),
            gives_back: Some(user.email.clone()),
        };
        (NewMail { to: Some(user.email.as_str().to_owned()), ..notice }, Some(token))
    }
}

/// A change of the address, by the link that was sent to the new one.
#[derive(Debug, Clone)]
pub struct EmailChange {
    /// The token.
    pub digest: TokenDigest,
    /// Whose it is.
    pub user_id: UserId,
    /// What goes out then, if mails are sent.
    pub mails: Option<EmailChangeMails>,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl EmailChange {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext::anonymous(self.at, self.request.clone());
        context.event(AuditAction::EmailChanged).on(self.user_id)
    }
}

/// Why the address was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmEmailChangeError {
    /// The token is not live.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// Somebody else has the address by now.
    #[error("the e-mail address is taken")]
    EmailTaken,
}

/// A change of the address that is taken back, by the link that was sent to the address before.
#[derive(Debug, Clone)]
pub struct EmailChangeUndo {
    /// The token.
    pub digest: TokenDigest,
    /// Whose it is.
    pub user_id: UserId,
    /// What tells the address that is back, and the one that is not any more.
    pub mails: Vec<NewMail>,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl EmailChangeUndo {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext::anonymous(self.at, self.request.clone());
        context.event(AuditAction::EmailChangeUndone).on(self.user_id)
    }
}
