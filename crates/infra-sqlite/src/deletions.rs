//! Accounts that are to be gone.

use diesel::dsl::{exists, select};
use menjin_domain::accounts::{Deletion, LastAdmin, Role, User};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Timestamp, UserId};
use menjin_infra_sql::deletions::{PART, deleted, is_abandoned, is_due};
use menjin_infra_sql::one_time::is_open_token_of;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::audit::record;
use crate::error::OrPortError;
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::recipients::find_user;
use crate::sessions::end_open;

/// Makes an active account inactive, and ends its sessions and tokens.
pub(crate) fn make_inactive(
    sqlite: &mut SqliteConnection,
    user: &User,
    at: Timestamp,
) -> Result<(), Error<LastAdmin>> {
    let (id, at) = (user.id, Micros::from(at));
    if user.role == Role::Admin && !has_other_admin(sqlite, id)? {
        return Err(Error::Refused(LastAdmin));
    }
    diesel::update(users::table.find(id.get()))
        .set((
            users::is_active.eq(false),
            users::credential_version.eq(users::credential_version + 1),
            users::updated_at.eq(at),
        ))
        .execute(sqlite)
        .or_port_error()?;
    end_open(sqlite, id, None, at)?;
    diesel::update(tokens::table.filter(is_open_token_of(id.get())))
        .set(tokens::ended_at.eq(at))
        .execute(sqlite)
        .or_port_error()?;
    Ok(())
}

pub(crate) fn schedule(
    sqlite: &mut SqliteConnection,
    deletion: &Deletion,
) -> Result<Option<User>, Error<LastAdmin>> {
    let (id, at) = (deletion.user_id, deletion.context.at);
    let Some(user) = find_user(sqlite, id)? else { return Ok(None) };
    if user.deletes_at.is_some() {
        return Ok(Some(user));
    }
    if user.is_active {
        make_inactive(sqlite, &user, at)?;
    }
    diesel::update(users::table.find(id.get()))
        .set((
            users::deletes_at.eq(Micros::from(deletion.deletes_at)),
            users::active_before_deletion.eq(user.is_active),
            users::updated_at.eq(Micros::from(at)),
        ))
        .execute(sqlite)
        .or_port_error()?;
    if let Some(mail) = &deletion.mail {
        enqueue(sqlite, mail, Some(id))?;
    }
    record(sqlite, &deletion.context.clone().event(AuditAction::DeletionScheduled).on(id))?;
    Ok(find_user(sqlite, id)?)
}

pub(crate) fn restore(
    sqlite: &mut SqliteConnection,
    id: UserId,
    context: &AuditContext,
) -> Result<Option<User>, PortError> {
    let scheduled = users::table.find(id.get()).filter(users::deletes_at.is_not_null());
    let restored = diesel::update(scheduled)
        .set((
            users::deletes_at.eq(None::<Micros>),
            users::is_active.eq(users::active_before_deletion),
            users::updated_at.eq(Micros::from(context.at)),
        ))
        .execute(sqlite)
        .or_port_error()?;
    if restored > 0 {
        record(sqlite, &context.clone().event(AuditAction::DeletionUndone).on(id))?;
    }
    find_user(sqlite, id)
}

pub(crate) fn delete_due(sqlite: &mut SqliteConnection, at: Timestamp) -> Result<u64, PortError> {
    let due = users::table.filter(is_due(at.into())).limit(PART).select(users::id);
    let ids: Vec<i64> = due.load(sqlite).or_port_error()?;
    delete(sqlite, &ids, at)
}

pub(crate) fn delete_unverified(
    sqlite: &mut SqliteConnection,
    created_before: Timestamp,
    at: Timestamp,
) -> Result<u64, PortError> {
    let abandoned = users::table.filter(is_abandoned(created_before.into()));
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

fn has_other_admin(sqlite: &mut SqliteConnection, id: UserId) -> Result<bool, PortError> {
    // A literal, not a parameter: otherwise SQLite cannot see that the partial index applies.
    let others = diesel::dsl::sql::<diesel::sql_types::Bool>("role = 'admin' AND is_active = 1");
    let others = users::table.filter(others).filter(users::id.ne(id.get()));
    select(exists(others)).get_result(sqlite).or_port_error()
}
