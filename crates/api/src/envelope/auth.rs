//! `/api/auth/*` for everybody.

use actix_web::web::{Data, Json};
use menjin_domain::auth::LoginInput;
use secrecy::ExposeSecret as _;

use super::bodies::{ChangePasswordBody, LoginBody, RegisterBody, UpdateBody};
use super::views::{Envelope, LoginData, LogoutData, NOTHING, UserData, UserView, success};
use crate::failure::Failure;
use crate::http::body::Body;
use crate::http::caller::{After, Caller};
use crate::http::client::Client;
use crate::http::locale::Locale;
use crate::messages::Message;
use crate::state::Api;

/// `POST /api/auth/register`.
pub(super) async fn register(
    api: Data<Api>,
    client: Client,
    locale: Locale,
    body: Body<RegisterBody>,
) -> Result<Json<Envelope<UserData>>, Failure> {
    let input = body.to_input(&api, client.0)?;
    let user = api.use_cases.register_envelope.execute(input).await?;
    Ok(success(Message::Registered, locale, UserData::from(&user)))
}

/// `POST /api/auth/login`.
pub(super) async fn login(
    api: Data<Api>,
    client: Client,
    locale: Locale,
    body: Body<LoginBody>,
) -> Result<Json<Envelope<LoginData>>, Failure> {
    let (name, password) = body.to_credentials(&api)?;
    let input = LoginInput { name, password, client: client.0 };
    let logged_in = api.use_cases.login.execute(input).await?;
    let token = logged_in.tokens.access_token.expose_secret().to_owned();
    let data = LoginData { token, user: UserView::from(&logged_in.user) };
    Ok(success(Message::LoggedIn, locale, data))
}

/// `POST /api/auth/logout`.
pub(super) async fn logout(
    api: Data<Api>,
    caller: Caller,
    locale: Locale,
) -> Result<Json<Envelope<LogoutData>>, Failure> {
    api.use_cases.logout.execute(&caller).await?;
    Ok(success(Message::LoggedOut, locale, LogoutData::from(&*caller)))
}

/// `GET /api/auth/me`.
pub(super) async fn me(caller: Caller, locale: Locale) -> Json<Envelope<UserData>> {
    success(Message::UserShown, locale, UserData::from(&caller.user))
}

/// `PUT /api/auth/me`.
pub(super) async fn update_me(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<UpdateBody>>,
    locale: Locale,
) -> Result<Json<Envelope<UserData>>, Failure> {
    let user = api.use_cases.update_profile.execute(&caller, body.to_changes(&api)?).await?;
    Ok(success(Message::UserUpdated, locale, UserData::from(&user)))
}

/// `POST /api/auth/change-password`.
pub(super) async fn change_password(
    api: Data<Api>,
    After(caller, body): After<Caller, Body<ChangePasswordBody>>,
    client: Client,
    locale: Locale,
) -> Result<Json<Envelope<Option<UserData>>>, Failure> {
    let input = body.to_input(&api, client.0)?;
    api.use_cases.change_password.execute(&caller, input).await?;
    Ok(success(Message::PasswordChanged, locale, NOTHING))
}
