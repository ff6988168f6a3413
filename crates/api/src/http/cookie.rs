//! The cookie by which a browser holds a session.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderValue};
use menjin_domain::sessions::SessionCookie;

use crate::state::PageSettings;

/// The cookie of the browser. Of several none counts: one of them is not ours.
pub(crate) fn sent_cookie(request: &HttpRequest, settings: &PageSettings) -> Option<SessionCookie> {
    let headers = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok());
    let all = headers.flat_map(|header| header.split(';'));
    let mut ours = all.filter_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == settings.cookie_name()).then_some(value)
    });
    let first = ours.next()?;
    SessionCookie::parse(first).filter(|_| ours.next().is_none())
}

impl PageSettings {
    /// The name of the cookie. The prefix has browsers insist on TLS, and on this host alone (RFC 6265bis
    /// §4.1.3.2).
    fn cookie_name(&self) -> &'static str {
        if self.is_secure { "__Host-menjin" } else { "menjin" }
    }

    pub(crate) fn set_cookie(&self, cookie: &SessionCookie) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.cookie_name();
        let text = format!("{name}={}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie.expose());
        let header = HeaderValue::from_str(&text);
        header.unwrap_or_else(|_impossible| HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn g3_one_cookie_counts_and_of_two_none() {
        let value = "a".repeat(SessionCookie::LENGTH);
        let of = |header: &str| {
            let request = TestRequest::default().insert_header((COOKIE, header.to_owned()));
            sent_cookie(&request.to_http_request(), &PageSettings::default())
                .map(|cookie| cookie.expose().to_owned())
        };
        let one = format!("menjin={value}");
        assert_eq!(of(&one), Some(value.clone()));
        assert_eq!(of(&format!("a=b; {one}; c=d")), Some(value.clone()));
        for other in [
            format!("{one}; menjin={}", "b".repeat(SessionCookie::LENGTH)),
            format!("{one}; {one}"),
            format!("xmenjin={value}"),
            format!("menjin=\"{value}\""),
            "menjin=".to_owned(),
            String::new(),
        ] {
            assert_eq!(of(&other), None, "{other}");
        }
    }

    #[test]
    fn g3_a_cookie_goes_by_tls_alone_where_there_is_tls() {
        let cookie = SessionCookie::parse(&"a".repeat(SessionCookie::LENGTH)).unwrap();
        for (is_secure, expected) in [
            (true, "__Host-menjin=a…; Path=/; HttpOnly; SameSite=Lax; Secure"),
            (false, "menjin=a…; Path=/; HttpOnly; SameSite=Lax"),
        ] {
            let settings = PageSettings { is_secure, ..PageSettings::default() };
            let header = settings.set_cookie(&cookie);
            let shown = header.to_str().unwrap().replace(cookie.expose(), "a…");
            assert_eq!(shown, expected);
        }
    }
}
