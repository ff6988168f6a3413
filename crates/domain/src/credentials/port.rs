//! What a password is verified against, and its version.

use crate::audit::{AuditAction, AuditContext, AuditEvent};
use crate::common::{RequestContext, SessionId, Timestamp, UserId};
use crate::credentials::PasswordHash;

/// The state of a user's credentials: it rises with every password change and deactivation.
///
/// What was decided on an older credential_version (a password verified, say) is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CredentialVersion(pub i64);

/// What a password is verified against, read in one moment.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose they are.
    pub user_id: UserId,
    /// The hash.
    pub hash: PasswordHash,
    /// The state that the hash belongs to: what follows from it holds for this credential_version only.
    pub credential_version: CredentialVersion,
    /// Whether the account may log in.
    pub is_active: bool,
}

/// A verified change of a password.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// Whose.
    pub user_id: UserId,
    /// The credential_version that the old password was verified in.
    pub verified_version: CredentialVersion,
    /// The hash of the new one.
    pub hash: PasswordHash,
    /// The caller's session, which goes on.
    pub keep_session: SessionId,
    /// Now.
    pub at: Timestamp,
    /// Where from.
    pub request: RequestContext,
}

impl PasswordChange {
    /// What to record.
    pub fn event(&self) -> AuditEvent {
        let context = AuditContext {
            actor: Some(self.user_id),
            session_id: Some(self.keep_session),
            at: self.at,
            request: self.request.clone(),
        };
        context.event(AuditAction::PasswordChanged).on(self.user_id)
    }
}
