//! Accounts.

use diesel::dsl::{exists, select};
use diesel::result::Error as DieselError;
use menjin_domain::accounts::{
    AccountRepository, AddressChange, CreateUserError, Email, LastAdmin, NewUser, ProfileChanges,
    Role, UpdateProfileError, User, UserPage, UserQuery,
};
use menjin_domain::audit::{AuditAction, AuditContext};
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::one_time::{NewAddress, Recipient};
use menjin_infra_sql::one_time::is_open_token_of;
use menjin_infra_sql::prelude::*;
use menjin_infra_sql::queries::is_open_of;
use menjin_infra_sql::schema::one_time_tokens as tokens;

use crate::SqliteStore;
use crate::audit::record;
use crate::email_changes::{self, is_anothers};
use crate::error::{OrPortError, failed, is_taken};
use crate::listing;
use crate::lockouts::forget;
use crate::mails::enqueue;
use crate::recipients::find_recipient;

#[async_trait]
impl AccountRepository for SqliteStore {
    async fn create(&self, user: NewUser) -> Result<User, Error<CreateUserError>> {
        self.write(move |sqlite| {
            let created = insert(sqlite, &user)?;
            record(sqlite, &user.event().on(created.id))?;
            if let Some(mail) = &user.mail {
                enqueue(sqlite, mail, Some(created.id))?;
            }
            Ok(created)
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
    ) -> Result<Option<User>, Error<UpdateProfileError>> {
        self.write(move |sqlite| {
            if let Some(email) = &changes.email {
                let before = find_recipient(sqlite, id)?.filter(|found| found.user.is_active);
                let Some(before) = before else { return Ok(None) };
                change_address(sqlite, &before, email, &changes.address, context.at)?;
            }
            let account = users::table.filter(users::id.eq(id.get())).filter(users::is_active);
            let updated = diesel::update(account)
                .set(ProfileRow::new(&changes, context.at))
                .returning(UserRow::as_returning())
                .get_result::<UserRow>(sqlite);
            let Some(row) = updated.optional().or_port_error()? else { return Ok(None) };
            record(sqlite, &context.event(AuditAction::ProfileUpdated).on(id))?;
            Ok(Some(row.try_into()?))
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

/// Makes an account.
pub(crate) fn insert(
    sqlite: &mut SqliteConnection,
    user: &NewUser,
) -> Result<User, Error<CreateUserError>> {
    let row = diesel::insert_into(users::table)
        .values(NewUserRow::from(user))
        .returning(UserRow::as_returning())
        .get_result::<UserRow>(sqlite);
    let row = match row {
        Err(error) if is_taken(&error) => return Err(who_has(sqlite, user, error)?),
        row => row.or_port_error()?,
    };
    let created = User::try_from(row)?;
    if is_anothers(sqlite, user.email.canonical(), created.id, user.created_at)? {
        return Err(Error::Refused(CreateUserError::EmailTaken));
    }
    Ok(created)
}

/// Changes an address with the profile: to another, or to another way of writing it.
fn change_address(
    sqlite: &mut SqliteConnection,
    before: &Recipient,
    email: &Email,
    change: &AddressChange,
    at: Timestamp,
) -> Result<(), Error<UpdateProfileError>> {
    if email.is_same_mailbox(&before.user.email) {
        diesel::update(users::table.find(before.user.id.get()))
            .set((users::email.eq(email.as_str()), users::email_canonical.eq(email.canonical())))
            .execute(sqlite)
            .or_port_error()?;
        return Ok(());
    }
    if !change.is_allowed {
        return Err(Error::Refused(UpdateProfileError::AnotherMailbox));
    }
    let how = NewAddress::Direct { by_password: change.by_password };
    email_changes::change(sqlite, before, email, how, change.mails.as_ref(), at)
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
