//! `POST /api/auth/register`.

use menjin_domain::accounts::{Email, Profile, RegisterInput, RegistrableRole};
use menjin_domain::common::{Locale, RequestContext};
use menjin_domain::credentials::NewPassword;

use crate::envelope::fields::{Name, Username};
use crate::envelope::responses::{Success, UserData};
use crate::prelude::*;

const DONE: Text = Text { zh: "注册成功", en: "Registered" };

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new(Method::POST, "/api/auth/register", register)
        .success("The user was registered")
        .message(DONE)
        .refusals(&[ErrorKind::RegistrationClosed, ErrorKind::RegistrationByInvitation])
        .refusals(&[
            ErrorKind::RoleNeedsInvitation,
            ErrorKind::UsernameReserved,
            ErrorKind::UsernameTaken,
            ErrorKind::EmailTaken,
        ])
        .refusals(ErrorKind::OF_A_NEW_PASSWORD)
}

request! {
    /// A new account.
    struct RegisterRequest as "EnvelopeRegister" {
        username: Required<Username>,
        // Held to the password policy only if `password.envelope_policy` says so: the document of this
        // dialect allows six characters and shows no policy. Every change of a password is held to it.
        password: Required<NewPassword> => {
            "description": format!("At most {} bytes in UTF-8, without NUL.", NewPassword::MAX_BYTES)
        },
        role: Required<RegistrableRole>,
        name: Required<Name>,
        email: Required<Email>,
    }
}

impl RegisterRequest {
    fn into_input(
        self,
        apply_policy: bool,
        locale: Locale,
        request: RequestContext,
    ) -> Result<RegisterInput, ApiError> {
        Ok(RegisterInput {
            username: self.username.value()?,
            email: self.email.value()?,
            password: self.password.value()?,
            role: self.role.value()?,
            profile: Profile { full_name: self.name.value()?, ..Profile::default() },
            locale: Some(locale),
            apply_policy,
            request,
        })
    }
}

/// Register a new user.
///
/// As a student or a teacher.
#[api_v2_operation(operation_id = "envelope_register", tags("Authentication (envelope)"))]
async fn register(
    api: Data<Api>,
    client: Client,
    context: ReplyContext,
    Body(body): Body<RegisterRequest>,
) -> Answer<Success<UserData>> {
    let input = body.into_input(api.settings.envelope_policy, context.locale, client.0)?;
    let user = api.services.register.execute(input).await?;
    Ok(Success(DONE, UserData::from(&user)))
}
