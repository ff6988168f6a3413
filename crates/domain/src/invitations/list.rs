//! Use-case: listing invitations.

use std::sync::Arc;

use crate::access::Allowed;
use crate::access::rights::InvitationsWrite;
use crate::common::PortError;
use crate::invitations::{Invitation, InvitationId, InvitationRepository};
use crate::ports::Ports;

/// Which invitations to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvitationQuery {
    /// Only those with a lower id.
    pub after: Option<InvitationId>,
    /// How many to return at most.
    pub limit: u32,
}

/// A part of the invitations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationPage {
    /// The invitations, newest first.
    pub invitations: Vec<Invitation>,
    /// How many there are, on all pages.
    pub total: u64,
}

/// Lists invitations, open or not.
#[non_exhaustive]
pub struct ListInvitations {
    /// The invitations.
    pub invitations: Arc<dyn InvitationRepository>,
}

impl ListInvitations {
    /// On these ports.
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { invitations: ports.invitations.clone() }
    }

    /// Runs the use-case.
    ///
    /// # Errors
    /// A port failed.
    pub async fn execute(
        &self,
        _allowed: &Allowed<InvitationsWrite>,
        query: InvitationQuery,
    ) -> Result<InvitationPage, PortError> {
        self.invitations.list(query).await
    }
}
