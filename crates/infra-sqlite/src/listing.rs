//! Pages of users.

use diesel::prelude::*;
use menjin_domain::accounts::{UserPage, UserQuery};
use menjin_domain::common::PortError;
use menjin_infra_sql::queries::sqlite::{counts_of_users, users_of};
use menjin_infra_sql::queries::{FirstOfPage, first_of_page, limit, page as page_of};
use menjin_infra_sql::rows::UserRow;
use menjin_infra_sql::schema::{user_counts, users};

use crate::error::OrPortError;

/// A page and the number of all that match. To be read together.
pub(crate) fn page(sqlite: &mut SqliteConnection, query: UserQuery) -> Result<UserPage, PortError> {
    let counts = counts_of_users(query.role).select(user_counts::total);
    let total = counts.load::<i64>(sqlite).or_port_error()?.into_iter().sum();
    let first = match first_of_page(&query, total) {
        FirstOfPage::Nowhere => None,
        FirstOfPage::At(id) => Some(id),
        FirstOfPage::Skipping(skip) => {
            let ids = users_of(query.role).select(users::id).order(users::id);
            ids.offset(skip).limit(1).get_result(sqlite).optional().or_port_error()?
        }
    };
    let Some(first) = first else { return page_of(Vec::new(), total) };
    let rows = users_of(query.role).select(UserRow::as_select()).filter(users::id.ge(first));
    let rows = rows.order(users::id).limit(limit(query.limit));
    page_of(rows.load(sqlite).or_port_error()?, total)
}

#[cfg(test)]
mod tests;
