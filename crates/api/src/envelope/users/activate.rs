//! `PUT /api/auth/users/{user_id}/activate`.

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

const DONE: Text = Text { zh: "用户激活成功", en: "User activated" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::PUT, "/api/auth/users/{user_id}/activate", activate)
        .success("The user is active")
        .message(DONE)
        .refusals(&[ErrorKind::UserNotFound])
}

/// Activate a user.
///
/// For administrators. Lifts the lock that failed log-ins have put on the account, too.
#[api_v2_operation(operation_id = "envelope_activate_user", tags("Administration (envelope)"))]
async fn activate(
    api: Data<Api>,
    Ordered(caller, Path(id)): Ordered<Administrator, Path<UserId>>,
    client: Client,
) -> Answer<Success<Nothing>> {
    api.use_cases.activate_user.execute(&caller, id, client.0).await?;
    Ok(Success(DONE, Nothing))
}
