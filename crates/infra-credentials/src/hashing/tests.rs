//! Tests of the pool, with the plain engine and with lanes.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use menjin_domain::common::Error;
use menjin_domain::credentials::PasswordLength;

use super::*;

mod foreign;
mod lanes;
mod stored;

const COST: u32 = 4;
const RIGHT: Verification = Verification::Match { needs_rehash: false };
const RIGHT_BUT_OLD: Verification = Verification::Match { needs_rehash: true };

/// The number of lanes in the tests with lanes.
pub(super) const LANES: usize = 3;

pub(super) const BOTH: [HashingEngine; 2] = [HashingEngine::Plain, HashingEngine::Lanes];

thread_local! {
    /// The tests begin with the plain engine; [`lanes`] runs them once more with lanes.
    static ENGINE: Cell<HashingEngine> = const { Cell::new(HashingEngine::Plain) };
}

fn config() -> HashingConfig {
    HashingConfig {
        cost: COST,
        threads: Some(1),
        queue: 8,
        max_wait: Duration::from_secs(60),
        engine: ENGINE.get(),
        lanes: Some(LANES),
    }
}

fn pool() -> BcryptPool {
    BcryptPool::start(config()).unwrap()
}

fn new(password: &str) -> NewPassword {
    NewPassword::parse(password, PasswordLength { min: 1, max: 128 }).unwrap()
}

fn candidate(password: &str) -> CandidatePassword {
    CandidatePassword::parse(password).unwrap()
}

async fn tried(pool: &BcryptPool, password: &str, hash: &str) -> Verification {
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
    assert_eq!(tried(&pool, &password[..63], &hash).await, Verification::Mismatch);
}

#[tokio::test]
async fn p02_nothing_is_cut_off() {
    let (pool, password) = (pool(), "x".repeat(71));
    let hash = hashed(&pool, &password).await;
    assert_eq!(tried(&pool, &password, &hash).await, RIGHT);
    for suffix in ["x", "y", "xx", &"x".repeat(129), "é"] {
        let longer = format!("{password}{suffix}");
        assert_eq!(
            tried(&pool, &longer, &hash).await,
            Verification::Mismatch,
            "{} bytes",
            longer.len()
        );
    }
    // A hash of a library that truncates is verified as there: with the first 72 bytes.
    let truncated = bcrypt::hash_with_salt("x".repeat(72), COST, [7; 16]).unwrap().to_string();
    for (length, expected) in [
        (71, Verification::Mismatch),
        (72, RIGHT_BUT_OLD),
        (73, RIGHT_BUT_OLD),
        (200, RIGHT_BUT_OLD),
    ] {
        assert_eq!(tried(&pool, &"x".repeat(length), &truncated).await, expected, "{length}");
    }
    // The limit falls within a character.
    assert_eq!(tried(&pool, &"é".repeat(36), &hash).await, Verification::Mismatch);
}

/// Each form is made and verified; a password of 71 bytes is of the one, of 72 bytes of the other.
#[tokio::test]
async fn p02_p10_j16_beyond_71_bytes_every_byte_counts() {
    let pool = pool();
    for (character, count) in [("x", 72), ("密", 24), ("é", 36), ("😀", 128), ("x", 512)] {
        let password = character.repeat(count);
        let hash = pool.rehash(&candidate(&password)).await.unwrap();
        let hash = hash.expose();
        assert!(hash.starts_with("$bcrypt-sha256$v=2,t=2b,r=4$") && hash.len() == 82, "{hash}");
        assert_eq!(tried(&pool, &password, hash).await, RIGHT);
        let shorter = character.repeat(count - 1);
        for wrong in [&shorter, &format!("{shorter}y"), &format!("{password}x"), ""] {
            assert_eq!(tried(&pool, wrong, hash).await, Verification::Mismatch, "{wrong}");
        }
        let dearer = BcryptPool::start(HashingConfig { cost: 6, ..config() }).unwrap();
        assert_eq!(tried(&dearer, &password, hash).await, RIGHT_BUT_OLD);
    }
}

/// From the tests of passlib 1.7.4, and made with it.
#[tokio::test]
async fn p10_j16_hashes_of_passlib_verify() {
    let pool = pool();
    for (password, hash) in [
        (
            "password",
            "$bcrypt-sha256$v=2,t=2b,r=5$5Hg1DKFqPE8C2aflZ5vVoe$wOK1VFFtS8IGTrGa7.h5fs0u84qyPbS",
        ),
        (
            &*"x".repeat(72),
            "$bcrypt-sha256$v=2,t=2b,r=5$FXl4lDNhVDFbICHG.cacou$w3/YilurGrct2rby0xHjkXoQLlSUrnS",
        ),
        (
            &*"密".repeat(40),
            "$bcrypt-sha256$v=2,t=2b,r=5$2RMatD86j/8hXf6T4MMYmu$oqkrmK/WU9iomjcTEh60yzsmCqSxXHq",
        ),
        (
            &*"😀".repeat(128),
            "$bcrypt-sha256$v=2,t=2b,r=5$C0q1jGnyP1iK/ATh60tqiu$o/RnanMnMUIcOMclqUoZgRyUwmOYGke",
        ),
    ] {
        assert_eq!(tried(&pool, password, hash).await, RIGHT_BUT_OLD, "{hash}");
        assert_eq!(tried(&pool, "Password", hash).await, Verification::Mismatch, "{hash}");
        let Ok(Stored::HmacThenBcrypt { hash: read, .. }) =
            Stored::read(&PasswordHash::new(hash.to_owned()), COST)
        else {
            panic!("{hash}");
        };
        assert_eq!(write_hmac_then_bcrypt(&read), hash, "it is written as passlib writes it");
        for broken in [
            hash.replace("v=2", "v=3"),
            hash.replace("r=5", "r=31"),
            hash.replace("r=5", "r=-5"),
            hash.replace("r=5", "r=5$"),
            hash.replace("t=2b", "t=2x"),
            hash[..hash.len() - 1].to_owned(),
            format!("{hash}."),
        ] {
            assert_eq!(tried(&pool, password, &broken).await, Verification::Mismatch, "{broken}");
        }
    }
}

#[tokio::test]
async fn p03_repetitions_of_the_key_differ() {
    let pool = pool();
    for (stored, tries) in [("abab", "ab"), ("ab", "abab"), ("abababab", "abab")] {
        let hash = hashed(&pool, stored).await;
        assert_eq!(tried(&pool, stored, &hash).await, RIGHT);
        assert_eq!(tried(&pool, tries, &hash).await, Verification::Mismatch);
    }
}

#[tokio::test]
async fn p08_case_and_spaces_count() {
    let pool = pool();
    let hash = hashed(&pool, "Password-1").await;
    for wrong in ["password-1", "PASSWORD-1", "Password-1 ", " Password-1", "Password-", ""] {
        assert_eq!(tried(&pool, wrong, &hash).await, Verification::Mismatch, "{wrong:?}");
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
        assert_eq!(tried(&pool, "Secret", &old).await, Verification::Mismatch, "{kind}");
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
        assert_eq!(tried(&pool, "U*U**", &stored).await, Verification::Mismatch, "{stored}");
    }
    let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\
                0123456789chars after 72 are ignored";
    let stored = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    assert_eq!(tried(&pool, long, stored).await, RIGHT_BUT_OLD);
    assert_eq!(tried(&pool, &long[..72], stored).await, RIGHT_BUT_OLD);
    assert_eq!(tried(&pool, &long[..71], stored).await, Verification::Mismatch);
}

#[tokio::test]
async fn nobodys_password_is_always_wrong() {
    let pool = pool();
    for password in ["secret", "", "x", &"x".repeat(100)] {
        assert_eq!(pool.verify(&candidate(password), None).await.unwrap(), Verification::Mismatch);
    }
}

#[tokio::test]
async fn an_empty_password_is_wrong_even_where_it_was_stored() {
    let stored = bcrypt::hash_with_salt("", COST, [7; 16]).unwrap().to_string();
    assert_eq!(tried(&pool(), "", &stored).await, Verification::Mismatch);
}

/// Every verification costs exactly one hash, whatever password is tried against whatever stored
/// hash. The test measures processor time of the hashing thread, which does not grow when the
/// machine is busy.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn every_verification_costs_one_hash() {
    let pool = BcryptPool::start(HashingConfig { cost: 8, ..config() }).unwrap();
    let stored = pool.hash(&new("secret")).await.unwrap();
    let broken = PasswordHash::new("$2b$31$".into());
    let pool = &pool;
    let spent = || async {
        let time = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(pool.workers.submit(time).unwrap().await.unwrap().unwrap()).unwrap()
    };
    let time = async |password: &str, stored: Option<&PasswordHash>| {
        let mut least = Duration::MAX;
        // The fastest of several runs, because shared caches only add time.
        for _ in 0..7 {
            let before = spent().await;
            let verdict = pool.verify(&candidate(password), stored.cloned()).await.unwrap();
            assert_eq!(verdict, Verification::Mismatch);
            least = least.min(spent().await.saturating_sub(before));
        }
        least
    };
    let wrong = time("Secret", Some(&stored)).await;
    for (what, password, stored) in [
        ("nobody", "secret", None),
        ("nobody, empty", "", None),
        ("broken", "secret", Some(&broken)),
        ("empty", "", Some(&stored)),
        ("over-long", "x".repeat(3000).as_str(), Some(&stored)),
    ] {
        let took = time(password, stored).await;
        assert!(took > wrong / 2 && took < wrong * 2, "{what}: {took:?}, not {wrong:?}");
    }
}

#[tokio::test]
async fn a_storm_is_refused_before_hashing() {
    let config = HashingConfig { cost: 8, queue: 1, ..config() };
    let lanes = if config.engine == HashingEngine::Plain { 1 } else { LANES };
    let pool = BcryptPool::start(config).unwrap();
    let password = candidate("secret");
    let mut waiting: Vec<_> = (0..8).map(|_| pool.verify(&password, None)).collect();
    let mut overloaded = 0;
    // Polled once each, in order, so that all are submitted before the first is done.
    let mut pending = Vec::new();
    for mut one in waiting.drain(..) {
        match std::future::poll_fn(|cx| std::task::Poll::Ready(one.as_mut().poll(cx))).await {
            std::task::Poll::Ready(Err(Error::Refused(Overloaded))) => overloaded += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => pending.push(one),
        }
    }
    // Some run and one waits. The thread may not have been idle yet when the first job came.
    assert!((7 - lanes..=7).contains(&overloaded), "{overloaded}");
    for one in pending {
        assert_eq!(one.await.unwrap(), Verification::Mismatch);
    }
}

#[tokio::test]
async fn a_client_who_left_costs_nothing() {
    let pool = BcryptPool::start(HashingConfig { cost: 8, queue: 64, ..config() }).unwrap();
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
    for lanes in [0, 17] {
        let error = BcryptPool::start(HashingConfig { lanes: Some(lanes), ..config() }).err();
        assert!(matches!(error, Some(HashingStartError::Lanes(found)) if found == lanes));
    }
    let measured = HashingConfig { threads: None, lanes: None, ..config() };
    assert!(BcryptPool::start(measured).is_ok());
}

/// Hashes of different costs, right and wrong passwords, and unknown users, all at once.
#[tokio::test]
async fn a_crowd_gets_each_its_own_verdict() {
    let pool = BcryptPool::start(HashingConfig { threads: Some(2), queue: 100, ..config() });
    let pool = Arc::new(pool.unwrap());
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..90_u8 {
        let pool = Arc::clone(&pool);
        crowd.spawn(async move {
            let (password, cost) = (format!("password {number}"), u32::from(number) % 5 + 4);
            let stored = bcrypt::hash_with_salt(&password, cost, [number; 16]).unwrap();
            let stored = (number % 3 < 2).then(|| PasswordHash::new(stored.to_string()));
            let tried = if number % 2 == 0 { password } else { password + "!" };
            let verdict = pool.verify(&candidate(&tried), stored.clone()).await.unwrap();
            let expected = match (number % 2, stored) {
                (0, Some(_)) => Verification::Match { needs_rehash: cost != COST },
                _ => Verification::Mismatch,
            };
            assert_eq!(verdict, expected, "{number}");
        });
    }
    crowd.join_all().await;
}

#[tokio::test]
async fn hashes_of_this_pool_verify_elsewhere() {
    let pool = pool();
    for password in ["secret", "x", &"é".repeat(35), &"x".repeat(71)] {
        let hash = hashed(&pool, password).await;
        assert!(bcrypt::non_truncating_verify(password, &hash).unwrap(), "{hash}");
    }
}
