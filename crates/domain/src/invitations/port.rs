//! The repository of invitations.

use std::sync::Arc;

use async_trait::async_trait;

use crate::access::Roles;
use crate::accounts::{CreateUserError, NewUser, Role, User};
use crate::audit::AuditContext;
use crate::common::{Error, PortError, SessionId, Timestamp, UserId};
use crate::invitations::{
    Invitation, InvitationId, InvitationPage, InvitationQuery, NewInvitation,
};
use crate::mail::NewMail;
use crate::one_time::{TokenDigest, TokenInvalid};

/// A new account, by an invitation.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The token.
    pub digest: TokenDigest,
    /// The account, with the role of the invitation.
    pub user: NewUser,
    /// The roles that there are.
    pub roles: Arc<Roles>,
}

/// Why no account was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// The invitation is not open, or is not to this role.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// Name or address are taken.
    #[error(transparent)]
    Taken(#[from] CreateUserError),
}

/// Another role for an account, by an invitation that its owner accepts.
#[derive(Debug, Clone)]
pub struct RoleAcceptance {
    /// The token.
    pub digest: TokenDigest,
    /// Who accepts it.
    pub user_id: UserId,
    /// The role of the account when it was read.
    pub from: Role,
    /// The role of the invitation.
    pub to: Role,
    /// Whether the link was sent to the address of the account, and proves it.
    pub proves_email: bool,
    /// The session in which it is accepted. All others end.
    pub keep_session: SessionId,
    /// The roles that there are.
    pub roles: Arc<Roles>,
    /// Who acts, when and from where.
    pub context: AuditContext,
}

/// Why an account has no other role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TakeRoleError {
    /// The invitation is not open, or is not to this role.
    #[error(transparent)]
    TokenInvalid(#[from] TokenInvalid),
    /// The account is inactive or gone, or has another role or address by now.
    #[error("the account has changed meanwhile")]
    Stale,
}

/// The invitation was revoked or used up, or whoever made it may no longer invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the invitation is over")]
pub struct InvitationOver;

/// Invitations. One is open if [`Invitation::is_open`] says so, with whoever made it as they are at that
/// moment.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait InvitationRepository: Send + Sync {
    /// Makes an invitation, appends the mail to its address, and returns it. Records
    /// `invitation_created`.
    async fn create(&self, invitation: NewInvitation) -> Result<Invitation, PortError>;

    /// The invitation of this id.
    async fn find(&self, id: InvitationId) -> Result<Option<Invitation>, PortError>;

    /// The invitation of this token, open or not.
    async fn find_by_token(&self, digest: &TokenDigest) -> Result<Option<Invitation>, PortError>;

    /// A page of the invitations, newest first, and the number of all.
    async fn list(&self, query: InvitationQuery) -> Result<InvitationPage, PortError>;

    /// Gives an invitation another token, which lives as long as its first one did from the time of the
    /// context on, appends the mail to its address, and returns it. The token before does not work any
    /// more. Records `invitation_resent`.
    ///
    /// MUST return `InvitationOver`, and change nothing, if there is none of this id, or if it is not
    /// renewable ([`Invitation::is_renewable`]).
    async fn renew(
        &self,
        id: InvitationId,
        digest: TokenDigest,
        mail: Option<NewMail>,
        roles: &Roles,
        context: AuditContext,
    ) -> Result<Invitation, Error<InvitationOver>>;

    /// Revokes an invitation; `false` if there is none of this id. Records `invitation_revoked`, unless
    /// it was revoked before.
    async fn revoke(&self, id: InvitationId, context: AuditContext) -> Result<bool, PortError>;

    /// Makes the account, counts the use, and appends the mail to the account. Records
    /// [`NewUser::event`] on it.
    ///
    /// MUST return `TokenInvalid` if the invitation is not open or is to another role; else `Taken` as
    /// [`AccountRepository::create`](crate::accounts::AccountRepository::create) does; and change
    /// nothing then. Of any number of concurrent calls no more than `max_uses` succeed.
    async fn accept(&self, acceptance: Acceptance) -> Result<User, Error<AcceptError>>;

    /// Gives the account the role, counts the use, ends all sessions but the one to keep, and returns the
    /// account. If the link proves the address, the mailbox is what
    /// [`Recipient::with_proof`](crate::one_time::Recipient::with_proof) says without the password.
    /// Records `invitation_accepted`.
    ///
    /// MUST return `TokenInvalid` if the invitation is not open or is to another role; else `Stale` if
    /// the account is not active, has another role than `from`, or an address for which the invitation is
    /// not ([`Invitation::is_for`]); and change nothing then.
    async fn take_role(&self, acceptance: RoleAcceptance) -> Result<User, Error<TakeRoleError>>;

    /// Deletes some of the invitations that expired before this time; returns how many.
    async fn delete_before(&self, before: Timestamp) -> Result<u64, PortError>;
}

/// A repository without invitations, in which none can be made.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoInvitations;

#[async_trait]
impl InvitationRepository for NoInvitations {
    async fn create(&self, _: NewInvitation) -> Result<Invitation, PortError> {
        Err(PortError::internal("invitations", "there is no store for invitations"))
    }

    async fn find(&self, _: InvitationId) -> Result<Option<Invitation>, PortError> {
        Ok(None)
    }

    async fn find_by_token(&self, _: &TokenDigest) -> Result<Option<Invitation>, PortError> {
        Ok(None)
    }

    async fn list(&self, _: InvitationQuery) -> Result<InvitationPage, PortError> {
        Ok(InvitationPage { invitations: Vec::new(), total: 0 })
    }

    async fn renew(
        &self,
        _: InvitationId,
        _: TokenDigest,
        _: Option<NewMail>,
        _: &Roles,
        _: AuditContext,
    ) -> Result<Invitation, Error<InvitationOver>> {
        Err(Error::Refused(InvitationOver))
    }

    async fn revoke(&self, _: InvitationId, _: AuditContext) -> Result<bool, PortError> {
        Ok(false)
    }

    async fn accept(&self, _: Acceptance) -> Result<User, Error<AcceptError>> {
        Err(Error::Refused(TokenInvalid.into()))
    }

    async fn take_role(&self, _: RoleAcceptance) -> Result<User, Error<TakeRoleError>> {
        Err(Error::Refused(TokenInvalid.into()))
    }

    async fn delete_before(&self, _: Timestamp) -> Result<u64, PortError> {
        Ok(0)
    }
}
