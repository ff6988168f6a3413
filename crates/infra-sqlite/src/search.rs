//! The search for users.

use menjin_domain::accounts::{FoundUsers, SearchTerm, User, UserSearch};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::sqlite::{
    counted, matches, matches_in_attribute, users_of_ids, walk,
};
use menjin_infra_sql::search::{
    COLLECTED, Matches, SearchColumn, found, found_of_all, in_order, segments,
};

use crate::error::OrPortError;
use crate::listing::count;

/// A page, and how many there are. Must be read in one transaction.
pub(crate) fn search(
    sqlite: &mut SqliteConnection,
    search: &UserSearch,
) -> Result<FoundUsers, PortError> {
    let Some(term) = &search.filter.term else {
        let users = walked(sqlite, search)?;
        if let Some(role) = search.filter.of_role_alone() {
            return Ok(found_of_all(users, count(sqlite, role)?));
        }
        let total = counted(&search.filter).load::<i64>(sqlite).or_port_error()?.len();
        return Ok(found(users, i64::try_from(total).unwrap_or(i64::MAX)));
    };
    let Some(matches) = collected(sqlite, search, term)? else {
        return Ok(found(walked(sqlite, search)?, COLLECTED));
    };
    let total = matches.total();
    let ids = matches.page(search);
    let rows = users_of_ids(ids.clone()).load::<UserRow>(sqlite).or_port_error()?;
    Ok(found(in_order(rows, &ids)?, total))
}

/// The matches of a term; `None` if they are too many to collect.
fn collected(
    sqlite: &mut SqliteConnection,
    search: &UserSearch,
    term: &SearchTerm,
) -> Result<Option<Matches>, PortError> {
    let mut found = Vec::new();
    for column in SearchColumn::ALL {
        found.push(matches(&search.filter, term, column).load(sqlite).or_port_error()?);
    }
    for attribute in term.attributes() {
        let matches = matches_in_attribute(&search.filter, term, *attribute);
        found.push(matches.load(sqlite).or_port_error()?);
    }
    Ok(Matches::of(found))
}

/// The users of a page, in their order.
fn walked(sqlite: &mut SqliteConnection, search: &UserSearch) -> Result<Vec<User>, PortError> {
    let limit = usize::try_from(search.limit).unwrap_or(usize::MAX);
    let mut users = Vec::new();
    for segment in segments(search) {
        let left = limit.saturating_sub(users.len());
        let rows = walk(search, *segment, left).load::<UserRow>(sqlite).or_port_error()?;
        for row in rows {
            users.push(User::try_from(row)?);
        }
    }
    Ok(users)
}
