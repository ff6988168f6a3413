//! Pages of users.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{UserPage, UserQuery};
use menjin_domain::common::PortError;
use menjin_infra_sql::queries::postgres::{counts_of_users, users_of};
use menjin_infra_sql::queries::{FirstOfPage, first_of_page, limit, page as page_of};
use menjin_infra_sql::rows::UserRow;
use menjin_infra_sql::schema::{user_counts, users};

use crate::error::Abort;

/// A page and the number of all that match. To be run in a snapshot.
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
            let ids = users_of(query.role).select(users::id).order(users::id);
            ids.offset(skip).limit(1).get_result(postgres).await.optional()?
        }
    };
    let Some(first) = first else { return Ok(page_of(Vec::new(), total)?) };
    let rows = users_of(query.role).select(UserRow::as_select()).filter(users::id.ge(first));
    let rows = rows.order(users::id).limit(limit(query.limit));
    Ok(page_of(rows.load(postgres).await?, total)?)
}
