//! What a store does with rows: the rule, as a pure function.

use crate::accounts::{AccountChange, ChangeUserError, CreateUserError, Email, NewUser, Username};
use crate::common::UserId;

/// What is done with a row whose user is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum OnConflict {
    /// The account stays as it is.
    #[default]
    Skip,
    /// It is changed to what the row says.
    Update,
    /// The row fails.
    Fail,
}

/// A row that is ready to be stored.
#[derive(Debug, Clone)]
pub struct ReadyRow {
    /// The account, if it is known by its id; name and address do not matter then.
    pub id: Option<UserId>,
    /// The name by which an account is looked for.
    pub username: Option<Username>,
    /// The address by which an account is looked for.
    pub email: Option<Email>,
    /// The account that is made if there is none; `None`: the row does not say enough of it.
    pub create: Option<Box<NewUser>>,
    /// The changes that are made to the one that is there, in this order.
    pub changes: Vec<AccountChange>,
}

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// An account was made.
    Created(UserId),
    /// The account was changed.
    Updated(UserId),
    /// The account is what it was.
    Unchanged(UserId),
}

/// Why a row was not stored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
pub enum RowRefusal {
    /// One account has the name, another the address.
    #[error("one user has the name, another the e-mail address")]
    TwoAccounts,
    /// The user is there already.
    #[error("the user is there already")]
    Exists,
    /// There is no such user, and the row does not say enough to make one.
    #[error("is missing: there is no such user yet, and a new one needs it")]
    Incomplete,
    /// Nobody has the id.
    #[error("there is no such user")]
    NotFound,
    /// Somebody was faster, or keeps the address.
    #[error(transparent)]
    Taken(#[from] CreateUserError),
    /// The account is not changed this way, or not by whoever imports.
    #[error(transparent)]
    Change(#[from] ChangeUserError),
}

/// The accounts of a row's name and address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Who has the name.
    pub by_username: Option<UserId>,
    /// Who has the address.
    pub by_email: Option<UserId>,
}

/// What is done with a row.
#[derive(Debug)]
pub enum Step<'a> {
    /// An account is made.
    Create(&'a NewUser),
    /// The account is changed.
    Change(UserId, &'a [AccountChange]),
    /// The account stays as it is.
    Keep(UserId),
}

impl ReadyRow {
    /// What is to be done with it, where these accounts were found.
    ///
    /// # Errors
    /// See [`RowRefusal`].
    pub fn step(&self, found: Found, on_conflict: OnConflict) -> Result<Step<'_>, RowRefusal> {
        if let Some(id) = self.id {
            return Ok(Step::Change(id, &self.changes));
        }
        let id = match (found.by_username, found.by_email) {
            (None, None) => {
                let new = self.create.as_deref().ok_or(RowRefusal::Incomplete)?;
                return Ok(Step::Create(new));
            }
            (Some(one), Some(other)) if one != other => return Err(RowRefusal::TwoAccounts),
            (Some(id), _) | (None, Some(id)) => id,
        };
        match on_conflict {
            OnConflict::Skip => Ok(Step::Keep(id)),
            OnConflict::Update => Ok(Step::Change(id, &self.changes)),
            OnConflict::Fail => Err(RowRefusal::Exists),
        }
    }
}

#[cfg(test)]
mod tests {
    use OnConflict::{Fail, Skip, Update};

    use super::*;
    use crate::testing::USER;

    #[test]
    fn u3_a_row_is_for_the_one_account_of_its_name_and_address() {
        let row = ReadyRow { id: None, username: None, email: None, create: None, changes: vec![] };
        let other = UserId::try_from(9).unwrap();
        let step = |by_username, by_email, on_conflict| {
            let step = row.step(Found { by_username, by_email }, on_conflict);
            step.map(|step| match step {
                Step::Create(_) => "create",
                Step::Change(..) => "change",
                Step::Keep(_) => "keep",
            })
        };
        for on_conflict in [Skip, Update, Fail] {
            assert_eq!(step(Some(USER), Some(other), on_conflict), Err(RowRefusal::TwoAccounts));
            assert_eq!(step(None, None, on_conflict), Err(RowRefusal::Incomplete));
        }
        for (name, address) in [(Some(USER), Some(USER)), (Some(USER), None), (None, Some(USER))] {
            assert_eq!(step(name, address, Skip), Ok("keep"));
            assert_eq!(step(name, address, Update), Ok("change"));
            assert_eq!(step(name, address, Fail), Err(RowRefusal::Exists));
        }
    }
}
