//! New accounts.

use diesel::dsl::{exists, select};
use diesel::result::Error as DieselError;
use menjin_domain::accounts::{CreateUserError, NewUser, User};
use menjin_infra_sql::prelude::*;

use crate::email_changes::is_anothers;
use crate::error::{OrPortError, failed, is_taken};
use crate::terms::insert_terms;

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
    if is_anothers(sqlite, user.email.canonical(), created.id, user.created_at())? {
        return Err(Error::Refused(CreateUserError::EmailTaken));
    }
    insert_terms(sqlite, created.id, &user.profile.attributes)?;
    Ok(created)
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
