//! Use-case: importing users.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::access::Roles;
use crate::access::rights::RightId;
use crate::accounts::{
    AccountChange, AccountRepository, AddressChange, AttributeRules, Authority, Email, NewUser,
    Role, Username,
};
use crate::audit::AuditAction;
use crate::common::{PortError, Timestamp, UserId};
use crate::credentials::{
    FirstPassword, FirstPasswords, NewPassword, PasswordHash, PasswordLength,
};
use crate::import::row::{ImportRow, RowPassword};
use crate::import::{
    Cells, ForeignHashes, ImportBatch, ImportColumn, Imported, OnConflict, ReadyRow, RowError,
    RowProblem, RowRefusal,
};
use crate::jobs::{Progress, RecordProgress};
use crate::mail::{MailKind, Post};

/// How many passwords are hashed at once: enough to fill the lanes.
const HASHED_AT_ONCE: usize = 16;

/// Who imports.
#[derive(Clone)]
pub struct Importer {
    /// Who acts, when and from where, and whom they may change.
    authority: Authority,
    /// The roles that there are.
    roles: Arc<Roles>,
    /// Whose rights count; `None`: the owner of the machine, who may do anything.
    role: Option<Role>,
    /// Judges hashes of other systems; `None`: there may be none.
    hashes: Option<Arc<dyn ForeignHashes>>,
}

impl Importer {
    /// The owner of the machine, on the command line, who may give any role that there is, and bring
    /// hashes along.
    pub fn of_machine(at: Timestamp, roles: Arc<Roles>, hashes: Arc<dyn ForeignHashes>) -> Self {
        let authority = Authority::of_machine(at);
        Self { authority, roles, role: None, hashes: Some(hashes) }
    }

    /// Somebody of this role, who brings no hashes along, and changes addresses only with the right to set
    /// passwords: whoever has the address can get a new password.
    pub(crate) fn of_role(authority: Authority, role: Role, roles: Arc<Roles>) -> Self {
        Self { authority, roles, role: Some(role), hashes: None }
    }

    fn may(&self, right: RightId) -> bool {
        self.role.is_none_or(|role| self.roles.grants(role, right))
    }

    fn check_role(&self, role: Role) -> Result<(), RowProblem> {
        if !self.roles.knows(role) {
            return Err(RowProblem::UnknownRole);
        }
        self.authority.reach.check(role).map_err(|_out_of_reach| RowProblem::RoleForbidden)
    }

    fn check_hash(&self, hash: &PasswordHash) -> Result<(), RowProblem> {
        let hashes = self.hashes.as_ref().ok_or(RowProblem::HashForbidden)?;
        Ok(hashes.check(hash)?)
    }
}

/// What is changed of an account that is there, only if it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateAlso {
    /// The password, or its hash. It is set again even if it is the same.
    pub password: bool,
    /// The role.
    pub role: bool,
    /// Whether the account is active.
    pub activity: bool,
}

/// How users are imported.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// What is done with rows whose user is there already.
    pub on_conflict: OnConflict,
    /// What else is changed with [`OnConflict::Update`].
    pub update: UpdateAlso,
    /// The role of rows without one.
    pub default_role: Role,
    /// The length of passwords.
    pub length: PasswordLength,
    /// Whether new users get a password if their row has none. Without one they cannot log in before
    /// they have got one by a link.
    pub generate_passwords: bool,
    /// From when on first passwords are good; `None`: at once.
    pub good_from: Option<Timestamp>,
    /// Whether it is only to be seen what would be done.
    pub dry_run: bool,
}

/// A row of the file.
#[derive(Debug, Clone)]
pub struct NumberedRow {
    /// Where it is in the file.
    pub number: u64,
    /// What it says, or why it cannot be read.
    pub cells: Result<Cells, String>,
}

/// What has become of a row, or would.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// An account was made.
    Created,
    /// The account was changed.
    Updated,
    /// The account is what it was.
    Unchanged,
    /// Nothing was done.
    Failed(RowError),
}

/// The report on a row.
#[derive(Debug, Clone)]
pub struct RowReport {
    /// Where it is in the file.
    pub number: u64,
    /// What has become of it.
    pub outcome: Outcome,
    /// The account; of a new one not in a dry run.
    pub id: Option<UserId>,
    /// The name in the row.
    pub username: Option<Username>,
    /// The password that was generated.
    pub password: Option<NewPassword>,
}

/// Imports users. Rows come in parts; the rows of a part are stored together.
///
/// No mail is sent to a user who is new: whoever imports says what comes next.
#[derive(Clone)]
#[non_exhaustive]
pub struct ImportUsers {
    /// The accounts.
    pub accounts: Arc<dyn AccountRepository>,
    /// Judges, makes and hashes passwords.
    pub passwords: FirstPasswords,
    /// Makes the mails that tell owners of changes.
    pub post: Post,
    /// The attributes that there are.
    pub attributes: Arc<AttributeRules>,
}

impl ImportUsers {
    /// For a command that needs nothing else of menjin.
    pub fn standalone(
        accounts: Arc<dyn AccountRepository>,
        passwords: FirstPasswords,
        post: Post,
        attributes: Arc<AttributeRules>,
    ) -> Self {
        Self { accounts, passwords, post, attributes }
    }

    /// Begins with a file.
    pub fn begin(&self, importer: Importer, options: ImportOptions) -> ImportRun {
        ImportRun {
            import: self.clone(),
            importer,
            options,
            usernames: HashMap::new(),
            emails: HashMap::new(),
        }
    }
}

/// The import of one file.
pub struct ImportRun {
    import: ImportUsers,
    importer: Importer,
    options: ImportOptions,
    /// In which row each name was, in its canonical form.
    usernames: HashMap<String, u64>,
    /// In which row each address was, in its canonical form.
    emails: HashMap<String, u64>,
}

/// Makes, of the reports on rows, the part of a job that is stored with them.
pub(crate) type RecordReports =
    Arc<dyn Fn(&[RowReport]) -> Result<Progress, PortError> + Send + Sync>;

/// How a row gets its password.
type Passwords<'a> = &'a dyn Fn(usize) -> PasswordHash;

impl ImportRun {
    /// The greatest number of rows of a part.
    pub const PART: usize = 400;

    /// Does the next rows, and reports on each, in their order. A row that fails stops no other.
    ///
    /// # Errors
    /// A port failed: nothing is known of these rows. They can be done again.
    pub async fn rows(&mut self, rows: Vec<NumberedRow>) -> Result<Vec<RowReport>, PortError> {
        self.recorded(rows, None).await.map(|(reports, _)| reports)
    }

    /// Goes on as this importer.
    pub(crate) fn go_on_as(&mut self, importer: Importer) {
        self.importer = importer;
    }

    /// Reads rows that are done already, so that a later row for the same user is known as such.
    pub(crate) fn skip(&mut self, rows: &[NumberedRow]) {
        for NumberedRow { number, cells } in rows {
            if let Ok(cells) = cells {
                let _ = self.read(*number, cells);
            }
        }
    }

    /// Does the next rows, and stores with them what is made of their reports. Tells whether that was
    /// stored: it is not in a dry run, nor if nothing is left to do.
    pub(crate) async fn recorded(
        &mut self,
        rows: Vec<NumberedRow>,
        record: Option<RecordReports>,
    ) -> Result<(Vec<RowReport>, bool), PortError> {
        let mut reports = Vec::with_capacity(rows.len());
        let mut read = Vec::with_capacity(rows.len());
        for NumberedRow { number, cells } in rows {
            let parsed = match cells {
                Ok(cells) => self.read(number, &cells),
                Err(reason) => Err(RowError::whole(RowProblem::Unreadable(reason))),
            };
            let username = parsed.as_ref().ok().and_then(|row| row.username.clone());
            let (outcome, row) = match parsed {
                Ok(row) => (Outcome::Unchanged, Some(row)),
                Err(error) => (Outcome::Failed(error), None),
            };
            reports.push(RowReport { number, outcome, id: None, username, password: None });
            read.extend(row.map(|row| (reports.len() - 1, row)));
        }
        // What costs a hash is first tried without one, to hash only for those who need it.
        let is_slow = read.iter().any(|(_, row)| self.is_slow(row));
        if self.options.dry_run || is_slow {
            let ready = self.ready(&read, &|_| PasswordHash::none())?;
            self.store(ready, &read, &mut reports, None, true).await?;
        }
        if self.options.dry_run {
            return Ok((reports, false));
        }
        if is_slow {
            let is_open =
                |outcome: &Outcome| matches!(outcome, Outcome::Created | Outcome::Updated);
            read.retain(|(place, _)| {
                reports.get(*place).is_some_and(|report| is_open(&report.outcome))
            });
        }
        let hashes = self.hash(&read, &mut reports).await?;
        let ready = self.ready(&read, &|place| {
            hashes.get(&place).cloned().unwrap_or_else(PasswordHash::none)
        })?;
        let is_recorded = record.is_some() && !ready.is_empty();
        self.store(ready, &read, &mut reports, record, false).await?;
        Ok((reports, is_recorded))
    }

    /// Reads a row, and checks what can be checked without the store.
    fn read(&mut self, number: u64, cells: &Cells) -> Result<ImportRow, RowError> {
        let rules = &self.import.attributes;
        let row = ImportRow::parse(cells, self.options.length, rules)?;
        for name in row.attributes.keys() {
            let forbidden =
                || RowError::at(ImportColumn::Attribute(*name), RowProblem::AttributeForbidden);
            let needed = rules.get(*name).map(|rule| &rule.rights[..]).unwrap_or_default();
            needed
                .iter()
                .all(|right| self.importer.may(*right))
                .then_some(())
                .ok_or_else(forbidden)?;
        }
        if row.username.is_none() && row.email.is_none() {
            return Err(RowError::at(ImportColumn::Username, RowProblem::Missing));
        }
        let role = |problem| RowError::at(ImportColumn::Role, problem);
        self.importer.check_role(row.role.unwrap_or(self.options.default_role)).map_err(role)?;
        match &row.password {
            RowPassword::None => {}
            RowPassword::Plain(password) => {
                let username = row.username.as_ref().map_or("", Username::as_str);
                let email = row.email.as_ref().map_or("", Email::as_str);
                let judged = self.import.passwords.policy.check(password, username, email);
                judged.map_err(|error| RowError::at(ImportColumn::Password, error))?;
            }
            RowPassword::Hash(hash) => {
                let at_fault = |problem| RowError::at(ImportColumn::PasswordHash, problem);
                self.importer.check_hash(hash).map_err(at_fault)?;
            }
        }
        let name = row.username.as_ref().map(Username::canonical);
        let address = row.email.as_ref().map(Email::canonical);
        for (column, key, seen) in [
            (ImportColumn::Username, name, &self.usernames),
            (ImportColumn::Email, address, &self.emails),
        ] {
            if let Some(row) = key.and_then(|key| seen.get(key)) {
                return Err(RowError::at(column, RowProblem::Duplicate { row: *row }));
            }
        }
        self.usernames.extend(name.map(|name| (name.to_owned(), number)));
        self.emails.extend(address.map(|address| (address.to_owned(), number)));
        Ok(row)
    }

    /// Whether a password may have to be hashed for it.
    fn is_slow(&self, row: &ImportRow) -> bool {
        match row.password {
            RowPassword::None => self.options.generate_passwords,
            RowPassword::Plain(_) => true,
            RowPassword::Hash(_) => false,
        }
    }

    /// The rows as the store takes them.
    fn ready(
        &self,
        rows: &[(usize, ImportRow)],
        hash: Passwords<'_>,
    ) -> Result<Vec<ReadyRow>, PortError> {
        let ready = rows.iter().map(|(place, row)| {
            let (hash, first) = match &row.password {
                RowPassword::Hash(hash) => (hash.clone(), None),
                RowPassword::None if !self.options.generate_passwords => (hash(*place), None),
                RowPassword::None | RowPassword::Plain(_) => (hash(*place), Some(self.period())),
            };
            Ok(ReadyRow {
                id: None,
                username: row.username.clone(),
                email: row.email.clone(),
                changes: self.changes(row, &hash, first)?,
                create: self.new_user(row, hash, first),
            })
        });
        ready.collect()
    }

    /// For how long a password is good that its user has to change.
    fn period(&self) -> FirstPassword {
        let now = self.importer.authority.context.at;
        self.import.passwords.period(self.options.good_from, now)
    }

    fn new_user(
        &self,
        row: &ImportRow,
        hash: PasswordHash,
        first_password: Option<FirstPassword>,
    ) -> Option<Box<NewUser>> {
        Some(Box::new(NewUser {
            username: row.username.clone()?,
            email: row.email.clone()?,
            hash,
            role: row.role.unwrap_or(self.options.default_role),
            profile: row.profile(),
            locale: row.locale,
            is_active: row.is_active.unwrap_or(true),
            is_verified: row.is_verified.unwrap_or(false),
            mail: None,
            first_password,
            action: AuditAction::UserImported,
            context: self.importer.authority.context.clone(),
        }))
    }

    /// What is done to an account that is there: what the row says of it, and password, role and activity
    /// only if they are asked for.
    fn changes(
        &self,
        row: &ImportRow,
        hash: &PasswordHash,
        first: Option<FirstPassword>,
    ) -> Result<Vec<AccountChange>, PortError> {
        if self.options.on_conflict != OnConflict::Update {
            return Ok(Vec::new());
        }
        let (update, request) = (self.options.update, &self.importer.authority.context.request);
        let mut profile = row.changes();
        if profile.email.is_some() {
            let mails = self.import.post.of_email_change(false, request)?;
            let is_allowed = self.importer.may(RightId::UsersSetPassword);
            profile.address = AddressChange { is_allowed, by_password: true, mails };
        }
        let edit = AccountChange::Edit { username: row.username.clone(), profile: profile.into() };
        let mut changes = vec![edit];
        let role = row.role.filter(|_| update.role);
        changes.extend(role.map(AccountChange::SetRole));
        if update.password && !matches!(row.password, RowPassword::None) {
            let mail = self.import.post.mail(MailKind::PasswordChanged, None, request)?;
            changes.push(AccountChange::SetPassword { hash: hash.clone(), first, mail });
        }
        let activity = row.is_active.filter(|_| update.activity);
        changes.extend(activity.map(|is_active| {
            if is_active { AccountChange::Activate } else { AccountChange::Deactivate }
        }));
        Ok(changes)
    }

    /// Hashes the passwords that are needed, by the place of the row, and generates those that are
    /// missing.
    async fn hash(
        &self,
        rows: &[(usize, ImportRow)],
        reports: &mut [RowReport],
    ) -> Result<HashMap<usize, PasswordHash>, PortError> {
        let mut needed = Vec::new();
        for (place, row) in rows {
            let report = reports.get_mut(*place);
            let is_new = report.as_ref().is_some_and(|report| report.outcome == Outcome::Created);
            match (&row.password, report) {
                (RowPassword::Plain(password), _) if is_new || self.options.update.password => {
                    needed.push((*place, password.clone()));
                }
                (RowPassword::None, Some(report)) if is_new && self.options.generate_passwords => {
                    let password = self.import.passwords.generate()?;
                    report.password = Some(password.clone());
                    needed.push((*place, password));
                }
                _ => {}
            }
        }
        let pool = &self.import.passwords.hasher;
        let mut hashing = stream::iter(needed)
            .map(|(place, password)| async move { (place, pool.hash_behind(&password).await) })
            .buffer_unordered(HASHED_AT_ONCE);
        let mut hashes = HashMap::new();
        while let Some((place, hash)) = hashing.next().await {
            hashes.insert(place, hash?);
        }
        Ok(hashes)
    }

    async fn store(
        &self,
        ready: Vec<ReadyRow>,
        rows: &[(usize, ImportRow)],
        reports: &mut [RowReport],
        record: Option<RecordReports>,
        dry_run: bool,
    ) -> Result<(), PortError> {
        if ready.is_empty() {
            return Ok(());
        }
        let places: Vec<_> = rows.iter().map(|(place, row)| (*place, row.missing())).collect();
        let progress = record.map(|record| {
            let (before, places) = (reports.to_vec(), places.clone());
            RecordProgress::new(move |outcomes| {
                let mut after = before.clone();
                settle(&mut after, &places, outcomes, dry_run);
                record(&after)
            })
        });
        let batch = ImportBatch {
            rows: ready,
            on_conflict: self.options.on_conflict,
            dry_run,
            authority: self.importer.authority.clone(),
            progress,
        };
        let outcomes = self.import.accounts.import(batch).await?;
        settle(reports, &places, &outcomes, dry_run);
        Ok(())
    }
}

/// Says in the reports what has become of the rows at these places. A row that does not say enough lacks the
/// column beside its place.
fn settle(
    reports: &mut [RowReport],
    places: &[(usize, ImportColumn)],
    outcomes: &[Result<Imported, RowRefusal>],
    dry_run: bool,
) {
    for ((place, missing), outcome) in places.iter().zip(outcomes) {
        let Some(report) = reports.get_mut(*place) else { continue };
        (report.outcome, report.id) = match *outcome {
            Ok(Imported::Created(id)) => (Outcome::Created, Some(id).filter(|_| !dry_run)),
            Ok(Imported::Updated(id)) => (Outcome::Updated, Some(id)),
            Ok(Imported::Unchanged(id)) => (Outcome::Unchanged, Some(id)),
            Err(RowRefusal::Incomplete) => {
                (Outcome::Failed(RowError::at(*missing, RowRefusal::Incomplete)), None)
            }
            Err(refusal) => (Outcome::Failed(refusal.into()), None),
        };
        if report.outcome != Outcome::Created {
            report.password = None;
        }
    }
}

#[cfg(test)]
mod tests;
