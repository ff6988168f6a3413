//! Properties of every parser. No input makes a parser panic or take long. An accepted value parses
//! again to the same value. A registered name can log in.

use std::time::{Duration, Instant};

use icu_normalizer::DecomposingNormalizerBorrowed;
use proptest::prelude::*;

use crate::accounts::{
    AvatarUrl, Bio, Email, FullName, LoginName, Phone, Username, UsernameLength,
};
use crate::cache::CacheKey;
use crate::common::ClientInfo;
use crate::common::text;
use crate::credentials::{CandidatePassword, NewPassword, PasswordLength};

/// Characters that normalising, folding or trimming changes, and characters that are refused.
const TRICKY: &[&str] = &[
    "a",
    "A",
    "b",
    "9",
    ".",
    "-",
    "_",
    "@",
    "＠",
    " ",
    "\u{3000}",
    "\u{a0}",
    "\u{85}",
    "\0",
    "\n",
    "Ａ",
    "ａ",
    "ﬁ",
    "ﬃ",
    "ß",
    "ẞ",
    "ſ",
    "İ",
    "ı",
    "ǅ",
    "K",
    "Å",
    "Ω",
    "ς",
    "Σ",
    "ΐ",
    "ŉ",
    "և",
    "\u{301}",
    "\u{308}",
    "\u{327}",
    "\u{345}",
    "\u{302}\u{301}",
    "\u{fdfa}",
    "㍿",
    "½",
    "①",
    "ﾞ",
    "ｶﾞ",
    "가",
    "\u{1100}\u{1161}",
    "각",
    "Ꭰ",
    "ꭰ",
    "𝒜",
    "😀",
    "❤\u{fe0f}",
    "👩\u{200d}🚀",
    "\u{200b}",
    "\u{200d}",
    "\u{ad}",
    "\u{202e}",
    "\u{feff}",
    "\u{2800}",
    "\u{e000}",
    "\u{fffd}",
    "\u{10ffff}",
    "张",
    "例",
    "中",
    "ü",
    "xn--",
    "xn--fsqu00a",
    ".com",
    ".中国",
    "。",
    "://",
    "http",
    "\"",
    "<",
    "+",
    "%",
    ";",
    "x",
];

fn text() -> impl Strategy<Value = String> {
    let tricky = || prop::collection::vec(prop::sample::select(TRICKY), 0..30);
    prop_oneof![
        tricky().prop_map(|parts| parts.concat()),
        any::<String>(),
        "\\PC{3,50}",
        "[a-zA-Z0-9._-]{1,20}@[a-zA-Z0-9-]{1,20}(\\.[a-z]{2,8}){1,2}",
        (tricky(), tricky())
            .prop_map(|(local, domain)| { format!("{}@{}.com", local.concat(), domain.concat()) }),
    ]
}

fn decomposed(text: &str) -> String {
    DecomposingNormalizerBorrowed::new_nfd().normalize(text).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn canonical_forms_are_fixed_points(text in text()) {
        let canonical = text::canonical(&text);
        prop_assert_eq!(&text::canonical(&canonical), &canonical);
        prop_assert_eq!(&text::canonical(&decomposed(&text)), &canonical);
        if let Some(address) = text::canonical_address(&text) {
            prop_assert_eq!(text::canonical_address(&address), Some(address.clone()));
            prop_assert_eq!(text::canonical_address(&decomposed(&text)), Some(address.clone()));
            let (_, domain) = address.rsplit_once('@').unwrap();
            prop_assert!(domain.is_ascii() && !domain.contains(|c: char| c.is_ascii_uppercase()));
        }
    }

    #[test]
    fn whoever_registered_by_a_name_can_log_in_by_it(text in text()) {
        let Ok(name) = Username::parse(&text, UsernameLength::DEFAULT) else { return Ok(()) };
        prop_assert_eq!(Username::parse(name.as_str(), UsernameLength::DEFAULT), Ok(name.clone()));
        let own = LoginName::Username(name.canonical().to_owned());
        for typed in [&text, name.as_str(), name.canonical(), &decomposed(&text), &format!(" {text}\t")] {
            prop_assert_eq!(LoginName::parse(typed), Ok(own.clone()), "{}", typed);
        }
        prop_assert!(!name.canonical().contains('@') && !name.canonical().is_empty());
    }

    #[test]
    fn whoever_registered_by_an_address_can_log_in_by_it(text in text()) {
        let Ok(email) = Email::parse(&text) else { return Ok(()) };
        prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
        let own = LoginName::Email(email.canonical().to_owned());
        for typed in [&text, email.as_str(), email.canonical(), &decomposed(&text)] {
            prop_assert_eq!(LoginName::parse(typed), Ok(own.clone()), "{}", typed);
        }
        prop_assert!(email.as_str().len() <= Email::MAX_BYTES);
        prop_assert!(email.canonical().len() <= Email::MAX_BYTES);
        prop_assert_eq!(email.canonical().matches('@').count(), 1);
    }

    #[test]
    fn log_in_names_are_total_but_for_nul(text in text()) {
        prop_assert_eq!(LoginName::parse(&text).is_err(), text.contains('\0'));
    }

    #[test]
    fn a_chosen_password_is_the_one_that_is_tried(text in text(), min in 1_usize..9) {
        let tried = CandidatePassword::parse(&text);
        prop_assert_eq!(tried.is_err(), text.contains('\0'));
        let Ok(chosen) = NewPassword::parse(&text, PasswordLength { min, max: 128 }) else {
            return Ok(());
        };
        prop_assert!((min..=NewPassword::MAX_BYTES).contains(&chosen.expose().len()));
        for typed in [&text, chosen.expose(), &decomposed(&text)] {
            let tried = CandidatePassword::parse(typed).unwrap();
            prop_assert_eq!(tried.expose(), chosen.expose());
        }
    }

    #[test]
    fn what_a_profile_holds_is_parsed_once_and_for_all(text in text()) {
        if let Ok(Some(name)) = FullName::parse(&text) {
            prop_assert_eq!(FullName::parse(name.as_str()), Ok(Some(name)));
        }
        if let Ok(Some(bio)) = Bio::parse(&text) {
            prop_assert_eq!(Bio::parse(bio.as_str()), Ok(Some(bio)));
        }
        if let Ok(Some(url)) = AvatarUrl::parse(&text) {
            prop_assert!(url.as_str().to_ascii_lowercase().starts_with("http"));
            prop_assert_eq!(AvatarUrl::parse(url.as_str()), Ok(Some(url)));
        }
    }

    #[test]
    fn a_phone_number_has_digits_and_no_letters(text in prop_oneof![text(), "[0-9 +()./#*x-]{0,40}"]) {
        let Ok(Some(phone)) = Phone::parse(&text) else { return Ok(()) };
        prop_assert!(phone.as_str().is_ascii() && phone.as_str().len() <= Phone::MAX);
        prop_assert_eq!(phone.as_str(), text.trim());
        prop_assert_eq!(Phone::parse(phone.as_str()), Ok(Some(phone)));
    }

    #[test]
    fn a_cache_key_is_taken_as_it_is_or_not_at_all(text in prop_oneof![text(), "[A-Za-z0-9._:-]{0,130}"]) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        let good = (1..=128).contains(&text.len())
            && text.chars().all(allowed)
            && !matches!(text.as_str(), "." | "..");
        match CacheKey::parse(&text) {
            Ok(key) => prop_assert!(good && key.as_str() == text),
            Err(_) => prop_assert!(!good),
        }
    }

    #[test]
    fn a_user_agent_is_short_and_on_one_line(text in text()) {
        let client = ClientInfo::local().with_user_agent(Some(&text.repeat(3)));
        let agent = client.user_agent.unwrap();
        prop_assert!(agent.chars().count() <= ClientInfo::MAX_USER_AGENT);
        prop_assert!(!agent.chars().any(char::is_control));
    }
}

/// A parser and its name.
type Parser = (&'static str, fn(&str));

/// The longest input that fits into a body, in the forms that take longest. The bound is far above
/// what a parser needs without optimisation, and far below what a parser with quadratic time would
/// need.
#[test]
fn no_parser_takes_long() {
    let parsers: [Parser; 10] = [
        ("log-in name", |text| drop(LoginName::parse(text))),
        ("tried password", |text| drop(CandidatePassword::parse(text))),
        ("user name", |text| drop(Username::parse(text, UsernameLength::DEFAULT))),
        ("address", |text| drop(Email::parse(text))),
        ("password", |text| drop(NewPassword::parse(text, PasswordLength::DEFAULT))),
        ("full name", |text| drop(FullName::parse(text))),
        ("phone", |text| drop(Phone::parse(text))),
        ("bio", |text| drop(Bio::parse(text))),
        ("avatar", |text| drop(AvatarUrl::parse(text))),
        ("cache key", |text| drop(CacheKey::parse(text))),
    ];
    // Combining marks to reorder, expansions, syllables, labels of domains, and plain text.
    for unit in
        ["\u{301}\u{327}", "\u{fdfa}", "\u{1100}\u{1161}\u{11a8}", "ü.", "ü", "xn--a.", "ΐ", "a"]
    {
        let long = unit.repeat(64 * 1024 / unit.len());
        let address = format!("a@{long}.com");
        for text in [&long, &address, &format!("{address}@b.c")] {
            for (name, parse) in parsers {
                let started = Instant::now();
                parse(text);
                let took = started.elapsed();
                assert!(took < Duration::from_secs(1), "{name}, {unit}: {took:?}");
            }
        }
    }
}
