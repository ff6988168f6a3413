//! Statements that diesel's builder cannot express: it has neither `UPDATE … FROM` nor `WITH`. As
//! query fragments they are prepared once per connection; `sql_query` would be prepared at every
//! call.

use diesel::Expression;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use menjin_domain::audit::AuditAction;
use menjin_domain::sessions::{Generation, NewSession, Rotation};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::sql_types::{Address, Moment, Uuid16};

use crate::recorded::{Event, Subject};

type Columns<Row> = <Row as Selectable<Pg>>::SelectExpression;
fn columns<Row: Selectable<Pg>>() -> Columns<Row> {
    Row::construct_selection()
}

type SqlTypes<Row> = <Columns<Row> as Expression>::SqlType;

/// The common case of refreshes, for several of them: the current generation of each session is
/// presented, and everything is valid. A refresh without a row in the result needs a closer look.
///
/// `SKIP LOCKED` passes over sessions that another transaction has locked: a statement that waits
/// for no lock cannot delay the other refreshes in it.
#[derive(QueryId)]
pub(crate) struct RotateCurrent {
    sessions: Vec<Id>,
    users: Vec<i64>,
    presented: Vec<i64>,
    at: Vec<Micros>,
    addresses: Vec<Host>,
    user_agents: Vec<Option<String>>,
    idle_until: Vec<Option<Micros>>,
    request_ids: Vec<Option<String>>,
    recorded: Vec<bool>,
    action: &'static str,
    outcome: &'static str,
    session: Columns<SessionRow>,
    user: Columns<UserRow>,
}

impl RotateCurrent {
    /// One refresh per session.
    pub(crate) fn new(rotations: &[Rotation]) -> Self {
        Self {
            sessions: rotations.iter().map(|each| each.session_id.into()).collect(),
            users: rotations.iter().map(|each| each.user_id.get()).collect(),
            presented: rotations.iter().map(|each| each.presented.0).collect(),
            at: rotations.iter().map(|each| Micros::from(each.at)).collect(),
            addresses: rotations.iter().map(|each| each.request.client.address.into()).collect(),
            user_agents: rotations
                .iter()
                .map(|each| each.request.client.user_agent.clone())
                .collect(),
            idle_until: rotations
                .iter()
                .map(|each| each.idle_ttl.map(|idle| Micros::from(each.at + idle)))
                .collect(),
            request_ids: rotations
                .iter()
                .map(|each| each.request.request_id.as_ref().map(|id| id.as_str().to_owned()))
                .collect(),
            recorded: rotations.iter().map(|each| each.recorded).collect(),
            action: AuditAction::Refreshed.as_str(),
            outcome: AuditAction::Refreshed.outcome().as_str(),
            session: columns::<SessionRow>(),
            user: columns::<UserRow>(),
        }
    }
}

/// The id of the session comes first, because the names of the later columns occur in two tables.
impl Query for RotateCurrent {
    type SqlType = (Uuid16, SqlTypes<SessionRow>, SqlTypes<UserRow>);
}

impl QueryFragment<Pg> for RotateCurrent {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH asked AS (SELECT * FROM unnest(");
        out.push_bind_param::<Array<Uuid16>, _>(&self.sessions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.users)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.presented)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Moment>, _>(&self.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Address>, _>(&self.addresses)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.user_agents)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.request_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.recorded)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Moment>>, _>(&self.idle_until)?;
        out.push_sql(
            ") AS asked (session_id, user_id, presented, at, client_address, user_agent, request_id, \
             recorded, idle_until)), taken AS (SELECT asked.* FROM asked JOIN sessions \
             ON sessions.id = asked.session_id WHERE sessions.user_id = asked.user_id \
             AND sessions.generation = asked.presented AND sessions.ended_at IS NULL \
             AND sessions.expires_at > asked.at FOR NO KEY UPDATE OF sessions SKIP LOCKED), \
             changed AS (UPDATE sessions SET generation = sessions.generation + 1, \
             predecessor = sessions.generation, rotated_at = taken.at, last_used_at = taken.at, \
             ends_at = COALESCE(sessions.ends_at, sessions.expires_at), expires_at = \
             LEAST(COALESCE(sessions.ends_at, sessions.expires_at), taken.idle_until) \
             FROM taken JOIN users ON users.id = taken.user_id AND users.is_active \
             WHERE sessions.id = taken.session_id RETURNING sessions.id AS session_id, ",
        );
        self.session.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.user.walk_ast(out.reborrow())?;
        out.push_sql(
            "), event AS (INSERT INTO audit_events (at, action, outcome, actor_id, subject_id, \
             session_id, client_address, user_agent, request_id) SELECT at, ",
        );
        out.push_bind_param::<Text, _>(&self.action)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.outcome)?;
        out.push_sql(
            ", user_id, user_id, session_id, client_address, user_agent, request_id FROM taken \
             WHERE recorded AND session_id IN (SELECT session_id FROM changed)) \
             SELECT * FROM changed",
        );
        Ok(())
    }
}

/// Creates a session and its audit record, on the condition that the account is active and has the
/// verified credential version, and returns the user. The update of the user's row comes first, and
/// waits for other transactions that change that row.
#[derive(QueryId)]
pub(crate) struct CreateSession {
    session_id: Id,
    user_id: i64,
    credential_version: i64,
    created_at: Micros,
    expires_at: Micros,
    ends_at: Micros,
    address: Host,
    user_agent: Option<String>,
    has_factor: bool,
    authenticated_at: Option<Micros>,
    event: Event,
    user: Columns<UserRow>,
}

impl CreateSession {
    pub(crate) fn new(session: &NewSession) -> Self {
        Self {
            session_id: session.id.into(),
            user_id: session.user_id.get(),
            credential_version: session.verified_version.0,
            created_at: Micros::from(session.created_at),
            expires_at: Micros::from(session.expires_at),
            ends_at: Micros::from(session.ends_at),
            address: session.request.client.address.into(),
            user_agent: session.request.client.user_agent.clone(),
            has_factor: session.has_factor,
            authenticated_at: session.authenticated_at.map(Micros::from),
            event: session.event().into(),
            user: columns::<UserRow>(),
        }
    }
}

impl Query for CreateSession {
    type SqlType = SqlTypes<UserRow>;
}

impl QueryFragment<Pg> for CreateSession {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH changed AS (UPDATE users SET last_login_at = ");
        out.push_bind_param::<Moment, _>(&self.created_at)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(&self.user_id)?;
        out.push_sql(" AND is_active AND credential_version = ");
        out.push_bind_param::<BigInt, _>(&self.credential_version)?;
        out.push_sql(" RETURNING ");
        self.user.walk_ast(out.reborrow())?;
        out.push_sql(
            "), session AS (INSERT INTO sessions (id, user_id, generation, created_at, \
             last_used_at, expires_at, ends_at, client_address, user_agent, has_factor, authenticated_at) \
             SELECT ",
        );
        out.push_bind_param::<Uuid16, _>(&self.session_id)?;
        out.push_sql(", changed.id, ");
        out.push_bind_param::<BigInt, _>(&Generation::FIRST.0)?;
        for moment in [&self.created_at, &self.created_at, &self.expires_at, &self.ends_at] {
            out.push_sql(", ");
            out.push_bind_param::<Moment, _>(moment)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<Address, _>(&self.address)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.user_agent)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&self.has_factor)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Moment>, _>(&self.authenticated_at)?;
        out.push_sql(" FROM changed), ");
        self.event.append(Subject::Known, out.reborrow())?;
        out.push_sql(" SELECT * FROM changed");
        Ok(())
    }
}

pub(crate) use functions::{hashtext, pg_advisory_xact_lock};

mod functions {
    use diesel::sql_types::{Integer, Text};

    /// PostgreSQL's type `void`.
    #[derive(diesel::sql_types::SqlType)]
    #[diesel(postgres_type(oid = 2278, array_oid = 0))]
    pub struct Void;

    #[diesel::declare_sql_function]
    extern "SQL" {
        /// Waits for an advisory lock of this kind and key, which lasts until the transaction ends.
        fn pg_advisory_xact_lock(kind: Integer, key: Integer) -> Void;
        /// A hash of a text, the same for all clients of one server.
        fn hashtext(text: Text) -> Integer;
    }
}

/// The kinds of advisory locks that this adapter takes. Other programs on the same database may
/// take their own, so these numbers are unlikely ones.
pub(crate) mod locks {
    /// Migrations. Only this lock has a single 64-bit key.
    pub(crate) const MIGRATIONS: i64 = 0x6d65_6e6a_696e_0001;
    /// Deactivations of administrators; its only key is 0.
    pub(crate) const ADMINISTRATORS: i32 = 0x6d6a_0002;
    /// The failures of a subject, with the hash of its name as the key.
    pub(crate) const THROTTLE: i32 = 0x6d6a_0003;
}
