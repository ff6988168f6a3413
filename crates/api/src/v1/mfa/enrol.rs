//! `POST /api/v1/users/me/mfa/totp`.

use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::{FactorCode, TotpEnrolment};
use qrcode::QrCode;
use qrcode::render::svg;
use secrecy::ExposeSecret as _;

use crate::prelude::*;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/v1/users/me/mfa/totp", enrol)
        .success("The secret for an authenticator app, to be confirmed")
        .refusals(&[ErrorKind::EmailNotVerified])
        .refusals(ErrorKind::OF_A_PROMPT_WITH_CODE)
}

request! {
    /// The password of the caller, and a code if another app is to take the place of one.
    pub(super) struct FactorRequest as "UserFactor" {
        current_password: Required<CandidatePassword>,
        /// A code of the second factor, where there is one.
        code: Optional<FactorCode>,
    }
}

response! {
    /// What an authenticator app is set up with. It is shown only once.
    struct EnrolmentResponse as "TotpEnrolment" {
        /// In base 32, for whoever types it.
        secret: String => { "example": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" },
        /// The same for an app on the same device.
        uri: String => {
            "format": "uri",
            "example": "otpauth://totp/menjin:mike?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=menjin",
        },
        /// The same as a QR code, an image in SVG.
        qr: String => { "example": "<svg …></svg>" },
        /// For how many seconds it can be confirmed.
        expires_in: u64 => { "minimum": 1, "example": 600 },
    }
}

/// Begin to use an authenticator app.
///
/// Nothing changes until a code of the app is sent to `POST /api/v1/users/me/mfa/totp/confirm`, in the same
/// session and within ten minutes.
#[api_v2_operation(operation_id = "enrol_totp", tags("Second factor"))]
async fn enrol(
    api: Data<Api>,
    Ordered(caller, Body(body)): Ordered<Enrolling, Body<FactorRequest>>,
    client: Client,
) -> Answer<Reply<EnrolmentResponse>> {
    let (current, code) = body.values()?;
    let begun = api.services.enrol_totp.execute(&caller, &current, code.as_ref(), client.0).await?;
    Ok(Reply(EnrolmentResponse::from(begun)))
}

impl FactorRequest {
    pub(super) fn values(self) -> Answer<(CandidatePassword, Option<FactorCode>)> {
        Ok((self.current_password.value()?, self.code.value()?))
    }
}

/// The QR code that an app reads, an image in SVG.
pub(crate) fn qr_code(begun: &TotpEnrolment) -> String {
    // No URI of ours is longer than a QR code can hold.
    let qr = QrCode::new(begun.uri.expose_secret());
    qr.map(|code| code.render::<svg::Color<'_>>().build()).unwrap_or_default()
}

impl From<TotpEnrolment> for EnrolmentResponse {
    fn from(begun: TotpEnrolment) -> Self {
        Self {
            secret: begun.secret.expose_secret().to_owned(),
            uri: begun.uri.expose_secret().to_owned(),
            qr: qr_code(&begun),
            expires_in: begun.expires_in.as_secs(),
        }
    }
}
