//! `GET /api/v1/audit`.

use menjin_domain::access::rights::AuditRead;
use menjin_domain::audit::{
    AuditAction, AuditFilter, AuditOutcome, AuditPage, AuditPosition, AuditReason, AuditRecord,
    ChangedField, ListRecords, ListRecordsInput,
};
use menjin_domain::common::{ClientInfo, RequestId, Timestamp, UserId};
use menjin_web::schema::{Components, Schema, Written, names};
use menjin_web::values::Integer;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/audit", list).success("The events of this page")
}

/// How many events a page has unless the client says.
const DEFAULT_LIMIT: u64 = 20;

request! {
    struct AuditQuery {
        /// Only what this user did, or what was done on their account.
        user_id: Optional<UserId>,
        /// Only this.
        action: Optional<AuditAction>,
        /// Only what went so.
        outcome: Optional<AuditOutcome>,
        /// Only what changed this field of an account.
        changed: Optional<ChangedField>,
        /// Only what happened then or later.
        since: Optional<Timestamp>,
        /// Only what happened before then.
        until: Optional<Timestamp>,
        /// The `next` of the page before.
        before: Optional<AuditPosition>,
        /// How many to show at most.
        limit: Optional<Integer<1, { ListRecords::MAX_LIMIT }>> => { "default": DEFAULT_LIMIT },
    }
}

impl AuditQuery {
    fn into_input(self) -> Result<ListRecordsInput, ApiError> {
        Ok(ListRecordsInput {
            filter: AuditFilter {
                user: self.user_id.value()?,
                action: self.action.value()?,
                outcome: self.outcome.value()?,
                changed: self.changed.value()?,
                since: self.since.value()?,
                until: self.until.value()?,
            },
            before: self.before.value()?,
            limit: self.limit.value()?.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

/// A field of an account.
#[derive(Debug)]
pub(crate) struct Changed(ChangedField);

impl Serialize for Changed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl Schema for Changed {
    fn inline(_: &mut Components<'_>) -> Value {
        json!({
            "type": "string", "enum": names(ChangedField::ALL, ChangedField::as_str),
            "example": "role",
        })
    }
}

response! {
    /// Something that happened.
    pub struct AuditEvent as "AuditEvent" {
        id: i64 => { "minimum": 1, "example": 42 },
        at: Time,
        action: &'static str
            => { "enum": names(AuditAction::ALL, AuditAction::as_str), "example": "logged_in" },
        outcome: &'static str
            => { "enum": names(AuditOutcome::ALL, AuditOutcome::as_str), "example": "success" },
        /// Why it failed, where the action does not say it.
        reason: Option<&'static str>
            => { "enum": names(AuditReason::ALL, AuditReason::as_str), "example": "wrong_password" },
        /// Who did it; null if nobody was authenticated.
        actor_id: Option<i64> => { "minimum": 1, "example": 1 },
        /// On whose account; null if on nobody's.
        subject_id: Option<i64> => { "minimum": 1, "example": 1 },
        /// Which fields of the account were changed. What they held is not recorded.
        changed: Vec<Changed>,
        session_id: Option<String> => { "example": "0197c1f0-5a9e-7cc3-98c4-dc0c0c07398f" },
        /// The client's address.
        address: String => { "example": "192.0.2.7" },
        user_agent: Option<String>
            => { "maxLength": ClientInfo::MAX_USER_AGENT, "example": "curl/8" },
        /// The id by which the request is found in the log.
        request_id: Option<String> => { "maxLength": RequestId::MAX, "example": "0197c1f0-5a9e" },
    }
}

impl From<&AuditRecord> for AuditEvent {
    fn from(record: &AuditRecord) -> Self {
        let (event, context) = (&record.event, &record.event.context);
        Self {
            id: record.id.0,
            at: Time(context.at),
            action: event.action.as_str(),
            outcome: event.outcome().as_str(),
            reason: event.reason.map(AuditReason::as_str),
            actor_id: context.actor.map(UserId::get),
            subject_id: event.subject.map(UserId::get),
            changed: event.changed.iter().map(|field| Changed(*field)).collect(),
            session_id: context.session_id.map(|id| id.to_string()),
            address: context.request.client.address.to_string(),
            user_agent: context.request.client.user_agent.clone(),
            request_id: context.request.request_id.as_ref().map(ToString::to_string),
        }
    }
}

response! {
    /// A part of what happened.
    struct AuditPageResponse as "AuditPage" {
        events: Vec<AuditEvent>,
        /// Sent as `before` it gives the next page; null on the last.
        next: Option<Written<AuditPosition>>,
    }
}

impl From<&AuditPage> for AuditPageResponse {
    fn from(page: &AuditPage) -> Self {
        Self {
            events: page.records.iter().map(AuditEvent::from).collect(),
            next: page.next.as_ref().map(Written::from),
        }
    }
}

/// Show what happened.
///
/// For administrators. The newest comes first; `next` of a page, sent as `before`, gives the page
/// after it. Events of the last few seconds may still be missing.
#[api_v2_operation(operation_id = "list_audit_events", tags("Audit"))]
async fn list(
    api: Data<Api>,
    Ordered(Authorized(allowed), Query(query)): Ordered<Authorized<AuditRead>, Query<AuditQuery>>,
) -> Answer<Reply<AuditPageResponse>> {
    let page = api.services.list_records.execute(&allowed, query.into_input()?).await?;
    Ok(Reply(AuditPageResponse::from(&page)))
}
