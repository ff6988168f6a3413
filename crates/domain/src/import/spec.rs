//! An import as a job keeps it: what is to be done, and the report on it.

use serde::{Deserialize, Serialize};

use crate::access::rights::RightId;
use crate::accounts::{Role, Username};
use crate::common::{Timestamp, UserId};
use crate::credentials::{NewPassword, PasswordLength};
use crate::import::{
    Cells, ImportColumn, ImportOptions, OnConflict, Outcome, RowReport, TableFormat, UpdateAlso,
};
use crate::jobs::{StoredContext, Tally, moment, read};

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImportSpec {
    pub(crate) format: TableFormat,
    on_conflict: OnConflict,
    pub(crate) update: UpdateAlso,
    default_role: String,
    shortest_password: usize,
    longest_password: usize,
    generate_passwords: bool,
    /// In microseconds.
    good_from: Option<i64>,
    pub(crate) all_or_nothing: bool,
    pub(crate) context: StoredContext,
}

impl ImportSpec {
    pub(crate) fn new(
        format: TableFormat,
        options: &ImportOptions,
        all_or_nothing: bool,
        context: StoredContext,
    ) -> Self {
        Self {
            format,
            on_conflict: options.on_conflict,
            update: options.update,
            default_role: options.default_role.to_string(),
            shortest_password: options.length.min,
            longest_password: options.length.max,
            generate_passwords: options.generate_passwords,
            good_from: options.good_from.map(|at| at.timestamp_micros()),
            all_or_nothing,
            context,
        }
    }

    /// How rows are imported; `None`: a program that knew other roles kept it.
    pub(crate) fn options(&self, dry_run: bool) -> Option<ImportOptions> {
        let length = PasswordLength { min: self.shortest_password, max: self.longest_password };
        Some(ImportOptions {
            on_conflict: self.on_conflict,
            update: self.update,
            default_role: read::<Role>(&self.default_role)?,
            length,
            generate_passwords: self.generate_passwords,
            good_from: self.good_from.map(|micros| moment(micros).unwrap_or(Timestamp::MAX_UTC)),
            dry_run,
        })
    }
}

impl UpdateAlso {
    /// The rights that an import needs which updates that.
    pub(crate) fn rights(self) -> Vec<RightId> {
        let also = [
            (self.password, RightId::UsersSetPassword),
            (self.role, RightId::RolesGrant),
            (self.activity, RightId::UsersWrite),
        ];
        let also = also.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, right)| right);
        std::iter::once(RightId::UsersImport).chain(also).collect()
    }
}

/// What has become of a row, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRow {
    /// Where it is in the file.
    pub number: u64,
    /// What has become of it, or would.
    pub outcome: Outcome,
    id: Option<i64>,
    /// The name in the row.
    pub username: Option<String>,
    /// The password that was generated.
    pub password: Option<String>,
    /// What a row said that has failed, without what nobody is to see.
    pub cells: Cells,
}

impl ReportedRow {
    pub(crate) fn new(report: &RowReport, cells: Option<&Cells>) -> Self {
        let has_failed = matches!(report.outcome, Outcome::Failed(_));
        let shown = |(column, _): &&(ImportColumn, String)| !column.is_secret();
        let cells = cells.filter(|_| has_failed).into_iter().flatten().filter(shown);
        Self {
            number: report.number,
            outcome: report.outcome.clone(),
            id: report.id.map(UserId::get),
            username: report.username.as_ref().map(|name| Username::as_str(name).to_owned()),
            password: report.password.as_ref().map(|it| NewPassword::expose(it).to_owned()),
            cells: cells.cloned().collect(),
        }
    }

    /// The account; of a new one not in a dry run.
    pub fn id(&self) -> Option<UserId> {
        self.id.and_then(|id| UserId::try_from(id).ok())
    }
}

impl Tally {
    /// Counts a row.
    pub fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Failed(_) => &mut self.failed,
        } += 1;
    }
}
