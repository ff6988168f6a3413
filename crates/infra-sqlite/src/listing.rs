//! Pages of users.

use menjin_domain::accounts::{Role, UserPage, UserQuery};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::sqlite::{counts_of_users, id_after, users_from};
use menjin_infra_sql::queries::{FirstOfPage, first_of_page, page as page_of};

use crate::error::OrPortError;

/// A page, and the number of all accounts that match. Both must be read in one transaction.
pub(crate) fn page(sqlite: &mut SqliteConnection, query: UserQuery) -> Result<UserPage, PortError> {
    let total = count(sqlite, query.role)?;
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

/// The number of all accounts of this role, or of all. It is kept up to date, and so as fast with a million.
pub(crate) fn count(sqlite: &mut SqliteConnection, role: Option<Role>) -> Result<i64, PortError> {
    let counts = counts_of_users(role).select(user_counts::total);
    Ok(counts.load::<i64>(sqlite).or_port_error()?.into_iter().sum())
}

#[cfg(test)]
mod tests;
