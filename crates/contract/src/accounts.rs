//! Making and finding accounts.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{
    AttributeValue, Attributes, AvatarUrl, Bio, CreateUserError, FullName, LoginName, Phone,
    Profile, Role,
};
use menjin_domain::common::{Error, UserId};
use menjin_domain::credentials::CredentialVersion;

use super::{Administer, Store, at, at_once, context, new_user, new_user_at};

/// A new account is active, unverified, at credential version 0, and reads back as it was returned.
#[apply(row!)]
async fn a_new_account_reads_back_as_written(store: Store) {
    let mut new = new_user("Ａnn", Role::TEACHER);
    new.profile = Profile {
        full_name: FullName::parse("Ann 安").unwrap(),
        phone: Phone::parse("+86 138 0013 8000").unwrap(),
        bio: Bio::parse("one\ntwo 👩‍🚀").unwrap(),
        avatar: AvatarUrl::parse("https://example.com/a.png").unwrap(),
        attributes: Attributes::from([
            ("class".parse().unwrap(), AttributeValue::Text("三年二班 \"'\\".to_owned())),
            ("number".parse().unwrap(), AttributeValue::Integer(i64::MIN)),
            ("boards".parse().unwrap(), AttributeValue::Boolean(false)),
        ]),
    };
    let user = store.accounts.create(new.clone()).await.unwrap();
    assert_eq!(user.id, UserId::FIRST);
    assert_eq!((&user.username, &user.email), (&new.username, &new.email));
    assert_eq!((user.role, &user.profile), (Role::TEACHER, &new.profile));
    assert!(user.is_active && !user.is_verified && !user.is_superuser());
    assert_eq!((user.created_at, user.updated_at, user.last_login_at), (at(0), None, None));
    assert_eq!(store.user(user.id).await, user);
    assert_eq!(store.credential_version(user.id).await, CredentialVersion(0));
}

/// An account without the optional parts has none of them.
#[apply(row!)]
async fn omitted_fields_are_empty(store: Store) {
    let user = store.add("ann", Role::ADMIN).await;
    assert_eq!(user.profile, Profile::default());
    assert!(user.is_superuser());
    assert_eq!(store.user(user.id).await, user);
}

/// Two names with one canonical form are the same name (I4).
#[apply(row!)]
async fn i4_names_are_unique_in_canonical_form(store: Store) {
    store.accounts.create(new_user_at("Mike", "a@example.com", Role::STUDENT)).await.unwrap();
    for (name, address) in [("mike", "b@example.com"), ("Ｍｉｋｅ", "c@example.com")] {
        let again = store.accounts.create(new_user_at(name, address, Role::STUDENT)).await;
        assert!(
            matches!(again, Err(Error::Refused(CreateUserError::UsernameTaken))),
            "{name}: {again:?}"
        );
    }
}

/// Two addresses that differ in case only are the same address.
#[apply(row!)]
async fn addresses_are_unique_in_canonical_form(store: Store) {
    store.accounts.create(new_user_at("ann", "Ann@Example.com", Role::STUDENT)).await.unwrap();
    let again = store.accounts.create(new_user_at("bob", "ann@EXAMPLE.com", Role::STUDENT)).await;
    assert!(matches!(again, Err(Error::Refused(CreateUserError::EmailTaken))), "{again:?}");
}

/// If both are taken, even by two accounts, the error is that of the name.
#[apply(row!)]
async fn a_taken_name_is_reported_before_a_taken_address(store: Store) {
    store.student("ann").await;
    store.student("bob").await;
    for address in ["ann@example.com", "bob@example.com"] {
        let both = store.accounts.create(new_user_at("ann", address, Role::STUDENT)).await;
        assert!(matches!(both, Err(Error::Refused(CreateUserError::UsernameTaken))), "{both:?}");
    }
}

/// 50 registrations of one name at once: one succeeds (X1).
#[apply(row!)]
async fn x1_concurrent_registrations_of_a_name_create_one_account(store: Store) {
    let results = at_once(50, |number| {
        let name = if number % 2 == 0 { "Mike" } else { "ｍｉｋｅ" };
        let new = new_user_at(name, &format!("mike{number}@example.com"), Role::STUDENT);
        let users = store.accounts.clone();
        async move { users.create(new).await }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(result, Error::Refused(CreateUserError::UsernameTaken)), "{result:?}");
    }
}

/// Ids ascend from 1 in the order of success. Failures in between do not matter.
#[apply(row!)]
async fn ids_ascend_from_one(store: Store) {
    let mut last = None;
    for name in ["one", "two", "three"] {
        let id = store.student(name).await;
        assert!(Some(id) > last && (last.is_some() || id == UserId::FIRST), "{id}");
        store.accounts.create(new_user(name, Role::STUDENT)).await.unwrap_err();
        last = Some(id);
    }
    let users = at_once(20, |number| {
        let (users, new) =
            (store.accounts.clone(), new_user(&format!("user{number}"), Role::STUDENT));
        async move { users.create(new).await.unwrap().id }
    })
    .await;
    assert!(users.iter().all(|id| Some(*id) > last), "{users:?}");
}

/// Credentials are found by name, address and id, in any spelling, active or not.
#[apply(row!)]
async fn credentials_are_found_by_name_address_and_id(store: Store) {
    let id = store.student("Ann").await;
    for is_active in [true, false] {
        for name in ["ann", "ＡＮＮ", " Ann ", "ann@example.com", "ANN@example.COM"] {
            let name = LoginName::parse(name).unwrap();
            let found = store.credentials.find_by_name(&name).await.unwrap().unwrap();
            assert_eq!((found.user_id, found.is_active), (id, is_active), "{name:?}");
            assert_eq!(found.hash.expose(), "$2b$04$Ann");
        }
        let found = store.credentials.find_by_id(id).await.unwrap().unwrap();
        assert_eq!((found.user_id, found.is_active), (id, is_active));
        assert_eq!(store.user(id).await.is_active, is_active);
        store.accounts.deactivate(id, context(1)).await.unwrap();
    }
}

/// A missing account is `None`, also for unusual names and ids.
#[apply(row!)]
async fn unknown_accounts_are_none(store: Store) {
    store.student("ann").await;
    for id in [2, i64::MAX].map(|id| UserId::try_from(id).unwrap()) {
        assert!(store.accounts.find(id).await.unwrap().is_none());
        assert!(store.credentials.find_by_id(id).await.unwrap().is_none());
        assert!(store.accounts.activate(id, context(1)).await.unwrap().is_none());
        assert!(store.accounts.deactivate(id, context(1)).await.unwrap().is_none());
    }
    let long = "x".repeat(60_000);
    for name in ["bob", "bob@example.com", "", "' OR 1=1 --", "%", "an_", &long] {
        let name = LoginName::parse(name).unwrap();
        assert!(store.credentials.find_by_name(&name).await.unwrap().is_none());
    }
}
