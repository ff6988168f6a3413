//! Rows, and their conversion to entities.
#![expect(missing_docs, reason = "a field is a column of its table")]

use diesel::prelude::*;
use menjin_domain::accounts::{
    AvatarUrl, Ban, BanReason, Bio, Email, FullName, Phone, Profile, User, Username,
    attributes_of_stored,
};
use menjin_domain::audit::{AuditContext, AuditEvent, AuditRecord, AuditRecordId};
use menjin_domain::common::{
    ClientInfo, PortError, RequestContext, RequestId, SessionId, Timestamp, UserId,
};
use menjin_domain::credentials::{CredentialVersion, Credentials, FirstPassword, PasswordHash};
use menjin_domain::lockout::{FailureCount, Failures};
use menjin_domain::sessions::{Generation, Lineage, LiveSession, Session, TakenHandOff};

use crate::error::bad_column;
use crate::schema::{audit_events, login_throttles, sessions, users};
use crate::values::{Host, Id, Micros};

/// The columns that make a [`User`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    pub id: i64,
    pub username: String,
    pub username_canonical: String,
    pub email: String,
    pub email_canonical: String,
    pub role: String,
    pub full_name: Option<String>,
    pub phone: Option<String>,
    pub bio: Option<String>,
    pub avatar: Option<String>,
    pub is_active: bool,
    pub is_verified: bool,
    pub created_at: Micros,
    pub updated_at: Option<Micros>,
    pub last_login_at: Option<Micros>,
    pub locale: Option<String>,
    pub credential_version: i64,
    pub pending_email: Option<String>,
    pub pending_email_canonical: Option<String>,
    pub pending_version: Option<i64>,
    pub deletes_at: Option<Micros>,
    pub banned_until: Option<Micros>,
    pub ban_reason: Option<String>,
    pub first_password_from: Option<Micros>,
    pub first_password_until: Option<Micros>,
    pub attributes: Option<String>,
    pub has_factor: bool,
}

impl UserRow {
    /// The pending address, unless the credentials have changed since it was asked for.
    fn pending_email(&mut self) -> Option<Email> {
        let shown = self.pending_email.take();
        let pending = shown.zip(self.pending_email_canonical.take());
        let is_valid = self.pending_version == Some(self.credential_version);
        pending.filter(|_| is_valid).map(|(shown, canonical)| Email::from_stored(shown, canonical))
    }
}

impl TryFrom<UserRow> for User {
    type Error = PortError;

    fn try_from(mut row: UserRow) -> Result<Self, PortError> {
        let pending_email = row.pending_email();
        let bad = |column| bad_column("users", column, row.id.to_string());
        let optional = |column, at: Option<Micros>| {
            at.map(|at| at.moment().ok_or_else(|| bad(column))).transpose()
        };
        Ok(Self {
            id: user_id(row.id)?,
            role: row.role.parse().map_err(|_unknown| bad("role"))?,
            created_at: row.created_at.moment().ok_or_else(|| bad("created_at"))?,
            updated_at: optional("updated_at", row.updated_at)?,
            last_login_at: optional("last_login_at", row.last_login_at)?,
            username: Username::from_stored(row.username, row.username_canonical),
            email: Email::from_stored(row.email, row.email_canonical),
            profile: Profile {
                full_name: row.full_name.map(FullName::from_stored),
                phone: row.phone.map(Phone::from_stored),
                bio: row.bio.map(Bio::from_stored),
                avatar: row.avatar.map(AvatarUrl::from_stored),
                attributes: row
                    .attributes
                    .map(|text| attributes_of_stored(&text).ok_or_else(|| bad("attributes")))
                    .transpose()?
                    .unwrap_or_default(),
            },
            locale: row
                .locale
                .map(|locale| locale.parse())
                .transpose()
                .map_err(|_no| bad("locale"))?,
            pending_email,
            ban: optional("banned_until", row.banned_until)?
                .map(|until| Ban { until, reason: row.ban_reason.map(BanReason::from_stored) }),
            first_password: first_password(
                row.id,
                row.first_password_from,
                row.first_password_until,
            )?,
            deletes_at: optional("deletes_at", row.deletes_at)?,
            is_active: row.is_active,
            is_verified: row.is_verified,
            has_factor: row.has_factor,
        })
    }
}

/// For how long a first password is good.
fn first_password(
    id: i64,
    from: Option<Micros>,
    until: Option<Micros>,
) -> Result<Option<FirstPassword>, PortError> {
    let Some((from, until)) = from.zip(until) else { return Ok(None) };
    let bad = || bad_column("users", "first_password_until", id.to_string());
    let (from, until) = from.moment().zip(until.moment()).ok_or_else(bad)?;
    Ok(Some(FirstPassword { from, until }))
}

/// The columns against which a password is verified.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
pub struct CredentialsRow {
    pub id: i64,
    pub password_hash: String,
    pub credential_version: i64,
    pub is_active: bool,
    pub is_verified: bool,
    pub recovery_verified: bool,
    pub banned_until: Option<Micros>,
    pub first_password_from: Option<Micros>,
    pub first_password_until: Option<Micros>,
    pub has_factor: bool,
}

impl TryFrom<CredentialsRow> for Credentials {
    type Error = PortError;

    fn try_from(row: CredentialsRow) -> Result<Self, PortError> {
        let bad = || bad_column("users", "banned_until", row.id.to_string());
        let banned_until = row.banned_until.map(|until| until.moment().ok_or_else(bad));
        Ok(Self {
            banned_until: banned_until.transpose()?,
            first_password: first_password(
                row.id,
                row.first_password_from,
                row.first_password_until,
            )?,
            user_id: user_id(row.id)?,
            hash: PasswordHash::new(row.password_hash),
            version: CredentialVersion(row.credential_version),
            is_active: row.is_active,
            has_factor: row.has_factor,
            is_proved: row.is_verified || row.recovery_verified,
        })
    }
}

/// The id of a user.
///
/// # Errors
/// It is none.
pub fn user_id(id: i64) -> Result<UserId, PortError> {
    UserId::try_from(id).map_err(|_invalid| bad_column("users", "id", id.to_string()))
}

/// The columns that make a [`Session`].
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    pub id: Id,
    pub user_id: i64,
    pub generation: i64,
    pub created_at: Micros,
    pub last_used_at: Micros,
    pub expires_at: Micros,
    pub client_address: Host,
    pub user_agent: Option<String>,
    /// Null: at `created_at`.
    pub authenticated_at: Option<Micros>,
    /// Null: at `expires_at`.
    pub ends_at: Option<Micros>,
    pub has_factor: bool,
}

impl TryFrom<SessionRow> for Session {
    type Error = PortError;

    fn try_from(row: SessionRow) -> Result<Self, PortError> {
        let bad = |column| bad_column("sessions", column, row.id.0.to_string());
        let at = |column, at: Micros| -> Result<Timestamp, PortError> {
            at.moment().ok_or_else(|| bad(column))
        };
        Ok(Self {
            id: row.id.into(),
            user_id: UserId::try_from(row.user_id).map_err(|_invalid| bad("user_id"))?,
            generation: Generation(row.generation),
            has_factor: row.has_factor,
            created_at: at("created_at", row.created_at)?,
            last_used_at: at("last_used_at", row.last_used_at)?,
            authenticated_at: at(
                "authenticated_at",
                row.authenticated_at.unwrap_or(row.created_at),
            )?,
            expires_at: at("expires_at", row.expires_at)?,
            ends_at: at("ends_at", row.ends_at.unwrap_or(row.expires_at))?,
            client: ClientInfo {
                address: row.client_address.0.ok_or_else(|| bad("client_address"))?,
                user_agent: row.user_agent,
            },
        })
    }
}

/// A live session and its user.
pub fn live_session(session: SessionRow, user: UserRow) -> Result<LiveSession, PortError> {
    Ok(LiveSession { session: session.try_into()?, user: User::try_from(user)?.into() })
}

/// The last generation before the current one that was not void, and when it was first used.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct PredecessorRow {
    pub predecessor: Option<i64>,
    pub rotated_at: Option<Micros>,
    pub retries: i64,
}

impl PredecessorRow {
    /// The generations that this session knows.
    pub fn lineage(&self, session: &Session) -> Result<Lineage, PortError> {
        let bad = || bad_column("sessions", "rotated_at", session.id.to_string());
        let first_used = self.rotated_at.map(|at| at.moment().ok_or_else(bad)).transpose()?;
        let predecessor = self.predecessor.map(Generation).zip(first_used);
        Ok(Lineage {
            current: session.generation,
            predecessor,
            last_used_at: session.last_used_at,
            retries: u32::try_from(self.retries).unwrap_or(u32::MAX),
        })
    }
}

/// The network name in the row that counts over all networks.
pub const ALL_NETWORKS: &str = "";

/// A count of failures.
#[derive(Queryable, Selectable)]
#[diesel(table_name = login_throttles)]
pub struct FailuresRow {
    pub subject: String,
    pub network: String,
    pub failures: i64,
    pub last_failure_at: Micros,
}

impl FailuresRow {
    fn bad(&self, column: &'static str) -> PortError {
        bad_column("login_throttles", column, format!("{} {}", self.subject, self.network))
    }

    fn count(&self) -> Result<u64, PortError> {
        u64::try_from(self.failures).map_err(|_negative| self.bad("failures"))
    }

    fn last(&self) -> Result<Timestamp, PortError> {
        self.last_failure_at.moment().ok_or_else(|| self.bad("last_failure_at"))
    }
}

impl TryFrom<FailuresRow> for FailureCount {
    type Error = PortError;

    fn try_from(row: FailuresRow) -> Result<Self, PortError> {
        let network = (row.network != ALL_NETWORKS).then(|| row.network.parse()).transpose();
        Ok(Self {
            network: network.map_err(|_no| row.bad("network"))?,
            failures: row.count()?,
            last_failure_at: row.last()?,
        })
    }
}

impl TryFrom<FailuresRow> for Failures {
    type Error = PortError;

    fn try_from(row: FailuresRow) -> Result<Self, PortError> {
        Ok(Self { count: row.count()?, last_at: row.last()? })
    }
}

/// An audit record. The outcome is not read, because it follows from the action.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
pub struct EventRow {
    pub id: i64,
    pub at: Micros,
    pub action: String,
    pub reason: Option<String>,
    pub actor_id: Option<i64>,
    pub subject_id: Option<i64>,
    pub session_id: Option<Id>,
    pub client_address: Host,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// Names with commas between them.
    pub changed: Option<String>,
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
        let client = ClientInfo {
            address: row.client_address.0.ok_or_else(|| bad("client_address"))?,
            user_agent: row.user_agent,
        };
        let context = AuditContext {
            actor: user("actor_id", row.actor_id)?,
            session_id: row.session_id.map(SessionId::from),
            at: row.at.moment().ok_or_else(|| bad("at"))?,
            request: RequestContext {
                client,
                request_id: request_id.map_err(|_no| bad("request_id"))?,
            },
        };
        let names = row.changed.as_deref().unwrap_or_default();
        let changed = names.split_terminator(',').map(str::parse).collect::<Result<Vec<_>, _>>();
        let event = AuditEvent {
            action: row.action.parse().map_err(|_unknown| bad("action"))?,
            reason: reason.map_err(|_unknown| bad("reason"))?,
            subject: user("subject_id", row.subject_id)?,
            changed: changed.map_err(|_unknown| bad("changed"))?,
            context,
        };
        Ok(Self { id: AuditRecordId(row.id), event })
    }
}

/// Whose session a code is of.
#[derive(Queryable)]
pub struct TakenRow {
    user_id: i64,
    version: i64,
    has_factor: bool,
    created_at: Micros,
    authenticated_at: Option<Micros>,
    expires_at: Micros,
    ends_at: Option<Micros>,
}

impl TakenRow {
    /// Its columns.
    pub const COLUMNS: (
        sessions::user_id,
        users::credential_version,
        sessions::has_factor,
        sessions::created_at,
        sessions::authenticated_at,
        sessions::expires_at,
        sessions::ends_at,
    ) = (
        sessions::user_id,
        users::credential_version,
        sessions::has_factor,
        sessions::created_at,
        sessions::authenticated_at,
        sessions::expires_at,
        sessions::ends_at,
    );
}

impl TryFrom<TakenRow> for TakenHandOff {
    type Error = PortError;

    fn try_from(row: TakenRow) -> Result<Self, PortError> {
        let moment = |column, at: Micros| {
            let bad = || bad_column("sessions", column, format!("of user {}", row.user_id));
            at.moment().ok_or_else(bad)
        };
        Ok(Self {
            user_id: user_id(row.user_id)?,
            version: CredentialVersion(row.version),
            has_factor: row.has_factor,
            authenticated_at: moment(
                "authenticated_at",
                row.authenticated_at.unwrap_or(row.created_at),
            )?,
            ends_at: moment("ends_at", row.ends_at.unwrap_or(row.expires_at))?,
        })
    }
}
