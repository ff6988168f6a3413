//! `POST /api/v1/users/{user_id}/password`.

use menjin_domain::access::rights::UsersSetPassword;
use menjin_domain::common::{Timestamp, UserId};
use menjin_domain::credentials::{NewPassword, PasswordChoice};
use menjin_web::values::OrNone;

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/{user_id}/password", set_password)
        .success("The user has the password")
        .refusals(&[ErrorKind::UserNotFound, ErrorKind::LastAdmin, ErrorKind::OutOfReach])
        .refusals(&[ErrorKind::OwnAccount, ErrorKind::DeletionScheduled])
        .refusals(&[ErrorKind::PasswordTooCommon, ErrorKind::PasswordEqualsIdentity])
        .refusals(&[ErrorKind::PasswordTooWeak, ErrorKind::Overloaded])
}

request! {
    /// A first password for somebody.
    struct PasswordRequest as "UserPassword" {
        /// The password; without one, the server generates one.
        password: Nullable<OrNone<NewPassword>>,
        /// From when on it is good; without a time, at once.
        good_from: Nullable<OrNone<Timestamp>> => { "example": "2030-09-01T06:00:00Z" },
    }
}

response! {
    /// A password that was generated. It is shown only once.
    struct PasswordResponse as "GeneratedPassword" {
        /// Null if it was given.
        password: Option<String> => { "example": "7ZKM-0Q4B-XW9D" },
    }
}

/// Give a user another password.
///
/// The user has to change it at the next login, and it is good for a limited time
/// (`password.initial_ttl`). All sessions of the user end, and the user is told by mail. One's own
/// password is changed with `POST /api/v1/auth/change-password`.
#[api_v2_operation(operation_id = "set_user_password", tags("User Management"))]
async fn set_password(
    api: Data<Api>,
    Ordered(Authorized(allowed), Ordered(Path(id), Body(body))): Ordered<
        Authorized<UsersSetPassword>,
        Ordered<Path<UserId>, Body<PasswordRequest>>,
    >,
) -> Answer<Reply<PasswordResponse>> {
    let choice =
        PasswordChoice { given: body.password.value()?, good_from: body.good_from.value()? };
    let generated = api.services.set_password.execute(&allowed, id, choice).await?;
    let password = generated.map(|password| password.expose().to_owned());
    Ok(Reply(PasswordResponse { password }))
}
