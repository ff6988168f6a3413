//! The parsers of fields that the dialects share. Each is a rule for garde and a way to the value.

use menjin_domain::accounts::{
    AvatarUrl, Bio, Email, FullName, LoginName, Phone, Username, UsernameLength,
};
use menjin_domain::common::{Patch, Violation};
use menjin_domain::credentials::{CandidatePassword, NewPassword, PasswordLength};

use super::field::Field;
use crate::problem::{Located, Place, Problem};

/// What the rules depend on; each dialect has its own.
pub(crate) struct Rules {
    pub(crate) username: UsernameLength,
    pub(crate) password: PasswordLength,
}

type Parsed<T> = Result<T, Problem>;
type Text = Field<String>;

/// Says in which field of the body a value stands that could not be parsed.
pub(crate) fn at<T>(parsed: Parsed<T>, field: &str) -> Result<T, Located> {
    parsed.map_err(|problem| problem.located(Place::Body, field))
}

/// What somebody logs in with.
pub(crate) fn credentials(
    username: &Text,
    password: &Text,
    rules: &Rules,
) -> Result<(LoginName, CandidatePassword), Located> {
    let name = at(login_name(username, rules), "username")?;
    Ok((name, at(candidate(password, rules), "password")?))
}

pub(crate) fn username(field: &Text, rules: &Rules) -> Parsed<Username> {
    field.present(|text| Username::parse(text, rules.username))
}

pub(crate) fn email(field: &Text, _: &Rules) -> Parsed<Email> {
    field.present(|text| Email::parse(text))
}

pub(crate) fn email_if_given(field: &Text, _: &Rules) -> Parsed<Option<Email>> {
    field.optional(|text| Email::parse(text))
}

pub(crate) fn new_password(field: &Text, rules: &Rules) -> Parsed<NewPassword> {
    field.present(|text| NewPassword::parse(text, rules.password))
}

pub(crate) fn candidate(field: &Text, _: &Rules) -> Parsed<CandidatePassword> {
    field.present(|text| CandidatePassword::parse(text))
}

pub(crate) fn login_name(field: &Text, _: &Rules) -> Parsed<LoginName> {
    field.present(|text| LoginName::parse(text))
}

pub(crate) fn token(field: &Text, _: &Rules) -> Parsed<String> {
    field.present(|text| Ok::<_, Violation>(text.clone()))
}

pub(crate) fn full_name(field: &Text, _: &Rules) -> Parsed<Patch<FullName>> {
    field.nullable(|text| FullName::parse(text))
}

pub(crate) fn phone(field: &Text, _: &Rules) -> Parsed<Patch<Phone>> {
    field.nullable(|text| Phone::parse(text))
}

pub(crate) fn bio(field: &Text, _: &Rules) -> Parsed<Patch<Bio>> {
    field.nullable(|text| Bio::parse(text))
}

pub(crate) fn avatar(field: &Text, _: &Rules) -> Parsed<Patch<AvatarUrl>> {
    field.nullable(|text| AvatarUrl::parse(text))
}

/// An integer in digits, within bounds.
pub(crate) fn integer(text: &str, min: u64, max: u64) -> Result<u64, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::NotAnInteger);
    }
    match text.parse::<u64>() {
        Ok(number) if number > max => Err(Problem::AtMost { max }),
        Ok(number) if number >= min => Ok(number),
        Err(_) if !text.starts_with('-') => Err(Problem::AtMost { max }),
        _ => Err(Problem::AtLeast { min }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_only_integers_within_bounds_pass() {
        assert_eq!(integer("0", 0, 9), Ok(0));
        assert_eq!(integer("9", 0, 9), Ok(9));
        assert_eq!(integer("10", 0, 9), Err(Problem::AtMost { max: 9 }));
        assert_eq!(integer("99999999999999999999999", 0, 9), Err(Problem::AtMost { max: 9 }));
        for low in ["0", "-1", "-99999999999999999999999"] {
            assert_eq!(integer(low, 1, 9), Err(Problem::AtLeast { min: 1 }), "{low}");
        }
        for bad in ["", "NaN", "1e9", "+1", "1.0", " 1", "0x1", "１"] {
            assert_eq!(integer(bad, 0, 9), Err(Problem::NotAnInteger), "{bad:?}");
        }
    }
}
