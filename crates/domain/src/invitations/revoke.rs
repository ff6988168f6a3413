//! Use-case: revoking an invitation.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::InvitationsWrite;
use crate::common::Error;
use crate::invitations::{InvitationId, InvitationRepository};
use crate::ports::Ports;

/// There is no invitation of this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such invitation")]
pub struct InvitationNotFound;

/// Revokes an invitation, whatever became of it. Accounts that were made by it stay.
#[non_exhaustive]
pub struct RevokeInvitation {
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
}

impl RevokeInvitation {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { invitations: ports.invitations.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// See [`InvitationNotFound`].
    pub async fn execute(
        &self,
        allowed: &Allowed<InvitationsWrite>,
        id: InvitationId,
    ) -> Result<(), Error<InvitationNotFound>> {
        if self.invitations.revoke(id, allowed.context().clone()).await? {
            Ok(())
        } else {
            Err(Error::Refused(InvitationNotFound))
        }
    }
}
