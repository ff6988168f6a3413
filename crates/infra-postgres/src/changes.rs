//! What is written to `users` and `audit_events`.
#![expect(clippy::option_option, reason = "diesel's way to tell null from unchanged")]
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use ipnet::IpNet;
use menjin_domain::accounts::{AvatarUrl, Bio, Email, FullName, NewUser, Phone, ProfileChanges};
use menjin_domain::audit::{AuditEvent, AuditReason};
use menjin_domain::common::{Patch, RequestId, Timestamp, UserId};
use uuid::Uuid;

use crate::convert::stored;
use crate::schema::{audit_events, users};

/// A row to be inserted.
#[derive(Insertable)]
#[diesel(table_name = users)]
pub(crate) struct NewUserRow<'a> {
    username: &'a str,
    username_canonical: &'a str,
    email: &'a str,
    email_canonical: &'a str,
    password_hash: &'a str,
    credential_version: i64,
    role: &'a str,
    full_name: Option<&'a str>,
    phone: Option<&'a str>,
    bio: Option<&'a str>,
    avatar: Option<&'a str>,
    is_active: bool,
    is_verified: bool,
    created_at: PgTimestamp,
}

impl<'a> From<&'a NewUser> for NewUserRow<'a> {
    fn from(user: &'a NewUser) -> Self {
        Self {
            username: user.username.as_str(),
            username_canonical: user.username.canonical(),
            email: user.email.as_str(),
            email_canonical: user.email.canonical(),
            password_hash: user.hash.expose(),
            credential_version: 0,
            role: user.role.as_str(),
            full_name: user.profile.full_name.as_ref().map(FullName::as_str),
            phone: user.profile.phone.as_ref().map(Phone::as_str),
            bio: user.profile.bio.as_ref().map(Bio::as_str),
            avatar: user.profile.avatar.as_ref().map(AvatarUrl::as_str),
            is_active: true,
            is_verified: false,
            created_at: stored(user.created_at),
        }
    }
}

/// Changes to a row: `None` leaves a column as it is, `Some(None)` makes it null.
#[derive(AsChangeset)]
#[diesel(table_name = users)]
pub(crate) struct ProfileRow<'a> {
    email: Option<&'a str>,
    email_canonical: Option<&'a str>,
    full_name: Option<Option<&'a str>>,
    phone: Option<Option<&'a str>>,
    bio: Option<Option<&'a str>>,
    avatar: Option<Option<&'a str>>,
    updated_at: PgTimestamp,
}

impl<'a> ProfileRow<'a> {
    pub(crate) fn new(changes: &'a ProfileChanges, at: Timestamp) -> Self {
        Self {
            email: changes.email.as_ref().map(Email::as_str),
            email_canonical: changes.email.as_ref().map(Email::canonical),
            full_name: patch(&changes.full_name, FullName::as_str),
            phone: patch(&changes.phone, Phone::as_str),
            bio: patch(&changes.bio, Bio::as_str),
            avatar: patch(&changes.avatar, AvatarUrl::as_str),
            updated_at: stored(at),
        }
    }
}

fn patch<T>(change: &Patch<T>, text: impl FnOnce(&T) -> &str) -> Option<Option<&str>> {
    match change {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(value) => Some(Some(text(value))),
    }
}

/// An event to be appended.
#[derive(Insertable)]
#[diesel(table_name = audit_events)]
pub(crate) struct NewEventRow<'a> {
    at: PgTimestamp,
    action: &'a str,
    outcome: &'a str,
    reason: Option<&'a str>,
    actor_id: Option<i64>,
    subject_id: Option<i64>,
    session_id: Option<Uuid>,
    client_address: IpNet,
    user_agent: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> From<&'a AuditEvent> for NewEventRow<'a> {
    fn from(event: &'a AuditEvent) -> Self {
        let context = &event.context;
        Self {
            at: stored(context.at),
            action: event.action.as_str(),
            outcome: event.outcome().as_str(),
            reason: event.reason.map(AuditReason::as_str),
            actor_id: context.actor.map(UserId::get),
            subject_id: event.subject.map(UserId::get),
            session_id: context.session_id.map(|id| id.0),
            client_address: context.request.client.address.into(),
            user_agent: context.request.client.user_agent.as_deref(),
            request_id: context.request.request_id.as_ref().map(RequestId::as_str),
        }
    }
}
