use super::Principal;
use crate::values::{
    AuditAction, AuditOutcome, AuditPosition, AuditReason, AuditRecordId, Origin, SessionId,
    Timestamp, UserId,
};

/// Who does something, when and from where: what the record of a change says beside the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who; `None` if nobody was authenticated.
    pub actor: Option<UserId>,
    /// In which session.
    pub session_id: Option<SessionId>,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
}

impl Act {
    /// An act of this caller.
    pub fn by(caller: &Principal, at: Timestamp, origin: Origin) -> Self {
        Self { actor: Some(caller.user.id), session_id: Some(caller.session_id), at, origin }
    }

    /// An act of whoever it was.
    pub fn by_nobody(at: Timestamp, origin: Origin) -> Self {
        Self { actor: None, session_id: None, at, origin }
    }

    /// What has come of it; on whose account, [`AuditEvent::on`] says.
    pub fn event(self, action: AuditAction) -> AuditEvent {
        AuditEvent { action, reason: None, subject: None, act: self }
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
    pub act: Act,
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
        AuditPosition { at: self.event.act.at, id: self.id }
    }
}
