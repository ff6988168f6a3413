//! Accounts that are to be gone.

use menjin_domain::accounts::Role;
use menjin_domain::common::{Timestamp, UserId};
use menjin_infra_sql::deletions::{PART, deleted, is_abandoned, is_due};
use menjin_infra_sql::prelude::*;

use crate::audit::record;
use crate::error::OrPortError;
use crate::lockouts::forget;

pub(crate) fn delete_due(sqlite: &mut SqliteConnection, at: Timestamp) -> Result<u64, PortError> {
    let due = users::table.filter(is_due(at.into())).limit(PART).select(users::id);
    let ids: Vec<i64> = due.load(sqlite).or_port_error()?;
    delete(sqlite, &ids, at)
}

pub(crate) fn delete_unverified(
    sqlite: &mut SqliteConnection,
    created_before: Timestamp,
    roles: &[Role],
    at: Timestamp,
) -> Result<u64, PortError> {
    let abandoned = users::table
        .filter(is_abandoned(created_before.into()))
        .filter(users::role.eq_any(roles.iter().map(Role::as_str)));
    let ids: Vec<i64> = abandoned.limit(PART).select(users::id).load(sqlite).or_port_error()?;
    delete(sqlite, &ids, at)
}

/// Deletes accounts with all that is their own, and records that.
fn delete(sqlite: &mut SqliteConnection, ids: &[i64], at: Timestamp) -> Result<u64, PortError> {
    for id in ids {
        diesel::delete(users::table.find(id)).execute(sqlite).or_port_error()?;
        let id = UserId::try_from(*id).map_err(|error| PortError::internal("database", error))?;
        forget(sqlite, id)?;
        record(sqlite, &deleted(id, at))?;
    }
    Ok(ids.len() as u64)
}
