//! Accounts that are to be gone.

use diesel::dsl::{exists, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{Deletion, LastAdmin, Role, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Timestamp, UserId};
use menjin_infra_sql::deletions::{PART, deleted, is_abandoned, is_due};
use menjin_infra_sql::one_time::is_open_token_of;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::audit::record;
use crate::error::{Abort, COMPONENT};
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::recipients::{find_user_for_update, user};
use crate::sessions::end_open;
use crate::statements::{locks, pg_advisory_xact_lock};

/// Makes an active account, whose row is locked, inactive, and ends its sessions and tokens.
pub(crate) async fn make_inactive(
    postgres: &mut AsyncPgConnection,
    user: &User,
    at: Timestamp,
) -> Result<(), Abort<Error<LastAdmin>>> {
    let (id, at) = (user.id, Micros::from(at));
    if user.role == Role::Admin {
        // One administrator at a time: two administrators who deactivate each other hold different
        // rows. Locking the rows of all administrators could deadlock with a transaction that locks
        // them in another order.
        let lock = pg_advisory_xact_lock(locks::ADMINISTRATORS, 0);
        select(lock).execute(postgres).await?;
        if !has_other_admin(postgres, id).await? {
            return Err(Abort::Refused(Error::Refused(LastAdmin)));
        }
    }
    diesel::update(users::table.find(id.get()))
        .set((
            users::is_active.eq(false),
            users::credential_version.eq(users::credential_version + 1),
            users::updated_at.eq(at),
        ))
        .execute(postgres)
        .await?;
    end_open(postgres, id, None, at).await?;
    diesel::update(tokens::table.filter(is_open_token_of(id.get())))
        .set(tokens::ended_at.eq(at))
        .execute(postgres)
        .await?;
    Ok(())
}

pub(crate) async fn schedule(
    postgres: &mut AsyncPgConnection,
    deletion: &Deletion,
) -> Result<Option<User>, Abort<Error<LastAdmin>>> {
    let (id, at) = (deletion.user_id, deletion.context.at);
    let Some(found) = find_user_for_update(postgres, id).await? else { return Ok(None) };
    if found.deletes_at.is_some() {
        return Ok(Some(found));
    }
    if found.is_active {
        make_inactive(postgres, &found, at).await?;
    }
    diesel::update(users::table.find(id.get()))
        .set((
            users::deletes_at.eq(Micros::from(deletion.deletes_at)),
            users::active_before_deletion.eq(found.is_active),
            users::updated_at.eq(Micros::from(at)),
        ))
        .execute(postgres)
        .await?;
    if let Some(mail) = &deletion.mail {
        enqueue(postgres, mail, Some(id)).await?;
    }
    let event = deletion.context.clone().event(AuditAction::DeletionScheduled);
    record(postgres, &event.on(id)).await?;
    Ok(Some(user(postgres, id).await?))
}

pub(crate) async fn restore(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    context: &AuditContext,
) -> Result<Option<User>, Abort<PortError>> {
    let Some(found) = find_user_for_update(postgres, id).await? else { return Ok(None) };
    if found.deletes_at.is_none() {
        return Ok(Some(found));
    }
    diesel::update(users::table.find(id.get()))
        .set((
            users::deletes_at.eq(None::<Micros>),
            users::is_active.eq(users::active_before_deletion),
            users::updated_at.eq(Micros::from(context.at)),
        ))
        .execute(postgres)
        .await?;
    record(postgres, &context.clone().event(AuditAction::DeletionUndone).on(id)).await?;
    Ok(Some(user(postgres, id).await?))
}

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
    at: Timestamp,
) -> Result<u64, Abort<PortError>> {
    let abandoned = users::table.filter(is_abandoned(created_before.into())).select(users::id);
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

async fn has_other_admin(postgres: &mut AsyncPgConnection, id: UserId) -> QueryResult<bool> {
    // A literal, not a parameter: otherwise PostgreSQL cannot see that the partial index applies.
    let others = diesel::dsl::sql::<diesel::sql_types::Bool>("role = 'admin' AND is_active");
    let others = users::table.filter(others).filter(users::id.ne(id.get()));
    select(exists(others)).get_result(postgres).await
}
