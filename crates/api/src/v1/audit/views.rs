use menjin_domain::audit::{AuditPage, AuditReason, AuditRecord};
use menjin_domain::common::{UserId, rfc3339};
use paperclip::actix::Apiv2Schema;
use serde::Serialize;

/// Something that happened. Times are RFC 3339 in UTC.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "AuditEvent")]
pub struct AuditEventView {
    id: i64,
    at: String,
    action: &'static str,
    outcome: &'static str,
    reason: Option<&'static str>,
    actor_id: Option<i64>,
    subject_id: Option<i64>,
    session_id: Option<String>,
    address: String,
    user_agent: Option<String>,
    request_id: Option<String>,
}

impl From<&AuditRecord> for AuditEventView {
    fn from(record: &AuditRecord) -> Self {
        let (event, context) = (&record.event, &record.event.context);
        Self {
            id: record.id.0,
            at: rfc3339(context.at),
            action: event.action.as_str(),
            outcome: event.outcome().as_str(),
            reason: event.reason.map(AuditReason::as_str),
            actor_id: context.actor.map(UserId::get),
            subject_id: event.subject.map(UserId::get),
            session_id: context.session_id.map(|id| id.to_string()),
            address: context.request.client.address.to_string(),
            user_agent: context.request.client.user_agent.clone(),
            request_id: context.request.request_id.as_ref().map(ToString::to_string),
        }
    }
}

/// A part of what happened.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "AuditPage")]
pub(in crate::v1) struct AuditPageView {
    events: Vec<AuditEventView>,
    next: Option<String>,
}

impl From<&AuditPage> for AuditPageView {
    fn from(page: &AuditPage) -> Self {
        Self {
            events: page.records.iter().map(AuditEventView::from).collect(),
            next: page.next.map(|position| position.to_string()),
        }
    }
}
