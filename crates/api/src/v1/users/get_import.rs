//! `GET /api/v1/users/imports/{id}`.

use menjin_domain::access::rights::UsersImport;
use menjin_domain::common::{Locale, UserId};
use menjin_domain::import::{ImportColumn, Outcome, ReportedRow};
use menjin_domain::jobs::{Job, JobFailure, JobId, JobKind, JobReport, JobState};
use menjin_web::row_problem::row_problem;
use menjin_web::values::Integer;

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/imports/{job_id}", get)
        .success("How far the import is, and a part of its results")
        .refusals(&[ErrorKind::JobNotFound])
}

request! {
    pub(super) struct PartQuery {
        /// The `next` of the part before.
        after: Optional<Integer<0, { u32::MAX as u64 }>>,
    }
}

impl PartQuery {
    pub(super) fn part(self) -> Result<u32, ApiError> {
        Ok(self.after.value()?.and_then(|part| u32::try_from(part).ok()).unwrap_or(0))
    }
}

/// Why nothing comes of a job, for programs and for people.
pub(crate) fn failure(job: &Job, locale: Locale) -> Option<(&'static str, String)> {
    let (code, zh, en) = match job.failure.as_ref()? {
        JobFailure::Unreadable(reason) => (
            "unreadable",
            format!("文件无法读取：{reason}"),
            format!("The file cannot be read: {reason}"),
        ),
        JobFailure::Forbidden => (
            "forbidden",
            "您已没有执行此操作的权限".to_owned(),
            "You do not have the rights for it any more".to_owned(),
        ),
        JobFailure::Unsealable => (
            "secret_changed",
            "服务器密钥已更换，请重新提交".to_owned(),
            "The secret of the server was changed: send it again".to_owned(),
        ),
    };
    let message = match locale {
        Locale::ZhCn => zh,
        Locale::En => en,
    };
    Some((code, message))
}

response! {
    /// An import of users.
    pub(crate) struct ImportResponse as "Import" {
        id: i64 => { "minimum": 1, "example": 7 },
        state: &'static str => {
            "enum": ["checking", "checked", "importing", "done", "failed"], "example": "checked",
        },
        /// How many rows have been read.
        rows: u64 => { "minimum": 0, "example": 600 },
        created: u64 => { "minimum": 0, "example": 597 },
        updated: u64 => { "minimum": 0, "example": 0 },
        unchanged: u64 => { "minimum": 0, "example": 1 },
        failed: u64 => { "minimum": 0, "example": 2 },
        /// Why nothing comes of it; null if it did not fail.
        code: Option<&'static str> => { "example": null },
        /// The same for people.
        message: Option<String> => { "example": null },
        /// When it is gone, unless it goes on.
        expires_at: Time,
        /// What has become of some rows, or would.
        results: Vec<RowResponse>,
        /// Sent as `after` it gives the next results; null if there are no more yet.
        next: Option<String> => { "example": "1" },
    }
}

response! {
    /// What has become of a row, or would.
    pub(super) struct RowResponse as "ImportedRow" {
        /// Where it is in the file: its line, or its number in the sheet.
        row: u64 => { "minimum": 1, "example": 2 },
        outcome: &'static str => {
            "enum": ["created", "updated", "unchanged", "failed"], "example": "failed",
        },
        /// The user; null if there is none yet.
        id: Option<i64> => { "minimum": 1, "example": 3 },
        username: Option<String> => { "example": "student001" },
        /// The column that is at fault, if it is one.
        field: Option<String> => { "example": "email" },
        /// Why it failed, as the request for this user alone would be refused; null if it did not.
        code: Option<&'static str> => { "example": "value_error" },
        /// The same for people.
        message: Option<String> => { "example": "Input should be a valid email address" },
        /// The password that was generated. It is kept as long as the import.
        password: Option<String> => { "example": null },
    }
}

impl RowResponse {
    fn new(row: &ReportedRow, locale: Locale) -> Self {
        let (outcome, error) = match &row.outcome {
            Outcome::Created => ("created", None),
            Outcome::Updated => ("updated", None),
            Outcome::Unchanged => ("unchanged", None),
            Outcome::Failed(error) => ("failed", Some(error)),
        };
        let column: Option<ImportColumn> = error.and_then(|error| error.column);
        let problem = error.map(|error| row_problem(&error.problem, locale));
        Self {
            row: row.number,
            outcome,
            id: row.id().map(UserId::get),
            username: row.username.clone(),
            field: column.map(|column| column.name().to_owned()),
            code: problem.as_ref().map(|(code, _)| *code),
            message: problem.map(|(_, message)| message),
            password: row.password.clone(),
        }
    }
}

impl ImportResponse {
    pub(super) fn new(report: &JobReport<ReportedRow>, locale: Locale) -> Self {
        let JobReport { job, results, next } = report;
        let (code, message) = failure(job, locale).unzip();
        let state = match (job.kind, job.state) {
            (JobKind::Import, JobState::Running) => "importing",
            (_, state) => state.as_str(),
        };
        Self {
            id: job.id.get(),
            state,
            rows: job.tally.rows(),
            created: job.tally.created,
            updated: job.tally.updated,
            unchanged: job.tally.unchanged,
            failed: job.tally.failed,
            code,
            message,
            expires_at: Time(job.expires_at),
            results: results.iter().map(|row| RowResponse::new(row, locale)).collect(),
            next: next.map(|part| part.to_string()),
        }
    }
}

/// See an import.
///
/// What would be done while it is checked, and then what is done. Whoever has sent the file sees it, and
/// nobody else. Results come in parts.
#[api_v2_operation(operation_id = "get_import", tags("User Management"))]
async fn get(
    api: Data<Api>,
    Ordered(Authorized(allowed), (Path(id), Query(query))): Ordered<
        Authorized<UsersImport>,
        (Path<JobId>, Query<PartQuery>),
    >,
    context: ReplyContext,
) -> Answer<Reply<ImportResponse>> {
    let report = api.services.get_import.execute(&allowed, id, query.part()?).await?;
    Ok(Reply(ImportResponse::new(&report, context.locale)))
}
