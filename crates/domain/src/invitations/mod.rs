//! Invitations: for one, by an address, or for many, by a code.

mod accept;
mod create;
mod invitation;
mod list;
mod port;
mod resend;
mod revoke;
mod token;

pub use accept::{AcceptInvitation, AcceptInvitationError, AcceptInvitationInput};
pub use create::{CreateInvitation, CreateInvitationError, CreateInvitationInput, InvitationLinks};
pub use invitation::{
    InvalidInvitationId, Invitation, InvitationId, InvitationState, InvitationTerms, Inviter,
    NewInvitation, TermsError,
};
pub use list::{InvitationPage, InvitationQuery, ListInvitations};
#[cfg(feature = "mock")]
pub use port::MockInvitationRepository;
pub use port::{
    AcceptError, Acceptance, InvitationOver, InvitationRepository, NoInvitations, RoleAcceptance,
    TakeRoleError,
};
pub use resend::{ResendInvitation, ResendInvitationError};
pub use revoke::{InvitationNotFound, RevokeInvitation};
pub use token::Issued;
