//! Pages of users.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{Role, User, UserPage, UserQuery};
use menjin_domain::common::{PageStart, PortError};

use crate::error::Abort;
use crate::rows::UserRow;
use crate::schema::{user_counts, users};

/// A page and the number of all that match. To be run in a snapshot.
pub(crate) async fn page(
    postgres: &mut AsyncPgConnection,
    query: &UserQuery,
) -> Result<UserPage, Abort<PortError>> {
    let total = total(postgres, query.role).await?;
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let first = match query.start {
        _ if limit == 0 => None,
        PageStart::Skip(0) => Some(0),
        PageStart::Skip(skip) => match i64::try_from(skip) {
            Ok(skip) if skip < total => first_of_page(postgres, query.role, skip).await?,
            _past_the_end => None,
        },
        PageStart::After(id) => id.get().checked_add(1),
    };
    let rows = match first {
        Some(first) => rows_from(postgres, query.role, first, limit).await?,
        None => Vec::new(),
    };
    Ok(UserPage {
        users: rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?,
        total: u64::try_from(total).unwrap_or(0),
    })
}

/// How many users there are, as the triggers count them.
async fn total(postgres: &mut AsyncPgConnection, role: Option<Role>) -> QueryResult<i64> {
    let counts = user_counts::table.select(user_counts::total);
    let counts: Vec<i64> = match role {
        Some(role) => counts.filter(user_counts::role.eq(role.as_str())).load(postgres).await,
        None => counts.load(postgres).await,
    }?;
    Ok(counts.into_iter().sum())
}

/// The id that a page begins with. A walk over all ids before it, which takes a fraction of a second
/// in a million; lists that go so far down begin after an id.
async fn first_of_page(
    postgres: &mut AsyncPgConnection,
    role: Option<Role>,
    skip: i64,
) -> QueryResult<Option<i64>> {
    let ids = users::table.select(users::id);
    match role {
        Some(role) => {
            let ids = ids.filter(users::role.eq(role.as_str()));
            ids.order(users::id).offset(skip).limit(1).get_result(postgres).await
        }
        None => ids.order(users::id).offset(skip).limit(1).get_result(postgres).await,
    }
    .optional()
}

async fn rows_from(
    postgres: &mut AsyncPgConnection,
    role: Option<Role>,
    first: i64,
    limit: i64,
) -> QueryResult<Vec<UserRow>> {
    let rows = users::table.select(UserRow::as_select()).filter(users::id.ge(first));
    match role {
        Some(role) => {
            let rows = rows.filter(users::role.eq(role.as_str()));
            rows.order(users::id).limit(limit).load(postgres).await
        }
        None => rows.order(users::id).limit(limit).load(postgres).await,
    }
}
