//! What a row says of one user.

use crate::accounts::{
    AttributeChanges, AttributeProblem, AttributeRules, AvatarUrl, Bio, CreateUserError, Email,
    FullName, Phone, Profile, ProfileChanges, Role, Username, UsernameLength,
};
use crate::common::{Locale, Patch, Violation, text};
use crate::credentials::{NewPassword, PasswordHash, PasswordLength, PolicyViolation};
use crate::import::{HashRefused, ImportColumn, RowRefusal};

/// The cells of a row, each with its column, as they are written. An empty cell says nothing.
pub type Cells = Vec<(ImportColumn, String)>;

/// Why a row was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum RowProblem {
    /// A value breaks a rule.
    #[error("{0}")]
    Violation(#[from] Violation),
    /// It is needed.
    #[error("is missing")]
    Missing,
    /// Neither yes nor no.
    #[error("write yes or no, true or false, 1 or 0")]
    NotABool,
    /// There is no such role.
    #[error("there is no such role")]
    UnknownRole,
    /// Whoever imports does not have all rights of the role.
    #[error("you may not give this role")]
    RoleForbidden,
    /// Not what is declared of the attribute.
    #[error("{0}")]
    Attribute(#[from] AttributeProblem),
    /// Whoever imports may not change the attribute.
    #[error("you may not change this")]
    AttributeForbidden,
    /// Not a language of mails.
    #[error("one of zh-CN, en")]
    UnknownLocale,
    /// The password is too easy to guess.
    #[error("{0}")]
    Policy(#[from] PolicyViolation),
    /// The hash is not taken.
    #[error("{0}")]
    Hash(#[from] HashRefused),
    /// Hashes come by the command line only.
    #[error("hashes are imported on the command line only")]
    HashForbidden,
    /// Both a password and a hash.
    #[error("there is a password as well as a hash")]
    PasswordAndHash,
    /// The file has a row for the same user before.
    #[error("the same as in row {row}")]
    Duplicate {
        /// That row.
        row: u64,
    },
    /// The row cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The store refuses it.
    #[error("{0}")]
    Refused(#[from] RowRefusal),
}

/// Why a row was not done, and which of its columns is at fault, if it is one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RowError {
    /// The column.
    pub column: Option<ImportColumn>,
    /// The reason.
    pub problem: RowProblem,
}

impl RowError {
    /// In this column.
    pub fn at(column: ImportColumn, problem: impl Into<RowProblem>) -> Self {
        Self { column: Some(column), problem: problem.into() }
    }

    /// In the row as a whole.
    pub fn whole(problem: impl Into<RowProblem>) -> Self {
        Self { column: None, problem: problem.into() }
    }
}

impl From<RowRefusal> for RowError {
    fn from(refusal: RowRefusal) -> Self {
        let column = match refusal {
            RowRefusal::Taken(CreateUserError::UsernameTaken) => Some(ImportColumn::Username),
            RowRefusal::Taken(CreateUserError::EmailTaken) => Some(ImportColumn::Email),
            _ => None,
        };
        Self { column, problem: refusal.into() }
    }
}

/// The password of a row.
#[derive(Debug, Clone)]
pub(super) enum RowPassword {
    None,
    Plain(NewPassword),
    Hash(PasswordHash),
}

/// A row that has been read.
#[derive(Debug, Clone)]
pub(super) struct ImportRow {
    pub(super) username: Option<Username>,
    pub(super) email: Option<Email>,
    pub(super) full_name: Option<FullName>,
    pub(super) phone: Option<Phone>,
    pub(super) bio: Option<Bio>,
    pub(super) avatar: Option<AvatarUrl>,
    pub(super) locale: Option<Locale>,
    pub(super) role: Option<Role>,
    pub(super) is_active: Option<bool>,
    pub(super) is_verified: Option<bool>,
    pub(super) attributes: AttributeChanges,
    pub(super) password: RowPassword,
}

impl ImportRow {
    /// Reads the cells; the first that cannot be read is the error.
    pub(super) fn parse(
        cells: &Cells,
        length: PasswordLength,
        attributes: &AttributeRules,
    ) -> Result<Self, RowError> {
        let mut row = Self {
            username: None,
            email: None,
            full_name: None,
            phone: None,
            bio: None,
            avatar: None,
            locale: None,
            role: None,
            is_active: None,
            is_verified: None,
            attributes: AttributeChanges::new(),
            password: RowPassword::None,
        };
        for (column, text) in cells.iter().filter(|(_, text)| !text.trim().is_empty()) {
            row.set(*column, text, length, attributes)
                .map_err(|problem| RowError { column: Some(*column), problem })?;
        }
        Ok(row)
    }

    fn set(
        &mut self,
        column: ImportColumn,
        text: &str,
        length: PasswordLength,
        attributes: &AttributeRules,
    ) -> Result<(), RowProblem> {
        let trimmed = text.trim();
        match column {
            ImportColumn::Username => {
                self.username = Some(Username::parse(trimmed, UsernameLength::DEFAULT)?);
            }
            ImportColumn::Email => self.email = Some(Email::parse(trimmed)?),
            ImportColumn::FullName => self.full_name = FullName::parse(trimmed)?,
            ImportColumn::Phone => self.phone = Phone::parse(trimmed)?,
            ImportColumn::Bio => self.bio = Bio::parse(trimmed)?,
            ImportColumn::Avatar => self.avatar = AvatarUrl::parse(trimmed)?,
            ImportColumn::Locale => {
                let locale = trimmed.parse().map_err(|_unknown| RowProblem::UnknownLocale)?;
                self.locale = Some(locale);
            }
            ImportColumn::Role => {
                let role = trimmed.parse().map_err(|_invalid| RowProblem::UnknownRole)?;
                self.role = Some(role);
            }
            ImportColumn::IsActive => self.is_active = Some(yes_or_no(trimmed)?),
            ImportColumn::IsVerified => self.is_verified = Some(yes_or_no(trimmed)?),
            ImportColumn::Attribute(name) => {
                let rule = attributes.get(name).ok_or(AttributeProblem::Unknown)?;
                self.attributes.insert(name, rule.parse_cell(trimmed)?);
            }
            ImportColumn::Password | ImportColumn::PasswordHash => {
                if !matches!(self.password, RowPassword::None) {
                    return Err(RowProblem::PasswordAndHash);
                }
                self.password = if column == ImportColumn::Password {
                    RowPassword::Plain(NewPassword::parse(text, length)?)
                } else {
                    RowPassword::Hash(PasswordHash::new(trimmed.to_owned()))
                };
            }
        }
        Ok(())
    }

    /// What a new account would need.
    pub(super) fn missing(&self) -> ImportColumn {
        if self.username.is_none() { ImportColumn::Username } else { ImportColumn::Email }
    }

    /// The profile of a new account.
    pub(super) fn profile(&self) -> Profile {
        Profile {
            full_name: self.full_name.clone(),
            phone: self.phone.clone(),
            bio: self.bio.clone(),
            avatar: self.avatar.clone(),
            attributes: self
                .attributes
                .iter()
                .filter_map(|(name, value)| Some((*name, value.clone()?)))
                .collect(),
        }
    }

    /// What becomes of the profile of an account that is there: what the row says, and nothing else.
    pub(super) fn changes(&self) -> ProfileChanges {
        fn patch<T: Clone>(value: Option<&T>) -> Patch<T> {
            value.map_or(Patch::Keep, |value| Patch::Set(value.clone()))
        }
        ProfileChanges {
            email: self.email.clone(),
            full_name: patch(self.full_name.as_ref()),
            phone: patch(self.phone.as_ref()),
            bio: patch(self.bio.as_ref()),
            avatar: patch(self.avatar.as_ref()),
            locale: patch(self.locale.as_ref()),
            attributes: self.attributes.clone(),
            ..ProfileChanges::default()
        }
    }
}

fn yes_or_no(text: &str) -> Result<bool, RowProblem> {
    text::yes_or_no(text).ok_or(RowProblem::NotABool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(cells: &[(ImportColumn, &str)]) -> Result<ImportRow, RowError> {
        let cells = cells.iter().map(|(column, text)| (*column, (*text).to_owned())).collect();
        ImportRow::parse(&cells, PasswordLength::DEFAULT, &AttributeRules::default())
    }

    #[test]
    fn u1_a_row_is_read_as_people_write_it() {
        let row = parse(&[
            (ImportColumn::Username, " zhang "),
            (ImportColumn::Email, "zhang@example.com"),
            (ImportColumn::FullName, "张三"),
            (ImportColumn::Phone, "  "),
            (ImportColumn::IsActive, "否"),
            (ImportColumn::Role, "teacher"),
        ])
        .unwrap();
        assert_eq!(row.username.unwrap().as_str(), "zhang");
        assert_eq!((row.is_active, row.role, row.phone), (Some(false), Some(Role::TEACHER), None));
    }

    #[test]
    fn u2_the_column_at_fault_is_named() {
        use ImportColumn::{Email, IsActive, Locale, Password, PasswordHash, Role};
        for (cells, expected) in [
            (vec![(Email, "nobody")], RowError::at(Email, Violation::NotAnEmail)),
            (vec![(IsActive, "perhaps")], RowError::at(IsActive, RowProblem::NotABool)),
            (vec![(Locale, "fr")], RowError::at(Locale, RowProblem::UnknownLocale)),
            (vec![(Role, "Boss!")], RowError::at(Role, RowProblem::UnknownRole)),
            (vec![(Password, "short")], RowError::at(Password, Violation::TooShort { min: 8 })),
            (
                vec![(Password, "long enough"), (PasswordHash, "$2b$")],
                RowError::at(PasswordHash, RowProblem::PasswordAndHash),
            ),
        ] {
            assert_eq!(parse(&cells).map(drop), Err(expected));
        }
    }
}
