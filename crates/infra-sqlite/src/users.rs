//! Accounts.

use diesel::dsl::{exists, select};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Text};
use menjin_domain::accounts::{
    AccountRepository, CreateUserError, EmailTaken, LastAdmin, NewUser, ProfileChanges, Role, User,
    UserPage, UserQuery,
};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::UserId;
use menjin_domain::one_time::UNDO_TIME;
use menjin_infra_sql::one_time::{CHANGE_ADDRESS, is_open_token_of};
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::is_open_of;
use menjin_infra_sql::schema::one_time_tokens as tokens;
use menjin_infra_sql::sql_types::Moment;

use crate::SqliteStore;
use crate::audit::record;
use crate::error::{OrPortError, failed};
use crate::listing;
use crate::lockouts::forget;
use crate::mails::enqueue;

#[async_trait]
impl AccountRepository for SqliteStore {
    async fn create(&self, user: NewUser) -> Result<User, Error<CreateUserError>> {
        self.write(move |sqlite| {
            let row = diesel::insert_into(users::table)
                .values(NewUserRow::from(&user))
                .returning(UserRow::as_returning())
                .get_result::<UserRow>(sqlite);
            match row {
                Ok(row) => {
                    let created = User::try_from(row)?;
                    record(sqlite, &user.event().on(created.id))?;
                    if let Some(mail) = &user.mail {
                        enqueue(sqlite, mail, Some(created.id))?;
                    }
                    Ok(created)
                }
                Err(error) if is_taken(&error) => Err(who_has(sqlite, &user, error)?),
                Err(error) => Err(failed(error).into()),
            }
        })
        .await
    }

    async fn find(&self, id: UserId) -> Result<Option<User>, PortError> {
        self.read(move |sqlite| find(sqlite, id)).await
    }

    async fn update_profile(
        &self,
        id: UserId,
        changes: ProfileChanges,
        context: AuditContext,
    ) -> Result<Option<User>, Error<EmailTaken>> {
        self.write(move |sqlite| {
            let account = users::table.filter(users::id.eq(id.get())).filter(users::is_active);
            let mut is_another = false;
            if let Some(email) = &changes.email {
                is_another = diesel::sql_query(CHANGE_ADDRESS)
                    .bind::<Moment, _>(Micros::from(context.at - UNDO_TIME))
                    .bind::<BigInt, _>(id.get())
                    .bind::<Text, _>(email.canonical())
                    .execute(sqlite)
                    .or_port_error()?
                    > 0;
            }
            let updated = diesel::update(account)
                .set(ProfileRow::new(&changes, context.at))
                .returning(UserRow::as_returning())
                .get_result::<UserRow>(sqlite);
            match updated.optional() {
                Ok(None) => Ok(None),
                Ok(Some(row)) => {
                    for mail in changes.mails.iter().filter(|_| is_another) {
                        enqueue(sqlite, mail, Some(id))?;
                    }
                    record(sqlite, &context.event(AuditAction::ProfileUpdated).on(id))?;
                    Ok(Some(row.try_into()?))
                }
                Err(error) if is_taken(&error) => Err(Error::Refused(EmailTaken)),
                Err(error) => Err(failed(error).into()),
            }
        })
        .await
    }

    async fn list(&self, query: UserQuery) -> Result<UserPage, PortError> {
        self.read_together(move |sqlite| listing::page(sqlite, query)).await
    }

    async fn activate(&self, id: UserId, context: AuditContext) -> Result<Option<User>, PortError> {
        self.write(move |sqlite| {
            let inactive = users::table.find(id.get()).filter(users::is_active.eq(false));
            let activated = diesel::update(inactive)
                .set((users::is_active.eq(true), users::updated_at.eq(Micros::from(context.at))))
                .execute(sqlite)
                .or_port_error()?;
            let was_locked = forget(sqlite, id)?;
            if activated > 0 {
                record(sqlite, &context.event(AuditAction::Activated).on(id))?;
            } else if was_locked {
                record(sqlite, &context.event(AuditAction::LockoutCleared).on(id))?;
            }
            find(sqlite, id)
        })
        .await
    }

    async fn deactivate(
        &self,
        id: UserId,
        context: AuditContext,
    ) -> Result<Option<User>, Error<LastAdmin>> {
        self.write(move |sqlite| {
            let Some(user) = find(sqlite, id)?.filter(|user| user.is_active) else {
                return Ok(find(sqlite, id)?);
            };
            if user.role == Role::Admin && !has_other_admin(sqlite, id)? {
                return Err(Error::Refused(LastAdmin));
            }
            diesel::update(users::table.find(id.get()))
                .set((
                    users::is_active.eq(false),
                    users::credential_version.eq(users::credential_version + 1),
                    users::updated_at.eq(Micros::from(context.at)),
                ))
                .execute(sqlite)
                .or_port_error()?;
            diesel::update(sessions::table.filter(is_open_of(id.get())))
                .set(sessions::ended_at.eq(Micros::from(context.at)))
                .execute(sqlite)
                .or_port_error()?;
            diesel::update(tokens::table.filter(is_open_token_of(id.get())))
                .set(tokens::ended_at.eq(Micros::from(context.at)))
                .execute(sqlite)
                .or_port_error()?;
            record(sqlite, &context.event(AuditAction::Deactivated).on(id))?;
            Ok(find(sqlite, id)?)
        })
        .await
    }
}

fn is_taken(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

/// Which of the two is taken. SQLite names one violated constraint, not all of them. The statement
/// that failed has changed nothing, and no other connection can write meanwhile.
fn who_has(
    sqlite: &mut SqliteConnection,
    user: &NewUser,
    error: DieselError,
) -> Result<Error<CreateUserError>, PortError> {
    let name = users::table.filter(users::username_canonical.eq(user.username.canonical()));
    if select(exists(name)).get_result(sqlite).or_port_error()? {
        return Ok(Error::Refused(CreateUserError::UsernameTaken));
    }
    let email = users::table.filter(users::email_canonical.eq(user.email.canonical()));
    if select(exists(email)).get_result(sqlite).or_port_error()? {
        return Ok(Error::Refused(CreateUserError::EmailTaken));
    }
    Err(failed(error))
}

fn find(sqlite: &mut SqliteConnection, id: UserId) -> Result<Option<User>, PortError> {
    let row = users::table.find(id.get()).select(UserRow::as_select());
    row.get_result(sqlite).optional().or_port_error()?.map(User::try_from).transpose()
}

fn has_other_admin(sqlite: &mut SqliteConnection, id: UserId) -> Result<bool, PortError> {
    // A literal, not a parameter: otherwise SQLite cannot see that the partial index applies.
    let others = diesel::dsl::sql::<diesel::sql_types::Bool>("role = 'admin' AND is_active = 1");
    let others = users::table.filter(others).filter(users::id.ne(id.get()));
    select(exists(others)).get_result(sqlite).or_port_error()
}
