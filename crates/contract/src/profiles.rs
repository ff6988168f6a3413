//! Changing profiles.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{
    AddressChange, AvatarUrl, Bio, Email, FullName, Phone, ProfileChanges, Role, UpdateProfileError,
};
use menjin_domain::common::{Error, Locale, Patch, UserId};

use super::{Administer, Store, at, at_once, context, email};

/// A change to this address, which may be another.
fn to(address: Email) -> ProfileChanges {
    let allowed = AddressChange { is_allowed: true, ..AddressChange::default() };
    ProfileChanges { email: Some(address), address: allowed, ..ProfileChanges::default() }
}

/// Each field is kept, emptied or set, and `updated_at` with it.
#[apply(row!)]
async fn fields_are_kept_cleared_or_set(store: Store) {
    let user = store.add("ann", Role::TEACHER).await;
    let all = ProfileChanges {
        email: None,
        full_name: Patch::from(FullName::parse("Ann").unwrap()),
        phone: Patch::from(Phone::parse("110").unwrap()),
        bio: Patch::from(Bio::parse("one\ntwo").unwrap()),
        avatar: Patch::from(AvatarUrl::parse("https://example.com").unwrap()),
        locale: Patch::Set(Locale::En),
        ..ProfileChanges::default()
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
    let mut user = store.add("ann", Role::STUDENT).await;
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

/// Where an address has to be confirmed, it may be written in another way, and nothing else.
#[apply(row!)]
async fn q3_another_mailbox_is_refused_where_it_is_not_allowed(store: Store) {
    let ann = store.student("änn").await;
    let not_allowed =
        |address| ProfileChanges { address: AddressChange::default(), ..to(email(address)) };
    // One in the canonical form, and two to a mail server.
    for address in ["new@example.com", "ÄNN@example.com"] {
        let refused = store.accounts.update_profile(ann, not_allowed(address), context(5)).await;
        let is_refused = matches!(refused, Err(Error::Refused(UpdateProfileError::AnotherMailbox)));
        assert!(is_refused, "{refused:?}");
    }
    assert_eq!(store.user(ann).await.updated_at, None);
    let other_case = not_allowed("änn@EXAMPLE.com");
    let written =
        store.accounts.update_profile(ann, other_case, context(6)).await.unwrap().unwrap();
    assert_eq!(written.email.as_str(), "änn@EXAMPLE.com");
}

/// Another user's address is taken in any case, and the whole change is refused.
#[apply(row!)]
async fn a_taken_address_changes_nothing(store: Store) {
    let before = store.add("ann", Role::STUDENT).await;
    store.student("bob").await;
    let changes = ProfileChanges {
        bio: Patch::from(Bio::parse("x").unwrap()),
        ..to(email("BOB@example.com"))
    };
    let taken = store.accounts.update_profile(before.id, changes, context(5)).await;
    let is_taken = matches!(taken, Err(Error::Refused(UpdateProfileError::EmailTaken)));
    assert!(is_taken, "{taken:?}");
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
    let taken = |result: &_| matches!(result, &Err(Error::Refused(UpdateProfileError::EmailTaken)));
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
