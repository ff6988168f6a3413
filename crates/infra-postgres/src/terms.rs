//! What attributes are searched for by.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_infra_sql::prelude::*;

use crate::error::Abort;

/// Keeps what attributes are searched for by.
pub(crate) async fn insert_terms<E>(
    postgres: &mut AsyncPgConnection,
    terms: Vec<TermRow>,
) -> Result<(), Abort<E>> {
    if !terms.is_empty() {
        diesel::insert_into(attribute_terms::table).values(terms).execute(postgres).await?;
    }
    Ok(())
}
