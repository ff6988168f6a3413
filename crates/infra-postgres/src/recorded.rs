//! Changes that are one statement, also with their audit records: the change goes into a `WITH`,
//! and the event is appended from the rows that it has changed. If nothing changed, nothing is
//! recorded.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use menjin_domain::audit::{AuditEvent, AuditReason};
use menjin_domain::common::UserId;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::sql_types::{Address, Moment, Uuid16};

/// The account that the event concerns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    /// The account that the event names.
    Known,
    /// The account in this column of the changed row.
    Changed(&'static str),
}

/// An event to be appended to a change.
pub(crate) struct Event {
    at: Micros,
    action: &'static str,
    outcome: &'static str,
    reason: Option<&'static str>,
    actor_id: Option<i64>,
    subject_id: Option<i64>,
    session_id: Option<Id>,
    client_address: Host,
    user_agent: Option<String>,
    request_id: Option<String>,
}

impl From<AuditEvent> for Event {
    fn from(event: AuditEvent) -> Self {
        let (outcome, context) = (event.outcome().as_str(), event.context);
        Self {
            at: Micros::from(context.at),
            action: event.action.as_str(),
            outcome,
            reason: event.reason.map(AuditReason::as_str),
            actor_id: context.actor.map(UserId::get),
            subject_id: event.subject.map(UserId::get),
            session_id: context.session_id.map(Id::from),
            client_address: context.request.client.address.into(),
            user_agent: context.request.client.user_agent,
            request_id: context.request.request_id.map(|id| id.as_str().to_owned()),
        }
    }
}

impl Event {
    /// `event AS (INSERT …)`, a part of a `WITH` behind one that is called `changed`.
    pub(crate) fn append<'b>(
        &'b self,
        subject: Subject,
        mut out: AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql(
            "event AS (INSERT INTO audit_events (at, action, outcome, reason, actor_id, \
             subject_id, session_id, client_address, user_agent, request_id) SELECT ",
        );
        out.push_bind_param::<Moment, _>(&self.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.action)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.outcome)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.reason)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.actor_id)?;
        out.push_sql(", ");
        match subject {
            Subject::Known => out.push_bind_param::<Nullable<BigInt>, _>(&self.subject_id)?,
            Subject::Changed(column) => {
                out.push_sql("changed.");
                out.push_sql(column);
            }
        }
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Uuid16>, _>(&self.session_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Address, _>(&self.client_address)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.user_agent)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.request_id)?;
        out.push_sql(" FROM changed)");
        Ok(())
    }
}

/// A change with its audit record. It returns what the change returns.
///
/// Each type of change belongs to one kind of subject, because prepared statements are found by
/// their type.
#[derive(QueryId)]
pub(crate) struct Recorded<Change> {
    change: Change,
    event: Event,
    subject: Subject,
}

impl<Change> Recorded<Change> {
    pub(crate) fn new(change: Change, event: AuditEvent, subject: Subject) -> Self {
        Self { change, event: event.into(), subject }
    }
}

impl<Change: Query> Query for Recorded<Change> {
    type SqlType = Change::SqlType;
}

impl<Change: QueryFragment<Pg>> QueryFragment<Pg> for Recorded<Change> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH changed AS (");
        self.change.walk_ast(out.reborrow())?;
        out.push_sql("), ");
        self.event.append(self.subject, out.reborrow())?;
        out.push_sql(" SELECT * FROM changed");
        Ok(())
    }
}
