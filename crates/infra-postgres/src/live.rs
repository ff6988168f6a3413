//! The session lookup of every request, read without diesel.

use std::error::Error;
use std::net::IpAddr;

use bytes::BytesMut;
use menjin_domain::common::SessionId;
use menjin_domain::sessions::LiveSession;
use menjin_infra_sql::prelude::*;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::error::COMPONENT;

/// Finds a live session and its user; [`live_session`] reads the result. It is the query of
/// `find_live` on a connection of the pool, written as text: diesel builds its statements anew at
/// every call, which takes longer than PostgreSQL needs to answer this one.
pub(crate) const FIND_LIVE: &str = "SELECT \
    s.user_id, s.generation, s.created_at, s.last_used_at, s.expires_at, s.client_address, \
    s.user_agent, s.authenticated_at, s.ends_at, s.has_factor, u.username, u.username_canonical, u.email, u.email_canonical, u.role, u.full_name, \
    u.phone, u.bio, u.avatar, u.is_active, u.is_verified, u.created_at, u.updated_at, u.last_login_at, \
    u.locale, u.credential_version, u.pending_email, u.pending_email_canonical, u.pending_version, \
    u.deletes_at, u.banned_until, u.ban_reason, u.first_password_from, u.first_password_until, u.attributes, \
    u.has_factor \
    FROM sessions AS s JOIN users AS u ON u.id = s.user_id \
    WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND u.is_active";

/// A time in the form of the protocol: microseconds since 2000, big-endian.
#[derive(Debug)]
pub(crate) struct Moment(pub(crate) Micros);

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Micros::from_postgres(i64::from_be_bytes(bytes.try_into()?))))
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for Moment {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0.to_postgres().to_be_bytes());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

/// Reads a row of [`FIND_LIVE`].
pub(crate) fn live_session(id: SessionId, row: &Row) -> Result<LiveSession, PortError> {
    let mut columns = Columns { row, next: 0 };
    read_live_session(id, &mut columns).map_err(|error| PortError::internal(COMPONENT, error))?
}

/// The columns of a row, one after the other.
struct Columns<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Columns<'a> {
    fn next<T: FromSql<'a>>(&mut self) -> Result<T, tokio_postgres::Error> {
        let column = self.next;
        self.next += 1;
        self.row.try_get(column)
    }

    fn moment(&mut self) -> Result<Micros, tokio_postgres::Error> {
        Ok(self.next::<Moment>()?.0)
    }

    fn optional_moment(&mut self) -> Result<Option<Micros>, tokio_postgres::Error> {
        Ok(self.next::<Option<Moment>>()?.map(|moment| moment.0))
    }
}

/// The fields are in the order of the statement, because struct expressions are evaluated in the
/// order in which they are written. The outer error is one of the protocol; the inner one is a
/// value that should not be in the table.
fn read_live_session(
    id: SessionId,
    columns: &mut Columns<'_>,
) -> Result<Result<LiveSession, PortError>, tokio_postgres::Error> {
    let user_id = columns.next()?;
    let session = SessionRow {
        id: id.into(),
        user_id,
        generation: columns.next()?,
        created_at: columns.moment()?,
        last_used_at: columns.moment()?,
        expires_at: columns.moment()?,
        client_address: Host::from(columns.next::<IpAddr>()?),
        user_agent: columns.next()?,
        authenticated_at: columns.optional_moment()?,
        ends_at: columns.optional_moment()?,
        has_factor: columns.next()?,
    };
    let user = UserRow {
        id: user_id,
        username: columns.next()?,
        username_canonical: columns.next()?,
        email: columns.next()?,
        email_canonical: columns.next()?,
        role: columns.next()?,
        full_name: columns.next()?,
        phone: columns.next()?,
        bio: columns.next()?,
        avatar: columns.next()?,
        is_active: columns.next()?,
        is_verified: columns.next()?,
        created_at: columns.moment()?,
        updated_at: columns.optional_moment()?,
        last_login_at: columns.optional_moment()?,
        locale: columns.next()?,
        credential_version: columns.next()?,
        pending_email: columns.next()?,
        pending_email_canonical: columns.next()?,
        pending_version: columns.next()?,
        deletes_at: columns.optional_moment()?,
        banned_until: columns.optional_moment()?,
        ban_reason: columns.next()?,
        first_password_from: columns.optional_moment()?,
        first_password_until: columns.optional_moment()?,
        attributes: columns.next()?,
        has_factor: columns.next()?,
    };
    Ok(menjin_infra_sql::rows::live_session(session, user))
}
