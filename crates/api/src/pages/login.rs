//! `/account/login`: the password, and then a code where there is a second factor.

use actix_web::http::header::SET_COOKIE;
use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::mfa::FactorMethod;
use menjin_domain::sessions::{LoggedIn, LoginInput};
use menjin_web::values::{PasskeyAnswer, Token};
use secrecy::ExposeSecret as _;

use super::form::{CodeIfAny, PageForm};
use super::onward::{self, Onward};
use super::page::{Page, see_other};
use super::parts::{Button, Field};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/login";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "登录", en: "Log in" };
const WITH_CODE: Text = Text {
    zh: "请输入验证器应用中的验证码，或一个恢复码。",
    en: "Enter the code that your authenticator app shows, or one of your recovery codes.",
};
const WITH_PASSKEY: Text = Text {
    zh: "请使用通行密钥，或输入验证器应用中的验证码或一个恢复码。",
    en: "Use your passkey, or enter a code of your authenticator app or one of your recovery codes.",
};

request! {
    struct LoginForm {
        username: Optional<LoginName>,
        password: Optional<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        /// Of the first step.
        mfa_token: Optional<Token>,
        /// Whether that said that there is a passkey.
        passkey: Optional<Token>,
        /// Of a passkey, which logs in by itself.
        credential: Optional<PasskeyAnswer>,
        next: Optional<Token>,
        code_challenge: Optional<Token>,
        action: Optional<Token>,
    }
}

/// The address of the page, which leads to this page of ours afterwards.
pub(super) fn address(next: &str) -> String {
    if next.is_empty() { "login".to_owned() } else { format!("login?next={next}") }
}

/// The page that asks for a name and a password.
fn first_step(visitor: &Visitor, name: &str, (next, challenge): (&str, &str)) -> Page {
    let label = Text { zh: "用户名或邮箱", en: "User name or e-mail address" };
    let mut page = visitor.page(TITLE);
    page.fields =
        vec![Field::text("username", label, "username", name), Field::current_password("password")];
    page.fields.extend(onward::fields(next, challenge));
    if visitor.knows_passkeys() {
        page.fields.push(Field::credential());
    }
    page.buttons = vec![Button::new("login", TITLE)];
    let forgotten = Text { zh: "忘记密码", en: "I have forgotten my password" };
    page.links = vec![("forgot-password".into(), forgotten)];
    if visitor.may_register() {
        let register = Text { zh: "注册新账户", en: "Make an account" };
        page.links.push((onward::link("register", next, challenge).into(), register));
    }
    page
}

/// The page that asks for a code; `takes_passkeys`: whether a passkey may answer.
fn second_step(
    visitor: &Visitor,
    ticket: &str,
    takes_passkeys: bool,
    (next, challenge): (&str, &str),
) -> Page {
    let line = if takes_passkeys { WITH_PASSKEY } else { WITH_CODE };
    let mut page = visitor.page(TITLE).saying(line);
    page.takes_passkeys = takes_passkeys;
    page.fields = vec![Field::code(), Field::hidden("mfa_token", ticket)];
    if takes_passkeys {
        page.fields.push(Field::hidden("passkey", "true"));
    }
    page.fields.extend(onward::fields(next, challenge));
    page.buttons = vec![Button::new("login", TITLE)];
    page.links = vec![(
        onward::link("login", next, challenge).into(),
        Text { zh: "重新开始", en: "Begin again" },
    )];
    page
}

async fn show(api: Data<Api>, visitor: Visitor) -> Answer<HttpResponse> {
    let parameter = |name| visitor.parameter(name).unwrap_or_default();
    let (next, challenge) = (parameter("next"), parameter("code_challenge"));
    let Some(to) = Onward::of(&visitor, next, challenge) else {
        return onward::not_allowed(&visitor, TITLE).refused();
    };
    match visitor.caller() {
        // Whoever has something to do first is led there.
        Some(_) => Ok(see_other(&to.address(&api, visitor.member()?).await?)),
        None => first_step(&visitor, "", (next, challenge)).respond(),
    }
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    form: PageForm<LoginForm>,
) -> Answer<HttpResponse> {
    let (name, ticket) = (form.typed("username"), form.typed("mfa_token"));
    let takes_passkeys = visitor.knows_passkeys() && !form.typed("passkey").is_empty();
    let (next, challenge) = (form.typed("next"), form.typed("code_challenge"));
    let further = (next.as_str(), challenge.as_str());
    let Some(to) = Onward::of(&visitor, &next, &challenge) else {
        return onward::not_allowed(&visitor, TITLE).refused();
    };
    let again = || match ticket.as_str() {
        "" => first_step(&visitor, &name, further),
        ticket => second_step(&visitor, ticket, takes_passkeys, further),
    };
    let fields = match form.fields {
        Ok(fields) => fields,
        Err(error) => return again().refuse(error),
    };
    let (code, credential) = (fields.code.value()?, fields.credential.value()?);
    let logged_in = if let Some(answer) = credential.filter(|answer| !answer.is_empty()) {
        let logged_in = api.services.login_with_passkey.execute(&answer, client.0).await;
        logged_in.map_err(ApiError::from)
    } else if ticket.is_empty() {
        let (Some(name), Some(password)) = (fields.username.value()?, fields.password.value()?)
        else {
            return again().respond();
        };
        let input = LoginInput { name, password, code, request: client.0 };
        api.services.login.execute(input).await.map_err(ApiError::from)
    } else {
        let Some(code) = code else { return again().respond() };
        let completed = api.services.complete_login.execute(&ticket, &code, client.0).await;
        completed.map_err(ApiError::from)
    };
    match logged_in {
        Ok(logged_in) => welcome(&api, &visitor, &logged_in, to).await,
        Err(error) => match (error.kind, &error.ticket) {
            (ErrorKind::MfaRequired, Some(ticket)) => {
                let takes_passkeys = ticket.methods.contains(&FactorMethod::Passkey);
                let ticket = ticket.token.expose_secret();
                second_step(&visitor, ticket, takes_passkeys, further).respond()
            }
            (ErrorKind::InvalidMfaToken, _) => first_step(&visitor, "", further).refuse(error),
            _ => again().refuse(error),
        },
    }
}

/// Gives the browser the cookie of the new session, and leads on. Whoever has something to do first comes to an
/// application by its own link afterwards.
pub(super) async fn welcome(
    api: &Api,
    visitor: &Visitor,
    logged_in: &LoggedIn,
    to: Onward,
) -> Answer<HttpResponse> {
    let cookies = &api.services.cookies;
    let Some(cookie) = cookies.bind(logged_in.session_id).await? else {
        return Ok(see_other("login"));
    };
    let caller = cookies.caller(&cookie, None).await?.ok_or(ErrorKind::NotAuthenticated)?;
    let address = match caller.restriction {
        Some(_) => "profile".to_owned(),
        None => to.address(api, &caller).await?,
    };
    let mut response = see_other(&address);
    response.headers_mut().insert(SET_COOKIE, visitor.set_cookie(&cookie));
    Ok(response)
}
