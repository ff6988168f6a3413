//! Pages of users.

use diesel::prelude::*;
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
    let counts: Vec<i64> = match role {
        Some(role) => counts.filter(user_counts::role.eq(role.as_str())).load(sqlite),
        None => counts.load(sqlite),
    }
    .or_port_error()?;
    Ok(counts.into_iter().sum())
}

/// The id that a page begins with. A walk over all ids before it, which takes a fraction of a second
/// in a million; lists that go so far down begin after an id.
fn first_of_page(
    sqlite: &mut SqliteConnection,
    role: Option<Role>,
    skip: i64,
) -> QueryResult<Option<i64>> {
    let ids = users::table.select(users::id);
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

#[cfg(test)]
mod tests;
