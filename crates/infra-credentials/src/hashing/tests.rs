use std::time::{Duration, Instant};

use menjin_domain::values::PasswordLength;
use proptest::prelude::*;

use super::*;

const COST: u32 = 4;
const RIGHT: Verdict = Verdict::Right { needs_rehash: false };
const RIGHT_BUT_OLD: Verdict = Verdict::Right { needs_rehash: true };

fn config() -> HashingConfig {
    HashingConfig { cost: COST, threads: Some(1), queue: 8 }
}

fn pool() -> BcryptPool {
    BcryptPool::start(config()).unwrap()
}

fn new(password: &str) -> NewPassword {
    NewPassword::parse(password, PasswordLength { min: 1, max: None }).unwrap()
}

fn candidate(password: &str) -> CandidatePassword {
    CandidatePassword::parse(password).unwrap()
}

async fn tried(pool: &BcryptPool, password: &str, hash: &str) -> Verdict {
    pool.verify(&candidate(password), Some(PasswordHash::new(hash.to_owned()))).await.unwrap()
}

async fn hashed(pool: &BcryptPool, password: &str) -> String {
    pool.hash(&new(password)).await.unwrap().expose().to_owned()
}

#[tokio::test]
async fn p01_64_characters_verify() {
    let (pool, password) = (pool(), "0123456789abcdef".repeat(4));
    let hash = hashed(&pool, &password).await;
    assert_eq!(tried(&pool, &password, &hash).await, RIGHT);
    assert_eq!(tried(&pool, &password[..63], &hash).await, Verdict::Wrong);
}

#[tokio::test]
async fn p02_nothing_is_cut_off() {
    let (pool, password) = (pool(), "x".repeat(71));
    let hash = hashed(&pool, &password).await;
    assert_eq!(tried(&pool, &password, &hash).await, RIGHT);
    for suffix in ["x", "y", "xx", &"x".repeat(129), "é"] {
        let longer = format!("{password}{suffix}");
        assert_eq!(tried(&pool, &longer, &hash).await, Verdict::Wrong, "{} bytes", longer.len());
    }
    // What a library that truncates has stored: 72 bytes, or more of which it read 72.
    let truncated = bcrypt::hash_with_salt("x".repeat(72), COST, [7; 16]).unwrap().to_string();
    for length in [71, 72, 73, 200] {
        assert_eq!(tried(&pool, &"x".repeat(length), &truncated).await, Verdict::Wrong);
    }
    // A limit within a character.
    assert_eq!(tried(&pool, &"é".repeat(36), &hash).await, Verdict::Wrong);
}

#[tokio::test]
async fn p03_repetitions_of_the_key_differ() {
    let pool = pool();
    for (stored, tries) in [("abab", "ab"), ("ab", "abab"), ("abababab", "abab")] {
        let hash = hashed(&pool, stored).await;
        assert_eq!(tried(&pool, stored, &hash).await, RIGHT);
        assert_eq!(tried(&pool, tries, &hash).await, Verdict::Wrong);
    }
}

#[tokio::test]
async fn p08_case_and_spaces_count() {
    let pool = pool();
    let hash = hashed(&pool, "Password-1").await;
    for wrong in ["password-1", "PASSWORD-1", "Password-1 ", " Password-1", "Password-", ""] {
        assert_eq!(tried(&pool, wrong, &hash).await, Verdict::Wrong, "{wrong:?}");
    }
}

#[tokio::test]
async fn p10_new_hashes_are_2b_of_the_configured_cost_and_salted() {
    let pool = pool();
    let (one, other) = (hashed(&pool, "secret").await, hashed(&pool, "secret").await);
    assert!(one.starts_with("$2b$04$"), "{one}");
    assert_eq!(one.len(), 60);
    assert_ne!(one, other);
    let again = pool.rehash(&candidate("secret")).await.unwrap();
    assert_eq!(tried(&pool, "secret", again.expose()).await, RIGHT);
}

#[tokio::test]
async fn p10_other_kinds_and_costs_are_to_be_hashed_again() {
    let pool = pool();
    let hash = hashed(&pool, "secret").await;
    for kind in ["$2a$", "$2y$"] {
        let old = hash.replacen("$2b$", kind, 1);
        assert_eq!(tried(&pool, "secret", &old).await, RIGHT_BUT_OLD, "{kind}");
        assert_eq!(tried(&pool, "Secret", &old).await, Verdict::Wrong, "{kind}");
    }
    let dearer = BcryptPool::start(HashingConfig { cost: 6, ..config() }).unwrap();
    assert_eq!(tried(&dearer, "secret", &hash).await, RIGHT_BUT_OLD);
    let dear = hashed(&dearer, "secret").await;
    assert_eq!(tried(&pool, "secret", &dear).await, RIGHT_BUT_OLD);
}

/// From the tests of Openwall's `crypt_blowfish` 1.3 (`wrapper.c`).
#[tokio::test]
async fn p10_published_vectors_verify() {
    let pool = pool();
    let salt = "05$CCCCCCCCCCCCCCCCCCCCC.";
    for (password, kind, hash) in [
        ("U*U", "$2a$", "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U", "$2y$", "E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$", "VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    ] {
        let stored = format!("{kind}{salt}{hash}");
        assert_eq!(tried(&pool, password, &stored).await, RIGHT_BUT_OLD, "{stored}");
        assert_eq!(tried(&pool, "U*U**", &stored).await, Verdict::Wrong, "{stored}");
    }
    let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\
                0123456789chars after 72 are ignored";
    let stored = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    assert_eq!(tried(&pool, long, stored).await, Verdict::Wrong, "it has more than 71 bytes");
}

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
async fn p10_hashes_of_other_systems_verify_and_are_to_be_hashed_again() {
    let pool = pool();
    for (password, stored) in FOREIGN {
        assert_eq!(tried(&pool, password, stored).await, RIGHT_BUT_OLD, "{stored}");
        for wrong in ["Secret", "secret ", "cafe", "", &"secret".repeat(20)] {
            assert_eq!(tried(&pool, wrong, stored).await, Verdict::Wrong, "{wrong}: {stored}");
        }
        let again = pool.rehash(&candidate(password)).await.unwrap();
        assert!(again.expose().starts_with("$2b$04$"), "{}", again.expose());
        assert_eq!(tried(&pool, password, again.expose()).await, RIGHT);
    }
}

/// The parameters that other systems have by default.
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

#[tokio::test]
async fn p11_what_cannot_be_read_is_wrong_within_a_second() {
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
        // An implementation that took some characters for others.
        sound.replacen("$2b$", "$2x$", 1),
        format!("bcrypt${sound}"),
        format!("bcrypt_sha256{sound}"),
        format!("bcrypt_sha256$bcrypt_sha256${sound}"),
        format!("bcrypt_sha256${}", sound.replacen("$04$", "$31$", 1)),
        "bcrypt_sha256$".into(),
        "pbkdf2_sha256$1000000$salt$pbviq+1UUgwZCmLIr4Hgk7mEMsxnRLuOb2HfvIaBwGY=".into(),
        // A hash and a salt that are too short, and none.
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$aGFzaA".into(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$oIfD+wuWscf8sVAw".into(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEy$pbviq+1UUgwZCmLIr4Hgk7mEMsxnRLuOb2HfvIaBwGY".into(),
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg".into(),
        "$argon2id$v=19$m=64,t=1,p=1".into(),
        // Other versions and kinds: these are right ones of "secret".
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
        assert_eq!(tried(&pool, "secret", &broken).await, Verdict::Wrong, "{broken}");
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn nobodys_password_is_always_wrong() {
    let pool = pool();
    for password in ["secret", "", "x", &"x".repeat(100)] {
        assert_eq!(pool.verify(&candidate(password), None).await.unwrap(), Verdict::Wrong);
    }
    let parts: bcrypt::HashParts = nobodys_hash(12).parse().unwrap();
    assert_eq!(parts.get_cost(), 12);
}

#[tokio::test]
async fn an_empty_password_is_wrong_even_where_it_was_stored() {
    let stored = bcrypt::hash_with_salt("", COST, [7; 16]).unwrap().to_string();
    assert_eq!(tried(&pool(), "", &stored).await, Verdict::Wrong);
}

/// Whatever is tried, against whatever is stored, costs one hash: no more and no less. By the time of
/// this thread's that the processor spends, which does not grow when the machine is busy.
#[test]
fn every_verification_costs_one_hash() {
    const COST: u32 = 8;
    let stored = hash("secret", COST).unwrap();
    let broken = PasswordHash::new("$2b$31$".into());
    let time = |password: &str, stored: Option<&PasswordHash>| {
        let once = || {
            let before = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            assert_eq!(verify(password, stored, COST), Verdict::Wrong);
            let after = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            let nanoseconds =
                (after.tv_sec - before.tv_sec) * 1_000_000_000 + after.tv_nsec - before.tv_nsec;
            Duration::from_nanos(nanoseconds.try_into().unwrap())
        };
        // The fastest of some: shared caches only ever add.
        (0..7).map(|_| once()).min().unwrap()
    };
    let wrong = time("Secret", Some(&stored));
    for (what, password, stored) in [
        ("nobody", "secret", None),
        ("nobody, empty", "", None),
        ("broken", "secret", Some(&broken)),
        ("empty", "", Some(&stored)),
        ("over-long", "x".repeat(3000).as_str(), Some(&stored)),
    ] {
        let took = time(password, stored);
        assert!(took > wrong / 2 && took < wrong * 2, "{what}: {took:?}, not {wrong:?}");
    }
}

#[tokio::test]
async fn a_storm_is_refused_before_hashing() {
    let config = HashingConfig { cost: 8, threads: Some(1), queue: 1 };
    let pool = BcryptPool::start(config).unwrap();
    let password = candidate("secret");
    let mut waiting: Vec<_> = (0..8).map(|_| pool.verify(&password, None)).collect();
    let mut overloaded = 0;
    // Polled once each, in order, all are submitted before the first is done.
    let mut pending = Vec::new();
    for mut one in waiting.drain(..) {
        match std::future::poll_fn(|cx| std::task::Poll::Ready(one.as_mut().poll(cx))).await {
            std::task::Poll::Ready(Err(HashingError::Overloaded)) => overloaded += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => pending.push(one),
        }
    }
    // One runs and one waits; the thread may not have been idle yet when the first came.
    assert!((6..=7).contains(&overloaded), "{overloaded}");
    for one in pending {
        assert_eq!(one.await.unwrap(), Verdict::Wrong);
    }
}

#[tokio::test]
async fn a_client_who_left_costs_nothing() {
    let pool = BcryptPool::start(HashingConfig { cost: 8, threads: Some(1), queue: 64 }).unwrap();
    let password = candidate("secret");
    let started = Instant::now();
    pool.verify(&password, None).await.unwrap();
    let one = started.elapsed();
    for _ in 0..64 {
        let mut left = pool.verify(&password, None);
        let _ = std::future::poll_fn(|cx| std::task::Poll::Ready(left.as_mut().poll(cx))).await;
    }
    let started = Instant::now();
    pool.verify(&password, None).await.unwrap();
    assert!(started.elapsed() < one * 16, "64 were hashed for nobody");
}

#[test]
fn what_cannot_work_does_not_start() {
    for cost in [0, 3, 17, 31] {
        let error = BcryptPool::start(HashingConfig { cost, ..config() }).err();
        assert!(matches!(error, Some(HashingStartError::Cost(found)) if found == cost));
    }
    let error = BcryptPool::start(HashingConfig { threads: Some(0), ..config() }).err();
    assert!(matches!(error, Some(HashingStartError::NoThreads)));
    assert!(BcryptPool::start(HashingConfig { threads: None, ..config() }).is_ok());
}

proptest! {
    /// What a row may hold: anything, or a hash with a few changes. Reading it bounds the work before
    /// any is done, and neither fails in another way than by refusing.
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
            if let Ok(Stored::Argon2id { hash }) = Stored::read(&hash, COST) {
                let params = argon2::Params::try_from(hash.as_ref()).unwrap();
                prop_assert!(params.m_cost() <= 128 * 1024);
                prop_assert!(params.m_cost() * params.t_cost() <= 512 * 1024);
            }
        }
    }

    #[test]
    fn p10_what_was_hashed_verifies_and_nothing_else(password in "\\PC{1,15}", other in "\\PC{0,15}") {
        let (password, other) = (new(&password), candidate(&other));
        let stored = hash(password.expose(), COST).unwrap();
        let right = password.expose() == other.expose();
        prop_assert_eq!(verify(password.expose(), Some(&stored), COST), RIGHT);
        prop_assert_eq!(verify(other.expose(), Some(&stored), COST) == RIGHT, right);
    }
}
