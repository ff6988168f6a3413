//! Pages of users.

use menjin_domain::accounts::{UserPage, UserQuery};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::sqlite::{counts_of_users, id_after, users_from};
use menjin_infra_sql::queries::{FirstOfPage, first_of_page, page as page_of};

use crate::error::OrPortError;

/// A page, and the number of all accounts that match. Both must be read in one transaction.
pub(crate) fn page(sqlite: &mut SqliteConnection, query: UserQuery) -> Result<UserPage, PortError> {
    let counts = counts_of_users(query.role).select(user_counts::total);
    let total = counts.load::<i64>(sqlite).or_port_error()?.into_iter().sum();
    let first = match first_of_page(&query, total) {
        FirstOfPage::Nowhere => None,
        FirstOfPage::At(id) => Some(id),
        FirstOfPage::Skipping(skip) => {
            id_after(query.role, skip).get_result(sqlite).optional().or_port_error()?
        }
    };
    let Some(first) = first else { return page_of(Vec::new(), total) };
    page_of(users_from(&query, first).load(sqlite).or_port_error()?, total)
}

#[cfg(test)]
mod tests;
