//! Where somebody goes who has logged in.

use actix_web::http::Uri;
use menjin_domain::access::Principal;
use menjin_domain::sessions::CodeChallenge;
use menjin_web::{ErrorKind, Text};

use super::navigation::CONSOLE;
use super::page::Page;
use super::parts::Field;
use super::visitor::Visitor;
use crate::http::reply::Answer;
use crate::state::Api;

/// Where to: a page of ours or a path of this site, or an application, which gets a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Onward {
    /// A page or a path.
    Here(String),
    /// An application: its address, and what it proves with that it has asked.
    Application(String, CodeChallenge),
}

const NOT_ALLOWED: Text = Text {
    zh: "不能返回该应用：其地址不在设置 pages.redirect_origins 中，或缺少 code_challenge。请联系该应用的开发者。",
    en: "You cannot go back to this application: its address is not in the setting pages.redirect_origins, or \
         there is no code_challenge. Tell those who run the application.",
};

impl Onward {
    /// What somebody asked for with `next` and `code_challenge`. `None`: it is an address that nobody may be
    /// sent to.
    pub(super) fn of(visitor: &Visitor, next: &str, challenge: &str) -> Option<Self> {
        let Some(origin) = origin_of(next) else { return Some(Self::Here(here(next).to_owned())) };
        let challenge = CodeChallenge::parse(challenge).filter(|_| visitor.may_go_to(&origin))?;
        Some(Self::Application(next.to_owned(), challenge))
    }

    /// Where whoever is logged in goes now.
    pub(super) async fn address(self, api: &Api, caller: &Principal) -> Answer<String> {
        let (address, challenge) = match self {
            Self::Here(address) => return Ok(address),
            Self::Application(address, challenge) => (address, challenge),
        };
        let code = api.services.offer_hand_off.execute(caller, &challenge).await?;
        let code = code.ok_or(ErrorKind::NotAuthenticated)?;
        // A parameter of the application's own stays; a fragment would hide the code from it.
        let address = address.split('#').next().unwrap_or_default();
        let joint = if address.contains('?') { '&' } else { '?' };
        Ok(format!("{address}{joint}code={}", code.expose()))
    }
}

/// The fields that carry it through the forms.
pub(super) fn fields(next: &str, challenge: &str) -> [Field; 2] {
    [Field::hidden("next", next), Field::hidden("code_challenge", challenge)]
}

/// A page of ours, with where to go afterwards.
pub(super) fn link(page: &str, next: &str, challenge: &str) -> String {
    if next.is_empty() {
        return page.to_owned();
    }
    let query = serde_urlencoded::to_string([("next", next), ("code_challenge", challenge)]);
    format!("{page}?{}", query.unwrap_or_default())
}

/// The page that says that nobody is sent there.
pub(super) fn not_allowed(visitor: &Visitor, title: Text) -> Page {
    let mut page = visitor.page(title);
    page.error = Some(NOT_ALLOWED.in_locale(visitor.locale).to_owned());
    page
}

/// The origin of an address of another site, as browsers send it; `None`: it is none.
fn origin_of(next: &str) -> Option<String> {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let url: Uri = next.parse().ok().filter(|_| is_plain)?;
    let (scheme, authority) = (url.scheme_str()?, url.authority()?);
    let is_web = matches!(scheme, "https" | "http") && !authority.as_str().contains('@');
    is_web.then(|| format!("{scheme}://{authority}"))
}

/// A page of ours, or a path of this site; never elsewhere.
fn here(next: &str) -> &str {
    let is_page = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    let is_path = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && next.parse::<Uri>().is_ok();
    let is_own = !next.is_empty() && next.bytes().all(is_page);
    match next {
        CONSOLE => "../console/users",
        next if is_path || is_own => next,
        _ => "profile",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g6_a_login_leads_to_a_page_of_this_site_only() {
        for known in ["sessions", "second-factor", "/app", "/app/page?a=b&c=d", "/"] {
            assert_eq!(here(known), known);
        }
        assert_eq!(here(CONSOLE), "../console/users");
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https:evil",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/a b",
            "/\u{200b}/evil.example",
            "..",
            "/a\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(here(elsewhere), "profile", "{elsewhere:?}");
            assert_eq!(origin_of(elsewhere), None, "{elsewhere:?}");
        }
    }

    #[test]
    fn g9_an_application_is_known_by_its_origin() {
        for (address, origin) in [
            ("https://app.example/back?a=b", Some("https://app.example")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("https://app.example@evil.example/", None),
            ("https://app.example\\@evil.example/", None),
            ("ftp://app.example/", None),
            ("https://app.example/\r\nSet-Cookie: a=b", None),
        ] {
            assert_eq!(origin_of(address).as_deref(), origin, "{address}");
        }
    }
}
