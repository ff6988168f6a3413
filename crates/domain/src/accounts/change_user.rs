//! Use-case: changing an account as an administrator. What each change means, and when it is refused, is
//! said in [`AccountChange`].

use std::sync::Arc;
use std::time::Duration;

use crate::access::rights::{RightId, RolesGrant, UsersBan, UsersDelete, UsersWrite};
use crate::access::{Allowed, Forbidden, ReauthenticationRequired, Roles};
use crate::accounts::{
    AccountChange, AccountRepository, AddressChange, AttributeRules, Authority, Ban, BanIsOver,
    BanReason, ChangeUserError, ProfileChanges, Role, User, UserNotFound, Username,
};
use crate::audit::{AuditContext, AuditTrail};
use crate::common::{Error, PortError, Timestamp, UserId};
use crate::mail::{MailKind, Post};
use crate::ports::{Policy, Ports, RequiredPorts};

/// Why an account was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManageUserError {
    /// Nobody has the id.
    #[error(transparent)]
    NotFound(#[from] UserNotFound),
    /// The account is not changed this way, or not by the caller.
    #[error(transparent)]
    Refused(#[from] ChangeUserError),
    /// There is no such role.
    #[error("there is no such role")]
    UnknownRole,
    /// The caller does not have all rights of the role.
    #[error("nobody may give a role with more rights than their own")]
    RoleForbidden,
    /// The ban would be over at once.
    #[error(transparent)]
    BanIsOver(#[from] BanIsOver),
    /// An attribute needs a right that the caller does not have.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The caller has to give the password again first.
    #[error(transparent)]
    ReauthenticationRequired(#[from] ReauthenticationRequired),
}

/// Changes accounts. Each change is one of the store, with its record, and can be repeated: what is so
/// already stays as it is.
#[derive(Clone)]
#[non_exhaustive]
pub struct ChangeUser {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Makes the mails that tell the owner.
    pub post: Post,
    /// Takes the failures.
    pub trail: Arc<dyn AuditTrail>,
    /// For how long an account can be restored; zero: not at all.
    pub delete_grace: Duration,
    /// The attributes that there are.
    pub attributes: Arc<AttributeRules>,
}

impl ChangeUser {
    /// On these ports, with this policy.
    pub(crate) fn new(ports: &Ports, policy: &Policy) -> Self {
        let RequiredPorts { accounts, audit_trail, .. } = &ports.required;
        Self {
            accounts: accounts.clone(),
            post: Post::new(ports),
            trail: audit_trail.clone(),
            delete_grace: policy.delete_grace,
            attributes: policy.attributes.clone(),
        }
    }

    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        accounts: Arc<dyn AccountRepository>,
        post: Post,
        trail: Arc<dyn AuditTrail>,
        delete_grace: Duration,
    ) -> Self {
        Self { accounts, post, trail, delete_grace, attributes: Arc::default() }
    }

    /// Makes an account active, which also clears its lockout and ends a ban.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn activate(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: UserId,
    ) -> Result<User, Error<ManageUserError>> {
        self.change(id, AccountChange::Activate, allowed.authority()).await
    }

    /// Makes an account inactive, also the caller's own: its sessions end, its tokens no longer work,
    /// and its user cannot log in.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn deactivate(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: UserId,
    ) -> Result<User, Error<ManageUserError>> {
        self.change(id, AccountChange::Deactivate, allowed.authority()).await
    }

    /// Keeps a user out until a moment: logging in is answered as for an inactive account.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn ban(
        &self,
        allowed: &Allowed<UsersBan>,
        id: UserId,
        until: Timestamp,
        reason: Option<BanReason>,
    ) -> Result<User, Error<ManageUserError>> {
        let ban = Ban::new(until, reason, allowed.context().at);
        let ban = ban.map_err(|error| Error::Refused(error.into()))?;
        self.change(id, AccountChange::Ban(ban), allowed.authority()).await
    }

    /// Ends a ban before its time.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn lift_ban(
        &self,
        allowed: &Allowed<UsersBan>,
        id: UserId,
    ) -> Result<User, Error<ManageUserError>> {
        self.change(id, AccountChange::LiftBan, allowed.authority()).await
    }

    /// Gives somebody else another role.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn set_role(
        &self,
        allowed: &Allowed<RolesGrant>,
        id: UserId,
        role: Role,
    ) -> Result<User, Error<ManageUserError>> {
        check_grant(role, allowed)?;
        self.change(id, AccountChange::SetRole(role), allowed.authority()).await
    }

    /// Deletes an account: it is inactive at once, and gone when the time of grace is over. Until then
    /// it can be restored, and name and address stay its own. One that is to be deleted already keeps
    /// its time.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn delete(
        &self,
        allowed: &Allowed<UsersDelete>,
        id: UserId,
    ) -> Result<User, Error<ManageUserError>> {
        self.delete_by(id, allowed.authority()).await
    }

    /// Undoes a deletion before its time: the account is what it was, but for its sessions.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn restore(
        &self,
        allowed: &Allowed<UsersDelete>,
        id: UserId,
    ) -> Result<User, Error<ManageUserError>> {
        self.change(id, AccountChange::Restore, allowed.authority()).await
    }

    /// Changes name, address and profile. Another address needs the right to set passwords as well,
    /// since new passwords go there, and a caller who gave the password a short while ago; the owner is
    /// told at the address before.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn edit(
        &self,
        allowed: &Allowed<UsersWrite>,
        id: UserId,
        username: Option<Username>,
        profile: ProfileChanges,
    ) -> Result<User, Error<ManageUserError>> {
        let attributes = profile.attributes.keys().copied();
        self.attributes.check(allowed, attributes).map_err(|error| Error::Refused(error.into()))?;
        let may_move = allowed.has(RightId::UsersSetPassword);
        let mut is_allowed = may_move && profile.email.is_some();
        if is_allowed && let Err(required) = allowed.check_step_up() {
            self.check_address(id, &profile, required).await?;
            is_allowed = false;
        }
        let address = if is_allowed {
            let mails = self.post.of_email_change(false, &allowed.context().request)?;
            AddressChange { is_allowed: true, by_password: true, mails }
        } else {
            AddressChange::default()
        };
        let profile = ProfileChanges { address, ..profile }.into();
        self.change(id, AccountChange::Edit { username, profile }, allowed.authority()).await
    }

    /// Refuses another address. Clients that send all fields back send the same one.
    async fn check_address(
        &self,
        id: UserId,
        profile: &ProfileChanges,
        required: ReauthenticationRequired,
    ) -> Result<(), Error<ManageUserError>> {
        let user = self.accounts.find(id).await?;
        let is_another = user.is_some_and(|user| {
            profile.email.as_ref().is_some_and(|email| !email.is_same_mailbox(&user.email))
        });
        if is_another { Err(Error::Refused(required.into())) } else { Ok(()) }
    }

    /// Deletes an account, whoever does it.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn delete_by(
        &self,
        id: UserId,
        authority: Authority,
    ) -> Result<User, Error<ManageUserError>> {
        let at = authority.context.at;
        let user = self.change(id, self.deletion(&authority.context)?, authority).await?;
        self.delete_at_once(at).await?;
        Ok(user)
    }

    /// The deletion of one account, with its own mail.
    pub(super) fn deletion(&self, context: &AuditContext) -> Result<AccountChange, PortError> {
        let mail = self.post.mail(MailKind::AccountDeletion, None, &context.request)?;
        Ok(AccountChange::Delete { deletes_at: context.at + self.delete_grace, mail })
    }

    /// Without a time of grace, what was deleted at this moment is gone at once.
    pub(super) async fn delete_at_once(&self, at: Timestamp) -> Result<(), PortError> {
        if self.delete_grace.is_zero() {
            while self.accounts.delete_due(at).await? > 0 {}
        }
        Ok(())
    }

    /// Makes a change, whoever does it. A refusal is recorded.
    ///
    /// # Errors
    /// See [`ManageUserError`].
    pub async fn change(
        &self,
        id: UserId,
        change: AccountChange,
        authority: Authority,
    ) -> Result<User, Error<ManageUserError>> {
        let (context, name, failure) = (authority.context.clone(), change.name(), change.failure());
        match self.accounts.change(id, change, authority).await {
            Ok(user) => {
                let user = user.ok_or(Error::Refused(UserNotFound.into()))?;
                tracing::info!(event = name, user_id = %id, by = context.actor.map(UserId::get));
                Ok(user)
            }
            Err(Error::Refused(error)) => {
                self.trail.note(context.event(failure).on(id).because(error.reason()));
                Err(Error::Refused(error.into()))
            }
            Err(Error::Port(error)) => Err(error.into()),
        }
    }
}

/// Whether the caller may give this role to somebody. One with rights needs a password that was given a
/// short while ago.
pub(super) fn check_grant<R>(
    role: Role,
    allowed: &Allowed<R>,
) -> Result<(), Error<ManageUserError>> {
    let roles: &Roles = allowed.roles();
    if !roles.knows(role) {
        Err(Error::Refused(ManageUserError::UnknownRole))
    } else if !roles.may_grant(allowed.role(), role) {
        Err(Error::Refused(ManageUserError::RoleForbidden))
    } else if roles.has_any(role) {
        allowed.check_step_up().map_err(|error| Error::Refused(error.into()))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::OutOfReach;
    use crate::accounts::{Email, LastAdmin, MockAccountRepository};
    use crate::audit::{AuditAction, AuditReason};
    use crate::testing::{self, Trail, USER, at};

    const GRACE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

    /// A store that answers one change of [`USER`] with this, if the change is the one expected.
    fn store(
        expected: impl Fn(&AccountChange) -> bool + Send + 'static,
        answer: Result<Option<User>, Error<ChangeUserError>>,
    ) -> MockAccountRepository {
        let mut accounts = MockAccountRepository::new();
        accounts
            .expect_change()
            .withf(move |id, change, authority| {
                let is_bounded = authority.reach != crate::access::Reach::EVERYBODY;
                let by = authority.context == testing::context_of_admin(9);
                *id == USER && expected(change) && by && is_bounded
            })
            .times(1)
            .return_once(|_, _, _| answer);
        accounts
    }

    fn use_case(accounts: MockAccountRepository) -> (ChangeUser, Arc<Trail>) {
        let (accounts, trail) = (Arc::new(accounts), Arc::new(Trail::default()));
        let change = ChangeUser::standalone(accounts, testing::post(9), trail.clone(), GRACE);
        (change, trail)
    }

    type Answer = Result<Option<User>, Error<ChangeUserError>>;

    const DONE: fn() -> Answer = || Ok(Some(testing::user()));

    #[tokio::test]
    async fn each_change_is_one_of_the_store_by_whoever_may() {
        let accounts = store(|change| matches!(change, AccountChange::Activate), DONE());
        let (change, trail) = use_case(accounts);
        assert_eq!(change.activate(&testing::allowed(9), USER).await.unwrap(), testing::user());
        trail.has([]);
    }

    #[tokio::test]
    async fn a4_a_ban_that_would_be_over_is_none() {
        let until_60 = |change: &AccountChange| matches!(change, AccountChange::Ban(ban) if ban.until == at(60));
        let (change, _) = use_case(store(until_60, DONE()));
        change.ban(&testing::allowed(9), USER, at(60), None).await.unwrap();
        let over = change.ban(&testing::allowed(9), USER, at(9), None).await;
        assert!(matches!(over, Err(Error::Refused(ManageUserError::BanIsOver(_)))));
    }

    #[tokio::test]
    async fn what_is_refused_is_recorded_with_its_reason() {
        let is_deactivation = |change: &AccountChange| matches!(change, AccountChange::Deactivate);
        for (refusal, reason) in [
            (ChangeUserError::from(LastAdmin), AuditReason::LastAdmin),
            (ChangeUserError::from(OutOfReach), AuditReason::OutOfReach),
        ] {
            let accounts = store(is_deactivation, Err(Error::Refused(refusal)));
            let (change, trail) = use_case(accounts);
            let refused = change.deactivate(&testing::allowed(9), USER).await;
            let expected = ManageUserError::Refused(refusal);
            assert!(matches!(refused, Err(Error::Refused(error)) if error == expected));
            trail.has([(AuditAction::DeactivationFailed, reason)]);
        }
        let (change, trail) = use_case(store(is_deactivation, Ok(None)));
        let nobody = change.deactivate(&testing::allowed(9), USER).await;
        assert!(matches!(nobody, Err(Error::Refused(ManageUserError::NotFound(_)))));
        trail.has([]);
    }

    #[tokio::test]
    async fn a8_a_deletion_is_told_and_comes_in_two_weeks_or_at_once() {
        let deletes_at = |expected: Timestamp| {
            move |change: &AccountChange| {
                let AccountChange::Delete { deletes_at, mail } = change else { return false };
                let mail = mail.as_ref().map(|mail| mail.kind);
                *deletes_at == expected && mail == Some(MailKind::AccountDeletion)
            }
        };
        let (change, _) = use_case(store(deletes_at(at(9) + GRACE), DONE()));
        change.delete(&testing::allowed(9), USER).await.unwrap();
        let mut accounts = store(deletes_at(at(9)), DONE());
        let mut left = vec![0, 1];
        accounts.expect_delete_due().times(2).returning(move |_| Ok(left.pop().unwrap()));
        let (change, _) = use_case(accounts);
        let change = ChangeUser { delete_grace: Duration::ZERO, ..change };
        change.delete(&testing::allowed(9), USER).await.unwrap();
    }

    #[tokio::test]
    async fn a2_a_role_that_there_is_not_is_not_given() {
        let (change, _) = use_case(MockAccountRepository::new());
        let gone = "gone".parse().unwrap();
        let refused = change.set_role(&testing::allowed(9), USER, gone).await;
        assert!(matches!(refused, Err(Error::Refused(ManageUserError::UnknownRole))));
    }

    #[tokio::test]
    async fn a2_who_may_set_passwords_may_change_addresses_and_the_old_one_is_told() {
        let is_allowed = |change: &AccountChange| {
            let AccountChange::Edit { profile, .. } = change else { return false };
            profile.address.is_allowed && profile.address.mails.is_some()
        };
        let (change, _) = use_case(store(is_allowed, DONE()));
        let email = Email::parse("new@example.com").ok();
        let profile = ProfileChanges { email, ..ProfileChanges::default() };
        change.edit(&testing::allowed(9), USER, None, profile).await.unwrap();
    }
}
