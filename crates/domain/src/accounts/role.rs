//! Roles: the one source of truth for what somebody may do.

use std::fmt;
use std::str::FromStr;

use tinystr::{TinyAsciiStr, tinystr};

use crate::common::Violation;

/// What a user is. `admin` may do everything; `student` and `teacher` are those of the API documents.
/// The settings may add others, and give rights to any of them ([`Roles`](crate::access::Roles)).
///
/// A role is only a name here, since a store may hold one that the settings no longer know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(TinyAsciiStr<{ Role::MAX }>);

/// The text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a role is named by a small letter and small letters, digits or underscores, at most {}",
    Role::MAX
)]
pub struct InvalidRole;

impl Role {
    /// The most characters of a name.
    pub const MAX: usize = 32;
    /// `student`.
    pub const STUDENT: Self = Self(tinystr!(32, "student"));
    /// `teacher`.
    pub const TEACHER: Self = Self(tinystr!(32, "teacher"));
    /// `admin`, the superuser.
    pub const ADMIN: Self = Self(tinystr!(32, "admin"));
    /// The roles that there are always.
    pub const ALWAYS: [Self; 3] = [Self::STUDENT, Self::TEACHER, Self::ADMIN];

    /// The name in stores, tokens and answers.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        let begins = text.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !begins || !text.bytes().all(is_part) {
            return Err(InvalidRole);
        }
        TinyAsciiStr::try_from_str(text).map(Self).map_err(|_too_long| InvalidRole)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Role({self})")
    }
}

/// A role that somebody may ask for at a registration: any but `admin`. Whether it has rights, which
/// nobody gets by registering, is decided when it is known what the roles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrableRole(Role);

impl RegistrableRole {
    /// `student`, the default.
    pub const STUDENT: Self = Self(Role::STUDENT);
}

impl TryFrom<Role> for RegistrableRole {
    type Error = Violation;

    fn try_from(role: Role) -> Result<Self, Violation> {
        if role == Role::ADMIN { Err(Violation::RoleNotRegistrable) } else { Ok(Self(role)) }
    }
}

impl From<RegistrableRole> for Role {
    fn from(role: RegistrableRole) -> Self {
        role.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_role_is_a_name_of_small_letters_digits_and_underscores() {
        for role in Role::ALWAYS {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        let longest = "a".repeat(Role::MAX);
        for name in ["head_of_year", "t2", "a", &longest] {
            assert_eq!(name.parse::<Role>().unwrap().as_str(), name);
        }
        let too_long = "a".repeat(Role::MAX + 1);
        for name in ["", "Admin", "2t", "_t", "a-b", "a b", "管理员", &too_long] {
            assert_eq!(name.parse::<Role>(), Err(InvalidRole), "{name:?}");
        }
    }

    #[test]
    fn nobody_registers_as_admin() {
        assert!(RegistrableRole::try_from(Role::ADMIN).is_err());
        assert!(RegistrableRole::try_from(Role::TEACHER).is_ok());
    }
}
