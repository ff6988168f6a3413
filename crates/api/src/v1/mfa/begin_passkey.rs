//! `POST /api/v1/users/me/mfa/passkeys/options`.

use super::enrol::FactorRequest;
use super::passkey_options::CreationOptions;
use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/passkeys/options", begin)
        .success("What to ask the browser for")
        .refusals(&[ErrorKind::PasskeysOff, ErrorKind::EmailNotVerified])
        .refusals(&[ErrorKind::TooManyPasskeys])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

/// Begin to make a passkey.
///
/// Give the answer to `PublicKeyCredential.parseCreationOptionsFromJSON`, what comes out to
/// `navigator.credentials.create`, and send what that gives to `POST /api/v1/users/me/mfa/passkeys`, in the
/// same session and within five minutes. Nothing changes until then.
#[api_v2_operation(operation_id = "begin_passkey", tags("Passkeys"))]
async fn begin(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Enrolling, Body<FactorRequest>>,
    client: Client,
) -> Answer<Reply<CreationOptions>> {
    let (current, code) = body.values()?;
    let begin = &api.services.begin_passkey;
    let creation = begin.execute(&caller, &current, code.as_ref(), client.0).await?;
    Ok(Reply(creation.into()))
}
