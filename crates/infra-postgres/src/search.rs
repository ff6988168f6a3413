//! The search for users.

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use menjin_domain::accounts::{FoundUsers, SearchTerm, User, UserSearch};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::postgres::{
    counted, matches, matches_in_attribute, users_of_ids, walk,
};
use menjin_infra_sql::search::{
    COLLECTED, Matches, SearchColumn, found, found_of_all, in_order, segments,
};

use crate::error::Abort;
use crate::listing::count;

/// A page, and how many there are. Must run in a snapshot.
pub(crate) async fn search(
    postgres: &mut AsyncPgConnection,
    search: &UserSearch,
) -> Result<FoundUsers, Abort<PortError>> {
    // A plan for any values would take the index of the order, and walk over a million accounts where
    // few match.
    postgres.batch_execute("SET LOCAL plan_cache_mode = force_custom_plan").await?;
    let Some(term) = &search.filter.term else {
        let users = walked(postgres, search).await?;
        if let Some(role) = search.filter.of_role_alone() {
            return Ok(found_of_all(users, count(postgres, role).await?));
        }
        let total = counted(&search.filter).load::<i64>(postgres).await?.len();
        return Ok(found(users, i64::try_from(total).unwrap_or(i64::MAX)));
    };
    let Some(matches) = collected(postgres, search, term).await? else {
        return Ok(found(walked(postgres, search).await?, COLLECTED));
    };
    let total = matches.total();
    let ids = matches.page(search);
    let rows = users_of_ids(ids.clone()).load::<UserRow>(postgres).await?;
    Ok(found(in_order(rows, &ids)?, total))
}

/// The matches of a term; `None` if they are too many to collect.
async fn collected(
    postgres: &mut AsyncPgConnection,
    search: &UserSearch,
    term: &SearchTerm,
) -> Result<Option<Matches>, Abort<PortError>> {
    let mut found = Vec::new();
    for column in SearchColumn::ALL {
        found.push(matches(&search.filter, term, column).load(postgres).await?);
    }
    for attribute in term.attributes() {
        let matches = matches_in_attribute(&search.filter, term, *attribute);
        found.push(matches.load(postgres).await?);
    }
    Ok(Matches::of(found))
}

/// The users of a page, in their order.
async fn walked(
    postgres: &mut AsyncPgConnection,
    search: &UserSearch,
) -> Result<Vec<User>, Abort<PortError>> {
    let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
    let mut users = Vec::new();
    for segment in segments(search) {
        let left = limit.saturating_sub(users.len());
        let rows = walk(search, *segment, left).load::<UserRow>(postgres).await?;
        for row in rows {
            users.push(User::try_from(row)?);
        }
    }
    Ok(users)
}
