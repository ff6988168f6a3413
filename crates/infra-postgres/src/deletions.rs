//! Accounts that are to be gone.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::Role;
use menjin_domain::common::{Timestamp, UserId};
use menjin_infra_sql::deletions::{PART, deleted, is_abandoned, is_due};
use menjin_infra_sql::prelude::*;

use crate::audit::record;
use crate::error::{Abort, COMPONENT};
use crate::lockouts::forget;

pub(crate) async fn delete_due(
    postgres: &mut AsyncPgConnection,
    at: Timestamp,
) -> Result<u64, Abort<PortError>> {
    let due = users::table.filter(is_due(at.into())).select(users::id);
    let ids: Vec<i64> = due.limit(PART).for_update().skip_locked().load(postgres).await?;
    delete(postgres, &ids, at).await
}

pub(crate) async fn delete_unverified(
    postgres: &mut AsyncPgConnection,
    created_before: Timestamp,
    roles: &[Role],
    at: Timestamp,
) -> Result<u64, Abort<PortError>> {
    let abandoned = users::table
        .filter(is_abandoned(created_before.into()))
        .filter(users::role.eq_any(roles.iter().map(Role::as_str).collect::<Vec<_>>()))
        .select(users::id);
    let ids: Vec<i64> = abandoned.limit(PART).for_update().skip_locked().load(postgres).await?;
    delete(postgres, &ids, at).await
}

/// Deletes accounts with all that is their own, and records that.
async fn delete(
    postgres: &mut AsyncPgConnection,
    ids: &[i64],
    at: Timestamp,
) -> Result<u64, Abort<PortError>> {
    for id in ids {
        diesel::delete(users::table.find(id)).execute(postgres).await?;
        let id = UserId::try_from(*id).map_err(|error| PortError::internal(COMPONENT, error))?;
        forget(postgres, id).await?;
        record(postgres, &deleted(id, at)).await?;
    }
    Ok(ids.len() as u64)
}
