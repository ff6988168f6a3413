//! The authenticated caller.

use std::sync::Arc;

use crate::accounts::{Role, User};
use crate::common::{SessionId, Timestamp};

/// The authenticated caller of a use-case: the user as the store has it now, not as a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user, shared with the session cache.
    pub user: Arc<User>,
    /// The session that the token named.
    pub session_id: SessionId,
    /// When the user last gave the password in this session.
    pub authenticated_at: Timestamp,
    /// Why they may do next to nothing, if so.
    pub restriction: Option<Restriction>,
}

/// Why somebody who is logged in may do next to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Restriction {
    /// The password was set by somebody else.
    #[error("the password has to be changed first")]
    PasswordChange,
    /// The role needs a second factor, which the session does not have.
    #[error("a second factor has to be set up first")]
    FactorEnrolment,
}

impl Restriction {
    /// Of a user in a session: it follows from the account as it is now, so that the same session may do
    /// everything once what is asked for was done.
    pub fn of(user: &User, session_has_factor: bool, factor_roles: &[Role]) -> Option<Self> {
        if user.must_change_password() {
            return Some(Self::PasswordChange);
        }
        let needs_factor = factor_roles.contains(&user.role);
        let has_factor = user.has_factor && session_has_factor;
        (needs_factor && !has_factor).then_some(Self::FactorEnrolment)
    }
}

impl Principal {
    /// Whether the caller may do what is for people under no restriction but these.
    ///
    /// # Errors
    /// What is asked of the caller first.
    pub fn check_restriction(&self, admitted: &[Restriction]) -> Result<(), Restriction> {
        match self.restriction {
            Some(restriction) if !admitted.contains(&restriction) => Err(restriction),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::FirstPassword;
    use crate::testing::{self, at};

    #[test]
    fn y6_a_role_that_needs_a_factor_may_do_nothing_without_one() {
        let of = |user_has, session_has, roles: &[Role]| {
            let user = User { has_factor: user_has, ..testing::user() };
            Restriction::of(&user, session_has, roles)
        };
        let student = [Role::ADMIN, Role::STUDENT];
        assert_eq!(of(false, false, &[]), None);
        assert_eq!(of(false, false, &[Role::ADMIN]), None);
        for (user_has, session_has) in [(false, false), (true, false), (false, true)] {
            assert_eq!(of(user_has, session_has, &student), Some(Restriction::FactorEnrolment));
        }
        assert_eq!(of(true, true, &student), None);
        let first_password = Some(FirstPassword { from: at(0), until: at(9) });
        let user = User { first_password, ..testing::user() };
        let first = Restriction::of(&user, false, &student);
        assert_eq!(first, Some(Restriction::PasswordChange), "the password comes first");
    }
}
