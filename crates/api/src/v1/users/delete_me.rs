//! `POST /api/v1/users/me/delete`.

use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;

use crate::prelude::*;
use crate::v1::responses::User;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/delete", delete_me)
        .success("The account is inactive, and gone at `deletes_at`")
        .refusals(&[ErrorKind::LastAdmin])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

request! {
    /// The deletion of one's own account.
    struct DeleteMeRequest as "UserDelete" {
        current_password: Required<CandidatePassword>,
        /// A code of the second factor, where there is one.
        code: Optional<FactorCode>,
    }
}

/// Delete one's own account.
///
/// It is inactive at once, all its sessions end, and it is gone with all personal data at `deletes_at`.
/// Until then an administrator can restore it.
#[api_v2_operation(operation_id = "delete_me", tags("User Management"))]
async fn delete_me(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<DeleteMeRequest>>,
    client: Client,
) -> Answer<Reply<User>> {
    let (current, code) = (body.current_password.value()?, body.code.value()?);
    let deleted =
        api.services.delete_own_account.execute(&caller, &current, code.as_ref(), client.0).await;
    let user = deleted?;
    Ok(Reply(User::from(&user)))
}
