//! Rows with all their columns, in and out.
#![expect(clippy::ref_option_ref, reason = "in what diesel derives")]

use diesel::prelude::*;
use menjin_domain::accounts::{AvatarUrl, Bio, FullName, Phone};
use menjin_domain::audit::AuditRecord;
use menjin_domain::common::{PortError, Timestamp};
use menjin_domain::credentials::{CredentialVersion, PasswordHash};
use menjin_domain::sessions::{Generation, Session};
use menjin_domain::transfer::{Batch, LockoutRecord, SessionRecord, UserRecord};

use crate::changes::NewEventRow;
use crate::convert::{micros, moment};
use crate::error::{OrPortError, bad_column};
use crate::rows::{EventRow, SessionRow, UserRow};
use crate::schema::{audit_events as events, login_throttles as throttles, sessions, users};

/// How many rows are read at once. A user has 18 columns, and SQLite takes 32,766 parameters.
const BATCH: i64 = 1000;

/// The last row that was read, by its key.
pub(super) enum Position {
    User(i64),
    Session(Vec<u8>),
    Throttle(String, String),
    Event(Option<(i64, i64)>),
    End,
}

impl Default for Position {
    fn default() -> Self {
        Self::User(0)
    }
}

impl Position {
    /// The next rows, by key.
    pub(super) fn next(
        &mut self,
        sqlite: &mut SqliteConnection,
    ) -> Result<Option<Batch>, PortError> {
        loop {
            let (next, batch) = match self {
                Self::User(last) => {
                    let users = read_users(sqlite, *last)?;
                    let next = users.last().map(|record| Self::User(record.user.id.get()));
                    (next.unwrap_or(Self::Session(Vec::new())), Batch::Users(users))
                }
                Self::Session(last) => {
                    let sessions = read_sessions(sqlite, last)?;
                    let key = |record: &SessionRecord| record.session.id.0.as_bytes().to_vec();
                    let next = sessions.last().map(|record| Self::Session(key(record)));
                    let first = Self::Throttle(String::new(), String::new());
                    (next.unwrap_or(first), Batch::Sessions(sessions))
                }
                Self::Throttle(subject, network) => {
                    let counts = read_throttles(sqlite, subject, network)?;
                    let next = counts
                        .last()
                        .map(|count| Self::Throttle(count.subject.clone(), count.network.clone()));
                    (next.unwrap_or(Self::Event(None)), Batch::Lockouts(counts))
                }
                Self::Event(last) => {
                    let events = read_events(sqlite, *last)?;
                    let key = |record: &AuditRecord| (micros(record.event.context.at), record.id.0);
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

fn read_users(sqlite: &mut SqliteConnection, after: i64) -> Result<Vec<UserRecord>, PortError> {
    let rows: Vec<(UserRow, String, i64)> = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(BATCH)
        .select((UserRow::as_select(), users::password_hash, users::credential_version))
        .load(sqlite)
        .or_port_error()?;
    let record = |(user, hash, credential_version): (UserRow, String, i64)| {
        Ok(UserRecord {
            user: user.try_into()?,
            hash: PasswordHash::new(hash),
            credential_version: CredentialVersion(credential_version),
        })
    };
    rows.into_iter().map(record).collect()
}

type SessionParts = (SessionRow, Option<i64>, Option<i64>, Option<i64>);

fn read_sessions(
    sqlite: &mut SqliteConnection,
    after: &[u8],
) -> Result<Vec<SessionRecord>, PortError> {
    let rows: Vec<SessionParts> = sessions::table
        .filter(sessions::id.gt(after))
        .order(sessions::id)
        .limit(BATCH)
        .select((
            SessionRow::as_select(),
            sessions::predecessor,
            sessions::rotated_at,
            sessions::ended_at,
        ))
        .load(sqlite)
        .or_port_error()?;
    rows.into_iter().map(session_record).collect()
}

fn session_record(
    (session, predecessor, rotated_at, ended_at): SessionParts,
) -> Result<SessionRecord, PortError> {
    let session = Session::try_from(session)?;
    let optional = |column, at: Option<i64>| -> Result<Option<Timestamp>, PortError> {
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

fn read_throttles(
    sqlite: &mut SqliteConnection,
    subject: &str,
    network: &str,
) -> Result<Vec<LockoutRecord>, PortError> {
    let same = throttles::subject.eq(subject).and(throttles::network.gt(network));
    let rows: Vec<(String, String, i64, i64)> = throttles::table
        .filter(throttles::subject.gt(subject).or(same))
        .order((throttles::subject, throttles::network))
        .limit(BATCH)
        .load(sqlite)
        .or_port_error()?;
    let record = |(subject, network, failures, last): (String, String, i64, i64)| {
        let last_failure_at = moment(last)
            .ok_or_else(|| bad_column("login_throttles", "last_failure_at", subject.as_str()))?;
        Ok(LockoutRecord { subject, network, failures, last_failure_at })
    };
    rows.into_iter().map(record).collect()
}

fn read_events(
    sqlite: &mut SqliteConnection,
    after: Option<(i64, i64)>,
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
        .load(sqlite)
        .or_port_error()?;
    rows.into_iter().map(AuditRecord::try_from).collect()
}

/// Writes these rows as they are.
pub(super) fn insert(sqlite: &mut SqliteConnection, batch: &Batch) -> Result<(), PortError> {
    let inserted = match batch {
        Batch::Users(records) => {
            let rows: Vec<_> = records.iter().map(UserColumns::from).collect();
            diesel::insert_into(users::table).values(rows).execute(sqlite)
        }
        Batch::Sessions(records) => {
            let rows: Vec<_> = records.iter().map(SessionColumns::from).collect();
            diesel::insert_into(sessions::table).values(rows).execute(sqlite)
        }
        Batch::Lockouts(records) => {
            let rows: Vec<_> = records.iter().map(ThrottleColumns::from).collect();
            diesel::insert_into(throttles::table).values(rows).execute(sqlite)
        }
        // One by one, of one prepared statement: see `crate::audit`.
        Batch::Events(records) => records.iter().try_fold(0, |count, record| {
            let row = (events::id.eq(record.id.0), NewEventRow::from(&record.event));
            diesel::insert_into(events::table).values(row).execute(sqlite).map(|one| count + one)
        }),
    };
    inserted.or_port_error().map(drop)
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
    created_at: i64,
    updated_at: Option<i64>,
    last_login_at: Option<i64>,
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
            created_at: micros(user.created_at),
            updated_at: user.updated_at.map(micros),
            last_login_at: user.last_login_at.map(micros),
        }
    }
}

/// A row of `sessions`, every column.
#[derive(Insertable)]
#[diesel(treat_none_as_default_value = false)]
#[diesel(table_name = sessions)]
struct SessionColumns<'a> {
    id: &'a [u8],
    user_id: i64,
    generation: i64,
    predecessor: Option<i64>,
    rotated_at: Option<i64>,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    client_address: String,
    user_agent: Option<&'a str>,
}

impl<'a> From<&'a SessionRecord> for SessionColumns<'a> {
    fn from(SessionRecord { session, predecessor, ended_at }: &'a SessionRecord) -> Self {
        Self {
            id: session.id.0.as_bytes().as_slice(),
            user_id: session.user_id.get(),
            generation: session.generation.0,
            predecessor: predecessor.map(|(generation, _used)| generation.0),
            rotated_at: predecessor.map(|(_generation, used)| micros(used)),
            created_at: micros(session.created_at),
            last_used_at: micros(session.last_used_at),
            expires_at: micros(session.expires_at),
            ended_at: ended_at.map(micros),
            client_address: session.client.address.to_string(),
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
    last_failure_at: i64,
}

impl<'a> From<&'a LockoutRecord> for ThrottleColumns<'a> {
    fn from(record: &'a LockoutRecord) -> Self {
        Self {
            subject: &record.subject,
            network: &record.network,
            failures: record.failures,
            last_failure_at: micros(record.last_failure_at),
        }
    }
}
