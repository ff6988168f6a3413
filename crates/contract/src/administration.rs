//! What administrators do to accounts.

use std::sync::Arc;

use macro_rules_attribute::apply;
use menjin_domain::access::{OutOfReach, Roles};
use menjin_domain::accounts::{
    AccountChange, AddressChange, AttributeValue, Attributes, Authority, Ban, BanReason,
    ChangeUserError, FullName, LastAdmin, NewUser, ProfileChanges, Role, User, Username,
    UsernameLength,
};
use menjin_domain::audit::AuditAction;
use menjin_domain::common::{Error, Patch, UserId};
use menjin_domain::credentials::FirstPassword;
use menjin_domain::mail::MailKind;
use menjin_domain::one_time::Purpose;

use super::email_changes::mails;
use super::mails::Repositories;
use super::{
    Administer, Store, at, at_once, authority, context, email, hash, new_user, session_id,
};

fn ban(until: i64) -> AccountChange {
    let reason = BanReason::parse("打扰课堂").unwrap();
    AccountChange::Ban(Ban { until: at(until), reason })
}

fn first_password() -> FirstPassword {
    FirstPassword { from: at(5), until: at(500) }
}

fn set_password(first: Option<FirstPassword>) -> AccountChange {
    AccountChange::SetPassword { hash: hash("set"), first, mail: None }
}

fn edit(profile: ProfileChanges) -> AccountChange {
    AccountChange::Edit { username: None, profile: profile.into() }
}

fn of_address(address: &str, undo: u8) -> AccountChange {
    let mails = Some(mails(undo, 5));
    let address_change = AddressChange { is_allowed: true, by_password: true, mails };
    edit(ProfileChanges {
        email: Some(email(address)),
        address: address_change,
        ..ProfileChanges::default()
    })
}

impl Store {
    pub(super) async fn administer(&self, id: UserId, change: AccountChange, seconds: i64) -> User {
        let changed = self.accounts.administer(id, change, context(seconds)).await;
        changed.unwrap().unwrap()
    }

    async fn refused(&self, id: UserId, change: AccountChange) -> ChangeUserError {
        match self.accounts.administer(id, change, context(5)).await {
            Err(Error::Refused(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

/// A ban ends the sessions, is kept as it was given, and is over when it is lifted.
#[apply(row!)]
async fn a4_a_ban_ends_the_sessions_and_can_be_lifted(mailing: Repositories) {
    let store = &mailing.store;
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    let banned = store.administer(ann, ban(100), 5).await;
    let told = banned.ban.as_ref().and_then(|ban| ban.reason.as_ref()).map(BanReason::as_str);
    assert_eq!((told, banned.banned_until(at(99))), (Some("打扰课堂"), Some(at(100))));
    assert!(banned.is_active && banned.updated_at == Some(at(5)));
    assert_eq!(store.user(ann).await, banned);
    assert!(!store.is_live(session, 6).await);
    assert!(!mailing.is_live(1, Purpose::VerifyEmail, 6).await);
    let credentials = store.credentials.find_by_id(ann).await.unwrap().unwrap();
    assert_eq!(credentials.banned_until, Some(at(100)));
    assert!(credentials.check(at(99)).is_err() && credentials.check(at(100)).is_ok());
    let lifted = store.administer(ann, AccountChange::LiftBan, 7).await;
    assert_eq!((lifted.ban, lifted.updated_at), (None, Some(at(7))));
    // Activating ends a ban, too.
    store.administer(ann, ban(100), 8).await;
    assert_eq!(store.administer(ann, AccountChange::Activate, 9).await.ban, None);
    let told = mailing.told(ann).await;
    let expected = [AuditAction::Activated, AuditAction::Banned, AuditAction::BanLifted];
    assert_eq!(told[..3], expected);
}

/// Another role ends the sessions; the counts of the roles follow.
#[apply(row!)]
async fn a5_another_role_ends_the_sessions(mailing: Repositories) {
    let store = &mailing.store;
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    let head: Role = "head_of_year".parse().unwrap();
    let changed = store.administer(ann, AccountChange::SetRole(head), 5).await;
    assert_eq!((changed.role, store.user(ann).await.role), (head, head));
    assert!(!store.is_live(session, 6).await);
    assert_eq!(mailing.told(ann).await[0], AuditAction::RoleChanged);
    let before = store.user(ann).await;
    assert_eq!(store.administer(ann, AccountChange::SetRole(head), 9).await, before);
}

/// A password that was set has to be changed, and is good for its time; changing it ends that.
#[apply(row!)]
async fn a6_a_password_that_was_set_has_to_be_changed(store: Store) {
    let ann = store.student("ann").await;
    let session = store.log_in(1, ann).await;
    let changed = store.administer(ann, set_password(Some(first_password())), 5).await;
    assert_eq!(changed.first_password, Some(first_password()));
    assert_eq!(store.hash_of("ann").await, "$2b$04$set");
    assert!(!store.is_live(session, 6).await);
    let credentials = store.credentials.find_by_id(ann).await.unwrap().unwrap();
    for (seconds, is_good) in [(4, false), (5, true), (499, true), (500, false)] {
        assert_eq!(credentials.check(at(seconds)).is_ok(), is_good, "{seconds}");
    }
    let session = store.log_in(2, ann).await;
    let live = store.sessions.find_live(session, at(6)).await.unwrap().unwrap();
    assert!(live.user.must_change_password());
    assert!(store.change_password(ann, session).await);
    assert_eq!(store.user(ann).await.first_password, None);
    assert!(store.is_live(session, 8).await, "the same session is whole after the change");
    // One that was set to last.
    let changed = store.administer(ann, set_password(None), 9).await;
    assert_eq!(changed.first_password, None);
}

/// An account is made with a first password.
#[apply(row!)]
async fn a4_an_account_is_made_with_a_first_password(store: Store) {
    let first_password = Some(first_password());
    let action = AuditAction::UserCreated;
    let new = NewUser { first_password, action, ..new_user("ann", Role::TEACHER) };
    let made = store.accounts.create(new).await.unwrap();
    assert_eq!(made.first_password, first_password);
    assert_eq!(store.user(made.id).await, made);
}

/// Name and profile change; what somebody else has does not.
#[apply(row!)]
async fn a4_an_edit_changes_names_and_profile(mailing: Repositories) {
    let store = &mailing.store;
    let (ann, _bob) = (store.student("ann").await, store.student("bob").await);
    let session = store.log_in(1, ann).await;
    let name = |text| Username::parse(text, UsernameLength::DEFAULT).ok();
    let full_name = Patch::from(FullName::parse("安").unwrap());
    let profile = || ProfileChanges { full_name: full_name.clone(), ..ProfileChanges::default() };
    let renamed = AccountChange::Edit { username: name("Anna"), profile: profile().into() };
    let changed = store.administer(ann, renamed.clone(), 5).await;
    assert_eq!(changed.username.as_str(), "Anna");
    assert_eq!(changed.profile.full_name.as_ref().map(FullName::as_str), Some("安"));
    assert_eq!((store.user(ann).await, changed.updated_at), (changed, Some(at(5))));
    assert!(store.is_live(session, 6).await, "an edit ends no session");
    let taken = AccountChange::Edit { username: name("BOB"), profile: profile().into() };
    let before = store.user(ann).await;
    assert_eq!(store.refused(ann, taken).await, ChangeUserError::UsernameTaken);
    assert_eq!(store.user(ann).await, before);
    store.administer(ann, renamed, 9).await;
    assert_eq!(store.user(ann).await.updated_at, Some(at(5)), "nothing was to change");
    assert_eq!(mailing.told(ann).await[0], AuditAction::UserEdited);
}

/// Attributes are changed one by one, and each change of them is recorded as one of attributes.
#[apply(row!)]
async fn a13_attributes_are_set_and_cleared_one_by_one(mailing: Repositories) {
    let store = &mailing.store;
    let ann = store.student("ann").await;
    let text = |text: &str| Some(AttributeValue::Text(text.to_owned()));
    let change = |values: &[(&str, Option<AttributeValue>)]| {
        let values = values.iter().map(|(name, value)| (name.parse().unwrap(), value.clone()));
        edit(ProfileChanges { attributes: values.collect(), ..ProfileChanges::default() })
    };
    store.administer(ann, change(&[("class", text("3-2")), ("house", text("red"))]), 5).await;
    let changed =
        store.administer(ann, change(&[("class", text("4-2")), ("house", None)]), 6).await;
    let kept = Attributes::from([("class".parse().unwrap(), text("4-2").unwrap())]);
    assert_eq!((&changed.profile.attributes, changed.updated_at), (&kept, Some(at(6))));
    assert_eq!(store.user(ann).await, changed);
    let session = store.log_in(7, ann).await;
    let live = store.sessions.find_live(session, at(8)).await.unwrap().unwrap();
    assert_eq!(live.user.profile.attributes, kept);
    store.administer(ann, change(&[("class", text("4-2")), ("house", None)]), 9).await;
    assert_eq!(store.user(ann).await.updated_at, Some(at(6)), "nothing was to change");
    let cleared = store.administer(ann, change(&[("class", None)]), 10).await;
    assert_eq!(cleared.profile.attributes, Attributes::default());
}

/// An address that somebody else changes is not verified, and the one before is told.
#[apply(row!)]
async fn a2_an_address_changed_by_others_is_not_verified_and_the_old_one_is_told(
    mailing: Repositories,
) {
    let ann = mailing.verified().await;
    let store = &mailing.store;
    store.student("bob").await;
    assert_eq!(
        store.refused(ann, of_address("bob@example.com", 9)).await,
        ChangeUserError::EmailTaken
    );
    assert_eq!(store.user(ann).await.email, email("ann@example.com"));
    let changed = store.administer(ann, of_address("new@example.com", 10), 5).await;
    assert_eq!((changed.email, changed.is_verified), (email("new@example.com"), false));
    let told = mailing.claim(5, 10).await;
    let notice = told.iter().find(|mail| mail.mail.kind == MailKind::EmailChanged).unwrap();
    assert_eq!(notice.mail.to.as_deref(), Some("ann@example.com"));
    assert!(mailing.undo(10, ann, 6).await.is_ok(), "the owner of the old one can take it back");
    // Only written in another way.
    let respelled = store.administer(ann, of_address("ANN@example.com", 11), 8).await;
    assert_eq!((respelled.email.as_str(), respelled.is_verified), ("ANN@example.com", true));
}

/// The role that counts is the one that the account has in the transaction of the change.
#[apply(row!)]
async fn a2_people_with_more_rights_are_out_of_reach(store: Store) {
    let (root, ann) = (store.add("root", Role::ADMIN).await.id, store.student("ann").await);
    store.add("other", Role::ADMIN).await;
    let session = store.log_in(1, root).await;
    let roles = Arc::new(Roles::default());
    let by = || Authority { reach: roles.reach_of(Role::TEACHER), ..authority(5) };
    let before = store.user(root).await;
    for change in [
        AccountChange::Activate,
        AccountChange::Deactivate,
        ban(100),
        AccountChange::SetRole(Role::STUDENT),
        set_password(None),
        AccountChange::Delete { deletes_at: at(50), mail: None },
        of_address("new@example.com", 1),
    ] {
        let told = format!("{change:?}");
        let refused = store.accounts.change(root, change.clone(), by()).await;
        let expected = ChangeUserError::OutOfReach(OutOfReach);
        assert!(matches!(refused, Err(Error::Refused(error)) if error == expected), "{told}");
        assert_eq!(store.user(root).await, before, "{told}");
    }
    let refused = store.sessions.revoke(root, session, by()).await;
    assert!(matches!(refused, Err(Error::Refused(OutOfReach))));
    let refused = store.sessions.revoke_all(root, None, by()).await;
    assert!(matches!(refused, Err(Error::Refused(OutOfReach))));
    assert!(store.is_live(session, 6).await);
    let own = store.log_in(2, ann).await;
    assert!(store.sessions.revoke(ann, own, by()).await.unwrap());
    store.accounts.change(ann, AccountChange::Deactivate, by()).await.unwrap().unwrap();
    let nobody = UserId::try_from(99).unwrap();
    assert_eq!(store.accounts.change(nobody, ban(100), by()).await.unwrap(), None);
}

/// Whoever cannot log in, or only by a password that expires, is no administrator who could stay.
#[apply(row!)]
async fn a2_the_administrator_who_stays_can_log_in(store: Store) {
    let root = store.add("root", Role::ADMIN).await.id;
    let other = store.add("other", Role::ADMIN).await.id;
    let last = ChangeUserError::LastAdmin(LastAdmin);
    for weakened in [ban(100), set_password(Some(first_password())), AccountChange::Deactivate] {
        let told = format!("{weakened:?}");
        store.administer(other, weakened, 5).await;
        assert_eq!(store.refused(root, AccountChange::Deactivate).await, last, "{told}");
        assert_eq!(store.refused(root, AccountChange::SetRole(Role::TEACHER)).await, last);
        assert_eq!(store.refused(root, set_password(Some(first_password()))).await, last);
        store.administer(other, AccountChange::Activate, 6).await;
        store.administer(other, set_password(None), 7).await;
    }
    // A ban that is over is none.
    store.administer(other, ban(8), 6).await;
    store.administer(root, AccountChange::Deactivate, 8).await;
}

/// Of the last two administrators one stays, whatever is done to them at once.
#[apply(row!)]
async fn a2_of_fifty_changes_of_the_last_two_administrators_one_stays(store: Store) {
    let ids = [store.add("root", Role::ADMIN).await.id, store.add("other", Role::ADMIN).await.id];
    let results = at_once(50, |number| {
        let (store, id) = (store.clone(), ids[number % 2]);
        let change = match number / 2 % 4 {
            0 => AccountChange::Deactivate,
            1 => ban(1000),
            2 => AccountChange::SetRole(Role::TEACHER),
            _ => AccountChange::Delete { deletes_at: at(1000), mail: None },
        };
        async move { store.accounts.administer(id, change, context(5)).await.map(drop) }
    })
    .await;
    let last = ChangeUserError::LastAdmin(LastAdmin);
    let is_last = |result: &Result<(), _>| matches!(result, Err(Error::Refused(e)) if *e == last);
    assert!(results.iter().any(is_last), "{results:?}");
    let users = [store.user(ids[0]).await, store.user(ids[1]).await];
    assert_eq!(users.iter().filter(|user| user.is_lasting_admin(at(6))).count(), 1, "{users:?}");
}

/// Sessions made during a change have ended once the change has returned.
#[apply(row!)]
async fn a5_no_login_survives_a_change(store: Store) {
    let ann = store.student("ann").await;
    for (round, change) in [ban(100), AccountChange::SetRole(Role::TEACHER), set_password(None)]
        .into_iter()
        .cycle()
        .take(30)
        .enumerate()
    {
        let version = store.credential_version(ann).await;
        let seconds = i64::try_from(round).unwrap() + 5;
        let results = at_once(4, |number| {
            let (store, change) = (store.clone(), change.clone());
            let id = 1000 + 10 * round as u128 + number as u128;
            async move {
                if number == 0 {
                    drop(store.accounts.administer(ann, change, context(seconds)).await.unwrap());
                    return None;
                }
                let new = super::new_session(id, ann, version);
                store.sessions.create(new).await.ok().map(|_| session_id(id))
            }
        })
        .await;
        for session in results.into_iter().flatten() {
            assert!(!store.is_live(session, 6).await, "round {round}");
        }
        store.administer(ann, AccountChange::SetRole(Role::STUDENT), seconds).await;
    }
}
