use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::accounts::MockAccountRepository;
use crate::credentials::{MockPasswordHasher, MockPasswordPolicy, PolicyViolation};
use crate::import::{HashRefused, MockForeignHashes, RowRefusal};
use crate::testing::{self, USER, at};

use ImportColumn::{
    Email as Mail, Password, PasswordHash as Hash, Role as RoleColumn, Username as Name,
};

/// What the store is asked to do, and the outcome of each row by its name: one that is there stays.
#[derive(Default)]
struct Seen(Mutex<Vec<ImportBatch>>);

impl Seen {
    fn batches(&self) -> Vec<ImportBatch> {
        self.0.lock().unwrap().clone()
    }
}

fn options() -> ImportOptions {
    ImportOptions {
        on_conflict: OnConflict::Skip,
        update: UpdateAlso::default(),
        default_role: Role::STUDENT,
        length: PasswordLength::DEFAULT,
        generate_passwords: false,
        good_from: None,
        dry_run: false,
    }
}

/// An import into a store in which `ann` is there already, with a hasher for so many passwords.
fn run(options: ImportOptions, passwords_to_hash: usize) -> (ImportRun, Arc<Seen>) {
    let (seen, mut accounts) = (Arc::new(Seen::default()), MockAccountRepository::new());
    let noted = seen.clone();
    accounts.expect_import().returning(move |batch: ImportBatch| {
        noted.0.lock().unwrap().push(batch.clone());
        let outcome = |row: &ReadyRow| match row.username.as_ref().map(Username::as_str) {
            Some("ann") => match batch.on_conflict {
                OnConflict::Update => Ok(Imported::Updated(USER)),
                OnConflict::Skip => Ok(Imported::Unchanged(USER)),
                OnConflict::Fail => Err(RowRefusal::Exists),
            },
            _ if row.create.is_none() => Err(RowRefusal::Incomplete),
            _ => Ok(Imported::Created(UserId::try_from(9).unwrap())),
        };
        Ok(batch.rows.iter().map(outcome).collect())
    });
    let (mut policy, mut pool) = (MockPasswordPolicy::new(), MockPasswordHasher::new());
    policy.expect_check().returning(|password, _, _| {
        let is_weak = password.expose() == "password";
        if is_weak { Err(PolicyViolation::TooCommon) } else { Ok(()) }
    });
    pool.expect_hash_behind().times(passwords_to_hash).returning(|_| Ok(testing::hash()));
    let passwords = FirstPasswords {
        random: testing::random(),
        policy: Arc::new(policy),
        hasher: Arc::new(pool),
        ttl: Duration::from_secs(100),
    };
    let mut judge = MockForeignHashes::new();
    judge.expect_check().returning(|hash| {
        let is_known = hash.expose().starts_with("$2");
        if is_known { Ok(()) } else { Err(HashRefused::UnknownKind) }
    });
    let import =
        ImportUsers::standalone(Arc::new(accounts), passwords, testing::post(9), Arc::default());
    let importer = Importer::of_machine(at(9), Arc::default(), Arc::new(judge));
    (import.begin(importer, options), seen)
}

fn rows(rows: &[&[(ImportColumn, &str)]]) -> Vec<NumberedRow> {
    let cells = |row: &&[(ImportColumn, &str)]| {
        Ok(row.iter().map(|(column, text)| (*column, (*text).to_owned())).collect())
    };
    let rows = rows.iter().map(cells).zip(2..);
    rows.map(|(cells, number)| NumberedRow { number, cells }).collect()
}

fn person(name: &'static str) -> [(ImportColumn, &'static str); 2] {
    let address = match name {
        "ann" => "ann@example.com",
        "eve" => "eve@example.com",
        _ => "bob@example.com",
    };
    [(Name, name), (Mail, address)]
}

fn with(
    name: &'static str,
    more: (ImportColumn, &'static str),
) -> Vec<(ImportColumn, &'static str)> {
    person(name).into_iter().chain([more]).collect()
}

#[tokio::test]
async fn u4_a_password_is_hashed_only_for_who_needs_it() {
    let (mut run, seen) = run(options(), 1);
    let (eve, ann) =
        (with("eve", (Password, "long enough")), with("ann", (Password, "another one")));
    let bob = with("bob", (Hash, "$2b$12$foreign"));
    let reports = run.rows(rows(&[&eve, &ann, &bob])).await.unwrap();
    let outcomes: Vec<_> = reports.iter().map(|report| report.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Created, Outcome::Unchanged, Outcome::Created]);
    let [tried, stored] = &seen.batches()[..] else { panic!() };
    assert!(tried.dry_run && tried.rows.len() == 3 && !stored.dry_run);
    let made: Vec<_> = stored.rows.iter().map(|row| row.create.as_deref().unwrap()).collect();
    let hashes: Vec<_> = made.iter().map(|user| user.hash.expose().to_owned()).collect();
    assert_eq!(hashes, ["$2b$04$hash", "$2b$12$foreign"]);
    // A6: a password that somebody else chose has to be changed, a hash is the owner's own.
    let first: Vec<_> = made.iter().map(|user| user.first_password).collect();
    assert_eq!(first, [Some(FirstPassword { from: at(9), until: at(109) }), None]);
}

#[tokio::test]
async fn u4_hashes_alone_are_stored_at_once() {
    let (mut run, seen) = run(options(), 0);
    run.rows(rows(&[&with("eve", (Hash, "$2y$10$x")), &person("bob")])).await.unwrap();
    let [stored] = &seen.batches()[..] else { panic!() };
    let hashes: Vec<_> =
        stored.rows.iter().map(|row| row.create.as_deref().unwrap().hash.expose()).collect();
    assert_eq!((stored.dry_run, &hashes[..]), (false, &["$2y$10$x", "!"][..]));
}

#[tokio::test]
async fn u2_generated_passwords_are_told_once_and_not_in_a_dry_run() {
    for (dry_run, hashed) in [(false, 1), (true, 0)] {
        let (mut run, _) =
            run(ImportOptions { generate_passwords: true, dry_run, ..options() }, hashed);
        let reports = run.rows(rows(&[&person("eve"), &person("ann")])).await.unwrap();
        let told = |place: usize| reports[place].password.is_some();
        assert_eq!((told(0), told(1)), (!dry_run, false));
        assert_eq!(reports[0].id.is_some(), !dry_run);
    }
}

#[tokio::test]
async fn u2_each_row_that_fails_says_why_and_stops_no_other() {
    let (mut run, seen) = run(options(), 0);
    let first = rows(&[
        &[(Name, "eve"), (Mail, "nobody")],
        &with("bob", (RoleColumn, "gone")),
        &with("bob", (Password, "password")),
        &with("bob", (Hash, "md5$x")),
        &[(RoleColumn, "teacher")],
        &person("bob"),
        &[(Name, "BOB"), (Mail, "other@example.com")],
    ]);
    let mut reports = run.rows(first).await.unwrap();
    let unreadable = NumberedRow { number: 20, cells: Err("too many cells".to_owned()) };
    let next = [unreadable].into_iter().chain(rows(&[&with("eve", (Mail, "bob@example.com"))]));
    reports.extend(run.rows(next.collect()).await.unwrap());
    let failed: Vec<_> = reports
        .iter()
        .map(|report| match &report.outcome {
            Outcome::Failed(error) => Some((error.column, error.problem.to_string())),
            _ => None,
        })
        .collect();
    let told = |column, problem: &str| Some((column, problem.to_owned()));
    assert_eq!(
        failed,
        [
            told(Some(Mail), "not an e-mail address"),
            told(Some(RoleColumn), "there is no such role"),
            told(Some(Password), "the password is too common"),
            told(
                Some(Hash),
                "is no hash of a kind that is known: bcrypt, Argon2id, Django's or scrypt"
            ),
            told(Some(Name), "is missing"),
            None,
            told(Some(Name), "the same as in row 7"),
            told(None, "too many cells"),
            told(Some(Mail), "the same as in row 7"),
        ]
    );
    assert_eq!(seen.batches().len(), 1, "the second part had nothing to store");
}

#[tokio::test]
async fn u3_an_update_touches_what_is_there_and_password_and_role_only_if_asked() {
    let row = || {
        let mut row = with("ann", (RoleColumn, "teacher"));
        row.extend([(Password, "long enough"), (ImportColumn::IsActive, "no")]);
        row
    };
    let kinds = |batch: &ImportBatch| -> Vec<&'static str> {
        batch.rows[0].changes.iter().map(AccountChange::name).collect()
    };
    let on_conflict = OnConflict::Update;
    let (mut careful, seen) = run(ImportOptions { on_conflict, ..options() }, 0);
    careful.rows(rows(&[&row()])).await.unwrap();
    assert_eq!(kinds(&seen.batches()[1]), ["user_updated"]);
    let update = UpdateAlso { password: true, role: true, activity: true };
    let (mut whole, seen) = run(ImportOptions { on_conflict, update, ..options() }, 1);
    whole.rows(rows(&[&row()])).await.unwrap();
    let expected = ["user_updated", "user_role_changed", "user_password_set", "user_deactivated"];
    assert_eq!(kinds(&seen.batches()[1]), expected);
}
