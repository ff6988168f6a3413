//! Rows of a table: made, changed and refused together.

use std::sync::Arc;

use macro_rules_attribute::apply;
use menjin_domain::access::{OutOfReach, Roles};
use menjin_domain::accounts::{
    AccountChange, Authority, ChangeUserError, CreateUserError, FullName, LastAdmin, NewUser,
    ProfileChanges, Role, Username, UsernameLength,
};
use menjin_domain::audit::AuditAction;
use menjin_domain::common::{Patch, UserId};
use menjin_domain::import::{ImportBatch, Imported, OnConflict, ReadyRow, RowRefusal};

use super::mails::Repositories;
use super::{Store, at, at_once, authority, context, email, new_user};

fn name(text: &str) -> Username {
    Username::parse(text, UsernameLength::DEFAULT).unwrap()
}

/// A row of this name, and of `<address>@example.com`.
fn row(username: &str, address: &str, changes: Vec<AccountChange>) -> ReadyRow {
    let address = email(&format!("{address}@example.com"));
    let new = NewUser {
        username: name(username),
        email: address.clone(),
        action: AuditAction::UserImported,
        context: context(5),
        ..new_user(username, Role::TEACHER)
    };
    ReadyRow {
        id: None,
        username: Some(name(username)),
        email: Some(address),
        create: Some(new.into()),
        changes,
    }
}

fn called(full_name: &str) -> AccountChange {
    let full_name = Patch::Set(FullName::parse(full_name).unwrap().unwrap());
    let profile = ProfileChanges { full_name, ..ProfileChanges::default() };
    AccountChange::Edit { username: None, profile: profile.into() }
}

fn batch(rows: Vec<ReadyRow>, on_conflict: OnConflict) -> ImportBatch {
    ImportBatch { rows, on_conflict, dry_run: false, authority: authority(5), progress: None }
}

impl Store {
    async fn import(&self, batch: ImportBatch) -> Vec<Result<Imported, RowRefusal>> {
        self.accounts.import(batch).await.unwrap()
    }
}

/// New accounts are made with their records, and those that are there stay as they are.
#[apply(row!)]
async fn u2_rows_become_accounts_and_the_same_rows_again_change_nothing(store: Store) {
    let ann = store.student("ann").await;
    let inactive = |mut row: ReadyRow| {
        row.create.as_mut().unwrap().is_active = false;
        row
    };
    let rows = vec![
        row("eve", "eve", vec![]),
        row("ann", "ann", vec![]),
        inactive(row("bob", "bob", vec![])),
    ];
    let before = store.recorded().await.len();
    let told = store.import(batch(rows.clone(), OnConflict::Skip)).await;
    let [Ok(Imported::Created(eve)), Ok(Imported::Unchanged(same)), Ok(Imported::Created(bob))] =
        told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(same, ann);
    let user = store.user(eve).await;
    assert_eq!((user.username.as_str(), user.role), ("eve", Role::TEACHER));
    assert_eq!((user.created_at, user.is_active), (at(5), true));
    assert!(!store.user(bob).await.is_active);
    assert_eq!(store.hash_of("eve").await, "$2b$04$eve");
    let mut records = store.recorded().await[before..].to_vec();
    records.sort_by_key(|event| event.subject != Some(eve));
    let expected = [eve, bob].map(|id| context(5).event(AuditAction::UserImported).on(id));
    assert_eq!(records, expected);
    let again = store.import(batch(rows.clone(), OnConflict::Skip)).await;
    assert_eq!(again, [eve, ann, bob].map(|id| Ok(Imported::Unchanged(id))));
    let refused = store.import(batch(rows, OnConflict::Fail)).await;
    assert_eq!(refused, [Err(RowRefusal::Exists); 3]);
    assert_eq!(store.recorded().await.len(), before + 2);
}

/// A dry run tells what would be done, to the row, and does nothing.
#[apply(row!)]
async fn u2_a_dry_run_tells_the_same_and_does_nothing(store: Store) {
    let (ann, _) = (store.student("ann").await, store.student("cat").await);
    let rows = vec![
        row("eve", "eve", vec![]),
        row("ann", "ann", vec![called("安")]),
        row("ann", "cat", vec![]),
        ReadyRow { create: None, ..row("nobody", "nobody", vec![]) },
    ];
    let real = batch(rows, OnConflict::Update);
    let (before, records) = (store.user(ann).await, store.recorded().await);
    let tried = store.import(ImportBatch { dry_run: true, ..real.clone() }).await;
    assert_eq!((store.user(ann).await, store.recorded().await), (before, records));
    let done = store.import(real).await;
    assert!(matches!(tried[0], Ok(Imported::Created(_))), "{tried:?}");
    assert!(matches!(done[0], Ok(Imported::Created(_))), "{done:?}");
    assert_eq!(tried[1..], done[1..]);
    let expected =
        [Ok(Imported::Updated(ann)), Err(RowRefusal::TwoAccounts), Err(RowRefusal::Incomplete)];
    assert_eq!(done[1..], expected);
}

/// A row is for one account: that of its name and of its address. Case and width do not matter.
#[apply(row!)]
async fn u3_a_row_finds_its_account_by_name_or_address(store: Store) {
    let ann = store.student("ann").await;
    for found in [
        row("ANN", "ann", vec![]),
        row("ann", "elsewhere", vec![]),
        row("another", "ANN", vec![]),
        ReadyRow { email: None, ..row("ann", "xyz", vec![]) },
        ReadyRow { username: None, ..row("xyz", "ann", vec![]) },
    ] {
        let told = store.import(batch(vec![found], OnConflict::Skip)).await;
        assert_eq!(told, [Ok(Imported::Unchanged(ann))]);
    }
}

/// Changes of a row are made together or not at all, each with its record; a row that is refused stops no
/// other.
#[apply(row!)]
async fn u2_a_row_that_is_refused_changes_nothing_and_stops_no_other(store: Store) {
    let (root, ann) = (store.add("root", Role::ADMIN).await.id, store.student("ann").await);
    let rename = AccountChange::Edit {
        username: Some(name("root")),
        profile: ProfileChanges::default().into(),
    };
    let rows = vec![
        row("root", "root", vec![called("根"), AccountChange::SetRole(Role::STUDENT)]),
        row("ann", "ann", vec![called("安"), AccountChange::Deactivate, rename]),
        row("eve", "eve", vec![]),
    ];
    let (before, records) = ([root, ann], store.recorded().await.len());
    let before = [store.user(before[0]).await, store.user(before[1]).await];
    let told = store.import(batch(rows, OnConflict::Update)).await;
    assert_eq!(told[0], Err(RowRefusal::Change(LastAdmin.into())));
    assert_eq!(told[1], Err(RowRefusal::Change(ChangeUserError::UsernameTaken)));
    assert!(matches!(told[2], Ok(Imported::Created(_))));
    assert_eq!([store.user(root).await, store.user(ann).await], before);
    assert_eq!(store.recorded().await.len(), records + 1);
    // What is so already is no change.
    let rows = vec![row("ann", "ann", vec![called("安"), AccountChange::SetRole(Role::TEACHER)])];
    for expected in [Imported::Updated(ann), Imported::Unchanged(ann)] {
        assert_eq!(store.import(batch(rows.clone(), OnConflict::Update)).await, [Ok(expected)]);
    }
    let made = store.recorded().await.split_off(records + 1);
    let actions: Vec<_> = made.iter().map(|event| event.action).collect();
    assert_eq!(actions, [AuditAction::UserEdited, AuditAction::RoleChanged]);
}

/// Whoever has rights that the caller does not have stays as they are.
#[apply(row!)]
async fn u3_nobody_reaches_further_by_a_table(store: Store) {
    let root = store.add("root", Role::ADMIN).await.id;
    let clerk: Role = "clerk".parse().unwrap();
    let reach = Arc::new(Roles::default()).reach_of(clerk);
    let authority = Authority { reach, ..authority(5) };
    let rows = vec![row("root", "root", vec![called("根")])];
    let told = store.import(ImportBatch { authority, ..batch(rows, OnConflict::Update) }).await;
    assert_eq!(told, [Err(RowRefusal::Change(OutOfReach.into()))]);
    assert_eq!(store.user(root).await.profile.full_name, None);
}

/// An address that its owner can have back is nobody else's.
#[apply(row!)]
async fn q5_an_address_that_can_be_had_back_is_not_imported(mailing: Repositories) {
    let store = &mailing.store;
    let ann = mailing.verified().await;
    assert!(mailing.set_address(ann, "new@example.com", 7, 5).await);
    let told = store.import(batch(vec![row("eve", "ann", vec![])], OnConflict::Skip)).await;
    assert_eq!(told, [Err(CreateUserError::EmailTaken.into())]);
}

/// Of parallel imports of the same rows each row is made once.
#[apply(row!)]
async fn u2_parallel_imports_make_each_account_once(store: Store) {
    let told = at_once(8, |_| {
        let accounts = store.accounts.clone();
        let rows = (0..40).map(|n| row(&format!("user{n:02}"), &format!("user{n:02}"), vec![]));
        let batch = batch(rows.collect(), OnConflict::Skip);
        async move { accounts.import(batch).await }
    })
    .await;
    // Transactions that are in each other's way may be refused, and then have done nothing.
    let done: Vec<_> = told.into_iter().flatten().collect();
    assert!(!done.is_empty());
    for n in 0..40 {
        let made = done.iter().filter(|rows| matches!(rows[n], Ok(Imported::Created(_)))).count();
        assert_eq!(made, 1, "user{n:02}");
    }
}

/// A row may be for the account of an id, whatever it is called.
#[apply(row!)]
async fn a11_a_row_is_for_an_account_by_its_id(store: Store) {
    let (ann, bob) = (store.student("ann").await, store.student("bob").await);
    let nobody = UserId::try_from(99).unwrap();
    let of = |id, change| ReadyRow {
        id: Some(id),
        username: None,
        email: None,
        create: None,
        changes: vec![change],
    };
    let rows = || {
        let deactivate = |id| of(id, AccountChange::Deactivate);
        vec![deactivate(ann), deactivate(nobody), of(bob, AccountChange::Activate)]
    };
    let expected =
        [Ok(Imported::Updated(ann)), Err(RowRefusal::NotFound), Ok(Imported::Unchanged(bob))];
    let session = store.log_in(1, ann).await;
    let dry = ImportBatch { dry_run: true, ..batch(rows(), OnConflict::Update) };
    assert_eq!(store.import(dry).await, expected);
    assert!(store.is_live(session, 6).await && store.user(ann).await.is_active);
    assert_eq!(store.import(batch(rows(), OnConflict::Update)).await, expected);
    assert!(!store.is_live(session, 6).await && !store.user(ann).await.is_active);
}
