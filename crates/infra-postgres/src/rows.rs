//! Rows, and the entities that they are.

pub(crate) mod live;

use diesel::pg::Pg;
use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;

use ipnet::IpNet;
use menjin_domain::accounts::{AvatarUrl, Bio, Email, FullName, Phone, Profile, User, Username};
use menjin_domain::audit::{AuditContext, AuditEvent, AuditRecord, AuditRecordId};
use menjin_domain::common::{
    ClientInfo, PortError, RequestContext, RequestId, SessionId, Timestamp, UserId,
};
use menjin_domain::credentials::{CredentialVersion, Credentials, PasswordHash};
use menjin_domain::sessions::{Generation, Session};
use uuid::Uuid;

use crate::convert::moment;
use crate::error::bad_column;
use crate::schema::{audit_events, sessions, users};

/// What a [`User`] shows of its row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct UserRow {
    id: i64,
    username: String,
    username_canonical: String,
    email: String,
    email_canonical: String,
    role: String,
    full_name: Option<String>,
    phone: Option<String>,
    bio: Option<String>,
    avatar: Option<String>,
    is_active: bool,
    is_verified: bool,
    created_at: PgTimestamp,
    updated_at: Option<PgTimestamp>,
    last_login_at: Option<PgTimestamp>,
}

impl TryFrom<UserRow> for User {
    type Error = PortError;

    fn try_from(row: UserRow) -> Result<Self, PortError> {
        let bad = |column| bad_column("users", column, row.id.to_string());
        let optional = |column, at: Option<PgTimestamp>| {
            at.map(|at| moment(at).ok_or_else(|| bad(column))).transpose()
        };
        Ok(Self {
            id: user_id(row.id)?,
            role: row.role.parse().map_err(|_unknown| bad("role"))?,
            created_at: moment(row.created_at).ok_or_else(|| bad("created_at"))?,
            updated_at: optional("updated_at", row.updated_at)?,
            last_login_at: optional("last_login_at", row.last_login_at)?,
            username: Username::from_stored(row.username, row.username_canonical),
            email: Email::from_stored(row.email, row.email_canonical),
            profile: Profile {
                full_name: row.full_name.map(FullName::from_stored),
                phone: row.phone.map(Phone::from_stored),
                bio: row.bio.map(Bio::from_stored),
                avatar: row.avatar.map(AvatarUrl::from_stored),
            },
            is_active: row.is_active,
            is_verified: row.is_verified,
        })
    }
}

/// What a password is verified against.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct CredentialsRow {
    id: i64,
    password_hash: String,
    credential_version: i64,
    is_active: bool,
}

impl TryFrom<CredentialsRow> for Credentials {
    type Error = PortError;

    fn try_from(row: CredentialsRow) -> Result<Self, PortError> {
        Ok(Self {
            user_id: user_id(row.id)?,
            hash: PasswordHash::new(row.password_hash),
            version: CredentialVersion(row.credential_version),
            is_active: row.is_active,
        })
    }
}

fn user_id(id: i64) -> Result<UserId, PortError> {
    UserId::try_from(id).map_err(|_invalid| bad_column("users", "id", id.to_string()))
}

/// What a [`Session`] shows of its row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub(crate) struct SessionRow {
    id: Uuid,
    user_id: i64,
    generation: i64,
    created_at: PgTimestamp,
    last_used_at: PgTimestamp,
    expires_at: PgTimestamp,
    client_address: IpNet,
    user_agent: Option<String>,
}

impl TryFrom<SessionRow> for Session {
    type Error = PortError;

    fn try_from(row: SessionRow) -> Result<Self, PortError> {
        let bad = |column| bad_column("sessions", column, row.id.to_string());
        let at = |column, at: PgTimestamp| -> Result<Timestamp, PortError> {
            moment(at).ok_or_else(|| bad(column))
        };
        Ok(Self {
            id: SessionId(row.id),
            user_id: UserId::try_from(row.user_id).map_err(|_invalid| bad("user_id"))?,
            generation: Generation(row.generation),
            created_at: at("created_at", row.created_at)?,
            last_used_at: at("last_used_at", row.last_used_at)?,
            expires_at: at("expires_at", row.expires_at)?,
            client: ClientInfo { address: row.client_address.addr(), user_agent: row.user_agent },
        })
    }
}

/// A record. Whether it went well is not read: the action says it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(Pg))]
pub(crate) struct EventRow {
    id: i64,
    at: PgTimestamp,
    action: String,
    reason: Option<String>,
    actor_id: Option<i64>,
    subject_id: Option<i64>,
    session_id: Option<Uuid>,
    client_address: IpNet,
    user_agent: Option<String>,
    request_id: Option<String>,
}

impl TryFrom<EventRow> for AuditRecord {
    type Error = PortError;

    fn try_from(row: EventRow) -> Result<Self, PortError> {
        let bad = |column| bad_column("audit_events", column, row.id.to_string());
        let user = |column, id: Option<i64>| {
            id.map(UserId::try_from).transpose().map_err(|_invalid| bad(column))
        };
        let reason = row.reason.as_deref().map(str::parse).transpose();
        let request_id = row.request_id.as_deref().map(RequestId::parse).transpose();
        let client = ClientInfo { address: row.client_address.addr(), user_agent: row.user_agent };
        let context = AuditContext {
            actor: user("actor_id", row.actor_id)?,
            session_id: row.session_id.map(SessionId),
            at: moment(row.at).ok_or_else(|| bad("at"))?,
            request: RequestContext {
                client,
                request_id: request_id.map_err(|_no| bad("request_id"))?,
            },
        };
        let event = AuditEvent {
            action: row.action.parse().map_err(|_unknown| bad("action"))?,
            reason: reason.map_err(|_unknown| bad("reason"))?,
            subject: user("subject_id", row.subject_id)?,
            context,
        };
        Ok(Self { id: AuditRecordId(row.id), event })
    }
}
