//! Changing profiles.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{
    AvatarUrl, Bio, Email, EmailTaken, FullName, Phone, ProfileChanges, Role,
};
use menjin_domain::common::{Error, Locale, Patch, UserId};

use super::{Store, at, at_once, context, email};

fn to(address: Email) -> ProfileChanges {
    ProfileChanges { email: Some(address), ..ProfileChanges::default() }
}

/// Each field is kept, emptied or set, and `updated_at` with it.
#[apply(row!)]
async fn fields_are_kept_cleared_or_set(store: Store) {
    let user = store.add("ann", Role::Teacher).await;
    let all = ProfileChanges {
        email: None,
        full_name: Patch::from(FullName::parse("Ann").unwrap()),
        phone: Patch::from(Phone::parse("110").unwrap()),
        bio: Patch::from(Bio::parse("one\ntwo").unwrap()),
        avatar: Patch::from(AvatarUrl::parse("https://example.com").unwrap()),
        locale: Patch::Set(Locale::En),
        mails: Vec::new(),
    };
    let set = store.accounts.update_profile(user.id, all, context(5)).await.unwrap().unwrap();
    assert_eq!(set.profile.full_name, FullName::parse("Ann").unwrap());
    assert_eq!(set.profile.phone, Phone::parse("110").unwrap());
    assert_eq!(set.profile.bio, Bio::parse("one\ntwo").unwrap());
    assert_eq!(set.profile.avatar, AvatarUrl::parse("https://example.com").unwrap());
    assert_eq!(set.locale, Some(Locale::En));
    assert_eq!(set.updated_at, Some(at(5)));
    let mut expected = set;
    assert_eq!(store.user(user.id).await, expected);

    let some = ProfileChanges {
        full_name: Patch::Clear,
        bio: Patch::from(Bio::parse("three").unwrap()),
        ..ProfileChanges::default()
    };
    let changed = store.accounts.update_profile(user.id, some, context(6)).await.unwrap().unwrap();
    expected.profile.full_name = None;
    expected.profile.bio = Bio::parse("three").unwrap();
    expected.updated_at = Some(at(6));
    assert_eq!(changed, expected);
    assert_eq!(store.user(user.id).await, expected);
}

/// No changes leave all but `updated_at`.
#[apply(row!)]
async fn an_empty_change_sets_only_updated_at(store: Store) {
    let mut user = store.add("ann", Role::Student).await;
    let same = store.accounts.update_profile(user.id, ProfileChanges::default(), context(5)).await;
    user.updated_at = Some(at(5));
    assert_eq!(same.unwrap(), Some(user));
}

/// A user logs in with the changed address. The old address is free.
#[apply(row!)]
async fn an_address_can_be_changed(store: Store) {
    let ann = store.student("ann").await;
    let changed =
        store.accounts.update_profile(ann, to(email("New@example.com")), context(5)).await;
    let changed = changed.unwrap().unwrap();
    assert_eq!(changed.email.as_str(), "New@example.com");
    assert!(!changed.is_verified);
    store.hash_of("new@example.com").await;
    let bob = store.student("bob").await;
    let taken_over =
        store.accounts.update_profile(bob, to(email("ann@example.com")), context(6)).await;
    assert_eq!(taken_over.unwrap().unwrap().email.as_str(), "ann@example.com");
}

/// A user's own address in another case is not taken.
#[apply(row!)]
async fn the_case_of_ones_own_address_can_be_changed(store: Store) {
    let ann = store.student("ann").await;
    let changed =
        store.accounts.update_profile(ann, to(email("ANN@example.com")), context(5)).await;
    assert_eq!(changed.unwrap().unwrap().email, email("ANN@example.com"));
    assert_eq!(store.user(ann).await.email.as_str(), "ANN@example.com");
}

/// Another user's address is taken in any case, and the whole change is refused.
#[apply(row!)]
async fn a_taken_address_changes_nothing(store: Store) {
    let before = store.add("ann", Role::Student).await;
    store.student("bob").await;
    let changes = ProfileChanges {
        bio: Patch::from(Bio::parse("x").unwrap()),
        ..to(email("BOB@example.com"))
    };
    let taken = store.accounts.update_profile(before.id, changes, context(5)).await;
    assert!(matches!(taken, Err(Error::Refused(EmailTaken))), "{taken:?}");
    assert_eq!(store.user(before.id).await, before);
}

/// 20 accounts change to one address at once: one succeeds.
#[apply(row!)]
async fn concurrent_claims_of_an_address_succeed_once(store: Store) {
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(store.student(&format!("user{number}")).await);
    }
    let results = at_once(20, |number| {
        let (users, id) = (store.accounts.clone(), ids[number]);
        async move { users.update_profile(id, to(email("one@example.com")), context(5)).await }
    })
    .await;
    let got = results.iter().filter(|result| matches!(result, Ok(Some(_)))).count();
    let taken = |result: &_| matches!(result, &Err(Error::Refused(EmailTaken)));
    assert_eq!((got, results.iter().filter(|result| taken(result)).count()), (1, 19));
}

/// An inactive account, or none, is not changed.
#[apply(row!)]
async fn only_active_accounts_are_changed(store: Store) {
    let ann = store.student("ann").await;
    let before = store.accounts.deactivate(ann, context(1)).await.unwrap().unwrap();
    let changed =
        store.accounts.update_profile(ann, to(email("new@example.com")), context(5)).await;
    assert_eq!(changed.unwrap(), None);
    assert_eq!(store.user(ann).await, before);
    let nobody = UserId::try_from(99).unwrap();
    let changed =
        store.accounts.update_profile(nobody, ProfileChanges::default(), context(5)).await;
    assert_eq!(changed.unwrap(), None);
}
