//! Audit events and records.

use crate::access::Principal;
use crate::audit::{AuditAction, AuditOutcome, AuditPosition, AuditReason, AuditRecordId};
use crate::common::{RequestContext, SessionId, Timestamp, UserId};

/// Who does something, when and from where: what the record of a change says beside the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditContext {
    /// Who; `None` if nobody was authenticated.
    pub actor: Option<UserId>,
    /// In which session.
    pub session_id: Option<SessionId>,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub request: RequestContext,
}

impl AuditContext {
    /// An act of this caller.
    pub fn by(caller: &Principal, at: Timestamp, request: RequestContext) -> Self {
        Self { actor: Some(caller.user.id), session_id: Some(caller.session_id), at, request }
    }

    /// An act of whoever it was.
    pub fn anonymous(at: Timestamp, request: RequestContext) -> Self {
        Self { actor: None, session_id: None, at, request }
    }

    /// What has come of it; on whose account, [`AuditEvent::on`] says.
    pub fn event(self, action: AuditAction) -> AuditEvent {
        AuditEvent { action, reason: None, subject: None, context: self }
    }
}

/// Something that happened and is to be kept: who did what, when, from where, and how it went. It
/// holds nothing that a client may write at will but the `User-Agent`, bounded and cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What.
    pub action: AuditAction,
    /// Why not, if it failed.
    pub reason: Option<AuditReason>,
    /// On whose account; `None` if on nobody's.
    pub subject: Option<UserId>,
    /// Who, when and from where.
    pub context: AuditContext,
}

impl AuditEvent {
    /// The same on this account.
    #[must_use]
    pub fn on(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The same for this reason.
    #[must_use]
    pub fn because(mut self, reason: AuditReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// How it went.
    pub fn outcome(&self) -> AuditOutcome {
        self.action.outcome()
    }
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// The id.
    pub id: AuditRecordId,
    /// What happened.
    pub event: AuditEvent,
}

impl AuditRecord {
    /// Its place in the order of all records.
    pub fn position(&self) -> AuditPosition {
        AuditPosition { at: self.event.context.at, id: self.id }
    }
}
