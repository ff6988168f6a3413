//! `PUT /api/auth/users/{user_id}/deactivate`.

use actix_web::http::Method;
use actix_web::web::Data;
use menjin_domain::common::UserId;
use menjin_web::{ErrorKind, Text};
use paperclip::actix::api_v2_operation;

use crate::endpoint::Endpoint;
use crate::envelope::responses::{Nothing, Success};
use crate::http::caller::{Administrator, Ordered};
use crate::http::client::Client;
use crate::http::path::Path;
use crate::http::reply::Answer;
use crate::state::Api;

const DONE: Text = Text { zh: "用户停用成功", en: "User deactivated" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/auth/users/{user_id}/deactivate", deactivate)
        .success("The user is not active")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin])
}

/// Deactivate a user.
///
/// For administrators. The user's tokens stop working at once. The last active administrator cannot
/// be deactivated.
#[api_v2_operation(operation_id = "envelope_deactivate_user", tags("Administration (envelope)"))]
async fn deactivate(
    api: Data<Api>,
    Ordered(caller, Path(id)): Ordered<Administrator, Path<UserId>>,
    client: Client,
) -> Answer<Success<Nothing>> {
    api.use_cases.deactivate_user.execute(&caller, id, client.0).await?;
    Ok(Success(DONE, Nothing))
}
