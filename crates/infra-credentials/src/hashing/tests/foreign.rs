//! Tests of the hashes that an import brings, as other systems write them with their own settings.

use proptest::prelude::*;

use super::stored::FOREIGN;
use super::*;
use crate::hashing::ForeignHashError::{NotWhole, TooCostly, UnknownKind};

/// The password of the hashes below.
const PASSWORD: &str = "correct horse é";

/// Made with Django 5.2.19 (`make_password(password, hasher="argon2")`, argon2-cffi 25.1.0): 100 MiB
/// and eight lanes are read, but are not imported.
const DJANGO_ARGON2: &str = "argon2$argon2id$v=19$m=102400,t=2,p=8$OHJVQlh5QldKN1h4ZW42b045YksxWg$0qCa+xOOUSStlR5bYwIoaO5gWxhRlQWj+ArgzJ2Mm4A";

/// Django 5.2.19, `make_password(password, hasher="pbkdf2_sha256")`. It takes three seconds in a build
/// for tests, and 150 ms in a release.
const DJANGO_PBKDF2: &str =
    "pbkdf2_sha256$1000000$088IUMtyZiYIWtRgAIjDue$lgYgD6K3ZAIVRLtVnSZFfJPpPbofaymEupP8hzmhJ0Q=";

const DEFAULTS: [&str; 9] = [
    // Django 5.2.19, `PBKDF2PasswordHasher().encode(password, salt, 1000)`.
    "pbkdf2_sha256$1000$RILaMMGKf746rCp7epCCRO$z+ONMcB3hHlpOPBuSIzs2ONNsWv+pZghEQvwyu6KQBc=",
    // Django 5.2.19, `make_password(password, hasher="bcrypt_sha256")`, with bcrypt 5.0.0.
    "bcrypt_sha256$$2b$12$.I5YnkEmk82dCwPGQ8.46OCFAp/Afcq.n11Iy7hhe.hPs4whN/P8G",
    // passlib 1.7.4, `scrypt.hash(password)`.
    "$scrypt$ln=16,r=8,p=1$mFOqFWLMOae0lnJOqTXmXA$VR7BrZ+3F0cAjsKi5ua3wqQCx4GMyqjT2y9Qi+lxGgY",
    // passlib 1.7.4, `scrypt.using(rounds=14).hash(password)`.
    "$scrypt$ln=14,r=8,p=1$phTiHAOglFLKudc6x7i3Fg$uM7DavAxGXueD/mPnweVWsnC250leqd1wrisxqFGud0",
    // passlib 1.7.4, `scrypt.using(rounds=10, block_size=4, parallelism=3).hash(password)`.
    "$scrypt$ln=10,r=4,p=3$MTIzNDU2Nzg$7n5pdWHKA+AliGCFGFSCSCoqlPn7u63DUOrB0KKxmNs",
    // pwdlib 0.3.1, `Argon2Hasher().hash(password)`: the first hasher of fastapi-users.
    "$argon2id$v=19$m=65536,t=3,p=4$JK8PueN6lDJiwS+sh2QbKg$5O847ukIzieIeIB6Kx6wXg3fKuqUxiJE8w1gPdwAVWY",
    // pwdlib 0.3.1, `BcryptHasher().hash(password)`: the second hasher of fastapi-users.
    "$2b$12$G29eSel6bmKbShx5LUnw5.4yciHs6sS2hht3QHXxhpvBrrtx4WDiO",
    // pwdlib 0.3.1, `BcryptHasher(rounds=4).hash(password)`.
    "$2b$04$B0WbYvCA2xbSAuk5hNb4L.Tf5RTNRK2ALsLSr2PExcA7XxbyA0svC",
    // bcrypt 5.0.0, `hashpw(password, gensalt(10, b"2a"))`: as GoTrue (Supabase) has them.
    "$2a$10$n3YoNMIVG1C1PKDC9EvxVujfl/dCjOce8/SOviXuEpADeeqp6YoEm",
];

#[tokio::test]
async fn u4_hashes_with_the_settings_of_other_systems_verify() {
    // Not a cost of the hashes, so that each is to be hashed again.
    let pool = BcryptPool::start(HashingConfig { cost: 5, threads: Some(2), ..config() }).unwrap();
    for stored in DEFAULTS.into_iter().chain([DJANGO_ARGON2]) {
        let (right, wrong, empty) = tokio::join!(
            tried(&pool, PASSWORD, stored),
            tried(&pool, "correct horse e", stored),
            tried(&pool, "", stored),
        );
        assert_eq!(right, RIGHT_BUT_OLD, "{stored}");
        assert_eq!((wrong, empty), (Verification::Mismatch, Verification::Mismatch), "{stored}");
    }
    let (right, wrong) = tokio::join!(
        tried(&pool, PASSWORD, DJANGO_PBKDF2),
        tried(&pool, "correct horse e", DJANGO_PBKDF2),
    );
    assert_eq!((right, wrong), (RIGHT_BUT_OLD, Verification::Mismatch));
}

/// Beyond the 64 bytes of HMAC's key, and the 72 bytes of bcrypt. Made with Django 5.2.19 and
/// passlib 1.7.4.
#[tokio::test]
async fn u4_long_passwords_of_other_systems_count_to_the_last_byte() {
    let (pool, password) = (pool(), "x".repeat(100));
    for stored in [
        "pbkdf2_sha256$1000$NaCl é +/$AETyzCLE5ynXh6BziYItKQnrFH/jzEiYI0VPcChYw10=",
        "$scrypt$ln=5,r=8,p=1$fO9da+09xzgnJERIaa1Vag$Sa5gZuzwAG4WbkP2dnwgu7v2JLctk/ihtZ585mzLDlY",
    ] {
        assert_eq!(tried(&pool, &password, stored).await, RIGHT_BUT_OLD, "{stored}");
        assert_eq!(tried(&pool, &password[1..], stored).await, Verification::Mismatch, "{stored}");
    }
}

/// Whether a hash can be read with the cost that a server has by default.
fn is_readable(hash: &str) -> bool {
    Stored::read(&PasswordHash::new(hash.to_owned()), 12).is_ok()
}

const BCRYPT: &str = "$2b$04$B0WbYvCA2xbSAuk5hNb4L.Tf5RTNRK2ALsLSr2PExcA7XxbyA0svC";
const HMAC_BCRYPT: &str =
    "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS";

#[test]
fn u4_what_may_be_imported_can_be_read() {
    let argon2 = |parameters: &str| FOREIGN[2].1.replace("m=64,t=1,p=1", parameters);
    let django_argon2 = |parameters: &str| FOREIGN[6].1.replace("m=64,t=1,p=1", parameters);
    let pbkdf2 = |iterations: &str| FOREIGN[7].1.replace("1000", iterations);
    let scrypt = |parameters: &str| FOREIGN[10].1.replace("ln=4,r=8,p=1", parameters);
    let bcrypt = |kind: &str| BCRYPT.replace("$2b$04$", kind);
    for hash in [
        bcrypt("$2a$04$"),
        bcrypt("$2b$10$"),
        bcrypt("$2y$12$"),
        bcrypt("$2a$14$"),
        format!("bcrypt_sha256${}", bcrypt("$2b$04$")),
        format!("bcrypt_sha256${}", bcrypt("$2b$14$")),
        HMAC_BCRYPT.to_owned(),
        HMAC_BCRYPT.replace("r=5", "r=14"),
        argon2("m=65536,t=5,p=4"),
        argon2("m=8,t=1,p=1"),
        argon2("m=19456,t=2,p=1"),
        django_argon2("m=65536,t=2,p=4"),
        pbkdf2("1"),
        pbkdf2("2000000"),
        scrypt("ln=1,r=1,p=1"),
        scrypt("ln=16,r=8,p=1"),
        scrypt("ln=16,r=8,p=4"),
        scrypt("ln=13,r=64,p=1"),
    ]
    .into_iter()
    .chain(DEFAULTS.map(str::to_owned))
    .chain([DJANGO_PBKDF2.to_owned()])
    .chain(FOREIGN.map(|(_, hash)| hash.to_owned()))
    {
        assert_eq!(check_foreign_hash(&hash), Ok(()), "{hash}");
        assert!(is_readable(&hash), "{hash}");
    }
}

#[test]
fn u4_what_may_not_be_imported_is_told_apart() {
    let argon2 = |parameters: &str| FOREIGN[2].1.replace("m=64,t=1,p=1", parameters);
    let pbkdf2 = |iterations: &str| FOREIGN[7].1.replace("$1000$", iterations);
    let scrypt = |parameters: &str| FOREIGN[10].1.replace("ln=4,r=8,p=1", parameters);
    let bcrypt = |kind: &str| BCRYPT.replace("$2b$04$", kind);
    let cut = |hash: &str| hash[..hash.len() - 1].to_owned();
    for (hash, error) in [
        (String::new(), UnknownKind),
        ("secret".into(), UnknownKind),
        ("!".into(), UnknownKind),
        ("5ebe2294ecd0e0f08eab7690d2a6ee69".into(), UnknownKind),
        (bcrypt("$2x$04$"), UnknownKind),
        (bcrypt("$2c$04$"), UnknownKind),
        (bcrypt("$2$04$"), UnknownKind),
        (format!(" {BCRYPT}"), UnknownKind),
        (format!("bcrypt${BCRYPT}"), UnknownKind),
        (format!("bcrypt_sha256${}", bcrypt("$2x$04$")), UnknownKind),
        (HMAC_BCRYPT.replace("v=2", "v=1"), UnknownKind),
        (FOREIGN[2].1.replace("argon2id", "argon2i"), UnknownKind),
        (FOREIGN[2].1.replace("v=19", "v=16"), UnknownKind),
        (FOREIGN[2].1.replace("v=19$", ""), UnknownKind),
        ("pbkdf2_sha1$1000$salt$HbThumpb86O/FUOexxbKAHUrkkA=".into(), UnknownKind),
        ("$pbkdf2-sha256$1000$c2FsdA$c2FsdA".into(), UnknownKind),
        ("scrypt$16384$salt$8$5$fxkD1iA5ECQ=".into(), UnknownKind),
        ("$7$36..../....jfHe+x8jpJSyVmptDWHsHQ$L5fbIUdcdY68MjyTCwm".into(), UnknownKind),
        (bcrypt("$2b$15$"), TooCostly),
        (bcrypt("$2a$31$"), TooCostly),
        (format!("bcrypt_sha256${}", bcrypt("$2b$15$")), TooCostly),
        (HMAC_BCRYPT.replace("r=5", "r=15"), TooCostly),
        (argon2("m=65537,t=1,p=1"), TooCostly),
        (argon2("m=64,t=6,p=1"), TooCostly),
        (argon2("m=64,t=1,p=5"), TooCostly),
        (argon2("m=1048576,t=1,p=1"), TooCostly),
        (DJANGO_ARGON2.into(), TooCostly),
        (pbkdf2("$2000001$"), TooCostly),
        (pbkdf2("$99999999999$"), TooCostly),
        (scrypt("ln=17,r=8,p=1"), TooCostly),
        (scrypt("ln=16,r=8,p=5"), TooCostly),
        (scrypt("ln=4,r=8,p=17"), TooCostly),
        (scrypt("ln=4,r=65,p=1"), TooCostly),
        (cut(BCRYPT), NotWhole),
        (format!("{BCRYPT}\n"), NotWhole),
        (bcrypt("$2b$03$"), NotWhole),
        (bcrypt("$2b$4$"), NotWhole),
        (format!("bcrypt_sha256${}", cut(BCRYPT)), NotWhole),
        (cut(HMAC_BCRYPT), NotWhole),
        (HMAC_BCRYPT.replace("r=5", "r=3"), NotWhole),
        (argon2("m=64,t=1"), NotWhole),
        (argon2("t=1,p=1"), NotWhole),
        (argon2("m=7,t=1,p=1"), NotWhole),
        (cut(FOREIGN[2].1), NotWhole),
        ("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg".into(), NotWhole),
        (pbkdf2("$0$"), NotWhole),
        (pbkdf2("$+1000$"), NotWhole),
        (cut(FOREIGN[7].1), NotWhole),
        ("pbkdf2_sha256$1000$$p6kS+jPkrCLgm+JMAAwOXmRYf18G94OuMOAM+cnoiXM=".into(), NotWhole),
        (scrypt("ln=0,r=8,p=1"), NotWhole),
        (scrypt("ln=4,r=8"), NotWhole),
        (cut(FOREIGN[10].1), NotWhole),
        ("$scrypt$ln=4,r=8,p=1$UmotxbhXirG2ljKGkHIu5Q".into(), NotWhole),
    ] {
        assert_eq!(check_foreign_hash(&hash), Err(error), "{hash}");
    }
}

#[test]
fn u4_a_refusal_says_what_is_accepted_and_not_the_hash() {
    for (hash, error) in
        [("canary", UnknownKind), ("$2b$31$canary", NotWhole), (DJANGO_ARGON2, TooCostly)]
    {
        let refusal = check_foreign_hash(hash).unwrap_err();
        assert_eq!(refusal, error);
        let text = refusal.to_string();
        assert!(text.contains("accepted are") && !text.contains("canary"), "{text}");
        assert!(!text.contains("  "), "{text}");
    }
}

proptest! {
    /// What an import accepts can be read later, whatever was changed in it.
    #[test]
    fn u4_whatever_may_be_imported_can_be_read(
        text in any::<String>(),
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[0-9$,=a-z+é]"), 0..3),
    ) {
        let known: Vec<&str> =
            DEFAULTS.into_iter().chain(FOREIGN.map(|(_, hash)| hash)).chain([HMAC_BCRYPT, DJANGO_PBKDF2]).collect();
        let mut hash: Vec<String> = which.get(&known).chars().map(String::from).collect();
        for (at, change) in changes {
            let at = at.index(hash.len());
            hash[at] = change;
        }
        for hash in [hash.concat(), text] {
            prop_assert!(check_foreign_hash(&hash).is_err() || is_readable(&hash), "{hash}");
        }
    }
}
