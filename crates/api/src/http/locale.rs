//! The language of messages.

use std::str::FromStr;

use actix_web::http::header::{AcceptLanguage, Header};
use actix_web::{HttpMessage, dev::ServiceRequest};

use super::scope::Scope;

/// A language that the catalogue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// `zh-CN`.
    #[default]
    ZhCn,
    /// `en`.
    En,
}

/// Not a language that the catalogue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one of zh-CN, en")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(text: &str) -> Result<Self, UnknownLocale> {
        match text {
            "zh-CN" => Ok(Self::ZhCn),
            "en" => Ok(Self::En),
            _ => Err(UnknownLocale),
        }
    }
}

impl Locale {
    /// The tag (RFC 5646), as in `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language that the client likes best of those there are (RFC 9110 §12.5.4), else the
    /// default. Any Chinese is answered with the one there is.
    pub(crate) fn negotiate(request: &ServiceRequest, default: Self) -> Self {
        if !request.headers().contains_key(actix_web::http::header::ACCEPT_LANGUAGE) {
            return default;
        }
        let Ok(accepted) = AcceptLanguage::parse(request) else { return default };
        let unwanted = |tag: &str| {
            accepted.iter().any(|item| {
                item.quality == actix_web::http::header::Quality::ZERO
                    && item.item.to_string() == tag
            })
        };
        accepted
            .ranked()
            .into_iter()
            .map(|language| language.to_string())
            .filter(|tag| !unwanted(tag))
            .find_map(|tag| Self::of_tag(&tag))
            .unwrap_or(default)
    }

    fn of_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }
}

impl actix_web::FromRequest for Locale {
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(
        request: &actix_web::HttpRequest,
        _: &mut actix_web::dev::Payload,
    ) -> Self::Future {
        let locale = request.extensions().get::<Scope>().map(|scope| scope.locale);
        std::future::ready(Ok(locale.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn negotiate(header: &str) -> Locale {
        let request =
            TestRequest::default().insert_header(("Accept-Language", header)).to_srv_request();
        Locale::negotiate(&request, Locale::ZhCn)
    }

    #[test]
    fn the_best_liked_language_wins() {
        assert_eq!(negotiate("en"), Locale::En);
        assert_eq!(negotiate("en-GB,en;q=0.9"), Locale::En);
        assert_eq!(negotiate("en;q=0.5, zh;q=0.8"), Locale::ZhCn);
        assert_eq!(negotiate("fr, zh-Hant;q=0.2, en;q=0.1"), Locale::ZhCn);
        assert_eq!(negotiate("fr, en;q=0.1"), Locale::En);
    }

    #[test]
    fn without_one_that_there_is_the_default_holds() {
        for header in ["fr", "*", "", "en;q=0", ";;;q=9", "\u{e9}"] {
            assert_eq!(negotiate(header), Locale::ZhCn, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_there_is_a_language(header in "[ -~]{0,60}") {
            let others = negotiate(&header) == Locale::En;
            prop_assert!(!others || header.to_ascii_lowercase().contains("en"));
        }
    }
}
