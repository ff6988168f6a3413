//! Rows of a table, stored together.
//!
//! A row at a time would cost six round trips. So accounts are looked for together, and new ones are made
//! together with their records; only changes are made one by one.

use std::collections::{HashMap, HashSet};

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use futures_util::FutureExt as _;
use menjin_domain::accounts::{
    AccountChange, Authority, ChangeUserError, CreateUserError, Email, NewUser, Username,
};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::import::{Found, ImportBatch, Imported, RowRefusal, Step};
use menjin_domain::jobs::LeaseGone;
use menjin_infra_sql::one_time::keeps_any_address;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::rows::user_id;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::PostgresStore;
use crate::account_changes::{self, Consequences, Locked};
use crate::audit::append;
use crate::error::Abort;
use crate::jobs::advance;
use crate::terms::insert_terms;

type Outcome = Result<Imported, RowRefusal>;

/// Why the transaction is rolled back.
enum Rollback {
    /// It was a dry run: this would have been done.
    DryRun(Vec<Outcome>),
    Port(PortError),
}

impl From<PortError> for Rollback {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

/// See `AccountRepository::import`.
pub(crate) async fn import(
    store: &PostgresStore,
    batch: ImportBatch,
) -> Result<Vec<Outcome>, PortError> {
    let stored = store.transaction(batch, |postgres, batch| {
        async move {
            let outcomes = store_rows(postgres, batch).await.map_err(|error| match error {
                Abort::Refused(error) | Abort::Port(error) => Abort::Port(error),
                Abort::Failed(error) => Abort::Failed(error),
            })?;
            if let Some(progress) = &batch.progress
                && !advance(postgres, &progress.of(&outcomes)?).await?
            {
                return Err(PortError::from(LeaseGone).into());
            }
            if batch.dry_run {
                return Err(Abort::Refused(Rollback::DryRun(outcomes)));
            }
            Ok(outcomes)
        }
        .boxed()
    });
    match stored.await {
        Ok(outcomes) | Err(Rollback::DryRun(outcomes)) => Ok(outcomes),
        Err(Rollback::Port(error)) => Err(error),
    }
}

async fn store_rows(
    postgres: &mut AsyncPgConnection,
    batch: &ImportBatch,
) -> Result<Vec<Outcome>, Abort<PortError>> {
    let known = Known::find(postgres, batch).await?;
    let steps = batch.rows.iter().map(|row| {
        let found = known.of(row.username.as_ref(), row.email.as_ref());
        row.step(found, batch.on_conflict)
    });
    let steps: Vec<_> = steps.collect();
    let affected = steps.iter().filter_map(|step| match step {
        Ok(Step::Change(id, _)) => Some(id.get()),
        _ => None,
    });
    let mut locked = Locked::lock(postgres, affected.collect()).await?;
    let mut outcomes = vec![None; batch.rows.len()];
    let (mut new, mut consequences) = (Vec::new(), Consequences::default());
    for (step, outcome) in steps.into_iter().zip(&mut outcomes) {
        *outcome = Some(match step {
            Ok(Step::Keep(id)) => Ok(Imported::Unchanged(id)),
            Ok(Step::Change(id, changes)) => {
                let authority = &batch.authority;
                change(postgres, id, changes, authority, &mut locked, &mut consequences).await?
            }
            Err(refusal) => Err(refusal),
            Ok(Step::Create(user)) if known.is_kept(&user.email) => {
                Err(CreateUserError::EmailTaken.into())
            }
            Ok(Step::Create(user)) => {
                new.push(user);
                continue;
            }
        });
    }
    consequences.write(postgres, batch.authority.context.at).await?;
    let mut made = create(postgres, &new).await?;
    let outcomes = outcomes.into_iter().zip(&batch.rows).map(|(outcome, row)| {
        outcome.unwrap_or_else(|| {
            let name = row.username.as_ref().map(Username::canonical);
            let id = name.and_then(|name| made.remove(name));
            // Somebody was faster, and has the one or the other.
            id.map(Imported::Created).ok_or(CreateUserError::UsernameTaken.into())
        })
    });
    Ok(outcomes.collect())
}

/// Who has the names and the addresses of a batch.
struct Known {
    usernames: HashMap<String, UserId>,
    emails: HashMap<String, UserId>,
    /// Addresses that are being given up, and may be had back.
    kept: HashSet<String>,
}

impl Known {
    async fn find(
        postgres: &mut AsyncPgConnection,
        batch: &ImportBatch,
    ) -> Result<Self, Abort<PortError>> {
        let at: Timestamp = batch.authority.context.at;
        let names = batch.rows.iter().filter_map(|row| row.username.as_ref());
        let names: Vec<&str> = names.map(Username::canonical).collect();
        let addresses = batch.rows.iter().filter_map(|row| row.email.as_ref());
        let addresses: Vec<&str> = addresses.map(Email::canonical).collect();
        let by_name: Vec<(String, i64)> = users::table
            .filter(users::username_canonical.eq_any(&names))
            .select((users::username_canonical, users::id))
            .load(postgres)
            .await?;
        let by_address: Vec<(String, i64)> = users::table
            .filter(users::email_canonical.eq_any(&addresses))
            .select((users::email_canonical, users::id))
            .load(postgres)
            .await?;
        let kept: Vec<String> = tokens::table
            .filter(tokens::email.eq_any(&addresses))
            .filter(keeps_any_address(at.into()))
            .select(tokens::email)
            .load(postgres)
            .await?;
        let ids = |found: Vec<(String, i64)>| {
            let ids = found.into_iter().map(|(key, id)| Ok((key, user_id(id)?)));
            ids.collect::<Result<HashMap<_, _>, PortError>>()
        };
        Ok(Self {
            usernames: ids(by_name)?,
            emails: ids(by_address)?,
            kept: kept.into_iter().collect(),
        })
    }

    fn of(&self, username: Option<&Username>, email: Option<&Email>) -> Found {
        Found {
            by_username: username.and_then(|name| self.usernames.get(name.canonical())).copied(),
            by_email: email.and_then(|email| self.emails.get(email.canonical())).copied(),
        }
    }

    fn is_kept(&self, email: &Email) -> bool {
        self.kept.contains(email.canonical())
    }
}

/// Makes accounts with their records. Returns the ids of those that were made, by canonical name.
async fn create(
    postgres: &mut AsyncPgConnection,
    new: &[&NewUser],
) -> Result<HashMap<String, UserId>, Abort<PortError>> {
    if new.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<_> = new.iter().map(|user| NewUserRow::from(*user)).collect();
    let made: Vec<(String, i64)> = diesel::insert_into(users::table)
        .values(rows)
        .on_conflict_do_nothing()
        .returning((users::username_canonical, users::id))
        .get_results(postgres)
        .await?;
    let made = made.into_iter().map(|(name, id)| Ok((name, user_id(id)?)));
    let made: HashMap<_, _> = made.collect::<Result<_, PortError>>()?;
    let recorded = new
        .iter()
        .filter_map(|user| made.get(user.username.canonical()).map(|id| user.event().on(*id)));
    let recorded: Vec<_> = recorded.collect();
    let terms = new.iter().filter_map(|user| {
        let id = made.get(user.username.canonical())?;
        Some(TermRow::of(*id, &user.profile.attributes))
    });
    insert_terms(postgres, terms.flatten().collect()).await?;
    append(postgres, &recorded).await?;
    Ok(made)
}

/// Changes an account but for the consequences. Nothing of it stays if one of the changes is refused.
async fn change(
    postgres: &mut AsyncPgConnection,
    id: UserId,
    changes: &[AccountChange],
    authority: &Authority,
    locked: &mut Locked,
    consequences: &mut Consequences,
) -> Result<Outcome, Abort<PortError>> {
    // Each costs a round trip, and what is refused before anything is written needs none.
    let may_need_undoing =
        !matches!(changes, [change] if !matches!(change, AccountChange::Edit { .. }));
    let savepoint = async |postgres: &mut AsyncPgConnection, statement: &str| {
        if may_need_undoing { postgres.batch_execute(statement).await } else { Ok(()) }
    };
    savepoint(postgres, "SAVEPOINT import_row").await?;
    let (mut imported, mark) = (Imported::Unchanged(id), consequences.mark());
    for change in changes {
        match account_changes::make(postgres, id, change, authority, locked, consequences).await {
            Ok(None) => {
                savepoint(postgres, "RELEASE SAVEPOINT import_row").await?;
                return Ok(Err(RowRefusal::NotFound));
            }
            Ok(Some(true)) => imported = Imported::Updated(id),
            Ok(Some(false)) => {}
            Err(Abort::Refused(Error::Refused(refusal))) => {
                let undo = "ROLLBACK TO SAVEPOINT import_row; RELEASE SAVEPOINT import_row";
                savepoint(postgres, undo).await?;
                consequences.undo_to(mark);
                let refusal: ChangeUserError = refusal;
                return Ok(Err(refusal.into()));
            }
            Err(Abort::Refused(Error::Port(error)) | Abort::Port(error)) => {
                return Err(Abort::Port(error));
            }
            Err(Abort::Failed(error)) => return Err(Abort::Failed(error)),
        }
    }
    savepoint(postgres, "RELEASE SAVEPOINT import_row").await?;
    Ok(Ok(imported))
}
