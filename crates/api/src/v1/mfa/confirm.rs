//! `POST /api/v1/users/me/mfa/totp/confirm`.

use menjin_domain::mfa::{FactorCode, RecoveryCodes};

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/totp/confirm", confirm)
        .success("A code is asked for at every log-in from now on")
        .refusals(&[ErrorKind::NothingToConfirm, ErrorKind::WrongCode])
        .refusals(&[ErrorKind::TooManyAttempts])
}

request! {
    /// The first code of an authenticator app.
    struct ConfirmRequest as "UserFactorConfirmation" {
        code: Required<FactorCode>,
    }
}

response! {
    /// Recovery codes, for when the app is lost: each logs in once. They are shown only once.
    pub(super) struct RecoveryCodesResponse as "RecoveryCodes" {
        recovery_codes: Vec<String> => {
            "example": ["7ZKM-0Q4B-XW9D-52HT", "0F3C-WV8T-M2KQ-7H1D"],
        },
    }
}

impl From<RecoveryCodes> for RecoveryCodesResponse {
    fn from(codes: RecoveryCodes) -> Self {
        Self { recovery_codes: codes.shown() }
    }
}

/// Confirm an authenticator app by its first code.
///
/// All other sessions of the user end. The recovery codes take the place of the app once each; keep them
/// somewhere else.
#[api_v2_operation(operation_id = "confirm_totp", tags("Second factor"))]
async fn confirm(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Enrolling, Body<ConfirmRequest>>,
    client: Client,
) -> Answer<Reply<RecoveryCodesResponse>> {
    let code = body.code.value()?;
    let codes = api.services.confirm_totp.execute(&caller, &code, client.0).await?;
    Ok(Reply(codes.into()))
}
