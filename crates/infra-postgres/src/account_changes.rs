//! Changes that administrators make.

use std::collections::HashMap;

use diesel::dsl::{exists, select};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use menjin_domain::accounts::{
    Account, AccountChange, Authority, ChangePlan, ChangeUserError, Ends, LastAdmin,
    UpdateProfileError, User,
};
use menjin_domain::audit::{AuditAction, AuditEvent, ChangedField};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::one_time::{EmailChangeMails, NewAddress};
use menjin_infra_sql::account_changes::{AccountRow, ChangedRow, is_another_who_lasts};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::audit::append;
use crate::email_changes;
use crate::error::{Abort, violates};
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::recipients::{find_recipient, user};
use crate::statements::{locks, pg_advisory_xact_lock};
use crate::terms::insert_terms;

type Aborted = Abort<Error<ChangeUserError>>;

fn refused(error: impl Into<ChangeUserError>) -> Aborted {
    Abort::Refused(Error::Refused(error.into()))
}

pub(crate) async fn change(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    change: &AccountChange,
    authority: &Authority,
) -> Result<Option<User>, Aborted> {
    let (mut locked, mut consequences) = (Locked::default(), Consequences::default());
    let Some(_) = make(postgres, id, change, authority, &mut locked, &mut consequences).await?
    else {
        return Ok(None);
    };
    consequences.write(postgres, authority.context.at).await?;
    Ok(Some(user(postgres, id).await?))
}

/// Accounts that were read and locked together, because a statement for each costs a round trip.
#[derive(Default)]
pub(crate) struct Locked(HashMap<i64, AccountRow>);

impl Locked {
    /// Locks those of these accounts that there are. They are locked in the order of their ids, so that two
    /// transactions that do so wait for each other and cannot deadlock.
    pub(crate) async fn lock<E>(
        postgres: &mut AsyncPgConnection,
        ids: Vec<i64>,
    ) -> Result<Self, Abort<E>> {
        let accounts = users::table.filter(users::id.eq_any(ids)).order(users::id).for_update();
        let rows: Vec<(i64, AccountRow)> =
            accounts.select((users::id, AccountRow::as_select())).load(postgres).await?;
        Ok(Self(rows.into_iter().collect()))
    }

    /// Hands an account out, once: whoever asks again reads what has become of it.
    async fn take(
        &mut self,
        postgres: &mut AsyncPgConnection,
        id: UserId,
    ) -> QueryResult<Option<AccountRow>> {
        if let Some(row) = self.0.remove(&id.get()) {
            return Ok(Some(row));
        }
        let account = users::table.find(id.get()).select(AccountRow::as_select()).for_update();
        account.get_result(postgres).await.optional()
    }
}

/// What follows from changes that are made together, to be written for all of them at once: each statement
/// for one account costs a round trip.
#[derive(Default)]
pub(crate) struct Consequences {
    /// Whose sessions end.
    ended: Vec<i64>,
    /// Whose tokens become void.
    voided: Vec<i64>,
    events: Vec<AuditEvent>,
}

impl Consequences {
    /// How many there are of each.
    pub(crate) fn mark(&self) -> [usize; 3] {
        [self.ended.len(), self.voided.len(), self.events.len()]
    }

    /// Forgets those that came after a mark: their changes were undone.
    pub(crate) fn undo_to(&mut self, [ended, voided, events]: [usize; 3]) {
        self.ended.truncate(ended);
        self.voided.truncate(voided);
        self.events.truncate(events);
    }

    /// Writes them, in the transaction of the changes. The accounts are locked, so that these statements see
    /// what transactions have done that the changes have waited for.
    pub(crate) async fn write<E>(
        self,
        postgres: &mut AsyncPgConnection,
        at: Timestamp,
    ) -> Result<(), Abort<E>> {
        if !self.ended.is_empty() {
            diesel::update(
                sessions::table
                    .filter(sessions::user_id.eq_any(self.ended).and(sessions::ended_at.is_null())),
            )
            .set(sessions::ended_at.eq(Micros::from(at)))
            .execute(postgres)
            .await?;
        }
        if !self.voided.is_empty() {
            diesel::update(
                tokens::table
                    .filter(tokens::user_id.eq_any(self.voided).and(tokens::ended_at.is_null())),
            )
            .set(tokens::ended_at.eq(Micros::from(at)))
            .execute(postgres)
            .await?;
        }
        Ok(append(postgres, &self.events).await?)
    }
}

/// Makes a change but for its consequences, and tells whether anything of the account has changed. Only
/// [`AccountChange::Edit`] may be refused after something was written.
pub(crate) async fn make(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    change: &AccountChange,
    authority: &Authority,
    locked: &mut Locked,
    consequences: &mut Consequences,
) -> Result<Option<bool>, Aborted> {
    let context = &authority.context;
    let Some(row) = locked.take(postgres, id).await? else { return Ok(None) };
    let plan = change.plan(&Account::try_from(row)?, authority).map_err(refused)?;
    if plan.takes_admin {
        // One administrator at a time: two administrators who deactivate each other hold different
        // rows. Locking the rows of all administrators could deadlock with a transaction that locks
        // them in another order.
        select(pg_advisory_xact_lock(locks::ADMINISTRATORS, 0)).execute(postgres).await?;
        if !has_other_admin(postgres, id, context.at).await? {
            return Err(refused(LastAdmin));
        }
    }
    if plan.action.is_some() || plan.ends != Ends::Nothing {
        if let AccountChange::Edit { profile, .. } = change {
            let mails = profile.address.mails.as_ref();
            change_address(postgres, id, &plan, mails, context.at).await?;
        }
        write(postgres, id, &plan).await?;
    }
    if plan.ends != Ends::Nothing {
        consequences.ended.push(id.get());
    }
    if plan.ends == Ends::SessionsAndTokens {
        consequences.voided.push(id.get());
    }
    let was_locked = plan.forgets_failures && forget(postgres, id).await?;
    if let Some(mail) = &plan.mail {
        enqueue(postgres, mail, Some(id)).await?;
    }
    let action = plan.action.or(was_locked.then_some(AuditAction::LockoutCleared));
    if let Some(action) = action {
        let event = context.clone().event(action).on(id);
        consequences.events.push(event.changing(plan.changed.clone()));
    }
    Ok(Some(action.is_some()))
}

/// Writes the account as it is to be. If its sessions end, what was decided for its credential version is
/// void.
async fn write(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    plan: &ChangePlan,
) -> Result<(), Aborted> {
    let account = users::table.find(id.get());
    let raised = i64::from(plan.ends != Ends::Nothing);
    let version = users::credential_version.eq(users::credential_version + raised);
    let written = diesel::update(account).set((ChangedRow::from(&plan.after), version));
    match written.execute(postgres).await {
        Err(error) if violates(&error, "users_username_taken") => {
            return Err(refused(ChangeUserError::UsernameTaken));
        }
        written => written?,
    };
    if plan.changed.contains(&ChangedField::Attributes) {
        let terms = attribute_terms::table.filter(attribute_terms::user_id.eq(id.get()));
        diesel::delete(terms).execute(postgres).await?;
        let terms = TermRow::of(id, &plan.after.user.profile.attributes);
        insert_terms(postgres, terms).await?;
    }
    if let Some(hash) = &plan.hash {
        let hash = users::password_hash.eq(hash.expose());
        diesel::update(account).set(hash).execute(postgres).await?;
    }
    Ok(())
}

/// Gives the account another address, or writes the one that it has in another way.
async fn change_address(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    plan: &ChangePlan,
    mails: Option<&EmailChangeMails>,
    at: Timestamp,
) -> Result<(), Aborted> {
    let email = &plan.after.user.email;
    let Some(address) = &plan.address else {
        diesel::update(users::table.find(id.get()))
            .set((users::email.eq(email.as_str()), users::email_canonical.eq(email.canonical())))
            .execute(postgres)
            .await?;
        return Ok(());
    };
    let Some(before) = find_recipient(postgres, id).await? else { return Ok(()) };
    let how = NewAddress::Direct { by_password: true };
    let taken = ChangeUserError::EmailTaken;
    match email_changes::change(postgres, &before, address, how, mails, at).await {
        Err(Abort::Refused(Error::Refused(
            UpdateProfileError::EmailTaken | UpdateProfileError::AnotherMailbox,
        ))) => Err(refused(taken)),
        Err(Abort::Refused(Error::Port(error)) | Abort::Port(error)) => Err(error.into()),
        Err(Abort::Failed(error)) => Err(error.into()),
        Ok(()) => Ok(()),
    }
}

async fn has_other_admin(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    at: Timestamp,
) -> QueryResult<bool> {
    // A literal, not a parameter: otherwise PostgreSQL cannot see that the partial index applies.
    let admins = diesel::dsl::sql::<diesel::sql_types::Bool>("role = 'admin' AND is_active");
    let others = users::table.filter(admins).filter(is_another_who_lasts(id.get(), at.into()));
    select(exists(others)).get_result(postgres).await
}
