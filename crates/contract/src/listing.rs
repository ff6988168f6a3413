//! Listing accounts.

use macro_rules_attribute::apply;
use menjin_domain::accounts::{Role, UserPage, UserQuery};
use menjin_domain::common::PageStart;

use super::{Administer, Store, at_once, context, new_user};

async fn list(store: &Store, skip: u64, limit: u64, role: Option<Role>) -> UserPage {
    store.accounts.list(UserQuery { start: PageStart::Skip(skip), limit, role }).await.unwrap()
}

fn ids(page: &UserPage) -> Vec<i64> {
    page.users.iter().map(|user| user.id.get()).collect()
}

/// Ten users: 1, 4, 7, 10 are students, 2, 5, 8 teachers, 3, 6, 9 administrators.
async fn ten(store: &Store) {
    for number in 0..10 {
        let role = [Role::STUDENT, Role::TEACHER, Role::ADMIN][number % 3];
        store.add(&format!("user{}", 9 - number), role).await;
    }
}

/// A store without users has an empty page.
#[apply(row!)]
async fn an_empty_store_lists_nobody(store: Store) {
    for role in [None, Some(Role::ADMIN)] {
        assert_eq!(list(&store, 0, 10, role).await, UserPage { users: Vec::new(), total: 0 });
    }
}

/// Pages come by ascending id, with the number of all.
#[apply(row!)]
async fn pages_come_by_ascending_id(store: Store) {
    ten(&store).await;
    for (skip, limit, expected) in [
        (0, 3, vec![1, 2, 3]),
        (3, 3, vec![4, 5, 6]),
        (8, 5, vec![9, 10]),
        (0, 0, vec![]),
        (9, 1, vec![10]),
    ] {
        let page = list(&store, skip, limit, None).await;
        assert_eq!((ids(&page), page.total), (expected, 10), "skip {skip}, limit {limit}");
    }
}

/// A role filters the page and the number.
#[apply(row!)]
async fn a_role_filters_page_and_total(store: Store) {
    ten(&store).await;
    for (role, skip, limit, expected, total) in [
        (Role::STUDENT, 0, 10, vec![1, 4, 7, 10], 4),
        (Role::STUDENT, 1, 2, vec![4, 7], 4),
        (Role::TEACHER, 2, 10, vec![8], 3),
        (Role::ADMIN, 3, 10, vec![], 3),
    ] {
        let page = list(&store, skip, limit, Some(role)).await;
        assert_eq!((ids(&page), page.total), (expected, total), "{role}");
        assert!(page.users.iter().all(|user| user.role == role));
    }
}

/// A start beyond the end, up to the greatest number, gives an empty page and the right total.
#[apply(row!)]
async fn past_the_end_is_an_empty_page(store: Store) {
    ten(&store).await;
    for skip in [10, 11, 1 << 40, i64::MAX as u64, 1 << 63, u64::MAX] {
        for role in [None, Some(Role::STUDENT)] {
            let page = list(&store, skip, u64::MAX, role).await;
            assert_eq!((ids(&page), page.total), (vec![], role.map_or(10, |_| 4)), "{skip}");
        }
    }
    assert_eq!(ids(&list(&store, 0, u64::MAX, None).await), (1..=10).collect::<Vec<_>>());
}

/// A page after an id has the users that follow, whether or not a user has that id. The total
/// counts all pages.
#[apply(row!)]
async fn a_page_starts_after_an_id(store: Store) {
    ten(&store).await;
    for (after, limit, role, expected) in [
        (3, 3, None, vec![4, 5, 6]),
        (9, 5, None, vec![10]),
        (10, 5, None, vec![]),
        (i64::MAX, 5, None, vec![]),
        (3, 0, None, vec![]),
        (1, 2, Some(Role::STUDENT), vec![4, 7]),
        (5, 9, Some(Role::ADMIN), vec![6, 9]),
        (9, 9, Some(Role::ADMIN), vec![]),
    ] {
        let start = PageStart::After(after.try_into().unwrap());
        let page = store.accounts.list(UserQuery { start, limit, role }).await.unwrap();
        let total = list(&store, 0, 1, role).await.total;
        assert_eq!((ids(&page), page.total), (expected, total), "after {after}, {role:?}");
    }
}

/// Inactive accounts are listed as well.
#[apply(row!)]
async fn inactive_accounts_are_listed(store: Store) {
    ten(&store).await;
    let first = list(&store, 0, 1, None).await.users[0].id;
    store.accounts.deactivate(first, context(1)).await.unwrap().unwrap();
    let page = list(&store, 0, 2, None).await;
    assert_eq!((ids(&page), page.total), (vec![1, 2], 10));
    assert!(!page.users[0].is_active);
}

/// Page and total are read at one moment, while others register.
#[apply(row!)]
async fn page_and_total_are_read_at_one_moment(store: Store) {
    let lists = at_once(40, |number| {
        let store = store.clone();
        async move {
            store.accounts.create(new_user(&format!("user{number}"), Role::STUDENT)).await.unwrap();
            let page = list(&store, 0, 1000, Some(Role::STUDENT)).await;
            (page.users.len() as u64, page.total)
        }
    })
    .await;
    assert!(lists.iter().all(|(found, total)| found == total), "{lists:?}");
    assert_eq!(lists.iter().map(|(found, _)| *found).max(), Some(40));
}
