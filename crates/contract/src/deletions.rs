//! Accounts that are to be gone.

use std::time::Duration;

use macro_rules_attribute::apply;
use menjin_domain::accounts::{AccountChange, ChangeUserError, NewUser, Role, User};
use menjin_domain::audit::{AuditAction, AuditFilter, AuditOrder, AuditQuery};
use menjin_domain::common::{Error, UserId};
use menjin_domain::lockout::{AttemptLimits, LockoutSubject};
use menjin_domain::mail::MailKind;
use menjin_domain::one_time::Purpose;

use super::mails::{Repositories, mail};
use super::{Administer, Made, at, at_once, context, network, new_user};

impl Repositories {
    /// Deletes an account: it is gone ten seconds later.
    async fn delete(
        &self,
        user_id: UserId,
        seconds: i64,
    ) -> Result<Option<User>, Error<ChangeUserError>> {
        let change = AccountChange::Delete {
            deletes_at: at(seconds) + Duration::from_secs(10),
            mail: Some(mail(MailKind::AccountDeletion, seconds)),
        };
        self.store.accounts.administer(user_id, change, context(seconds)).await
    }

    async fn restore(&self, user: UserId, seconds: i64) -> Option<User> {
        let change = AccountChange::Restore;
        self.store.accounts.administer(user, change, context(seconds)).await.unwrap()
    }

    async fn delete_due(&self, seconds: i64) -> u64 {
        self.store.accounts.delete_due(at(seconds)).await.unwrap()
    }

    /// What was recorded of an account, newest first.
    pub(super) async fn told(&self, user: UserId) -> Vec<AuditAction> {
        let filter = AuditFilter { user: Some(user), ..AuditFilter::default() };
        let order = AuditOrder::NewestFirst;
        let query = AuditQuery { filter, order, beyond: None, limit: 10 };
        let records = self.store.records.list(query).await.unwrap();
        records.iter().map(|record| record.event.action).collect()
    }
}

/// Inactive at once, gone at its time and not before; until then name and address are its own.
#[apply(row!)]
async fn a8_an_account_is_inactive_at_once_and_gone_at_its_time(mailing: Repositories) {
    let store = &mailing.store;
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    mailing.issue(1, Purpose::ResetPassword, ann).await;
    let subject = LockoutSubject::Account(ann);
    store.lockouts.reserve(&subject, network(1), AttemptLimits::DEFAULT, at(1)).await.unwrap();
    let deleted = mailing.delete(ann, 5).await.unwrap().unwrap();
    assert_eq!((deleted.is_active, deleted.deletes_at), (false, Some(at(15))));
    assert_eq!(deleted.updated_at, Some(at(5)));
    assert!(!store.is_live(session, 6).await);
    assert!(!mailing.is_live(1, Purpose::ResetPassword, 6).await);
    let told = mailing.claim(5, 10).await;
    assert_eq!((told.len(), told[0].mail.kind), (1, MailKind::AccountDeletion));
    // A second time changes nothing.
    assert_eq!(mailing.delete(ann, 9).await.unwrap(), Some(deleted.clone()));
    let refused = store.accounts.activate(ann, context(9)).await;
    assert!(matches!(refused, Err(Error::Refused(ChangeUserError::DeletionScheduled(_)))));
    assert_eq!(store.accounts.deactivate(ann, context(9)).await.unwrap(), Some(deleted));
    assert!(store.accounts.create(new_user("ann", Role::STUDENT)).await.is_err());
    assert_eq!(mailing.delete_due(14).await, 0);
    assert_eq!(mailing.delete_due(15).await, 1);
    assert_eq!(mailing.delete_due(15).await, 0);
    assert_eq!(store.accounts.find(ann).await.unwrap(), None);
    assert!(store.lockouts.counts(&subject).await.unwrap().is_empty());
    let told = mailing.told(ann).await;
    assert_eq!(told[..2], [AuditAction::AccountDeleted, AuditAction::DeletionScheduled]);
    let again = store.student("ann").await;
    assert!(again > ann, "its name is free, and its id is never given again");
    let nobody = UserId::try_from(99).unwrap();
    assert_eq!(mailing.delete(nobody, 20).await.unwrap(), None);
}

/// It is what it was, but for its sessions; what was inactive stays so.
#[apply(row!)]
async fn a8_a_deletion_can_be_undone(mailing: Repositories) {
    let store = &mailing.store;
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let session = store.log_in(1, ann).await;
    store.accounts.deactivate(bob, context(1)).await.unwrap();
    for (user, is_active) in [(ann, true), (bob, false)] {
        mailing.delete(user, 5).await.unwrap();
        let restored = mailing.restore(user, 6).await.unwrap();
        assert_eq!((restored.is_active, restored.deletes_at), (is_active, None));
        let again = mailing.restore(user, 7).await.unwrap();
        assert_eq!(again, restored, "there is nothing more to undo");
        assert_eq!(mailing.told(user).await[0], AuditAction::DeletionUndone);
    }
    assert!(!store.is_live(session, 6).await);
    assert_eq!(mailing.delete_due(1000).await, 0);
    let nobody = UserId::try_from(99).unwrap();
    assert_eq!(mailing.restore(nobody, 8).await, None);
}

/// Of two administrators who delete each other one stays.
#[apply(row!)]
async fn a2_the_last_administrator_is_not_deleted(mailing: Repositories) {
    let store = &mailing.store;
    let ids = [store.add("root", Role::ADMIN).await.id, store.add("other", Role::ADMIN).await.id];
    let results = at_once(20, |number| {
        let (mailing, id) = (mailing.clone(), ids[number % 2]);
        async move {
            if number < 10 {
                mailing.delete(id, 5).await.map(drop)
            } else {
                mailing.store.accounts.deactivate(id, context(5)).await.map(drop)
            }
        }
    })
    .await;
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(Error::Refused(ChangeUserError::LastAdmin(_)))))
    );
    let mut active = 0;
    for id in ids {
        active += usize::from(store.user(id).await.is_active);
    }
    assert_eq!(active, 1);
}

/// Whoever has proved an address, has logged in, or has rights, stays.
#[apply(row!)]
async fn q7_accounts_that_nobody_proved_or_used_go_after_a_while(mailing: Repositories) {
    let store = &mailing.store;
    let made = |name: &str, seconds, role, is_verified| {
        let new = new_user(name, role).made_at(seconds);
        store.accounts.create(NewUser { is_verified, ..new })
    };
    let abandoned = made("ann", 5, Role::STUDENT, false).await.unwrap().id;
    let mut kept = vec![
        made("bob", 10, Role::STUDENT, false).await.unwrap().id,
        made("carl", 5, Role::STUDENT, true).await.unwrap().id,
        made("root", 5, Role::ADMIN, false).await.unwrap().id,
    ];
    let used = made("dora", 5, Role::STUDENT, false).await.unwrap().id;
    store.log_in(1, used).await;
    kept.push(used);
    assert_eq!(
        store.accounts.delete_unverified(at(10), &[Role::STUDENT], at(20)).await.unwrap(),
        1
    );
    assert_eq!(
        store.accounts.delete_unverified(at(10), &[Role::STUDENT], at(20)).await.unwrap(),
        0
    );
    assert_eq!(store.accounts.find(abandoned).await.unwrap(), None);
    assert_eq!(mailing.told(abandoned).await[0], AuditAction::AccountDeleted);
    for id in kept {
        assert!(store.accounts.find(id).await.unwrap().is_some());
    }
}
