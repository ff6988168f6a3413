//! Roles: the one source of truth for what somebody may do.

use std::fmt;
use std::str::FromStr;

use crate::common::Violation;

/// What a user is. `admin` may manage users; `student` and `teacher` differ only to applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// `student`.
    Student,
    /// `teacher`.
    Teacher,
    /// `admin`, the superuser.
    Admin,
}

/// No such role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is student, teacher or admin")]
pub struct UnknownRole;

impl Role {
    /// The name in stores, tokens and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Teacher => "teacher",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "student" => Ok(Self::Student),
            "teacher" => Ok(Self::Teacher),
            "admin" => Ok(Self::Admin),
            _ => Err(UnknownRole),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A role that somebody may register with: any but `admin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrableRole(Role);

impl RegistrableRole {
    /// `student`, the default.
    pub const STUDENT: Self = Self(Role::Student);
}

impl TryFrom<Role> for RegistrableRole {
    type Error = Violation;

    fn try_from(role: Role) -> Result<Self, Violation> {
        match role {
            Role::Student | Role::Teacher => Ok(Self(role)),
            Role::Admin => Err(Violation::RoleNotRegistrable),
        }
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
    fn names_go_round() {
        for role in [Role::Student, Role::Teacher, Role::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("Admin".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn nobody_registers_as_admin() {
        assert!(RegistrableRole::try_from(Role::Admin).is_err());
        assert!(RegistrableRole::try_from(Role::Teacher).is_ok());
    }
}
