//! The language of messages.

use actix_web::dev::ServiceRequest;
use actix_web::error::ParseError;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, AcceptLanguage, Header as _, HeaderValue, from_comma_delimited,
};
use menjin_web::Locale;

/// The language that the client likes best of those there are (RFC 9110 §12.5.4), else the
/// default.
pub(crate) fn negotiate(request: &ServiceRequest, default: Locale) -> Locale {
    if !request.headers().contains_key(ACCEPT_LANGUAGE) {
        return default;
    }
    let Ok(accepted) = parse(request) else { return default };
    let unwanted = |tag: &str| {
        accepted.iter().any(|item| {
            item.quality == actix_web::http::header::Quality::ZERO && item.item.to_string() == tag
        })
    };
    accepted
        .ranked()
        .into_iter()
        .map(|language| language.to_string())
        .filter(|tag| !unwanted(tag))
        .find_map(|tag| Locale::for_tag(&tag))
        .unwrap_or(default)
}

/// Parses the header. Some clients write the names of POSIX locales, such as `en_US`.
fn parse(request: &ServiceRequest) -> Result<AcceptLanguage, ParseError> {
    let lines = request.headers().get_all(ACCEPT_LANGUAGE);
    if !lines.clone().any(|line| line.as_bytes().contains(&b'_')) {
        return AcceptLanguage::parse(request);
    }
    let lines = lines.filter_map(|line| as_tags(line.to_str().ok()?).parse().ok());
    let lines: Vec<HeaderValue> = lines.collect();
    Ok(AcceptLanguage(from_comma_delimited(lines.iter())?))
}

/// `en-US;q=0.5` for `en_US.UTF-8;q=0.5`.
fn as_tags(line: &str) -> String {
    let tag = |item: &str| {
        let (name, quality) = item.split_at(item.find(';').unwrap_or(item.len()));
        let name = name.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
        format!("{name}{quality}")
    };
    line.split(',').map(tag).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    fn negotiated(header: &str) -> Locale {
        let request =
            TestRequest::default().insert_header(("Accept-Language", header)).to_srv_request();
        negotiate(&request, Locale::ZhCn)
    }

    #[test]
    fn the_best_liked_language_wins() {
        assert_eq!(negotiated("en"), Locale::En);
        assert_eq!(negotiated("en-GB,en;q=0.9"), Locale::En);
        assert_eq!(negotiated("en;q=0.5, zh;q=0.8"), Locale::ZhCn);
        assert_eq!(negotiated("fr, zh-Hant;q=0.2, en;q=0.1"), Locale::ZhCn);
        assert_eq!(negotiated("fr, en;q=0.1"), Locale::En);
        assert_eq!(negotiated("en_US"), Locale::En, "j17");
        assert_eq!(negotiated("fr_FR,en_GB;q=0.5"), Locale::En);
    }

    #[test]
    fn without_one_that_there_is_the_default_holds() {
        for header in ["fr", "*", "", "en;q=0", ";;;q=9", "\u{e9}"] {
            assert_eq!(negotiated(header), Locale::ZhCn, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_there_is_a_language(header in "[ -~]{0,60}") {
            let others = negotiated(&header) == Locale::En;
            prop_assert!(!others || header.to_ascii_lowercase().contains("en"));
        }
    }
}
