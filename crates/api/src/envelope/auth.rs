//! `/api/auth/*` for everybody.

use actix_web::web::{Data, Json};
use menjin_domain::sessions::LoginInput;
use paperclip::actix::api_v2_operation;
use secrecy::ExposeSecret as _;

use super::bodies::{ChangePasswordBody, LoginBody, RegisterBody, UpdateBody};
use super::views::{Envelope, LoginData, LogoutData, Nothing, UserData, UserView, success};
use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, Caller};
use crate::http::client::Client;
use crate::http::locale::Locale;
use crate::messages::Message;
use crate::state::Api;

/// Register a new user.
///
/// As a student or a teacher.
#[api_v2_operation(operation_id = "envelope_register", tags("Authentication (envelope)"))]
pub(super) async fn register(
    api: Data<Api>,
    client: Client,
    locale: Locale,
    body: Body<RegisterBody>,
) -> Result<Json<Envelope<UserData>>, Failure> {
    let input = body.to_input(&api, client.0)?;
    let user = api.services.register.execute(input).await?;
    Ok(success(Message::Registered, locale, UserData::from(&user)))
}

/// Log in and get an access token.
///
/// `username` is a user name or an e-mail address.
#[api_v2_operation(operation_id = "envelope_login", tags("Authentication (envelope)"))]
pub(super) async fn login(
    api: Data<Api>,
    client: Client,
    locale: Locale,
    body: Body<LoginBody>,
) -> Result<Json<Envelope<LoginData>>, Failure> {
    let (name, password) = body.to_credentials(&api)?;
    let input = LoginInput { name, password, request: client.0 };
    let logged_in = api.services.login.execute(input).await?;
    let token = logged_in.tokens.access_token.expose_secret().to_owned();
    let data = LoginData { token, user: UserView::from(&logged_in.user) };
    Ok(success(Message::LoggedIn, locale, data))
}

/// Log out.
///
/// Ends this session: its token stops working.
#[api_v2_operation(operation_id = "envelope_logout", tags("Authentication (envelope)"))]
pub(super) async fn logout(
    api: Data<Api>,
    caller: Caller,
    client: Client,
    locale: Locale,
) -> Result<Json<Envelope<LogoutData>>, Failure> {
    api.services.logout.execute(&caller, client.0).await?;
    Ok(success(Message::LoggedOut, locale, LogoutData::from(&*caller)))
}

/// Show the current user.
///
/// The one whose access token was sent.
#[api_v2_operation(operation_id = "envelope_get_me", tags("Authentication (envelope)"))]
pub(super) async fn me(caller: Caller, locale: Locale) -> Json<Envelope<UserData>> {
    success(Message::UserShown, locale, UserData::from(&*caller.user))
}

/// Update the current user's profile.
///
/// A field that is absent stays as it is.
#[api_v2_operation(operation_id = "envelope_update_me", tags("Authentication (envelope)"))]
pub(super) async fn update_me(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<UpdateBody>>,
    client: Client,
    locale: Locale,
) -> Result<Json<Envelope<UserData>>, Failure> {
    let changes = body.to_changes(&api)?;
    let user = api.services.update_profile.execute(&caller, changes, client.0).await?;
    Ok(success(Message::UserUpdated, locale, UserData::from(&user)))
}

/// Change one's own password.
///
/// Every other session of the user ends.
#[api_v2_operation(operation_id = "envelope_change_password", tags("Authentication (envelope)"))]
pub(super) async fn change_password(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<ChangePasswordBody>>,
    client: Client,
    locale: Locale,
) -> Result<Json<Envelope<Nothing>>, Failure> {
    let input = body.to_input(&api, client.0)?;
    api.services.change_password.execute(&caller, input).await?;
    Ok(success(Message::PasswordChanged, locale, Nothing))
}
