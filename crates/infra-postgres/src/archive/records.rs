//! Rows with all their columns, in and out.
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::pg::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use ipnet::IpNet;
use menjin_domain::accounts::{AvatarUrl, Bio, FullName, Phone};
use menjin_domain::audit::AuditRecord;
use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::credentials::{CredentialVersion, PasswordHash};
use menjin_domain::sessions::{Generation, Session};
use menjin_domain::transfer::{Batch, LockoutRecord, SessionRecord, UserRecord};
use uuid::Uuid;

use crate::changes::NewEventRow;
use crate::convert::{moment, stored};
use crate::error::{bad_column, failed};
use crate::rows::{EventRow, SessionRow, UserRow};
use crate::schema::{audit_events as events, login_throttles as throttles, sessions, users};

/// How many rows are read at once. A user has 17 columns, and PostgreSQL takes 65,535 parameters.
const BATCH: i64 = 1000;

/// The last row that was read, by its key.
pub(super) enum Position {
    User(i64),
    Session(Option<Uuid>),
    Throttle(String, String),
    Event(Option<(PgTimestamp, i64)>),
    End,
}

impl Default for Position {
    fn default() -> Self {
        Self::User(0)
    }
}

impl Position {
    /// The next rows, by key.
    pub(super) async fn next(
        &mut self,
        postgres: &mut AsyncPgConnection,
    ) -> Result<Option<Batch>, PortError> {
        loop {
            let (next, batch) = match self {
                Self::User(last) => {
                    let users = read_users(postgres, *last).await?;
                    let next = users.last().map(|record| Self::User(record.user.id.get()));
                    (next.unwrap_or(Self::Session(None)), Batch::Users(users))
                }
                Self::Session(last) => {
                    let sessions = read_sessions(postgres, *last).await?;
                    let next = sessions.last().map(|last| Self::Session(Some(last.session.id.0)));
                    let first = Self::Throttle(String::new(), String::new());
                    (next.unwrap_or(first), Batch::Sessions(sessions))
                }
                Self::Throttle(subject, network) => {
                    let counts = read_throttles(postgres, subject, network).await?;
                    let next = counts
                        .last()
                        .map(|count| Self::Throttle(count.subject.clone(), count.network.clone()));
                    (next.unwrap_or(Self::Event(None)), Batch::Lockouts(counts))
                }
                Self::Event(last) => {
                    let events = read_events(postgres, *last).await?;
                    let key = |record: &AuditRecord| (stored(record.event.context.at), record.id.0);
                    let next = events.last().map(|record| Self::Event(Some(key(record))));
                    (next.unwrap_or(Self::End), Batch::Events(events))
                }
                Self::End => return Ok(None),
            };
            *self = next;
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }
}

async fn read_users(
    postgres: &mut AsyncPgConnection,
    after: i64,
) -> Result<Vec<UserRecord>, PortError> {
    let rows: Vec<(UserRow, String, i64)> = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(BATCH)
        .select((UserRow::as_select(), users::password_hash, users::credential_version))
        .load(postgres)
        .await
        .map_err(failed)?;
    let record = |(user, hash, credential_version): (UserRow, String, i64)| {
        Ok(UserRecord {
            user: user.try_into()?,
            hash: PasswordHash::new(hash),
            credential_version: CredentialVersion(credential_version),
        })
    };
    rows.into_iter().map(record).collect()
}

type SessionParts = (SessionRow, Option<i64>, Option<PgTimestamp>, Option<PgTimestamp>);

async fn read_sessions(
    postgres: &mut AsyncPgConnection,
    after: Option<Uuid>,
) -> Result<Vec<SessionRecord>, PortError> {
    // None is before all: there may be a session of the id nil.
    let after = match after {
        Some(id) => sessions::table.filter(sessions::id.gt(id)).into_boxed(),
        None => sessions::table.into_boxed(),
    };
    let rows: Vec<SessionParts> = after
        .order(sessions::id)
        .limit(BATCH)
        .select((
            SessionRow::as_select(),
            sessions::predecessor,
            sessions::rotated_at,
            sessions::ended_at,
        ))
        .load(postgres)
        .await
        .map_err(failed)?;
    rows.into_iter().map(session_record).collect()
}

fn session_record(
    (session, predecessor, rotated_at, ended_at): SessionParts,
) -> Result<SessionRecord, PortError> {
    let session = Session::try_from(session)?;
    let optional = |column, at: Option<PgTimestamp>| -> Result<Option<Timestamp>, PortError> {
        let bad = || bad_column("sessions", column, session.id.to_string());
        at.map(|at| moment(at).ok_or_else(bad)).transpose()
    };
    let rotated_at = optional("rotated_at", rotated_at)?;
    let ended_at = optional("ended_at", ended_at)?;
    Ok(SessionRecord {
        predecessor: predecessor.map(Generation).zip(rotated_at),
        ended_at,
        session,
    })
}

async fn read_throttles(
    postgres: &mut AsyncPgConnection,
    subject: &str,
    network: &str,
) -> Result<Vec<LockoutRecord>, PortError> {
    let same = throttles::subject.eq(subject).and(throttles::network.gt(network));
    let rows: Vec<(String, String, i64, PgTimestamp)> = throttles::table
        .filter(throttles::subject.gt(subject).or(same))
        .order((throttles::subject, throttles::network))
        .limit(BATCH)
        .load(postgres)
        .await
        .map_err(failed)?;
    let record = |(subject, network, failures, last): (String, String, i64, PgTimestamp)| {
        let last_failure_at = moment(last)
            .ok_or_else(|| bad_column("login_throttles", "last_failure_at", subject.as_str()))?;
        Ok(LockoutRecord { subject, network, failures, last_failure_at })
    };
    rows.into_iter().map(record).collect()
}

async fn read_events(
    postgres: &mut AsyncPgConnection,
    after: Option<(PgTimestamp, i64)>,
) -> Result<Vec<AuditRecord>, PortError> {
    let after = match after {
        Some((at, id)) => events::table
            .filter(events::at.gt(at).or(events::at.eq(at).and(events::id.gt(id))))
            .into_boxed(),
        None => events::table.into_boxed(),
    };
    let rows: Vec<EventRow> = after
        .order((events::at, events::id))
        .limit(BATCH)
        .select(EventRow::as_select())
        .load(postgres)
        .await
        .map_err(failed)?;
    rows.into_iter().map(AuditRecord::try_from).collect()
}

/// Writes these rows as they are.
pub(super) async fn insert(postgres: &mut AsyncPgConnection, batch: &Batch) -> QueryResult<()> {
    match batch {
        Batch::Users(records) => {
            let rows: Vec<_> = records.iter().map(UserColumns::from).collect();
            diesel::insert_into(users::table).values(rows).execute(postgres).await
        }
        Batch::Sessions(records) => {
            let rows: Vec<_> = records.iter().map(SessionColumns::from).collect();
            diesel::insert_into(sessions::table).values(rows).execute(postgres).await
        }
        Batch::Lockouts(records) => {
            let rows: Vec<_> = records.iter().map(ThrottleColumns::from).collect();
            diesel::insert_into(throttles::table).values(rows).execute(postgres).await
        }
        Batch::Events(records) => {
            let rows: Vec<_> = records
                .iter()
                .map(|record| (events::id.eq(record.id.0), NewEventRow::from(&record.event)))
                .collect();
            diesel::insert_into(events::table).values(rows).execute(postgres).await
        }
    }
    .map(drop)
}

/// A row of `users`, every column.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = users)]
struct UserColumns<'a> {
    id: i64,
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
    updated_at: Option<PgTimestamp>,
    last_login_at: Option<PgTimestamp>,
}

impl<'a> From<&'a UserRecord> for UserColumns<'a> {
    fn from(UserRecord { user, hash, credential_version }: &'a UserRecord) -> Self {
        Self {
            id: user.id.get(),
            username: user.username.as_str(),
            username_canonical: user.username.canonical(),
            email: user.email.as_str(),
            email_canonical: user.email.canonical(),
            password_hash: hash.expose(),
            credential_version: credential_version.0,
            role: user.role.as_str(),
            full_name: user.profile.full_name.as_ref().map(FullName::as_str),
            phone: user.profile.phone.as_ref().map(Phone::as_str),
            bio: user.profile.bio.as_ref().map(Bio::as_str),
            avatar: user.profile.avatar.as_ref().map(AvatarUrl::as_str),
            is_active: user.is_active,
            is_verified: user.is_verified,
            created_at: stored(user.created_at),
            updated_at: user.updated_at.map(stored),
            last_login_at: user.last_login_at.map(stored),
        }
    }
}

/// A row of `sessions`, every column.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = sessions)]
struct SessionColumns<'a> {
    id: Uuid,
    user_id: i64,
    generation: i64,
    predecessor: Option<i64>,
    rotated_at: Option<PgTimestamp>,
    created_at: PgTimestamp,
    last_used_at: PgTimestamp,
    expires_at: PgTimestamp,
    ended_at: Option<PgTimestamp>,
    client_address: IpNet,
    user_agent: Option<&'a str>,
}

impl<'a> From<&'a SessionRecord> for SessionColumns<'a> {
    fn from(SessionRecord { session, predecessor, ended_at }: &'a SessionRecord) -> Self {
        Self {
            id: session.id.0,
            user_id: session.user_id.get(),
            generation: session.generation.0,
            predecessor: predecessor.map(|(generation, _used)| generation.0),
            rotated_at: predecessor.map(|(_generation, used)| stored(used)),
            created_at: stored(session.created_at),
            last_used_at: stored(session.last_used_at),
            expires_at: stored(session.expires_at),
            ended_at: ended_at.map(stored),
            client_address: IpNet::from(session.client.address),
            user_agent: session.client.user_agent.as_deref(),
        }
    }
}

/// A row of `login_throttles`, every column.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = throttles)]
struct ThrottleColumns<'a> {
    subject: &'a str,
    network: &'a str,
    failures: i64,
    last_failure_at: PgTimestamp,
}

impl<'a> From<&'a LockoutRecord> for ThrottleColumns<'a> {
    fn from(record: &'a LockoutRecord) -> Self {
        Self {
            subject: &record.subject,
            network: &record.network,
            failures: record.failures,
            last_failure_at: stored(record.last_failure_at),
        }
    }
}
