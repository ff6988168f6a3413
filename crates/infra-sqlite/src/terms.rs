//! What attributes are searched for by.

use menjin_domain::accounts::Attributes;
use menjin_domain::common::UserId;
use menjin_infra_sql::prelude::*;

use crate::error::OrPortError;

/// Keeps what attributes are searched for by.
pub(crate) fn insert_terms(
    sqlite: &mut SqliteConnection,
    id: UserId,
    attributes: &Attributes,
) -> Result<(), PortError> {
    for row in TermRow::of(id, attributes) {
        let row = diesel::insert_into(attribute_terms::table).values(row);
        row.execute(sqlite).or_port_error()?;
    }
    Ok(())
}
