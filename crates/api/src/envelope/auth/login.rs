//! `POST /api/auth/login`.

use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorCode;
use menjin_domain::sessions::{LoggedIn, LoginInput};
use menjin_web::schema::{Components, Schema, TOKEN_EXAMPLE, with_field};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::envelope::responses::{Success, User};
use crate::prelude::*;

pub(super) const DONE: Text = Text { zh: "登录成功", en: "Logged in" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/login", login)
        .success("The token of a new session, and the user")
        .message(DONE)
        .refusals(&[ErrorKind::InvalidCredentials, ErrorKind::TooManyAttempts])
        .refusals(&[ErrorKind::MfaRequired, ErrorKind::InvalidCode])
        .refusals(&[ErrorKind::EmailNotVerified, ErrorKind::TooManySessions, ErrorKind::Overloaded])
        .refusals(ErrorKind::OF_THE_STORE)
}

request! {
    /// Whom to log in.
    struct LoginRequest as "EnvelopeLogin" {
        username: Required<LoginName>,
        password: Required<CandidatePassword>,
        /// A code of the second factor, of a client that asks first. Without one, whoever has a factor gets
        /// `mfa_required`.
        otp: Optional<FactorCode>,
    }
}

// No refresh token: the document of this dialect knows none. Its clients log in again.
response! {
    /// `data` of a log-in.
    struct Printed {
        /// The access token.
        token: String => { "example": TOKEN_EXAMPLE },
        user: User,
    }
}

/// What the document prints, and one field more of somebody who has to change the password.
#[derive(Serialize)]
pub(super) struct LoginData {
    #[serde(flatten)]
    printed: Printed,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    must_change_password: bool,
}

impl From<LoggedIn> for LoginData {
    fn from(logged_in: LoggedIn) -> Self {
        let token = logged_in.tokens.access_token.expose_secret().to_owned();
        let must_change_password = logged_in.user.must_change_password();
        let printed = Printed { token, user: User::from(&logged_in.user) };
        Self { printed, must_change_password }
    }
}

impl Schema for LoginData {
    const NAME: &'static str = "Login";

    fn inline(components: &mut Components<'_>) -> Value {
        let must_change = json!({
            "type": "boolean", "enum": [true],
            "description": "There if the password has to be changed before anything else.",
        });
        with_field(Printed::inline(components), "must_change_password", must_change)
    }
}

/// Log in and get an access token.
///
/// `username` is a user name or an e-mail address.
#[api_v2_operation(operation_id = "envelope_login", tags("Authentication (envelope)"))]
async fn login(
    api: Data<Api>,
    client: Client,
    Body(body): Body<LoginRequest>,
) -> Answer<Success<LoginData>> {
    let LoginRequest { username, password, otp } = body;
    let input = LoginInput {
        name: username.value()?,
        password: password.value()?,
        code: otp.value()?,
        request: client.0,
    };
    let logged_in = api.services.login.execute(input).await?;
    Ok(Success(DONE, LoginData::from(logged_in)))
}
