//! The search for users: filters, orders and pages.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{
    AccountChange, AttributeKind, AttributeName, AttributeRule, AttributeRules, AttributeValue,
    Attributes, FullName, NewUser, Period, Profile, ProfileChanges, Role, SearchTerm, User,
    UserFilter, UserOrder, UserPosition, UserSearch, Username, UsernameLength,
};
use menjin_domain::common::{Patch, UserId};
use menjin_domain::one_time::Purpose;

use super::mails::Repositories;
use super::{Administer, Made, Store, at, context, email, new_session, new_user};

impl Store {
    /// Adds a user with a full name, who was made then.
    async fn named(&self, name: &str, full_name: &str, role: Role, seconds: i64) -> UserId {
        let full_name = FullName::parse(full_name).unwrap();
        let profile = Profile { full_name, ..Profile::default() };
        let new = NewUser { profile, ..new_user("xyz", role).made_at(seconds) };
        let username = Username::parse(name, UsernameLength::DEFAULT).unwrap();
        let email = email(&format!("{name}@example.com"));
        self.accounts.create(NewUser { username, email, ..new }).await.unwrap().id
    }

    async fn search(&self, search: UserSearch) -> (Vec<User>, u64) {
        let found = self.accounts.search(search).await.unwrap();
        assert!(found.total_is_exact);
        (found.users, found.total)
    }

    /// The user names on all pages of this size.
    async fn names(&self, filter: UserFilter, order: UserOrder, limit: u64) -> Vec<String> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let search = UserSearch { filter: filter.clone(), order, after, limit };
            let (users, total) = self.search(search).await;
            names.extend(users.iter().map(|user| user.username.as_str().to_owned()));
            let Some(last) = users.last() else {
                assert_eq!(names.len() as u64, total);
                return names;
            };
            after = Some(UserPosition::of(last, order.sort));
        }
    }

    /// Those whose names begin with this, in the order of their names.
    async fn found(&self, term: &str) -> Vec<String> {
        let term = SearchTerm::parse(term).unwrap();
        let filter = UserFilter { term, ..UserFilter::default() };
        self.names(filter, by("username"), 2).await
    }
}

fn by(order: &str) -> UserOrder {
    order.parse().unwrap()
}

/// A school: some have never logged in, and two did at the same moment.
async fn school(store: &Store) {
    for (name, full_name, role, made, logins) in [
        ("José", "José García", Role::STUDENT, 5, &[20][..]),
        ("ann", "张三", Role::STUDENT, 5, &[]),
        ("Ａlbert", "张四", Role::TEACHER, 3, &[10, 30]),
        ("bob", "ALBERT Einstein", Role::STUDENT, 9, &[30]),
        ("carl", "Straße", Role::ADMIN, 1, &[]),
        ("dora", "", Role::STUDENT, 7, &[]),
    ] {
        let id = store.named(name, full_name, role, made).await;
        for at_second in logins {
            let version = store.credential_version(id).await;
            let n = u128::try_from(id.get() * 100 + at_second).unwrap();
            let mut session = new_session(n, id, version);
            session.created_at = at(*at_second);
            store.sessions.create(session).await.unwrap();
        }
    }
}

/// Every order, both ways round, in pages of any size.
#[apply(row!)]
async fn a3_users_come_in_any_order_page_by_page(store: Store) {
    school(&store).await;
    for (order, expected) in [
        ("id", ["José", "ann", "Ａlbert", "bob", "carl", "dora"]),
        ("username", ["Ａlbert", "ann", "bob", "carl", "dora", "José"]),
        ("created_at", ["carl", "Ａlbert", "José", "ann", "dora", "bob"]),
        ("last_login_at", ["ann", "carl", "dora", "José", "Ａlbert", "bob"]),
    ] {
        for limit in [1, 2, 3, 4, 100] {
            let all = UserFilter::default;
            assert_eq!(store.names(all(), by(order), limit).await, expected, "{order} {limit}");
            let turned: Vec<_> = expected.iter().rev().copied().collect();
            let order = format!("-{order}");
            assert_eq!(store.names(all(), by(&order), limit).await, turned, "{order} {limit}");
        }
    }
}

/// Beginnings of user name, address and full name, whatever their case, width and accents.
#[apply(row!)]
async fn a3_users_are_found_by_how_their_names_begin(store: Store) {
    school(&store).await;
    for (term, expected) in [
        ("jose", &["José"][..]),
        ("JOSÉ g", &["José"]),
        ("al", &["Ａlbert", "bob"]),
        ("ＡＬＢＥＲＴ", &["Ａlbert", "bob"]),
        ("张", &["Ａlbert", "ann"]),
        ("张四", &["Ａlbert"]),
        ("strass", &["carl"]),
        ("ann@ex", &["ann"]),
        ("ose", &[]),
        ("%", &[]),
        ("_", &[]),
    ] {
        assert_eq!(store.found(term).await, expected, "{term}");
    }
    let filter = UserFilter {
        term: SearchTerm::parse("al").unwrap(),
        role: Some(Role::STUDENT),
        ..UserFilter::default()
    };
    assert_eq!(store.names(filter.clone(), by("-username"), 1).await, ["bob"]);
}

/// A name that changes is found by the new one, whoever changes it.
#[apply(row!)]
async fn a3_a_changed_name_is_found_by_the_new_one(mailing: Repositories) {
    let store = &mailing.store;
    let ann = store.named("ann", "Émile", Role::STUDENT, 0).await;
    assert_eq!(store.found("emile").await, ["ann"]);
    let of = |name: &str| ProfileChanges {
        full_name: Patch::from(FullName::parse(name).unwrap()),
        ..ProfileChanges::default()
    };
    store.accounts.update_profile(ann, of("Zoë"), context(1)).await.unwrap();
    assert_eq!(
        (store.found("emile").await, store.found("zoe").await),
        (vec![], vec!["ann".into()])
    );
    let username = Username::parse("Märta", UsernameLength::DEFAULT).ok();
    let edit = AccountChange::Edit { username, profile: of("Łukasz").into() };
    store.accounts.administer(ann, edit, context(2)).await.unwrap();
    assert_eq!(store.found("marta").await, ["Märta"]);
    assert!(store.found("zoe").await.is_empty());
    store.accounts.update_profile(ann, of(""), context(3)).await.unwrap();
    assert!(store.found("łukasz").await.is_empty());
    // An address that a link has confirmed.
    mailing.issue(1, Purpose::VerifyEmail, ann).await;
    assert!(mailing.verify(1, ann, true, 4).await);
    assert_eq!(store.found("ann@").await, ["Märta"]);
}

/// Each filter, and several together.
#[apply(row!)]
async fn a3_filters_hold_together(mailing: Repositories) {
    let store = &mailing.store;
    school(store).await;
    let ann = store.found("ann").await;
    assert_eq!(ann, ["ann"]);
    let id = |n: i64| UserId::try_from(n).unwrap();
    mailing.issue(1, Purpose::VerifyEmail, id(2)).await;
    assert!(mailing.verify(1, id(2), true, 4).await);
    store.accounts.deactivate(id(4), context(5)).await.unwrap();
    let all = UserFilter::default;
    let period = |since: Option<i64>, until: Option<i64>| Period {
        since: since.map(at),
        until: until.map(at),
    };
    for (filter, expected) in [
        (UserFilter { role: Some(Role::STUDENT), ..all() }, &["José", "ann", "bob", "dora"][..]),
        (UserFilter { is_active: Some(false), ..all() }, &["bob"]),
        (UserFilter { is_verified: Some(true), ..all() }, &["ann"]),
        (
            UserFilter { is_verified: Some(false), is_active: Some(true), ..all() },
            &["José", "Ａlbert", "carl", "dora"],
        ),
        (UserFilter { created: period(Some(5), Some(9)), ..all() }, &["José", "ann", "dora"]),
        (UserFilter { created: period(None, Some(5)), ..all() }, &["Ａlbert", "carl"]),
        (UserFilter { last_login: period(Some(20), None), ..all() }, &["José", "Ａlbert", "bob"]),
        (UserFilter { last_login: period(None, Some(30)), ..all() }, &["José"]),
        (UserFilter { role: "gone".parse().ok(), ..all() }, &[]),
    ] {
        let told = format!("{filter:?}");
        for limit in [1, 100] {
            assert_eq!(store.names(filter.clone(), by("id"), limit).await, expected, "{told}");
        }
        let mut by_login = store.names(filter, by("last_login_at"), 2).await;
        by_login.sort_by_key(|name| expected.iter().position(|each| each == name));
        assert_eq!(by_login, expected, "{told}");
    }
}

/// A term is looked for in the attributes that are declared to be searched, as they are now.
#[apply(row!)]
async fn a13_attributes_are_searched_for_by_their_beginnings(store: Store) {
    let name = |text: &str| text.parse::<AttributeName>().unwrap();
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    for (user, number, house) in
        [("ann", "ＡB-17", "Ab"), ("bob", "ab-18", ""), ("carl", "17", "ab")]
    {
        let mut attributes = Attributes::from([(name("number"), text(number))]);
        if !house.is_empty() {
            attributes.insert(name("house"), text(house));
        }
        let profile = Profile { attributes, ..Profile::default() };
        store.accounts.create(NewUser { profile, ..new_user(user, Role::STUDENT) }).await.unwrap();
    }
    let rule = |is_searchable| AttributeRule {
        kind: AttributeKind::Text,
        rights: vec![],
        is_searchable,
        headings: vec![],
    };
    let found = async |term: &str, searched: &[&str]| {
        let rules = ["number", "house"].map(|it| (name(it), rule(searched.contains(&it))));
        let term = SearchTerm::parse(term).unwrap();
        let filter = UserFilter { term, ..UserFilter::default() };
        store.names(filter.in_attributes(&AttributeRules::new(rules)), by("username"), 2).await
    };
    assert_eq!(found("AB", &["number"]).await, ["ann", "bob"]);
    assert_eq!(found("ab", &["house"]).await, ["ann", "carl"]);
    assert_eq!(found("ab", &["house", "number"]).await, ["ann", "bob", "carl"], "each once");
    assert_eq!(found("ab-17", &["number"]).await, ["ann"]);
    assert_eq!(found("a", &["number"]).await, ["ann", "bob"], "by name, and by number");
    assert_eq!(found("ab", &[]).await, [] as [String; 0]);
    let bob = UserId::try_from(2).unwrap();
    for (value, expected) in [(Some(text("X-9")), &["bob"][..]), (None, &[])] {
        let attributes = [(name("number"), value)].into();
        let profile = ProfileChanges { attributes, ..ProfileChanges::default() };
        let change = AccountChange::Edit { username: None, profile: profile.into() };
        store.administer(bob, change, 5).await;
        assert_eq!(found("x-", &["number"]).await, expected);
        assert_eq!(found("ab-18", &["number"]).await, [] as [String; 0]);
    }
}
