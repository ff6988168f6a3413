//! Which passwords are too easy to guess.

use menjin_domain::accounts::LoginName;
use menjin_domain::credentials::{NewPassword, PasswordPolicy, PolicyViolation};
use zxcvbn::matching::patterns::{DictionaryPattern, MatchPattern};
use zxcvbn::zxcvbn;

/// The configuration of [`PasswordRules`]. The user name, and the e-mail address with its local
/// part, are always refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyConfig {
    /// How many of the most common passwords are refused; 0 refuses none.
    pub refuse_common: usize,
    /// The least strength on zxcvbn's scale from 0 (too guessable) to 4 (very unguessable); 0
    /// accepts any strength.
    pub min_score: u8,
    /// Passwords that are accepted, exactly as written, although they are common or weak.
    pub exceptions: Vec<String>,
}

impl PolicyConfig {
    /// Refuses only what everybody tries first: the 100 most common passwords.
    pub fn lenient() -> Self {
        Self { refuse_common: 100, min_score: 0, exceptions: Vec::new() }
    }

    /// Refuses the 3,000 most common passwords (NIST SP 800-63B-4 §3.1.1.2 asks for a blocklist),
    /// and asks for a score of 3: 10⁸ guesses, which bcrypt makes expensive for somebody who has
    /// stolen the hashes. The authors of zxcvbn call anything less too weak.
    pub fn production() -> Self {
        Self { refuse_common: 3000, min_score: 3, exceptions: Vec::new() }
    }
}

/// Judges passwords with zxcvbn (Wheeler, USENIX Security 2016) and its lists from 2015.
#[derive(Debug, Clone)]
pub struct PasswordRules {
    config: PolicyConfig,
}

impl PasswordRules {
    /// The rules for this configuration. A `min_score` above 4 counts as 4.
    pub fn new(mut config: PolicyConfig) -> Self {
        config.min_score = config.min_score.min(4);
        Self { config }
    }
}

impl PasswordPolicy for PasswordRules {
    /// Judges without regard to case: case adds almost nothing to a password that everybody knows.
    /// No spelling of the user name, of the address, or of the part before its `@` is a secret
    /// either. These are compared as login names are, so in any spelling.
    fn check(
        &self,
        password: &NewPassword,
        username: &str,
        email: &str,
    ) -> Result<(), PolicyViolation> {
        let config = &self.config;
        let password = password.expose();
        let lower = password.to_lowercase();
        let local_part = email.rsplit_once('@').map_or(email, |(local_part, _domain)| local_part);
        // A login name that cannot be parsed contains a NUL, but neither names nor passwords do.
        let typed = LoginName::parse(password).ok();
        let same = |identity| LoginName::parse(identity).ok() == typed;
        if typed.is_some() && [username, email, local_part].into_iter().any(same) {
            return Err(PolicyViolation::EqualsIdentity);
        }
        if config.exceptions.iter().any(|exception| exception == password) {
            return Ok(());
        }
        if rank(&lower).is_some_and(|rank| rank <= config.refuse_common) {
            return Err(PolicyViolation::TooCommon);
        }
        if config.min_score > 0 && !reaches(config.min_score, password, &[username, email]) {
            return Err(PolicyViolation::TooWeak);
        }
        Ok(())
    }
}

/// How many characters zxcvbn judges at once. The time for substitutions (`p@55w0rd`) grows
/// steeply: milliseconds for 20 well-chosen characters, a third of a second for 70.
const JUDGED: usize = 20;

/// Whether a password reaches a score. A longer password reaches it as soon as one of its parts
/// does.
fn reaches(min_score: u8, password: &str, identities: &[&str]) -> bool {
    let characters: Vec<char> = password.chars().collect();
    characters.chunks(JUDGED).any(|part| {
        let part: String = part.iter().collect();
        u8::from(zxcvbn(&part, identities).score()) >= min_score
    })
}

/// The longest entry in zxcvbn's lists of passwords and names has 20 characters.
const LONGEST_COMMON: usize = 20;

/// The rank of a lower-case password among the common ones; 1 is the most common. A reversed common
/// password, or one repeated digit, ranks by the number of guesses that it takes.
///
/// Other passwords that take few guesses have no rank: these are all regular ones, among them
/// passwords of spaces only (P6).
fn rank(password: &str) -> Option<usize> {
    if password.chars().count() > LONGEST_COMMON {
        return None;
    }
    let judged = zxcvbn(password, &[]);
    let [whole] = judged.sequence() else { return None };
    let common = match &whole.pattern {
        MatchPattern::Dictionary(found) => !found.l33t && lists_passwords(found),
        // zxcvbn finds that `11111111` is a repetition before it finds it in the list.
        MatchPattern::Repeat(found) => matches!(found.base_token.as_bytes(), [b'0'..=b'9']),
        _ => false,
    };
    // For a word in lower case that is not reversed, the number of guesses is its rank.
    whole.guesses.filter(|_| common).and_then(|guesses| usize::try_from(guesses).ok())
}

/// A word is only in the one of zxcvbn's dictionaries in which it ranks highest. So first names
/// among the most common passwords (`jennifer`, `michelle`) are not in the list of passwords.
fn lists_passwords(found: &DictionaryPattern) -> bool {
    // The type is not exported, so only its debug output identifies the dictionary.
    matches!(
        format!("{:?}", found.dictionary_name).as_str(),
        "Passwords" | "FemaleNames" | "MaleNames"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use menjin_domain::credentials::PasswordLength;

    use super::*;

    fn check(config: PolicyConfig, password: &str) -> Result<(), PolicyViolation> {
        let password = NewPassword::parse(password, PasswordLength { min: 1, max: 128 }).unwrap();
        PasswordRules::new(config).check(&password, "Li.Lei", "lilei@example.com")
    }

    fn lenient(password: &str) -> Result<(), PolicyViolation> {
        check(PolicyConfig::lenient(), password)
    }

    #[test]
    fn p06_what_is_merely_regular_is_accepted() {
        for password in [
            "        ",
            "            ",
            "abcdefgh",
            "correcthorse",
            "lowercase",
            "aaaaaaaa",
            "zzzzzzzz",
            "ZYXWVUTS",
            "密码密码密码密码",
            "😀😀😀😀😀😀😀😀",
            "20240131",
        ] {
            assert_eq!(lenient(password), Ok(()), "{password:?}");
        }
    }

    #[test]
    fn p07_what_everybody_tries_first_is_refused() {
        for password in [
            "123456",
            "12345678",
            "123456789",
            "password",
            "PassWord",
            "qwerty",
            "qwertyuiop",
            "1qaz2wsx",
            "11111111",
            "000000",
            "00000000",
            "654321",
            "drowssap",
            "baseball",
            "iloveyou",
            "1234567890",
            "trustno1",
            "sunshine",
            "princess",
            "q1w2e3r4t5",
            "jennifer",
            "michelle",
        ] {
            assert_eq!(lenient(password), Err(PolicyViolation::TooCommon), "{password}");
        }
    }

    #[test]
    fn p07_the_documents_example_is_refused_by_the_production_policy_only() {
        for password in ["password123", "Password123"] {
            assert_eq!(lenient(password), Ok(()));
            assert_eq!(
                check(PolicyConfig::production(), password),
                Err(PolicyViolation::TooCommon)
            );
        }
    }

    #[test]
    fn p07_the_name_and_the_address_are_refused_in_any_case() {
        let off = PolicyConfig::default();
        for password in [
            "Li.Lei",
            "li.lei",
            "LI.LEI ",
            "ｌｉ．ｌｅｉ",
            "lilei@example.com",
            "LiLei@Example.COM",
            "ｌｉｌｅｉ＠example.com",
            "lilei",
            "ＬＩＬＥＩ",
        ] {
            assert_eq!(
                check(off.clone(), password),
                Err(PolicyViolation::EqualsIdentity),
                "{password}"
            );
        }
        assert_eq!(check(off.clone(), "li.lei1"), Ok(()));
        assert_eq!(check(off, "password"), Ok(()), "everything else is off");
    }

    #[test]
    fn close_to_a_common_one_is_not_common() {
        for password in
            ["P@ssw0rd", "p4ssw0rd!", "aaaaaaaa", "password 1", "passwordpassword", "passwort-neu"]
        {
            assert_eq!(lenient(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn exceptions_are_exact_and_spare_no_identity() {
        let mut config = PolicyConfig::production();
        config.exceptions = vec!["password123".into(), "li.lei".into()];
        assert_eq!(check(config.clone(), "password123"), Ok(()));
        assert_eq!(check(config.clone(), "Password123"), Err(PolicyViolation::TooCommon));
        assert_eq!(check(config, "li.lei"), Err(PolicyViolation::EqualsIdentity));
    }

    #[test]
    fn production_asks_for_strength() {
        for password in ["        ", "abcdefghij", "lilei2024", "lilei@example.com1", "margaret1"] {
            assert_eq!(
                check(PolicyConfig::production(), password),
                Err(PolicyViolation::TooWeak),
                "{password}"
            );
        }
        let half_weak = format!("{}kX7-vq2Lm9", "a".repeat(20));
        for password in
            [half_weak.as_str(), "correct horse battery staple", "kX7-vq2Lm9", "马到成功-7-bridge"]
        {
            assert_eq!(check(PolicyConfig::production(), password), Ok(()), "{password}");
        }
    }

    #[test]
    fn a_score_that_does_not_exist_counts_as_the_highest() {
        let config = PolicyConfig { min_score: 9, ..PolicyConfig::default() };
        assert_eq!(check(config, "correct horse battery staple"), Ok(()));
    }

    #[test]
    fn the_longest_password_takes_no_time_to_judge() {
        let _ = lenient("the lists are built at the first use");
        for password in ["4@8({[<369&#!1/|0$5+7%2".repeat(3), "ab".repeat(35), "p@55w0rd".repeat(8)]
        {
            let started = Instant::now();
            let _ = check(PolicyConfig::production(), &password);
            let took = started.elapsed();
            assert!(took.as_millis() < 300, "{password}: {took:?}");
        }
    }
}
