//! What is done to an account by somebody else: the rules, in one pure function. A store loads the
//! account, asks [`AccountChange::plan`] in the same transaction, and writes what the plan says.

use crate::access::{OutOfReach, Reach};
use crate::accounts::{
    Ban, BanReason, DeletionScheduled, Email, LastAdmin, ProfileChanges, Role, User, Username,
};
use crate::audit::{AuditAction, AuditContext, AuditReason, ChangedField};
use crate::common::{RequestContext, Timestamp, UserId};
use crate::credentials::{FirstPassword, PasswordHash};
use crate::mail::NewMail;

/// Who changes an account, and whom they may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Who acts, when and from where.
    pub context: AuditContext,
    /// Whom they may change.
    pub reach: Reach,
}

impl Authority {
    /// Of the owner of the machine, on the command line.
    pub fn of_machine(at: Timestamp) -> Self {
        let context = AuditContext::anonymous(at, RequestContext::local());
        Self { context, reach: Reach::EVERYBODY }
    }

    /// Of somebody over their own account.
    pub fn over_oneself(context: AuditContext) -> Self {
        Self { context, reach: Reach::EVERYBODY }
    }

    /// Whether somebody acts on their own account.
    fn is_on_oneself(&self, id: UserId) -> bool {
        self.context.actor == Some(id)
    }
}

/// A change of an account.
#[derive(Debug, Clone)]
pub enum AccountChange {
    /// Makes it active, which ends a ban, and forgets its failed logins.
    Activate,
    /// Makes it inactive.
    Deactivate,
    /// Bans its user for a while.
    Ban(Ban),
    /// Ends a ban.
    LiftBan,
    /// Gives it another role.
    SetRole(Role),
    /// Replaces its password.
    SetPassword {
        /// The hash of the new one.
        hash: PasswordHash,
        /// Until when it has to be replaced by its user; `None`: it need not be.
        first: Option<FirstPassword>,
        /// The mail that tells the owner.
        mail: Option<NewMail>,
    },
    /// Makes it inactive, to be gone later.
    Delete {
        /// The first moment at which it is gone.
        deletes_at: Timestamp,
        /// The mail that tells the owner.
        mail: Option<NewMail>,
    },
    /// Undoes a deletion before its time.
    Restore,
    /// Changes what is known of its user.
    Edit {
        /// Another name.
        username: Option<Username>,
        /// The address and the profile.
        profile: Box<ProfileChanges>,
    },
}

/// Why an account was not changed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
pub enum ChangeUserError {
    /// It has rights that whoever acts does not have.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// It is that of the last administrator who can log in.
    #[error(transparent)]
    LastAdmin(#[from] LastAdmin),
    /// It is to be deleted, and can only be restored.
    #[error(transparent)]
    DeletionScheduled(#[from] DeletionScheduled),
    /// Another address needs the right to set passwords.
    #[error("another e-mail address needs the right to set passwords")]
    AddressForbidden,
    /// Nobody gives themselves a role, a password or an address this way.
    #[error("this is not done to one's own account")]
    OwnAccount,
    /// Somebody else has the name.
    #[error("the user name is taken")]
    UsernameTaken,
    /// Somebody else has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
}

impl ChangeUserError {
    /// Why, in records.
    pub(crate) fn reason(self) -> AuditReason {
        match self {
            Self::OutOfReach(OutOfReach) => AuditReason::OutOfReach,
            Self::LastAdmin(LastAdmin) => AuditReason::LastAdmin,
            Self::DeletionScheduled(DeletionScheduled) => AuditReason::DeletionScheduled,
            Self::AddressForbidden => AuditReason::NotAdmin,
            Self::OwnAccount => AuditReason::OwnAccount,
            Self::UsernameTaken => AuditReason::UsernameTaken,
            Self::EmailTaken => AuditReason::EmailTaken,
        }
    }
}

/// An account as it is, and what belongs to it and is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub user: User,
    /// Whether it is active again if it is restored.
    pub active_before_deletion: bool,
}

/// What ends with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Nothing.
    Nothing,
    /// All sessions of the account. Its credential version is raised, which makes void what is bound to
    /// the version before.
    Sessions,
    /// The same, and all its one-time tokens become void, also those that no version binds.
    SessionsAndTokens,
}

impl Ends {
    fn if_it(self, applies: bool) -> Self {
        if applies { self } else { Self::Nothing }
    }
}

/// What a store writes.
#[derive(Debug, Clone)]
pub struct ChangePlan {
    /// The account as it is to be, but for its address: that is `address`.
    pub after: Account,
    /// The hash of a new password.
    pub hash: Option<PasswordHash>,
    /// Another address. It is changed with what
    /// [`ProfileChanges::address`](crate::accounts::ProfileChanges::address) says.
    pub address: Option<Email>,
    /// What ends with it.
    pub ends: Ends,
    /// Whether it is an administrator's who could log in and cannot any more: another one who can
    /// ([`User::is_lasting_admin`]) MUST be there.
    pub takes_admin: bool,
    /// Whether its failed logins are forgotten. That alone is recorded as `lock_lifted`.
    pub forgets_failures: bool,
    /// What to record; `None` if the account stays as it is.
    pub action: Option<AuditAction>,
    /// Which fields it changes, for the record.
    pub changed: Vec<ChangedField>,
    /// What to tell the owner.
    pub mail: Option<NewMail>,
}

impl AccountChange {
    /// What is to be done to this account, if it may be done. A plan without an action changes nothing
    /// of the account.
    ///
    /// # Errors
    /// See [`ChangeUserError`]; whether name and address are free only the store can tell, and whether
    /// there is another administrator.
    pub fn plan(
        &self,
        account: &Account,
        authority: &Authority,
    ) -> Result<ChangePlan, ChangeUserError> {
        let (user, now) = (&account.user, authority.context.at);
        authority.reach.check(user.role)?;
        if user.deletes_at.is_some() && !self.fits_a_deleted_account() {
            return Err(DeletionScheduled.into());
        }
        if authority.is_on_oneself(user.id) && !self.fits_oneself(user) {
            return Err(ChangeUserError::OwnAccount);
        }
        let mut plan = ChangePlan::nothing(account);
        let after = &mut plan.after.user;
        let action = match self {
            Self::Activate => {
                plan.forgets_failures = true;
                let changes = !user.is_active || user.ban.is_some();
                (after.is_active, after.ban) = (true, None);
                changes.then_some(AuditAction::Activated)
            }
            Self::Deactivate => {
                after.is_active = false;
                plan.ends = Ends::SessionsAndTokens.if_it(user.is_active);
                user.is_active.then_some(AuditAction::Deactivated)
            }
            Self::Ban(ban) => {
                after.ban = Some(ban.clone());
                plan.ends = Ends::SessionsAndTokens;
                Some(AuditAction::Banned)
            }
            Self::LiftBan => {
                after.ban = None;
                user.ban.is_some().then_some(AuditAction::BanLifted)
            }
            Self::SetRole(role) => {
                after.role = *role;
                plan.ends = Ends::Sessions.if_it(user.role != *role);
                (user.role != *role).then_some(AuditAction::RoleChanged)
            }
            Self::SetPassword { hash, first, mail } => {
                after.first_password = *first;
                (plan.hash, plan.mail) = (Some(hash.clone()), mail.clone());
                (plan.ends, plan.forgets_failures) = (Ends::Sessions, true);
                Some(AuditAction::PasswordSet)
            }
            Self::Delete { deletes_at, mail } => {
                let changes = user.deletes_at.is_none();
                if changes {
                    after.deletes_at = Some(*deletes_at);
                    after.is_active = false;
                    plan.ends = Ends::SessionsAndTokens.if_it(user.is_active);
                    plan.after.active_before_deletion = user.is_active;
                    plan.mail.clone_from(mail);
                }
                changes.then_some(AuditAction::DeletionScheduled)
            }
            Self::Restore => {
                let changes = after.deletes_at.take().is_some();
                if changes {
                    after.is_active = account.active_before_deletion;
                }
                changes.then_some(AuditAction::DeletionUndone)
            }
            Self::Edit { username, profile } => {
                if let Some(email) = &profile.email {
                    let is_another = !email.is_same_mailbox(&user.email);
                    if is_another && !profile.address.is_allowed {
                        return Err(ChangeUserError::AddressForbidden);
                    }
                    plan.address = Some(email.clone()).filter(|_| is_another);
                }
                after.edit(username.as_ref(), profile, plan.address.is_some());
                let changes = plan.address.is_some() || *after != *user;
                changes.then_some(AuditAction::UserEdited)
            }
        };
        if action.is_some() {
            after.updated_at = Some(now);
        }
        plan.takes_admin = user.is_lasting_admin(now) && !plan.after.user.is_lasting_admin(now);
        plan.changed = plan.changed_fields(user);
        Ok(ChangePlan { action, ..plan })
    }

    /// What the log calls it once it is done.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Activate => "user_activated",
            Self::Deactivate => "user_deactivated",
            Self::Ban(_) => "user_banned",
            Self::LiftBan => "user_ban_lifted",
            Self::SetRole(_) => "user_role_changed",
            Self::SetPassword { .. } => "user_password_set",
            Self::Delete { .. } => "user_deletion_scheduled",
            Self::Restore => "user_restored",
            Self::Edit { .. } => "user_updated",
        }
    }

    /// What is recorded if it is refused.
    pub(crate) fn failure(&self) -> AuditAction {
        match self {
            Self::Deactivate => AuditAction::DeactivationFailed,
            Self::Delete { .. } => AuditAction::DeletionFailed,
            _ => AuditAction::UserChangeFailed,
        }
    }

    /// Whether it is possible while the account is to be deleted.
    fn fits_a_deleted_account(&self) -> bool {
        matches!(self, Self::Deactivate | Self::Delete { .. } | Self::Restore)
    }

    /// Whether one may do it to oneself: nothing that asks for the password where people do it to
    /// themselves, and no other role, whatever it is.
    fn fits_oneself(&self, user: &User) -> bool {
        match self {
            Self::SetRole(_) | Self::SetPassword { .. } => false,
            Self::Edit { profile, .. } => {
                profile.email.as_ref().is_none_or(|email| email.is_same_mailbox(&user.email))
            }
            _ => true,
        }
    }
}

impl ChangePlan {
    /// What is other than it was.
    fn changed_fields(&self, before: &User) -> Vec<ChangedField> {
        use ChangedField as F;
        let after = &self.after.user;
        let (old, new) = (&before.profile, &after.profile);
        let fields = [
            (F::Username, before.username != after.username),
            (F::Email, self.address.is_some() || before.email != after.email),
            (F::FullName, old.full_name != new.full_name),
            (F::Phone, old.phone != new.phone),
            (F::Bio, old.bio != new.bio),
            (F::Avatar, old.avatar != new.avatar),
            (F::Locale, before.locale != after.locale),
            (F::Attributes, old.attributes != new.attributes),
            (F::Role, before.role != after.role),
            (F::Password, self.hash.is_some()),
            (F::IsActive, before.is_active != after.is_active),
            (F::BannedUntil, before.ban != after.ban),
            (F::DeletesAt, before.deletes_at != after.deletes_at),
        ];
        fields.into_iter().filter(|(_, changes)| *changes).map(|(field, _)| field).collect()
    }

    fn nothing(account: &Account) -> Self {
        Self {
            after: account.clone(),
            hash: None,
            address: None,
            ends: Ends::Nothing,
            takes_admin: false,
            forgets_failures: false,
            action: None,
            changed: Vec::new(),
            mail: None,
        }
    }
}

impl User {
    fn edit(&mut self, username: Option<&Username>, profile: &ProfileChanges, moves: bool) {
        if let Some(username) = username {
            self.username = username.clone();
        }
        if let Some(email) = profile.email.as_ref().filter(|_| !moves) {
            self.email = email.clone();
        }
        let ProfileChanges { full_name, phone, bio, avatar, locale, attributes, .. } = profile;
        full_name.clone().apply_to(&mut self.profile.full_name);
        phone.clone().apply_to(&mut self.profile.phone);
        bio.clone().apply_to(&mut self.profile.bio);
        avatar.clone().apply_to(&mut self.profile.avatar);
        locale.clone().apply_to(&mut self.locale);
        for (name, value) in attributes {
            match value {
                Some(value) => self.profile.attributes.insert(*name, value.clone()),
                None => self.profile.attributes.remove(name),
            };
        }
    }
}

/// Why a ban is no ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ban ends in the future: to lock somebody out for ever, deactivate the account")]
pub struct BanIsOver;

impl Ban {
    /// A ban until this moment.
    ///
    /// # Errors
    /// It is over already.
    pub fn new(
        until: Timestamp,
        reason: Option<BanReason>,
        now: Timestamp,
    ) -> Result<Self, BanIsOver> {
        if until > now { Ok(Self { until, reason }) } else { Err(BanIsOver) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::access::Roles;
    use crate::accounts::{AddressChange, FullName, UsernameLength};
    use crate::common::Patch;
    use crate::testing::{self, at};

    /// An administrator's, at second 9.
    fn authority() -> Authority {
        let context = testing::context_of_admin(9);
        Authority { context, reach: Arc::new(Roles::default()).reach_of(Role::ADMIN) }
    }

    /// That of the owner of the account.
    fn own() -> Authority {
        let context = AuditContext::by(&testing::principal(), at(9), testing::request());
        Authority { context, ..authority() }
    }

    fn account(user: User) -> Account {
        Account { user, active_before_deletion: true }
    }

    fn plan(change: &AccountChange, user: User) -> Result<ChangePlan, ChangeUserError> {
        change.plan(&account(user), &authority())
    }

    fn ban(until: i64) -> Ban {
        Ban { until: at(until), reason: None }
    }

    fn password(first: Option<FirstPassword>) -> AccountChange {
        AccountChange::SetPassword { hash: testing::hash(), first, mail: None }
    }

    fn deletion() -> AccountChange {
        AccountChange::Delete { deletes_at: at(100), mail: None }
    }

    fn first_password() -> FirstPassword {
        FirstPassword { from: at(0), until: at(0) + Duration::from_secs(60) }
    }

    fn edit(profile: ProfileChanges) -> AccountChange {
        AccountChange::Edit { username: None, profile: profile.into() }
    }

    fn of_address(address: &str, is_allowed: bool) -> AccountChange {
        let email = Email::parse(address).ok();
        let address = AddressChange { is_allowed, ..AddressChange::default() };
        edit(ProfileChanges { email, address, ..ProfileChanges::default() })
    }

    #[test]
    fn a_plan_names_the_fields_that_it_changes_and_no_other() {
        let fields = |change: &AccountChange| {
            let plan = change.plan(&account(testing::user()), &authority()).unwrap();
            plan.changed.iter().map(|field| field.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(fields(&AccountChange::SetRole(Role::TEACHER)), ["role"]);
        assert_eq!(fields(&AccountChange::SetRole(Role::STUDENT)), [""; 0]);
        assert_eq!(fields(&AccountChange::Deactivate), ["is_active"]);
        assert_eq!(fields(&of_address("new@example.com", true)), ["email"]);
        let (hash, first) = (testing::hash(), None);
        assert_eq!(fields(&AccountChange::SetPassword { hash, first, mail: None }), ["password"]);
        let username = Some(Username::parse("another", UsernameLength::DEFAULT).unwrap());
        let full_name = Patch::Set(FullName::parse("迈克").unwrap().unwrap());
        let profile = ProfileChanges { full_name, ..ProfileChanges::default() };
        let edit = AccountChange::Edit { username, profile: profile.into() };
        assert_eq!(fields(&edit), ["username", "full_name"]);
    }

    #[test]
    fn a5_what_takes_access_ends_the_sessions_and_what_gives_it_does_not() {
        let banned = User { ban: Some(ban(50)), ..testing::user() };
        let inactive = User { is_active: false, ..testing::user() };
        let deleted = User { deletes_at: Some(at(50)), ..inactive.clone() };
        for (change, user, ends, action) in [
            (AccountChange::Deactivate, testing::user(), true, Some(AuditAction::Deactivated)),
            (AccountChange::Deactivate, inactive.clone(), false, None),
            (AccountChange::Ban(ban(50)), testing::user(), true, Some(AuditAction::Banned)),
            (AccountChange::LiftBan, banned.clone(), false, Some(AuditAction::BanLifted)),
            (AccountChange::LiftBan, testing::user(), false, None),
            (AccountChange::Activate, banned, false, Some(AuditAction::Activated)),
            (AccountChange::Activate, inactive.clone(), false, Some(AuditAction::Activated)),
            (AccountChange::Activate, testing::user(), false, None),
            (AccountChange::SetRole(Role::TEACHER), testing::user(), true, {
                Some(AuditAction::RoleChanged)
            }),
            (AccountChange::SetRole(Role::STUDENT), testing::user(), false, None),
            (password(None), testing::user(), true, Some(AuditAction::PasswordSet)),
            (deletion(), testing::user(), true, Some(AuditAction::DeletionScheduled)),
            (deletion(), inactive, false, Some(AuditAction::DeletionScheduled)),
            (deletion(), deleted.clone(), false, None),
            (AccountChange::Restore, deleted, false, Some(AuditAction::DeletionUndone)),
            (AccountChange::Restore, testing::user(), false, None),
        ] {
            let told = format!("{change:?} of {user:?}");
            let plan = plan(&change, user.clone()).unwrap();
            // k8: links to verify an address and to undo its change survive a new password.
            let keeps_tokens =
                matches!(change, AccountChange::SetRole(_) | AccountChange::SetPassword { .. });
            let ends = match (ends, keeps_tokens) {
                (false, _) => Ends::Nothing,
                (true, true) => Ends::Sessions,
                (true, false) => Ends::SessionsAndTokens,
            };
            assert_eq!((plan.ends, plan.action), (ends, action), "{told}");
            let changed_at = plan.after.user.updated_at;
            assert_eq!(changed_at, action.map(|_| at(9)).or(user.updated_at), "{told}");
            assert!(action.is_some() || plan.after.user == user, "{told}");
        }
    }

    #[test]
    fn a8_what_is_to_be_deleted_can_only_be_restored_to_what_it_was() {
        let deleted = User { deletes_at: Some(at(50)), is_active: false, ..testing::user() };
        for change in [
            AccountChange::Activate,
            AccountChange::Ban(ban(50)),
            AccountChange::SetRole(Role::TEACHER),
            password(None),
            of_address("new@example.com", true),
        ] {
            let refused = plan(&change, deleted.clone()).unwrap_err();
            assert_eq!(refused, DeletionScheduled.into(), "{change:?}");
        }
        for was_active in [true, false] {
            let before = User { is_active: was_active, ..testing::user() };
            let gone = plan(&deletion(), before).unwrap().after;
            assert_eq!((gone.user.is_active, gone.user.deletes_at), (false, Some(at(100))));
            let back = AccountChange::Restore.plan(&gone, &authority()).unwrap().after.user;
            assert_eq!((back.is_active, back.deletes_at), (was_active, None));
        }
    }

    #[test]
    fn a2_people_with_rights_are_out_of_reach_for_who_does_not_have_them() {
        let clerk = "clerk".parse().unwrap();
        let roles = [(clerk, [crate::access::rights::RightId::UsersWrite].into())];
        let reach = Arc::new(Roles::new(roles)).reach_of(clerk);
        let authority = Authority { reach, ..authority() };
        for change in [
            AccountChange::Activate,
            AccountChange::Deactivate,
            AccountChange::Ban(ban(50)),
            AccountChange::LiftBan,
            AccountChange::SetRole(Role::STUDENT),
            password(None),
            deletion(),
            AccountChange::Restore,
            edit(ProfileChanges::default()),
        ] {
            let admin = User { role: Role::ADMIN, ..testing::user() };
            let refused = change.plan(&account(admin), &authority).unwrap_err();
            assert_eq!(refused, OutOfReach.into(), "{change:?}");
            assert!(change.plan(&account(testing::user()), &authority).is_ok(), "{change:?}");
        }
    }

    #[test]
    fn a2_nobody_gives_themselves_a_role_a_password_or_an_address() {
        let oneself = || account(testing::user());
        for change in [
            AccountChange::SetRole(Role::TEACHER),
            AccountChange::SetRole(Role::STUDENT),
            password(None),
            of_address("new@example.com", true),
        ] {
            let refused = change.plan(&oneself(), &own()).unwrap_err();
            assert_eq!(refused, ChangeUserError::OwnAccount, "{change:?}");
        }
        for change in [AccountChange::Deactivate, deletion(), of_address("MIKE@example.com", false)]
        {
            assert!(change.plan(&oneself(), &own()).is_ok(), "{change:?}");
        }
    }

    #[test]
    fn a2_what_takes_an_administrator_who_can_log_in_is_said() {
        let admin = User { role: Role::ADMIN, ..testing::user() };
        for change in [
            AccountChange::Deactivate,
            AccountChange::Ban(ban(50)),
            AccountChange::SetRole(Role::TEACHER),
            password(Some(first_password())),
            deletion(),
        ] {
            assert!(plan(&change, admin.clone()).unwrap().takes_admin, "{change:?}");
            assert!(!plan(&change, testing::user()).unwrap().takes_admin, "{change:?}");
            // Who cannot log in, or only by a password that expires, is none already.
            for none in [
                User { is_active: false, ..admin.clone() },
                User { ban: Some(ban(50)), ..admin.clone() },
                User { first_password: Some(first_password()), ..admin.clone() },
            ] {
                assert!(!plan(&change, none).unwrap().takes_admin, "{change:?}");
            }
        }
        assert!(!plan(&password(None), admin).unwrap().takes_admin);
    }

    #[test]
    fn a4_an_edit_changes_what_is_given_and_another_address_needs_its_right() {
        let phone = ProfileChanges { phone: Patch::Clear, ..ProfileChanges::default() };
        assert_eq!(plan(&edit(phone), testing::user()).unwrap().action, None);
        let name = Username::parse("Michael", UsernameLength::DEFAULT).ok();
        let renamed = AccountChange::Edit { username: name, profile: Box::default() };
        let renamed = plan(&renamed, testing::user()).unwrap();
        assert_eq!(renamed.after.user.username.as_str(), "Michael");
        assert!(renamed.action == Some(AuditAction::UserEdited) && renamed.ends == Ends::Nothing);
        let moved = plan(&of_address("new@example.com", true), testing::user()).unwrap();
        assert_eq!(moved.address, Email::parse("new@example.com").ok());
        assert_eq!(moved.after.user.email, testing::user().email);
        let refused = plan(&of_address("new@example.com", false), testing::user());
        assert_eq!(refused.unwrap_err(), ChangeUserError::AddressForbidden);
        // The same mailbox may be written in another way.
        let respelled = plan(&of_address("MIKE@example.com", false), testing::user()).unwrap();
        assert_eq!((respelled.address, respelled.after.user.email.as_str()), {
            (None, "MIKE@example.com")
        });
    }

    #[test]
    fn a6_a_password_that_somebody_else_sets_has_to_be_changed() {
        let set = plan(&password(Some(first_password())), testing::user()).unwrap();
        assert!(set.after.user.must_change_password() && set.forgets_failures);
        assert!(set.hash.is_some());
        let lasting = User { first_password: Some(first_password()), ..testing::user() };
        let set = plan(&password(None), lasting).unwrap();
        assert!(!set.after.user.must_change_password());
    }

    #[test]
    fn a4_a_ban_ends_in_the_future() {
        assert_eq!(Ban::new(at(9), None, at(9)), Err(BanIsOver));
        assert!(Ban::new(at(10), None, at(9)).is_ok());
        let banned = User { ban: Some(ban(50)), ..testing::user() };
        assert!(!banned.is_active_at(at(49)) && banned.is_active_at(at(50)));
    }
}
