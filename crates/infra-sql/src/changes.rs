//! The values that are written: new rows, and changes to rows.
#![expect(clippy::option_option, reason = "diesel's way to tell null from unchanged")]
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::prelude::*;
use menjin_domain::accounts::{
    AttributeName, AttributeValue, Attributes, AvatarUrl, Bio, FullName, NewUser, Phone,
    ProfileChanges, attributes_to_stored, search_form,
};
use menjin_domain::audit::{AuditEvent, AuditReason, ChangedField};
use menjin_domain::common::{Locale, Patch, RequestId, Timestamp, UserId};
use menjin_domain::credentials::PasswordHash;
use menjin_domain::lockout::Failures;
use menjin_domain::sessions::{Generation, Lineage, NewSession, Session};

use crate::schema::{attribute_terms, audit_events, login_throttles, sessions, users};
use crate::values::{Host, Id, Micros};

/// A new account.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = users)]
pub struct NewUserRow<'a> {
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
    created_at: Micros,
    locale: Option<&'a str>,
    first_password_from: Option<Micros>,
    first_password_until: Option<Micros>,
    username_search: Option<String>,
    email_search: Option<String>,
    full_name_search: Option<String>,
    attributes: Option<String>,
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
            is_active: user.is_active,
            is_verified: user.is_verified,
            created_at: Micros::from(user.created_at()),
            locale: user.locale.map(Locale::tag),
            first_password_from: user.first_password.map(|first| first.from.into()),
            first_password_until: user.first_password.map(|first| first.until.into()),
            username_search: other_form(user.username.canonical()),
            email_search: other_form(user.email.canonical()),
            full_name_search: user.profile.full_name.as_ref().map(searched_name),
            attributes: attributes_to_stored(&user.profile.attributes),
        }
    }
}

/// A text of an attribute, in the form in which it is searched for.
#[derive(Debug, Insertable)]
#[diesel(table_name = attribute_terms)]
pub struct TermRow {
    attribute: String,
    term: String,
    user_id: i64,
}

impl TermRow {
    /// Those of a user.
    pub fn of(user: UserId, attributes: &Attributes) -> Vec<Self> {
        let terms = attributes.iter().filter_map(|(name, value)| match value {
            AttributeValue::Text(text) => Some((name, search_form(text))),
            AttributeValue::Integer(_) | AttributeValue::Boolean(_) => None,
        });
        let terms = terms.filter(|(_, term)| !term.is_empty());
        let row = |(name, term): (&AttributeName, String)| Self {
            attribute: name.to_string(),
            term,
            user_id: user.get(),
        };
        terms.map(row).collect()
    }
}

/// The search form of a canonical name or address, if that is another.
pub(crate) fn other_form(canonical: &str) -> Option<String> {
    Some(search_form(canonical)).filter(|form| form != canonical && !form.is_empty())
}

/// The search form of a full name.
pub(crate) fn searched_name(name: &FullName) -> String {
    search_form(name.as_str())
}

/// Changes to a row: `None` leaves a column as it is, `Some(None)` makes it null.
#[derive(AsChangeset)]
#[diesel(table_name = users)]
pub struct ProfileRow<'a> {
    full_name: Option<Option<&'a str>>,
    phone: Option<Option<&'a str>>,
    bio: Option<Option<&'a str>>,
    avatar: Option<Option<&'a str>>,
    locale: Option<Option<&'a str>>,
    full_name_search: Option<Option<String>>,
    updated_at: Micros,
}

impl<'a> ProfileRow<'a> {
    /// The columns for these changes, made at this moment.
    pub fn new(changes: &'a ProfileChanges, at: Timestamp) -> Self {
        Self {
            full_name: patch(&changes.full_name, FullName::as_str),
            phone: patch(&changes.phone, Phone::as_str),
            bio: patch(&changes.bio, Bio::as_str),
            avatar: patch(&changes.avatar, AvatarUrl::as_str),
            locale: patch(&changes.locale, |locale| locale.tag()),
            full_name_search: match &changes.full_name {
                Patch::Keep => None,
                Patch::Clear => Some(None),
                Patch::Set(name) => Some(Some(searched_name(name))),
            },
            updated_at: Micros::from(at),
        }
    }
}

/// A password that its user has chosen.
#[derive(AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub struct OwnPasswordRow<'a> {
    password_hash: &'a str,
    first_password_from: Option<Micros>,
    first_password_until: Option<Micros>,
    updated_at: Micros,
}

impl<'a> OwnPasswordRow<'a> {
    /// The password of this hash, from this moment on.
    pub fn new(hash: &'a PasswordHash, at: Timestamp) -> Self {
        Self {
            password_hash: hash.expose(),
            first_password_from: None,
            first_password_until: None,
            updated_at: at.into(),
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

/// An event to append.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = audit_events)]
pub struct NewEventRow<'a> {
    at: Micros,
    action: &'a str,
    outcome: &'a str,
    reason: Option<&'a str>,
    actor_id: Option<i64>,
    subject_id: Option<i64>,
    session_id: Option<Id>,
    client_address: Host,
    user_agent: Option<&'a str>,
    request_id: Option<&'a str>,
    changed: Option<String>,
}

impl<'a> From<&'a AuditEvent> for NewEventRow<'a> {
    fn from(event: &'a AuditEvent) -> Self {
        let context = &event.context;
        Self {
            at: Micros::from(context.at),
            action: event.action.as_str(),
            outcome: event.outcome().as_str(),
            reason: event.reason.map(AuditReason::as_str),
            actor_id: context.actor.map(UserId::get),
            subject_id: event.subject.map(UserId::get),
            session_id: context.session_id.map(Id::from),
            client_address: context.request.client.address.into(),
            user_agent: context.request.client.user_agent.as_deref(),
            request_id: context.request.request_id.as_ref().map(RequestId::as_str),
            changed: listed(&event.changed),
        }
    }
}

/// Names with commas between them; `None` if there is none.
fn listed(fields: &[ChangedField]) -> Option<String> {
    let names: Vec<_> = fields.iter().map(|field| field.as_str()).collect();
    Some(names.join(",")).filter(|names| !names.is_empty())
}

/// A new session.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = sessions)]
pub struct NewSessionRow<'a> {
    id: Id,
    user_id: i64,
    generation: i64,
    created_at: Micros,
    last_used_at: Micros,
    expires_at: Micros,
    ends_at: Option<Micros>,
    client_address: Host,
    user_agent: Option<&'a str>,
    has_factor: bool,
    authenticated_at: Option<Micros>,
}

impl<'a> From<&'a NewSession> for NewSessionRow<'a> {
    fn from(session: &'a NewSession) -> Self {
        Self {
            id: session.id.into(),
            user_id: session.user_id.get(),
            generation: Generation::FIRST.0,
            created_at: session.created_at.into(),
            last_used_at: session.created_at.into(),
            expires_at: session.expires_at.into(),
            ends_at: Some(session.ends_at.into()),
            client_address: session.request.client.address.into(),
            user_agent: session.request.client.user_agent.as_deref(),
            has_factor: session.has_factor,
            authenticated_at: session.authenticated_at.map(Micros::from),
        }
    }
}

/// A rotation of a session's refresh token.
#[derive(AsChangeset)]
#[diesel(table_name = sessions)]
#[diesel(treat_none_as_null = true)]
pub struct RotationRow {
    generation: i64,
    predecessor: Option<i64>,
    rotated_at: Option<Micros>,
    retries: i64,
    last_used_at: Micros,
    expires_at: Micros,
    ends_at: Option<Micros>,
}

impl RotationRow {
    /// A rotation to these generations, and the session as it is then.
    pub fn new(lineage: Lineage, session: &Session) -> Self {
        let (predecessor, first_used) = lineage.predecessor.unzip();
        Self {
            generation: lineage.current.0,
            predecessor: predecessor.map(|generation| generation.0),
            rotated_at: first_used.map(Micros::from),
            retries: lineage.retries.into(),
            last_used_at: lineage.last_used_at.into(),
            expires_at: session.expires_at.into(),
            ends_at: Some(session.ends_at.into()),
        }
    }
}

/// A count of failures to store.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = login_throttles, primary_key(subject, network))]
pub struct NewFailuresRow<'a> {
    subject: &'a str,
    network: &'a str,
    failures: i64,
    last_failure_at: Micros,
}

impl<'a> NewFailuresRow<'a> {
    /// The count of this subject and network.
    pub fn new(subject: &'a str, network: &'a str, failures: Failures) -> Self {
        let Failures { count, last_at } = failures;
        let failures = i64::try_from(count).unwrap_or(i64::MAX);
        Self { subject, network, failures, last_failure_at: last_at.into() }
    }
}
