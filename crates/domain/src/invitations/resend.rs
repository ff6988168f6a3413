//! Use-case: a new link for an invitation.

use std::sync::Arc;

use crate::access::rights::InvitationsWrite;
use crate::access::{Allowed, ReauthenticationRequired};
use crate::common::{Error, Locale};
use crate::invitations::create::{InvitationLinks, check_step_up};
use crate::invitations::{
    InvitationId, InvitationNotFound, InvitationOver, InvitationRepository, InvitationTerms, Issued,
};
use crate::ports::{Policy, Ports};

/// Why there is no new link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResendInvitationError {
    /// There is no invitation of this id.
    #[error(transparent)]
    NotFound(#[from] InvitationNotFound),
    /// It is over for good.
    #[error(transparent)]
    Over(#[from] InvitationOver),
    /// Whoever asks does not have all rights of the role.
    #[error("nobody may give a role with more rights than their own")]
    RoleForbidden,
    /// The role has rights, and the caller has to give the password again first.
    #[error(transparent)]
    ReauthenticationRequired(#[from] ReauthenticationRequired),
}

/// Gives an invitation a new link, and sends it if it is for an address and mails are sent. The link
/// before does not work any more. That works after expiry, too.
#[non_exhaustive]
pub struct ResendInvitation {
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
    /// Makes links.
    pub links: InvitationLinks,
}

impl ResendInvitation {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        Self { invitations: ports.invitations.clone(), links: InvitationLinks::new(ports, policy) }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`ResendInvitationError`].
    pub async fn execute(
        &self,
        allowed: &Allowed<InvitationsWrite>,
        id: InvitationId,
        locale: Option<Locale>,
    ) -> Result<Issued, Error<ResendInvitationError>> {
        let found = self.invitations.find(id).await?;
        let invitation = found.ok_or(Error::Refused(InvitationNotFound.into()))?;
        let roles = allowed.roles();
        if !roles.may_grant(allowed.role(), invitation.role) {
            return Err(Error::Refused(ResendInvitationError::RoleForbidden));
        }
        let confirmed = check_step_up(invitation.role, allowed);
        confirmed.map_err(|error| Error::Refused(error.into()))?;
        let terms = InvitationTerms {
            email: invitation.email,
            role: invitation.role,
            max_uses: invitation.max_uses,
            lifetime: invitation.lifetime,
        };
        let context = allowed.context().clone();
        let (token, mail) = self.links.token(&terms, locale, &context)?;
        let renewed = self.invitations.renew(id, token.digest(), mail, roles, context).await;
        Ok(self.links.issued(renewed.map_err(Error::cast)?, token))
    }
}
