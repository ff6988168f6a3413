//! Tests of what a row may contain as a hash.

use proptest::prelude::*;

use super::*;

/// Made with Django 5.2 and argon2-cffi 25.1.
const FOREIGN: [(&str, &str); 6] = [
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
];

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
    let kib = u32::try_from(ARGON2_TOGETHER).unwrap() - 1500;
    let taken = Arc::clone(&pool.argon2_memory).acquire_many_owned(kib).await.unwrap();
    let candidate = candidate(password);
    let (one, other) =
        tokio::join!(pool.verify(&candidate, hash()), pool.verify(&candidate, hash()));
    assert_eq!((one.unwrap(), other.unwrap()), (RIGHT_BUT_OLD, RIGHT_BUT_OLD), "one by one");
    assert_eq!(pool.argon2_memory.available_permits(), 1500, "it is given back");
    let more = Arc::clone(&pool.argon2_memory).acquire_many_owned(1000).await.unwrap();
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
        "pbkdf2_sha256$1000000$salt$pbviq+1UUgwZCmLIr4Hgk7mEMsxnRLuOb2HfvIaBwGY=".into(),
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
            if let Ok(Stored::Argon2id(hash)) = Stored::read(&hash, COST) {
                let params = hash.params();
                prop_assert!(params.m_cost() <= 128 * 1024);
                prop_assert!(params.m_cost() * params.t_cost() <= 512 * 1024);
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
