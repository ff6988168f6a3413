//! Changes that administrators make.

use diesel::dsl::{exists, select};
use menjin_domain::accounts::{
    Account, AccountChange, Authority, ChangePlan, ChangeUserError, Ends, LastAdmin,
    UpdateProfileError, User,
};
use menjin_domain::audit::{AuditAction, ChangedField};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::one_time::{EmailChangeMails, NewAddress};
use menjin_infra_sql::account_changes::{AccountRow, ChangedRow, is_another_who_lasts};
use menjin_infra_sql::one_time::is_open_token_of;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::audit::record;
use crate::email_changes;
use crate::error::{OrPortError, is_taken};
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::recipients::{find_recipient, user};
use crate::sessions::end_open;
use crate::terms::insert_terms;

/// An account after a change.
pub(crate) struct Changed {
    pub(crate) user: User,
    /// Whether anything of it has changed.
    pub(crate) is_changed: bool,
}

pub(crate) fn change(
    sqlite: &mut SqliteConnection,
    id: UserId,
    change: &AccountChange,
    authority: &Authority,
) -> Result<Option<Changed>, Error<ChangeUserError>> {
    let context = &authority.context;
    let row: Option<AccountRow> = users::table
        .find(id.get())
        .select(AccountRow::as_select())
        .get_result(sqlite)
        .optional()
        .or_port_error()?;
    let Some(row) = row else { return Ok(None) };
    let plan = change.plan(&Account::try_from(row)?, authority).map_err(Error::Refused)?;
    if plan.takes_admin && !has_other_admin(sqlite, id, context.at)? {
        return Err(Error::Refused(LastAdmin.into()));
    }
    if plan.action.is_some() {
        if let AccountChange::Edit { profile, .. } = change {
            change_address(sqlite, id, &plan, profile.address.mails.as_ref(), context.at)?;
        }
        write(sqlite, id, &plan)?;
    }
    if plan.ends != Ends::Nothing {
        end_sessions(sqlite, id, context.at)?;
    }
    if plan.ends == Ends::SessionsAndTokens {
        void_tokens(sqlite, id, context.at)?;
    }
    let was_locked = plan.forgets_failures && forget(sqlite, id)?;
    if let Some(mail) = &plan.mail {
        enqueue(sqlite, mail, Some(id))?;
    }
    let action = plan.action.or(was_locked.then_some(AuditAction::LockoutCleared));
    if let Some(action) = action {
        let event = context.clone().event(action).on(id);
        record(sqlite, &event.changing(plan.changed.clone()))?;
    }
    Ok(Some(Changed { user: user(sqlite, id)?, is_changed: action.is_some() }))
}

/// Writes the account as it is to be.
fn write(
    sqlite: &mut SqliteConnection,
    id: UserId,
    plan: &ChangePlan,
) -> Result<(), Error<ChangeUserError>> {
    let account = users::table.find(id.get());
    match diesel::update(account).set(ChangedRow::from(&plan.after)).execute(sqlite) {
        Err(error) if is_taken(&error) => {
            return Err(Error::Refused(ChangeUserError::UsernameTaken));
        }
        written => written.or_port_error()?,
    };
    if plan.changed.contains(&ChangedField::Attributes) {
        let terms = attribute_terms::table.filter(attribute_terms::user_id.eq(id.get()));
        diesel::delete(terms).execute(sqlite).or_port_error()?;
        insert_terms(sqlite, id, &plan.after.user.profile.attributes)?;
    }
    if let Some(hash) = &plan.hash {
        diesel::update(account)
            .set(users::password_hash.eq(hash.expose()))
            .execute(sqlite)
            .or_port_error()?;
    }
    Ok(())
}

/// Gives the account another address, or writes the one that it has in another way.
fn change_address(
    sqlite: &mut SqliteConnection,
    id: UserId,
    plan: &ChangePlan,
    mails: Option<&EmailChangeMails>,
    at: Timestamp,
) -> Result<(), Error<ChangeUserError>> {
    let email = &plan.after.user.email;
    let Some(address) = &plan.address else {
        diesel::update(users::table.find(id.get()))
            .set((users::email.eq(email.as_str()), users::email_canonical.eq(email.canonical())))
            .execute(sqlite)
            .or_port_error()?;
        return Ok(());
    };
    let Some(before) = find_recipient(sqlite, id)? else { return Ok(()) };
    let how = NewAddress::Direct { by_password: true };
    match email_changes::change(sqlite, &before, address, how, mails, at) {
        Err(Error::Refused(
            UpdateProfileError::EmailTaken | UpdateProfileError::AnotherMailbox,
        )) => Err(Error::Refused(ChangeUserError::EmailTaken)),
        Err(Error::Port(error)) => Err(error.into()),
        Ok(()) => Ok(()),
    }
}

/// Ends the sessions of an account, and makes void what was decided for it before.
fn end_sessions(sqlite: &mut SqliteConnection, id: UserId, at: Timestamp) -> Result<(), PortError> {
    diesel::update(users::table.find(id.get()))
        .set(users::credential_version.eq(users::credential_version + 1))
        .execute(sqlite)
        .or_port_error()?;
    end_open(sqlite, id, None, at.into())
}

fn void_tokens(sqlite: &mut SqliteConnection, id: UserId, at: Timestamp) -> Result<(), PortError> {
    diesel::update(tokens::table.filter(is_open_token_of(id.get())))
        .set(tokens::ended_at.eq(Micros::from(at)))
        .execute(sqlite)
        .or_port_error()
        .map(drop)
}

fn has_other_admin(
    sqlite: &mut SqliteConnection,
    id: UserId,
    at: Timestamp,
) -> Result<bool, PortError> {
    // A literal, not a parameter: otherwise SQLite cannot see that the partial index applies.
    let admins = diesel::dsl::sql::<diesel::sql_types::Bool>("role = 'admin' AND is_active = 1");
    let others = users::table.filter(admins).filter(is_another_who_lasts(id.get(), at.into()));
    select(exists(others)).get_result(sqlite).or_port_error()
}
