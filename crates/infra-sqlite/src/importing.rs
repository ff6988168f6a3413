//! Rows of a table, stored together.

use menjin_domain::accounts::{
    AccountChange, Authority, ChangeUserError, CreateUserError, NewUser,
};
use menjin_domain::common::UserId;
use menjin_domain::import::{Found, ImportBatch, Imported, ReadyRow, RowRefusal, Step};
use menjin_domain::jobs::LeaseGone;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::rows::user_id;

use crate::SqliteStore;
use crate::account_changes;
use crate::audit::record;
use crate::error::OrPortError;
use crate::inserting::insert;
use crate::jobs::advance;

type Outcomes = Vec<Result<Imported, RowRefusal>>;

/// Why the transaction is rolled back.
enum Rollback {
    /// It was a dry run: this would have been done.
    DryRun(Outcomes),
    Port(PortError),
}

impl From<PortError> for Rollback {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

/// See `AccountRepository::import`.
pub(crate) async fn import(store: &SqliteStore, batch: ImportBatch) -> Result<Outcomes, PortError> {
    let stored = store.write(move |sqlite| {
        let rows = batch.rows.iter();
        let outcomes = rows.map(|row| store_row(sqlite, row, &batch));
        let outcomes: Outcomes = outcomes.collect::<Result<_, _>>()?;
        if let Some(progress) = &batch.progress
            && !advance(sqlite, &progress.of(&outcomes)?)?
        {
            return Err(PortError::from(LeaseGone).into());
        }
        if batch.dry_run { Err(Rollback::DryRun(outcomes)) } else { Ok(outcomes) }
    });
    match stored.await {
        Ok(outcomes) | Err(Rollback::DryRun(outcomes)) => Ok(outcomes),
        Err(Rollback::Port(error)) => Err(error),
    }
}

fn store_row(
    sqlite: &mut SqliteConnection,
    row: &ReadyRow,
    batch: &ImportBatch,
) -> Result<Result<Imported, RowRefusal>, PortError> {
    let found = find(sqlite, row)?;
    let done = match row.step(found, batch.on_conflict) {
        Ok(Step::Create(new)) => undone_if_refused(sqlite, |sqlite| create(sqlite, new)),
        Ok(Step::Change(id, changes)) => {
            undone_if_refused(sqlite, |sqlite| change(sqlite, id, changes, &batch.authority))
        }
        Ok(Step::Keep(id)) => Ok(Imported::Unchanged(id)),
        Err(refusal) => Err(Error::Refused(refusal)),
    };
    match done {
        Ok(imported) => Ok(Ok(imported)),
        Err(Error::Refused(refusal)) => Ok(Err(refusal)),
        Err(Error::Port(error)) => Err(error),
    }
}

fn find(sqlite: &mut SqliteConnection, row: &ReadyRow) -> Result<Found, PortError> {
    let mut found = Found { by_username: None, by_email: None };
    if let Some(name) = &row.username {
        let named = users::table.filter(users::username_canonical.eq(name.canonical()));
        let id: Option<i64> =
            named.select(users::id).get_result(sqlite).optional().or_port_error()?;
        found.by_username = id.map(user_id).transpose()?;
    }
    if let Some(email) = &row.email {
        let addressed = users::table.filter(users::email_canonical.eq(email.canonical()));
        let id: Option<i64> =
            addressed.select(users::id).get_result(sqlite).optional().or_port_error()?;
        found.by_email = id.map(user_id).transpose()?;
    }
    Ok(found)
}

/// Work on one row, after whose refusal nothing of it stays.
fn undone_if_refused<T>(
    sqlite: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Error<RowRefusal>>,
) -> Result<T, Error<RowRefusal>> {
    let run = |sqlite: &mut SqliteConnection, statement: &str| {
        diesel::sql_query(statement).execute(sqlite).or_port_error()
    };
    run(sqlite, "SAVEPOINT import_row")?;
    let done = work(sqlite);
    if matches!(done, Err(Error::Refused(_))) {
        run(sqlite, "ROLLBACK TO import_row")?;
    }
    run(sqlite, "RELEASE import_row")?;
    done
}

fn create(sqlite: &mut SqliteConnection, new: &NewUser) -> Result<Imported, Error<RowRefusal>> {
    let created = insert(sqlite, new).map_err(Error::<CreateUserError>::cast)?;
    record(sqlite, &new.event().on(created.id))?;
    Ok(Imported::Created(created.id))
}

fn change(
    sqlite: &mut SqliteConnection,
    id: UserId,
    changes: &[AccountChange],
    authority: &Authority,
) -> Result<Imported, Error<RowRefusal>> {
    let mut imported = Imported::Unchanged(id);
    for change in changes {
        let account = account_changes::change(sqlite, id, change, authority);
        let account = account.map_err(Error::<ChangeUserError>::cast)?;
        if account.ok_or(Error::Refused(RowRefusal::NotFound))?.is_changed {
            imported = Imported::Updated(id);
        }
    }
    Ok(imported)
}
