//! Which role has which rights, and who may do something to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::access::rights::RightId;
use crate::accounts::Role;

/// The rights of a role.
pub type Rights = BTreeSet<RightId>;

/// The roles that there are, with their rights. `admin` has all, always; `student` and `teacher` none
/// unless the settings give them some. Nothing in a store lists the roles: of one that is not known here
/// nobody gets a right, and whoever would change its holder needs all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    rights: BTreeMap<Role, Rights>,
}

impl Default for Roles {
    fn default() -> Self {
        Self::new([])
    }
}

impl Roles {
    /// Those of the documents, and these. What is said of `admin` has no effect.
    pub fn new(more: impl IntoIterator<Item = (Role, Rights)>) -> Self {
        let mut rights = BTreeMap::from(Role::ALWAYS.map(|role| (role, Rights::new())));
        rights.extend(more);
        rights.insert(Role::ADMIN, RightId::ALL.iter().copied().collect());
        Self { rights }
    }

    /// The roles, by name, those of the documents first.
    pub fn all(&self) -> impl Iterator<Item = Role> {
        let others = self.rights.keys().filter(|role| !Role::ALWAYS.contains(role));
        Role::ALWAYS.into_iter().chain(others.copied())
    }

    /// Whether there is such a role.
    pub fn knows(&self, role: Role) -> bool {
        self.rights.contains_key(&role)
    }

    /// Whether a role has a right.
    pub fn grants(&self, role: Role, right: RightId) -> bool {
        self.rights.get(&role).is_some_and(|rights| rights.contains(&right))
    }

    /// Whether a role has any right. One that is not known counts as if it had.
    pub fn has_any(&self, role: Role) -> bool {
        self.rights.get(&role).is_none_or(|rights| !rights.is_empty())
    }

    /// Whether a role has all rights of another. One that is not known counts as if it had all.
    pub fn covers(&self, role: Role, other: Role) -> bool {
        let Some(rights) = self.rights.get(&role) else { return false };
        match self.rights.get(&other) {
            Some(needed) => needed.is_subset(rights),
            None => role == Role::ADMIN,
        }
    }

    /// Whether somebody of this role may give another role to somebody: one without rights anybody may
    /// give, another only whoever grants roles and has all its rights.
    pub fn may_grant(&self, role: Role, given: Role) -> bool {
        self.knows(given) && self.reaches(role, given)
    }

    /// Whether another role has no rights, or only such that somebody of this role has, who grants roles.
    fn reaches(&self, role: Role, other: Role) -> bool {
        let grants = || self.grants(role, RightId::RolesGrant) && self.covers(role, other);
        !self.has_any(other) || grants()
    }

    /// Whom somebody of this role may change.
    pub fn reach_of(self: &Arc<Self>, role: Role) -> Reach {
        Reach(Some((self.clone(), role)))
    }

    /// The roles without any right.
    pub fn without_rights(&self) -> Vec<Role> {
        self.all().filter(|role| !self.has_any(*role)).collect()
    }
}

/// Whom somebody may change: everybody without rights, and others only if they grant roles and have all
/// rights of the other. So nobody reaches further through somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach(Option<(Arc<Roles>, Role)>);

/// The account has rights that whoever acts does not have.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[error("the account has rights that you do not have")]
pub struct OutOfReach;

impl Reach {
    /// Everybody: of the owner of the machine, and of people who act on their own account.
    pub const EVERYBODY: Self = Self(None);

    /// Whether somebody of this role is within it. A store MUST ask for the role as it is in the
    /// transaction of the change.
    ///
    /// # Errors
    /// The role has rights that whoever acts does not have.
    pub fn check(&self, of: Role) -> Result<(), OutOfReach> {
        let Some((roles, role)) = &self.0 else { return Ok(()) };
        if roles.reaches(*role, of) { Ok(()) } else { Err(OutOfReach) }
    }
}

#[cfg(test)]
mod tests {
    use RightId::{RolesGrant, UsersBan, UsersWrite};

    use super::*;

    fn role(name: &str) -> Role {
        name.parse().unwrap()
    }

    fn roles() -> Arc<Roles> {
        Arc::new(Roles::new([
            (role("clerk"), Rights::from([UsersWrite])),
            (role("head"), Rights::from([UsersWrite, UsersBan, RolesGrant])),
            (role("parent"), Rights::new()),
            (Role::ADMIN, Rights::new()),
        ]))
    }

    #[test]
    fn a1_admin_has_all_rights_and_others_what_the_settings_say() {
        let roles = roles();
        for right in RightId::ALL {
            assert!(roles.grants(Role::ADMIN, *right), "{}", right.as_str());
            assert!(!roles.grants(Role::STUDENT, *right) && !roles.grants(role("gone"), *right));
        }
        assert!(roles.grants(role("clerk"), UsersWrite) && !roles.grants(role("clerk"), UsersBan));
        assert!(roles.knows(role("parent")) && !roles.knows(role("gone")));
        let named: Vec<_> = roles.all().map(|role| role.to_string()).collect();
        assert_eq!(named, ["student", "teacher", "admin", "clerk", "head", "parent"]);
        assert_eq!(roles.without_rights(), [Role::STUDENT, Role::TEACHER, role("parent")]);
    }

    #[test]
    fn a2_only_who_grants_roles_and_has_all_rights_changes_people_with_rights() {
        let roles = roles();
        let reach = |of: &str, to: &str| roles.reach_of(role(of)).check(role(to)).is_ok();
        for of in ["clerk", "head", "admin"] {
            assert!(reach(of, "student") && reach(of, "parent"));
        }
        assert!(reach("head", "clerk") && reach("head", "head") && reach("admin", "head"));
        assert!(!reach("clerk", "clerk") && !reach("clerk", "head"));
        assert!(!reach("head", "admin") && !reach("clerk", "admin"));
        // What the settings no longer know counts as all rights.
        assert!(!reach("head", "gone") && reach("admin", "gone"));
        assert!(!reach("gone", "clerk"));
        assert!(Reach::EVERYBODY.check(role("gone")).is_ok());
    }

    #[test]
    fn a2_who_gives_a_role_has_all_its_rights() {
        let roles = roles();
        let may = |of: &str, given: &str| roles.may_grant(role(of), role(given));
        assert!(may("clerk", "student") && may("clerk", "parent") && may("head", "clerk"));
        assert!(!may("clerk", "clerk"), "who does not grant roles gives none with rights");
        assert!(!may("head", "admin") && may("admin", "admin"));
        assert!(!may("admin", "gone"), "nobody gives what the settings do not know");
    }
}
