//! `POST /api/v1/users/batch`.

use actix_web::http::StatusCode;
use menjin_domain::access::rights::UsersWrite;
use menjin_domain::accounts::{
    Ban, BanReason, BatchAction, BatchInput, BatchOf, ChangeUsers, ChangedUsers, ManageUserError,
    Role, UserFilter,
};
use menjin_domain::common::Timestamp;
use menjin_web::problem::{FieldError, Problem};
use menjin_web::values::{BatchName, Boolean, OrNone, UserIds};

use crate::http::reply::json_response;
use crate::prelude::*;
use crate::v1::users::get_batch::{BatchJobResponse, ResultResponse};

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/batch", batch)
        .answer::<BatchResponse>(200, "What has become of each user, or would")
        .answer::<BatchJobResponse>(202, "A job changes the users, since they are many")
        .refusals(&[
            ErrorKind::ReauthenticationRequired,
            ErrorKind::RoleForbidden,
            ErrorKind::JobInProgress,
        ])
}

request! {
    /// What is done to whom.
    struct BatchRequest as "UserBatch" {
        action: Required<BatchName>,
        /// The users; or `filter`.
        ids: Optional<UserIds>,
        /// All users that match, 10,000 at most.
        filter: Optional<UserFilter>,
        /// Of `ban`: when the users may log in again.
        until: Nullable<OrNone<Timestamp>> => { "example": "2030-01-31T08:00:00Z" },
        /// Of `ban`: why, for other administrators.
        reason: Nullable<BanReason>,
        /// Of `set_role`.
        role: Nullable<OrNone<Role>>,
        /// Only tell what would be done.
        dry_run: Optional<Boolean> => { "default": false },
    }
}

impl BatchRequest {
    fn into_input(self, now: Timestamp) -> Result<BatchInput, ApiError> {
        let missing = |field| ApiError::from(FieldError::in_body(field, Problem::Missing));
        let (until, reason) = (self.until.value()?, self.reason.value()?);
        let role = self.role.value()?;
        let action = match self.action.value()? {
            BatchName::Activate => BatchAction::Activate,
            BatchName::Deactivate => BatchAction::Deactivate,
            BatchName::Delete => BatchAction::Delete,
            BatchName::EndSessions => BatchAction::EndSessions,
            BatchName::SetRole => BatchAction::SetRole(role.ok_or_else(|| missing("role"))?),
            BatchName::Ban => {
                let ban = Ban::new(until.ok_or_else(|| missing("until"))?, reason, now);
                BatchAction::Ban(ban.map_err(ManageUserError::from)?)
            }
        };
        let of = match (self.ids.value()?, self.filter.value()?) {
            (Some(ids), None) => BatchOf::Ids(ids),
            (None, Some(filter)) => BatchOf::Filter(filter.into()),
            _ => return Err(FieldError::in_body("ids", Problem::IdsOrFilter).into()),
        };
        Ok(BatchInput { of, action, dry_run: self.dry_run.value()?.unwrap_or(false) })
    }
}

response! {
    /// What has become of each user.
    struct BatchResponse as "UserBatchResults" {
        results: Vec<ResultResponse>,
    }
}

/// Change many users at once.
///
/// Each of them is changed as by itself, and one that is refused stops no other. Beside `users.write`,
/// the right of the action is needed: `users.ban`, `users.delete`, `roles.grant` for `set_role`,
/// `sessions.end` for `end_sessions`. 10,000 users at most; of more than 100 a job takes care, whose results
/// are to be asked for.
#[api_v2_operation(operation_id = "change_users", tags("User Management"))]
async fn batch(
    api: Data<Api>,
    Ordered(Authorized(allowed), ListBody(body)): Ordered<
        Authorized<UsersWrite>,
        ListBody<BatchRequest>,
    >,
    context: ReplyContext,
) -> Answer<HttpResponse> {
    let input = body.into_input(allowed.context().at)?;
    let change: &ChangeUsers = &api.services.change_users;
    Ok(match change.execute(&allowed, input).await? {
        ChangedUsers::Done(results) => {
            let results = results.into_iter().map(ResultResponse::from).collect();
            json_response(StatusCode::OK, &BatchResponse { results })
        }
        ChangedUsers::Job(id) => {
            let report = api.services.get_batch.execute(&allowed, id, 0).await?;
            json_response(StatusCode::ACCEPTED, &BatchJobResponse::new(report, context.locale))
        }
    })
}
