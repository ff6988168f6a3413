//! Pages of users.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
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
            Ok(skip) if skip < total => {
                let role = query.role.map(Role::as_str);
                FirstOfPage { role, skip }.get_result(postgres).await.optional()?
            }
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

/// The id after this many of those that match: the block that it is in, found by adding up the counts
/// of blocks, and a walk along an index inside of it. No row: there are not as many.
struct FirstOfPage {
    role: Option<&'static str>,
    skip: i64,
}

impl Query for FirstOfPage {
    type SqlType = BigInt;
}

/// Two texts, with the role and without: prepared statements are found by the text, not by the type.
impl QueryId for FirstOfPage {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl FirstOfPage {
    fn push_role<'b>(&'b self, before: &str, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Some(role) = &self.role else { return Ok(()) };
        out.push_sql(before);
        out.push_sql(" role = ");
        out.push_bind_param::<Text, _>(role)
    }
}

impl QueryFragment<Pg> for FirstOfPage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "WITH place AS (SELECT first_id, before FROM (SELECT first_id, sum(total) AS total, \
             (sum(sum(total)) OVER (ORDER BY first_id) - sum(total))::bigint AS before \
             FROM user_blocks",
        );
        self.push_role(" WHERE", out.reborrow())?;
        out.push_sql(" GROUP BY first_id) AS block WHERE total > 0 AND before <= ");
        out.push_bind_param::<BigInt, _>(&self.skip)?;
        out.push_sql(
            " ORDER BY first_id DESC LIMIT 1) \
             SELECT id FROM users WHERE id >= (SELECT first_id FROM place)",
        );
        self.push_role(" AND", out.reborrow())?;
        out.push_sql(" ORDER BY id LIMIT 1 OFFSET ");
        out.push_bind_param::<BigInt, _>(&self.skip)?;
        out.push_sql(" - (SELECT before FROM place)");
        Ok(())
    }
}
