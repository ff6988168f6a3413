//! Pages of users.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{UserPage, UserQuery};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::postgres::{counts_of_users, id_after, users_from};
use menjin_infra_sql::queries::{FirstOfPage, first_of_page, page as page_of};

use crate::error::Abort;

/// A page, and the number of all accounts that match. Must run in a snapshot.
pub(crate) async fn page(
    postgres: &mut AsyncPgConnection,
    query: &UserQuery,
) -> Result<UserPage, Abort<PortError>> {
    let counts = counts_of_users(query.role).select(user_counts::total);
    let total = counts.load::<i64>(postgres).await?.into_iter().sum();
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
