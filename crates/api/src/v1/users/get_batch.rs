//! `GET /api/v1/users/batches/{id}`.

use menjin_domain::access::rights::UsersWrite;
use menjin_domain::accounts::BatchResult;
use menjin_domain::jobs::{Job, JobId, JobReport};
use menjin_web::Locale;

use crate::prelude::*;
use crate::v1::users::get_import::{PartQuery, failure};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::GET, "/api/v1/users/batches/{job_id}", get)
        .success("How far the change is, and a part of its results")
        .refusals(&[ErrorKind::JobNotFound])
}

response! {
    /// A change of many users that goes on after its request.
    pub(super) struct BatchJobResponse as "UserBatchJob" {
        id: i64 => { "minimum": 1, "example": 7 },
        state: &'static str => { "enum": ["running", "done", "failed"], "example": "done" },
        done: u64 => { "minimum": 0, "example": 480 },
        unchanged: u64 => { "minimum": 0, "example": 20 },
        failed: u64 => { "minimum": 0, "example": 0 },
        /// Why nothing comes of it; null if it did not fail.
        code: Option<&'static str> => { "example": null },
        /// The same for people.
        message: Option<String> => { "example": null },
        /// When it is gone, unless it goes on.
        expires_at: Time,
        /// What has become of some users, in the order of their ids.
        results: Vec<ResultResponse>,
        /// Sent as `after` it gives the next results; null if there are no more yet.
        next: Option<String> => { "example": "1" },
    }
}

response! {
    /// What has become of a user.
    pub(super) struct ResultResponse as "UserBatchResult" {
        id: i64 => { "minimum": 1, "example": 3 },
        outcome: &'static str => { "enum": ["done", "unchanged", "failed"], "example": "done" },
        /// Why it failed, as the request for this user alone would be refused; null if it did not.
        code: Option<&'static str> => { "example": "last_admin" },
    }
}

impl From<BatchResult> for ResultResponse {
    fn from(result: BatchResult) -> Self {
        let (outcome, code) = match result.outcome {
            Ok(true) => ("done", None),
            Ok(false) => ("unchanged", None),
            Err(refusal) => ("failed", Some(ApiError::from(refusal).kind.code())),
        };
        Self { id: result.id.get(), outcome, code }
    }
}

impl BatchJobResponse {
    pub(super) fn new(report: JobReport<BatchResult>, locale: Locale) -> Self {
        let JobReport { job, results, next } = report;
        let (code, message) = failure(&job, locale).unzip();
        let Job { id, state, tally, expires_at, .. } = &job;
        Self {
            id: id.get(),
            state: state.as_str(),
            done: tally.updated,
            unchanged: tally.unchanged,
            failed: tally.failed,
            code,
            message,
            expires_at: Time(*expires_at),
            results: results.into_iter().map(ResultResponse::from).collect(),
            next: next.map(|part| part.to_string()),
        }
    }
}

/// See a change of many users.
///
/// Whoever began it sees it for an hour after its end, and nobody else. Results come in parts.
#[api_v2_operation(operation_id = "get_user_batch", tags("User Management"))]
async fn get(
    api: Data<Api>,
    Ordered(Authorized(allowed), (Path(id), Query(query))): Ordered<
        Authorized<UsersWrite>,
        (Path<JobId>, Query<PartQuery>),
    >,
    context: ReplyContext,
) -> Answer<Reply<BatchJobResponse>> {
    let report = api.services.get_batch.execute(&allowed, id, query.part()?).await?;
    Ok(Reply(BatchJobResponse::new(report, context.locale)))
}
