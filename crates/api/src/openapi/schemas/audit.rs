//! The audit log, and locks.

use menjin_domain::audit::{AuditAction, AuditOutcome, AuditReason, ListRecords};
use menjin_domain::common::{ClientInfo, RequestId};
use serde_json::{Value, json};

use super::{Schema, closed, maybe, time, with};
use crate::openapi::schema_ref;
use crate::v1::DEFAULT_AUDIT_LIMIT;

/// The form of the text that says where a page ends.
fn position() -> Value {
    json!({ "pattern": "^[0-9]{1,18}-[0-9]{1,18}$", "example": "1704067200000000-42" })
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().copied().map(name).collect()
}

fn id(example: i64) -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": 1, "example": example })
}

fn text(example: &str) -> Value {
    json!({ "type": "string", "example": example })
}

fn moment() -> Value {
    with(time(), "type", "string")
}

/// When a lock ends.
fn until() -> Value {
    with(maybe(moment()), "description", "Until when log-ins are refused; null if they are not.")
}

fn failures() -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": 0, "example": 10 })
}

pub(super) fn answers() -> Vec<Schema> {
    vec![
        Schema::answer(
            "AuditPage",
            json!({
                "events": { "type": "array", "items": schema_ref("AuditEvent") },
                "next": with(
                    maybe(position()),
                    "description", "Sent as `before` it gives the next page; null on the last.",
                ),
            }),
        ),
        Schema::answer(
            "Lock",
            json!({
                "locked": {
                    "example": true, "description": "Whether log-ins are refused, from wherever.",
                },
                "until": with(
                    maybe(time()), "description", "When the last lock ends; null without one.",
                ),
                "account": { "allOf": [schema_ref("LockoutCount")] },
                "networks": { "type": "array", "items": schema_ref("NetworkLock") },
            }),
        ),
    ]
}

/// Schemas within those.
pub(super) fn uncollected() -> Vec<(&'static str, Value)> {
    let network = with(text("192.0.2.7"), "description", "An IPv4 address or an IPv6 /64.");
    vec![
        ("AuditEvent", with(event(), "description", "Something that happened.")),
        (
            "LockoutCount",
            with(
                closed(&json!({ "failures": failures(), "until": until() })),
                "description",
                "Failures from all networks together.",
            ),
        ),
        (
            "NetworkLock",
            with(
                closed(&json!({ "network": network, "failures": failures(), "until": until() })),
                "description",
                "Failures from one network.",
            ),
        ),
    ]
}

fn event() -> Value {
    closed(&json!({
        "id": id(42),
        "at": moment(),
        "action": choice(&names(AuditAction::ALL, AuditAction::as_str), "logged_in"),
        "outcome": choice(&names(AuditOutcome::ALL, AuditOutcome::as_str), "success"),
        "reason": with(
            maybe(choice(&names(AuditReason::ALL, AuditReason::as_str), "wrong_password")),
            "description", "Why it failed, where the action does not say it.",
        ),
        "actor_id": with(
            maybe(id(1)), "description", "Who did it; null if nobody was authenticated.",
        ),
        "subject_id": with(maybe(id(1)), "description", "On whose account; null if on nobody's."),
        "session_id": maybe(text("0197c1f0-5a9e-7cc3-98c4-dc0c0c07398f")),
        "address": with(text("192.0.2.7"), "description", "The client's address."),
        "user_agent": maybe(json!({
            "type": "string", "maxLength": ClientInfo::MAX_USER_AGENT, "example": "curl/8",
        })),
        "request_id": with(
            maybe(json!({
                "type": "string", "maxLength": RequestId::MAX, "example": "0197c1f0-5a9e",
            })),
            "description", "The id by which the request is found in the log.",
        ),
    }))
}

/// One of these names.
fn choice(names: &[&str], example: &str) -> Value {
    json!({ "type": "string", "enum": names, "example": example })
}

/// The parameters in queries.
pub(super) fn query_parameter(name: &str) -> Option<(&'static str, Value)> {
    let moment = || json!({ "type": "string", "format": "date-time" });
    Some(match name {
        "user_id" => (
            "Only what this user did, or what was done on their account.",
            json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": i64::MAX }),
        ),
        "action" => (
            "Only this.",
            json!({ "type": "string", "enum": names(AuditAction::ALL, AuditAction::as_str) }),
        ),
        "outcome" => (
            "Only what went so.",
            json!({ "type": "string", "enum": names(AuditOutcome::ALL, AuditOutcome::as_str) }),
        ),
        "since" => ("Only what happened then or later.", moment()),
        "until" => ("Only what happened before then.", moment()),
        "before" => ("The `next` of the page before.", with(position(), "type", "string")),
        "limit" => (
            "How many to show at most.",
            json!({
                "type": "integer", "format": "int32", "minimum": 1,
                "maximum": ListRecords::MAX_LIMIT, "default": DEFAULT_AUDIT_LIMIT,
            }),
        ),
        _ => return None,
    })
}
