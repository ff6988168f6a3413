//! `/account/login`: the password, and then a code where there is a second factor.

use actix_web::http::Uri;
use actix_web::http::header::SET_COOKIE;
use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::CandidatePassword;
use menjin_domain::sessions::{LoggedIn, LoginInput};
use menjin_web::values::Token;
use secrecy::ExposeSecret as _;

use super::form::{CodeIfAny, PageForm};
use super::page::{Button, Field, Page, see_other};
use super::visitor::Visitor;
use crate::prelude::*;

const PATH: &str = "/account/login";

pub(super) fn endpoints() -> [Endpoint; 2] {
    [Endpoint::hidden(Method::GET, PATH, show), Endpoint::hidden(Method::POST, PATH, act)]
}

const TITLE: Text = Text { zh: "登录", en: "Log in" };

request! {
    struct LoginForm {
        username: Optional<LoginName>,
        password: Optional<CandidatePassword>,
        code: Nullable<CodeIfAny>,
        /// Of the first step.
        mfa_token: Optional<Token>,
        next: Optional<Token>,
        action: Optional<Token>,
    }
}

/// The address of the page, which leads to this page of ours afterwards.
pub(super) fn address(next: &str) -> String {
    if next.is_empty() { "login".to_owned() } else { format!("login?next={next}") }
}

/// Where somebody goes who has logged in: to a page of ours, or to a path of this site; never elsewhere.
fn landing(next: &str) -> &str {
    let is_page = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    let is_path = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && next.parse::<Uri>().is_ok();
    let is_here = !next.is_empty() && next.bytes().all(is_page);
    if is_path || is_here { next } else { "profile" }
}

/// The page that asks for a name and a password.
fn first_step(visitor: &Visitor, name: &str, next: &str) -> Page {
    let label = Text { zh: "用户名或邮箱", en: "User name or e-mail address" };
    let mut page = visitor.page(TITLE);
    page.fields = vec![
        Field::text("username", label, "username", name),
        Field::current_password("password"),
        Field::hidden("next", next),
    ];
    page.buttons = vec![Button::new("login", TITLE)];
    page.links = vec![
        ("forgot-password", Text { zh: "忘记密码", en: "I have forgotten my password" }),
        ("register", Text { zh: "注册新账户", en: "Make an account" }),
    ];
    page
}

/// The page that asks for a code.
fn second_step(visitor: &Visitor, ticket: &str, next: &str) -> Page {
    let line = Text {
        zh: "请输入验证器应用中的验证码，或一个恢复码。",
        en: "Enter the code that your authenticator app shows, or one of your recovery codes.",
    };
    let mut page = visitor.page(TITLE).saying(line);
    page.fields =
        vec![Field::code(), Field::hidden("mfa_token", ticket), Field::hidden("next", next)];
    page.buttons = vec![Button::new("login", TITLE)];
    page.links = vec![("login", Text { zh: "重新开始", en: "Begin again" })];
    page
}

async fn show(visitor: Visitor) -> Answer<HttpResponse> {
    let next = visitor.parameter("next").unwrap_or_default();
    if visitor.caller().is_some() {
        return Ok(see_other(landing(next)));
    }
    first_step(&visitor, "", next).respond()
}

async fn act(
    api: Data<Api>,
    client: Client,
    visitor: Visitor,
    form: PageForm<LoginForm>,
) -> Answer<HttpResponse> {
    let (name, next, ticket) =
        (form.typed("username"), form.typed("next"), form.typed("mfa_token"));
    let again = || match ticket.as_str() {
        "" => first_step(&visitor, &name, &next),
        ticket => second_step(&visitor, ticket, &next),
    };
    let fields = match form.fields {
        Ok(fields) => fields,
        Err(error) => return again().refuse(error),
    };
    let code = fields.code.value()?;
    let logged_in = if ticket.is_empty() {
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
        Ok(logged_in) => welcome(&api, &visitor, &logged_in, landing(&next)).await,
        Err(error) => match (error.kind, &error.ticket) {
            (ErrorKind::MfaRequired, Some(ticket)) => {
                second_step(&visitor, ticket.token.expose_secret(), &next).respond()
            }
            (ErrorKind::InvalidMfaToken, _) => first_step(&visitor, "", &next).refuse(error),
            _ => again().refuse(error),
        },
    }
}

/// Gives the browser the cookie of the new session, and leads on.
pub(super) async fn welcome(
    api: &Api,
    visitor: &Visitor,
    logged_in: &LoggedIn,
    to: &str,
) -> Answer<HttpResponse> {
    let bound = api.services.cookies.bind(logged_in.session_id).await?;
    let Some(cookie) = bound else { return Ok(see_other("login")) };
    let mut response = see_other(to);
    response.headers_mut().insert(SET_COOKIE, visitor.set_cookie(&cookie));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g6_a_login_leads_to_a_page_of_this_site_only() {
        for here in ["sessions", "second-factor", "/app", "/app/page?a=b&c=d", "/"] {
            assert_eq!(landing(here), here);
        }
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "https:evil",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a b",
            "/\u{200b}/evil.example",
            "..",
            "/a\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(landing(elsewhere), "profile", "{elsewhere:?}");
        }
    }
}
