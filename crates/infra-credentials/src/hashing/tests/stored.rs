//! Tests of what a row may contain as a hash.

use proptest::prelude::*;

use super::*;

/// Made with Django 5.2 and argon2-cffi 25.1; those of scrypt with passlib 1.7.4, and the last two
/// with the `hashlib` of Python 3.11 (OpenSSL 3.0).
pub(super) const FOREIGN: [(&str, &str); 14] = [
    ("secret", "bcrypt_sha256$$2b$04$VvZltbI54iWuzeUQN03UNuH9ajrNkXTwTztWMeeq02mjjEdxY6p/q"),
    ("café", "bcrypt_sha256$$2b$04$7po./kaR6fQjciZF7Ls9RuPbbolUE5dLhGnj4tEDm5H9SLoT.c7r6"),
    (
        "secret",
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$pbviq+1UUgwZCmLIr4Hgk7mEMsxnRLuOb2HfvIaBwGY",
    ),
    (
        "secret",
        "$argon2id$v=19$m=1024,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg$9y1k48Nk//u0RgbfT4BQKfXxmEpFfSb4bGBwCGyd6Uk",
    ),
    ("café", "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rQ83dXsyiNx4Hh7siwKIIg"),
    (
        "secret",
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$K0XvANDXtVgB1qKCK+EuDJQCf1AsAaBfTIEJfjfCFRuMO4gxxLhovTqFMihPuTBSELb/JthMKsYqHDvh193u2Q",
    ),
    (
        "secret",
        "argon2$argon2id$v=19$m=64,t=1,p=1$aW1peHdCN2wxR3Z3dlVhNHMwenRseQ$KTgG368+wYYQ4Mh5ObRfkas2YCEpnXN+dk2armmSg3k",
    ),
    (
        "secret",
        "pbkdf2_sha256$1000$dOafjAjaV7xDzn7EdRNM5D$fR4hMnTJqQEruIkOWTQ9zi16m9pi2L0EUgSvdXet4qI=",
    ),
    ("café", "pbkdf2_sha256$1000$NaCl é$axOOIqNaCa/DSrcG/RBQ86T+YQiwf2HnqWkihWw2jc0="),
    ("secret", "pbkdf2_sha256$1$x$utAgGz0Brm5bz63zG3DddKX8e5wWB29aNxZ392ybXq8="),
    (
        "secret",
        "$scrypt$ln=4,r=8,p=1$UmotxbhXirG2ljKGkHIu5Q$FksE+MHAq63Yyc478nxtu8lfrm+lhbdjnucU7tzeyPo",
    ),
    ("café", "$scrypt$ln=10,r=4,p=3$MTIzNDU2Nzg$Iw/R086e8TOwqnSRzVrHe/RfMuj8La+BQMQFCQJjzG0"),
    (
        "secret",
        "$scrypt$ln=6,r=64,p=16$MDEyMzQ1Njc4OWFiY2RlZg$eFEnrV253vT7yURfw+4LPE09jonOA2wqOSHuKb7F2QJliD8rVdthHEsVQmgZhXiAgKftg/3FZu0J/yBX7oULqQ",
    ),
    ("secret", "$scrypt$ln=1,r=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$yLgCn8X0eF3wKHj1gfZ5mw"),
];

/// Rows of [`FOREIGN`] that the tests change.
const PBKDF2: &str = FOREIGN[7].1;
const SCRYPT: &str = FOREIGN[10].1;

#[tokio::test]
pub(super) async fn p10_hashes_of_other_systems_verify_and_are_to_be_hashed_again() {
    let pool = pool();
    for (password, stored) in FOREIGN {
        assert_eq!(tried(&pool, password, stored).await, RIGHT_BUT_OLD, "{stored}");
        for wrong in ["Secret", "secret ", "cafe", "", &"secret".repeat(20)] {
            assert_eq!(
                tried(&pool, wrong, stored).await,
                Verification::Mismatch,
                "{wrong}: {stored}"
            );
        }
        let again = pool.rehash(&candidate(password)).await.unwrap();
        assert!(again.expose().starts_with("$2b$04$"), "{}", again.expose());
        assert_eq!(tried(&pool, password, again.expose()).await, RIGHT);
    }
}

/// The default parameters of other systems.
#[test]
fn p10_usual_parameters_of_argon2_are_affordable() {
    let salt_and_hash = "MDEyMzQ1Njc4OWFiY2RlZg$pbviq+1UUgwZCmLIr4Hgk7mEMsxnRLuOb2HfvIaBwGY";
    let readable = |parameters: &str| {
        let hash = format!("$argon2id$v=19${parameters}${salt_and_hash}");
        Stored::read(&PasswordHash::new(hash), COST).is_ok()
    };
    for good in [
        "m=19456,t=2,p=1",  // OWASP, and the crate
        "m=47104,t=1,p=1",  // OWASP
        "m=65536,t=3,p=4",  // argon2-cffi, passlib
        "m=65536,t=4,p=1",  // PHP
        "m=102400,t=2,p=8", // Django
        "m=131072,t=4,p=16",
    ] {
        assert!(readable(good), "{good}");
    }
    for absurd in [
        "m=131073,t=1,p=1",
        "m=4294967295,t=1,p=1",
        "m=131072,t=5,p=1",
        "m=8,t=4294967295,p=1",
        "m=64,t=8193,p=1",
        "m=65536,t=1,p=17",
        "m=65536,t=1,p=16777215",
        "m=4294967296,t=1,p=1",
    ] {
        assert!(!readable(absurd), "{absurd}");
    }
}

/// The parameters that other systems use or recommend, and the greatest ones.
#[test]
fn u4_usual_parameters_of_scrypt_and_pbkdf2_are_affordable() {
    let readable = |hash: String| Stored::read(&PasswordHash::new(hash), COST).map(|_readable| ());
    let scrypt = |parameters: &str| readable(SCRYPT.replace("ln=4,r=8,p=1", parameters));
    for good in [
        "ln=14,r=8,p=1", // Go, Node
        "ln=15,r=8,p=1", // Werkzeug
        "ln=16,r=8,p=1", // passlib
        "ln=16,r=8,p=2", // OWASP, as the next three
        "ln=15,r=8,p=3",
        "ln=14,r=8,p=5",
        "ln=13,r=8,p=10",
        "ln=16,r=8,p=4",
        "ln=14,r=8,p=16",
        "ln=13,r=64,p=4",
        "ln=19,r=1,p=4",
    ] {
        assert!(scrypt(good).is_ok(), "{good}");
    }
    for absurd in [
        "ln=17,r=8,p=1",
        "ln=16,r=9,p=1",
        "ln=16,r=8,p=5",
        "ln=4,r=8,p=17",
        "ln=4,r=65,p=1",
        "ln=1,r=262144,p=16",
        "ln=20,r=1,p=1",
        "ln=31,r=1,p=1",
        "ln=31,r=2,p=1",
        "ln=32,r=1,p=1",
        "ln=63,r=8,p=1",
        "ln=255,r=8,p=1",
        "ln=256,r=8,p=1",
        "ln=260,r=8,p=1",
        "ln=4294967295,r=4294967295,p=4294967295",
        "ln=4,r=4294967295,p=1",
        "ln=4,r=8,p=4294967295",
    ] {
        assert!(matches!(scrypt(absurd), Err(Unreadable::TooCostly)), "{absurd}");
    }
    let pbkdf2 = |iterations: &str| readable(PBKDF2.replace("$1000$", &format!("${iterations}$")));
    for good in ["1", "20000", "260000", "1000000", "1200000", "2000000"] {
        assert!(pbkdf2(good).is_ok(), "{good}");
    }
    for absurd in ["2000001", "4294967295", "4294967296", "99999999999999999999"] {
        assert!(matches!(pbkdf2(absurd), Err(Unreadable::TooCostly)), "{absurd}");
    }
}

#[test]
fn u4_the_memory_of_scrypt_is_counted() {
    for (parameters, kib) in [("ln=16,r=8,p=1", 65536 + 3), ("ln=6,r=64,p=16", 512 + 144)] {
        let hash = PasswordHash::new(SCRYPT.replace("ln=4,r=8,p=1", parameters));
        let Ok(Stored::Scrypt(hash)) = Stored::read(&hash, COST) else { panic!("{parameters}") };
        assert_eq!(hash.memory(), kib, "{parameters}");
    }
}

/// Argon2id and scrypt take from the same memory.
#[tokio::test]
async fn u4_scrypt_takes_a_bounded_memory_in_all() {
    let pool =
        BcryptPool::start(HashingConfig { max_wait: Duration::from_millis(200), ..config() })
            .unwrap();
    let candidate = candidate("secret");
    let all = u32::try_from(FOREIGN_TOGETHER).unwrap();
    let taken = Arc::clone(&pool.foreign_memory).acquire_many_owned(all).await.unwrap();
    for (index, is_refused) in [(2, true), (10, true), (7, false)] {
        let hash = Some(PasswordHash::new(FOREIGN[index].1.to_owned()));
        let verdict = pool.verify(&candidate, hash).await;
        let was_refused = matches!(verdict, Err(Error::Refused(Overloaded)));
        assert_eq!(was_refused, is_refused, "{}", FOREIGN[index].1);
    }
    drop(taken);
    assert_eq!(tried(&pool, "secret", SCRYPT).await, RIGHT_BUT_OLD);
    assert_eq!(pool.foreign_memory.available_permits(), FOREIGN_TOGETHER, "it is given back");
}

/// Whoever would take more memory than is left waits for it, and is refused in time.
#[tokio::test]
async fn j07_argon2id_takes_a_bounded_memory_in_all() {
    let pool = BcryptPool::start(HashingConfig {
        max_wait: Duration::from_millis(200),
        threads: Some(2),
        ..config()
    })
    .unwrap();
    let (password, stored) = FOREIGN[3];
    let hash = || Some(PasswordHash::new(stored.to_owned()));
    let kib = u32::try_from(FOREIGN_TOGETHER).unwrap() - 1500;
    let taken = Arc::clone(&pool.foreign_memory).acquire_many_owned(kib).await.unwrap();
    let candidate = candidate(password);
    let (one, other) =
        tokio::join!(pool.verify(&candidate, hash()), pool.verify(&candidate, hash()));
    assert_eq!((one.unwrap(), other.unwrap()), (RIGHT_BUT_OLD, RIGHT_BUT_OLD), "one by one");
    assert_eq!(pool.foreign_memory.available_permits(), 1500, "it is given back");
    let more = Arc::clone(&pool.foreign_memory).acquire_many_owned(1000).await.unwrap();
    let refused = pool.verify(&candidate, hash()).await;
    assert!(matches!(refused, Err(Error::Refused(Overloaded))), "{refused:?}");
    drop((taken, more));
    assert_eq!(pool.verify(&candidate, hash()).await.unwrap(), RIGHT_BUT_OLD);
}

#[tokio::test]
pub(super) async fn p11_what_cannot_be_read_is_wrong_within_a_second() {
    let pool = pool();
    let sound = hashed(&pool, "secret").await;
    let started = Instant::now();
    for broken in [
        String::new(),
        "secret".into(),
        "*".into(),
        sound[..59].into(),
        format!("{sound}."),
        sound.replacen("$2b$", "$2c$", 1),
        sound.replacen("$2b$", "$1$a", 1),
        sound.replacen("$04$", "$03$", 1),
        sound.replacen("$04$", "$07$", 1),
        sound.replacen("$04$", "$17$", 1),
        sound.replacen("$04$", "$31$", 1),
        sound.replacen("$04$", "$99$", 1),
        sound.replacen("$04$", "$-4$", 1),
        format!("{}é", &sound[..58]),
        "é".repeat(30),
        // From an implementation that confused some characters.
        sound.replacen("$2b$", "$2x$", 1),
        format!("bcrypt${sound}"),
        format!("bcrypt_sha256{sound}"),
        format!("bcrypt_sha256$bcrypt_sha256${sound}"),
        format!("bcrypt_sha256${}", sound.replacen("$04$", "$31$", 1)),
        "bcrypt_sha256$".into(),
        // A hash and a salt that are too short, and missing ones.
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA".into(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$oIfD+wuWscf8sVAw".into(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEy$pbviq+1UUgwZCmLIr4Hgk7mEMsxnRLuOb2HfvIaBwGY".into(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg".into(),
        "$argon2id$v=19$m=64,t=1,p=1".into(),
        // Other versions and kinds: each is a valid hash of "secret".
        "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$ydL2ZvaZLpzZK5nm2nRpR7psvxJVKIpRvQcD9QiFzUw".into(),
        "$argon2d$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Scqi27ZnsiOaL27KNyuCLBOAsVFCBP20bwq56zO4piI".into(),
        FOREIGN[2].1.replace("v=19", "v=16"),
        FOREIGN[2].1.replace("v=19$", ""),
        FOREIGN[2].1.replace("m=64", "m=4194304"),
        FOREIGN[2].1.replace("t=1", "t=4000000000"),
        FOREIGN[2].1.replace("m=64,", ""),
        FOREIGN[2].1.replace("p=1", "p=1,keyid=AAAA"),
        FOREIGN[2].1.replace("p=1", "p=1,x=1"),
        FOREIGN[2].1.replace("m=64", "m=064"),
        FOREIGN[2].1.replace("m=64", "m=7"),
        format!("{}$", FOREIGN[2].1),
    ] {
        assert_eq!(tried(&pool, "secret", &broken).await, Verification::Mismatch, "{broken}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
pub(super) async fn p11_u4_what_cannot_be_read_of_other_systems_is_wrong_at_once() {
    let (pool, started) = (pool(), Instant::now());
    for broken in [
        // Kinds that are not read.
        "pbkdf2_sha1$1000$b9T0EYxGA5UT4k1akNljL8$HbThumpb86O/FUOexxbKAHUrkkA=".into(),
        "$7$36..../....jfHe+x8jpJSyVmptDWHsHQ$L5fbIUdcdY68MjyTCwmUGucCadlmggJK6RDKJUFHNO5".into(),
        "scrypt$16$salt$8$1$FksE+MHAq63Yyc478nxtu8lfrm+lhbdjnucU7tzeyPo=".into(),
        PBKDF2.replace("pbkdf2_sha256", "pbkdf2_sha512"),
        // Too many iterations, and what is not their number.
        PBKDF2.replace("$1000$", "$0$"),
        PBKDF2.replace("$1000$", "$2000001$"),
        PBKDF2.replace("$1000$", "$4294968296$"),
        PBKDF2.replace("$1000$", "$18446744073709552616$"),
        PBKDF2.replace("$1000$", "$01000$"),
        PBKDF2.replace("$1000$", "$+1000$"),
        PBKDF2.replace("$1000$", "$-1000$"),
        PBKDF2.replace("$1000$", "$ 1000$"),
        PBKDF2.replace("$1000$", "$1_000$"),
        PBKDF2.replace("$1000$", "$1e3$"),
        PBKDF2.replace("$1000$", "$$"),
        // Each is a valid hash of "secret": with an empty salt, and of 31 and 33 bytes.
        "pbkdf2_sha256$1000$$p6kS+jPkrCLgm+JMAAwOXmRYf18G94OuMOAM+cnoiXM=".into(),
        "pbkdf2_sha256$1000$salt$qN+JnzxPIE2WfgrWPAkph8EAVeuwF7PZ0ordIY1Peg==".into(),
        "pbkdf2_sha256$1000$salt$qN+JnzxPIE2WfgrWPAkph8EAVeuwF7PZ0ordIY1Peq3I".into(),
        PBKDF2.replace('=', ""),
        PBKDF2.replace("4qI=", "4qJ="),
        format!("{PBKDF2}$"),
        format!("{PBKDF2}\n"),
        format!("${PBKDF2}"),
        "pbkdf2_sha256$".into(),
        "pbkdf2_sha256$1000".into(),
        "pbkdf2_sha256$1000$salt".into(),
        "pbkdf2_sha256$1000$salt$".into(),
        // Too costly for scrypt, and what is not its parameters.
        SCRYPT.replace("ln=4", "ln=17"),
        SCRYPT.replace("ln=4", "ln=31"),
        SCRYPT.replace("ln=4", "ln=260"),
        SCRYPT.replace("ln=4", "ln=4294967300"),
        SCRYPT.replace("r=8", "r=4294967295"),
        SCRYPT.replace("ln=4,r=8,p=1", "ln=1,r=262144,p=16"),
        SCRYPT.replace("p=1", "p=17"),
        SCRYPT.replace("p=1", "p=4294967295"),
        SCRYPT.replace("ln=4,r=8,p=1", "ln=16,r=8,p=16"),
        SCRYPT.replace("ln=4", "ln=0"),
        SCRYPT.replace("ln=4", "ln=04"),
        SCRYPT.replace("ln=4", "ln=-4"),
        SCRYPT.replace("ln=4", "N=16"),
        SCRYPT.replace("r=8", "r=0"),
        SCRYPT.replace("p=1", "p=0"),
        SCRYPT.replace("p=1", "p=1,x=1"),
        SCRYPT.replace("p=1", "p=1,p=1"),
        SCRYPT.replace(",p=1", ""),
        SCRYPT.replace("$scrypt$", "$scrypt$v=1$"),
        SCRYPT.replace("$ln=4,r=8,p=1", ""),
        // Each is a valid hash of "secret": with a salt of 7 bytes, and of 15 bytes.
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Ng$ZjigakigmBkBgERIutE3poby291jFDD/O0ILg0SQBcw".into(),
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gEeb/KeWbm5g+kBQOFr1".into(),
        SCRYPT[..SCRYPT.len() - 1].to_owned(),
        format!("{SCRYPT}="),
        format!("{SCRYPT}$"),
        format!("{SCRYPT}\n"),
        format!("{SCRYPT}{}", "A".repeat(44)),
        format!("scrypt{SCRYPT}"),
        "$scrypt$".into(),
        "$scrypt$ln=4,r=8,p=1".into(),
        "$scrypt$ln=4,r=8,p=1$UmotxbhXirG2ljKGkHIu5Q".into(),
        "$scrypt$ln=4,r=8,p=1$UmotxbhXirG2ljKGkHIu5Q$".into(),
        // Django's prefix is only for Argon2id.
        format!("argon2{}", FOREIGN[6].1),
        format!("argon2{}", FOREIGN[0].1.replacen("bcrypt_sha256$", "", 1)),
        format!("argon2{SCRYPT}"),
        FOREIGN[6].1.replace("argon2$", "argon2$$"),
        FOREIGN[6].1.replace("m=64", "m=4194304"),
    ] {
        assert_eq!(tried(&pool, "secret", &broken).await, Verification::Mismatch, "{broken}");
    }
    // Milliseconds, but for other work of the machine. The largest of them, computed, would take all of its
    // memory, and hours.
    assert!(started.elapsed() < Duration::from_secs(10));
}

proptest! {
    /// A row may contain anything, or a hash with a few changes. Reading it bounds the work before
    /// any work is done, and it never fails in another way than by a refusal.
    #[test]
    fn p11_whatever_is_stored_is_refused_or_affordable(
        text in any::<String>(),
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[ -~é]"), 0..4),
    ) {
        let mut hash: Vec<String> =
            which.get(&FOREIGN).1.chars().map(String::from).collect();
        for (at, change) in changes {
            let at = at.index(hash.len());
            hash[at] = change;
        }
        for hash in [hash.concat(), text] {
            let hash = PasswordHash::new(hash);
            match Stored::read(&hash, COST) {
                Ok(Stored::Argon2id(hash)) => {
                    let params = hash.params();
                    prop_assert!(params.m_cost() <= 128 * 1024);
                    prop_assert!(params.m_cost() * params.t_cost() <= 512 * 1024);
                }
                Ok(Stored::Pbkdf2(hash)) => {
                    prop_assert!((1..=2_000_000).contains(&hash.iterations()));
                }
                Ok(Stored::Scrypt(hash)) => {
                    let params = hash.params();
                    let step = params.n() * u64::from(params.r()) * 128;
                    prop_assert!(step <= 64 << 20 && step * u64::from(params.p()) <= 256 << 20);
                    prop_assert!(u64::from(hash.memory()) << 10 >= step);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn p10_what_was_hashed_verifies_and_nothing_else(password in "\\PC{1,15}", other in "\\PC{0,15}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (pool, password, other) = (pool(), new(&password), candidate(&other));
            let stored = pool.hash(&password).await.unwrap();
            let right = password.expose() == other.expose();
            prop_assert_eq!(tried(&pool, password.expose(), stored.expose()).await, RIGHT);
            let verdict = pool.verify(&other, Some(stored)).await.unwrap();
            prop_assert_eq!(verdict == RIGHT, right);
            Ok(())
        })?;
    }
}
