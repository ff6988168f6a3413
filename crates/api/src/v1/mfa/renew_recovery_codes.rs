//! `POST /api/v1/users/me/mfa/recovery-codes`.

use super::confirm::RecoveryCodesResponse;
use super::enrol::FactorRequest;
use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/recovery-codes", renew)
        .success("New recovery codes; those before are gone")
        .refusals(&[ErrorKind::NoFactor])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

/// Get new recovery codes.
///
/// Those before do not work any more. The new ones are shown only once.
#[api_v2_operation(operation_id = "renew_recovery_codes", tags("Second factor"))]
async fn renew(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Caller, Body<FactorRequest>>,
    client: Client,
) -> Answer<Reply<RecoveryCodesResponse>> {
    let (current, code) = body.values()?;
    let renew = &api.services.renew_recovery_codes;
    let codes = renew.execute(&caller, &current, code.as_ref(), client.0).await?;
    Ok(Reply(codes.into()))
}
