//! Pages of users.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{Role, UserPage, UserQuery};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::postgres::{counts_of_users, id_after, users_from};
use menjin_infra_sql::queries::{FirstOfPage, first_of_page, page as page_of};

use crate::error::Abort;

/// A page, and the number of all accounts that match. Must run in a snapshot.
pub(crate) async fn page(
    postgres: &mut AsyncPgConnection,
    query: &UserQuery,
) -> Result<UserPage, Abort<PortError>> {
    let total = count(postgres, query.role).await?;
    let first = match first_of_page(query, total) {
        FirstOfPage::Nowhere => None,
        FirstOfPage::At(id) => Some(id),
        FirstOfPage::Skipping(skip) => {
            id_after(query.role, skip).get_result(postgres).await.optional()?
        }
    };
    let Some(first) = first else { return Ok(page_of(Vec::new(), total)?) };
    Ok(page_of(users_from(query, first).load(postgres).await?, total)?)
}

/// The number of all accounts of this role, or of all. It is kept up to date, and so as fast with a million.
pub(crate) async fn count(
    postgres: &mut AsyncPgConnection,
    role: Option<Role>,
) -> QueryResult<i64> {
    let counts = counts_of_users(role).select(user_counts::total);
    Ok(counts.load::<i64>(postgres).await?.into_iter().sum())
}
