//! Pages of users.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use menjin_domain::accounts::{Role, User, UserPage, UserQuery};
use menjin_domain::common::{PageStart, PortError};

use crate::error::OrPortError;
use crate::rows::UserRow;
use crate::schema::{user_counts, users};

/// A page and the number of all that match. To be read together.
pub(crate) fn page(sqlite: &mut SqliteConnection, query: UserQuery) -> Result<UserPage, PortError> {
    let total = total(sqlite, query.role)?;
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let first = match query.start {
        _ if limit == 0 => None,
        PageStart::Skip(0) => Some(0),
        PageStart::Skip(skip) => match i64::try_from(skip) {
            Ok(skip) if skip < total => first_of_page(sqlite, query.role, skip).or_port_error()?,
            _past_the_end => None,
        },
        PageStart::After(id) => id.get().checked_add(1),
    };
    let rows = match first {
        Some(first) => rows_from(sqlite, query.role, first, limit).or_port_error()?,
        None => Vec::new(),
    };
    Ok(UserPage {
        users: rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?,
        total: u64::try_from(total).unwrap_or(0),
    })
}

/// How many users there are, as the triggers count them.
fn total(sqlite: &mut SqliteConnection, role: Option<Role>) -> Result<i64, PortError> {
    let counts = user_counts::table.select(user_counts::total);
    match role {
        Some(role) => counts.filter(user_counts::role.eq(role.as_str())).get_result(sqlite),
        None => counts.load::<i64>(sqlite).map(|counts| counts.into_iter().sum()),
    }
    .or_port_error()
}

/// The id that a page begins with: the block that it is in, found by adding up the counts of blocks,
/// and a walk inside of it.
fn first_of_page(
    sqlite: &mut SqliteConnection,
    role: Option<Role>,
    skip: i64,
) -> QueryResult<Option<i64>> {
    let place = BlockOfPage { role: role.map(Role::as_str), skip };
    let Some((first_id, before)) = place.get_result::<(i64, i64)>(sqlite).optional()? else {
        return Ok(None);
    };
    let ids = users::table.select(users::id).filter(users::id.ge(first_id));
    let skip = skip.saturating_sub(before);
    match role {
        Some(role) => {
            let ids = ids.filter(users::role.eq(role.as_str()));
            ids.order(users::id).offset(skip).limit(1).get_result(sqlite)
        }
        None => ids.order(users::id).offset(skip).limit(1).get_result(sqlite),
    }
    .optional()
}

fn rows_from(
    sqlite: &mut SqliteConnection,
    role: Option<Role>,
    first: i64,
    limit: i64,
) -> QueryResult<Vec<UserRow>> {
    let rows = users::table.select(UserRow::as_select()).filter(users::id.ge(first));
    match role {
        Some(role) => {
            rows.filter(users::role.eq(role.as_str())).order(users::id).limit(limit).load(sqlite)
        }
        None => rows.order(users::id).limit(limit).load(sqlite),
    }
}

/// The block that a page begins in: the lowest id that can be in it, and how many of those that match
/// come before. diesel's builder knows no windows; `sql_query` would be prepared at every call.
struct BlockOfPage {
    role: Option<&'static str>,
    skip: i64,
}

impl Query for BlockOfPage {
    type SqlType = (BigInt, BigInt);
}

/// Two texts, with the role and without: prepared statements are found by the text, not by the type.
impl QueryId for BlockOfPage {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<SqliteConnection> for BlockOfPage {}

impl QueryFragment<Sqlite> for BlockOfPage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT first_id, before FROM (SELECT first_id, sum(total) AS total, \
             sum(sum(total)) OVER (ORDER BY first_id) - sum(total) AS before FROM user_blocks",
        );
        if let Some(role) = &self.role {
            out.push_sql(" WHERE role = ");
            out.push_bind_param::<Text, _>(role)?;
        }
        out.push_sql(" GROUP BY first_id) AS block WHERE total > 0 AND before <= ");
        out.push_bind_param::<BigInt, _>(&self.skip)?;
        out.push_sql(" ORDER BY first_id DESC LIMIT 1");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
