//! Parameters in paths.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use menjin_domain::cache::CacheKey;
use menjin_domain::common::UserId;

use crate::failure::Failure;
use crate::problem::{Place, Problem};

/// `{user_id}`: an integer from 1 to 2⁶³ − 1, in digits.
pub(crate) struct UserIdParam(pub(crate) UserId);

impl FromRequest for UserIdParam {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().query("user_id");
        ready(
            parse_user_id(text)
                .map(Self)
                .map_err(|problem| Failure::invalid(Place::Path, Some("user_id"), problem)),
        )
    }
}

pub(crate) fn parse_user_id(text: &str) -> Result<UserId, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::NotAnInteger);
    }
    match text.parse::<i64>() {
        Ok(id) => UserId::try_from(id).map_err(|_invalid| Problem::AtLeast { min: 1 }),
        Err(_) if text.starts_with('-') => Err(Problem::AtLeast { min: 1 }),
        Err(_) => Err(Problem::AtMost { max: i64::MAX.unsigned_abs() }),
    }
}

/// `{key}` of the cache.
pub(crate) struct CacheKeyParam(pub(crate) CacheKey);

impl FromRequest for CacheKeyParam {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = CacheKey::parse(request.match_info().query("key"));
        ready(
            key.map(Self)
                .map_err(|violation| Failure::invalid(Place::Path, Some("key"), violation.into())),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn i2_only_positive_64_bit_integers_are_ids() {
        assert_eq!(parse_user_id("7").map(UserId::get), Ok(7));
        assert_eq!(parse_user_id("9223372036854775807").map(UserId::get), Ok(i64::MAX));
        for low in ["0", "-1", "-9223372036854775809"] {
            assert_eq!(parse_user_id(low), Err(Problem::AtLeast { min: 1 }), "{low}");
        }
        let max = i64::MAX.unsigned_abs();
        assert_eq!(parse_user_id("9223372036854775808"), Err(Problem::AtMost { max }));
        for bad in ["", "-", "x", "1\0", "1%00", "+1", "1.0", " 1", "１"] {
            assert_eq!(parse_user_id(bad), Err(Problem::NotAnInteger), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn i2_an_id_is_what_its_digits_say(id: i64, text in "\\PC{0,25}") {
            prop_assert_eq!(parse_user_id(&id.to_string()).map(UserId::get).ok(), Some(id).filter(|id| *id > 0));
            if let Ok(id) = parse_user_id(&text) {
                let digits = text.trim_start_matches('0');
                prop_assert_eq!(digits, id.to_string());
            }
        }
    }
}
