//! Audit events and records.

use crate::access::Principal;
use crate::audit::{
    AuditAction, AuditOutcome, AuditPosition, AuditReason, AuditRecordId, ChangedField,
};
use crate::common::{RequestContext, SessionId, Timestamp, UserId};

/// Who does something, when and from where: the part of a record that is not the change itself.
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

    /// An act without an authenticated caller.
    pub fn anonymous(at: Timestamp, request: RequestContext) -> Self {
        Self { actor: None, session_id: None, at, request }
    }

    /// The event of this action in this context. [`AuditEvent::on`] adds the account.
    pub fn event(self, action: AuditAction) -> AuditEvent {
        AuditEvent { action, reason: None, subject: None, changed: Vec::new(), context: self }
    }
}

/// An event to be recorded: who did what, when, from where, and the outcome. The only text that a
/// client chooses is the `User-Agent`, which is bounded and cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What.
    pub action: AuditAction,
    /// Why not, if it failed.
    pub reason: Option<AuditReason>,
    /// On whose account; `None` if no account is concerned.
    pub subject: Option<UserId>,
    /// Which fields of the account were changed.
    pub changed: Vec<ChangedField>,
    /// Who, when and from where.
    pub context: AuditContext,
}

impl AuditEvent {
    /// The event, on this account.
    #[must_use]
    pub fn on(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The event, by which these fields were changed.
    #[must_use]
    pub fn changing(mut self, changed: Vec<ChangedField>) -> Self {
        self.changed = changed;
        self
    }

    /// The event, with this reason.
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
