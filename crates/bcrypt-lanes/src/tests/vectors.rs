//! Tests with published vectors, and of the text form.

use std::str::FromStr;

use crate::{
    CostError, Digest, Hash, HashError, Job, Key, Lanes, Version, digest_many, hash_many,
    verify_many,
};
use bcrypt::HashParts;
use proptest::prelude::*;

/// `jBCrypt` 0.4, `TestBCrypt.java`.
const JBCRYPT: [(&str, &str); 20] = [
    ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
    ("", "$2a$08$HqWuK6/Ng6sg9gQzbLrgb.Tl.ZHfXLhvt/SgVyWhQqgqcZ7ZuUtye"),
    ("", "$2a$10$k1wbIrmNyFAPwPVPSVa/zecw2BCEnBwVS2GbrmgzxFUOqW9dk4TCW"),
    ("", "$2a$12$k42ZFHFWqBp3vWli.nIn8uYyIkbvYRvodzbfbK18SSsY.CsIQPlxO"),
    ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
    ("a", "$2a$08$cfcvVd2aQ8CMvoMpP2EBfeodLEkkFJ9umNEfPD18.hUF62qqlC/V."),
    ("a", "$2a$10$k87L/MF28Q673VKh8/cPi.SUl7MU/rWuSiIDDFayrKk/1tBsSQu4u"),
    ("a", "$2a$12$8NJH3LsPrANStV6XtBakCez0cKHXVxmvxIlcz785vxAIZrihHZpeS"),
    ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    ("abc", "$2a$08$Ro0CUfOqk6cXEKf3dyaM7OhSCvnwM9s4wIX9JeLapehKK5YdLxKcm"),
    ("abc", "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi"),
    ("abc", "$2a$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q"),
    ("abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"),
    ("abcdefghijklmnopqrstuvwxyz", "$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."),
    ("abcdefghijklmnopqrstuvwxyz", "$2a$10$fVH8e28OQRj9tqiDXs1e1uxpsjN0c7II7YPKXua2NAKYvM6iQk7dq"),
    ("abcdefghijklmnopqrstuvwxyz", "$2a$12$D4G5f18o7aMMfwasBL7GpuQWuP3pkrZrOAnqP.bmezbMng.QwJ/pG"),
    (
        "~!@#$%^&*()      ~!@#$%^&*()PNBFRD",
        "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO",
    ),
    (
        "~!@#$%^&*()      ~!@#$%^&*()PNBFRD",
        "$2a$08$Eq2r4G/76Wv39MzSX262huzPz612MZiYHVUJe/OcOql2jo4.9UxTW",
    ),
    (
        "~!@#$%^&*()      ~!@#$%^&*()PNBFRD",
        "$2a$10$LgfYWkbzEvQ4JakH7rOvHe0y8pHKF9OaFgwUZ2q7W2FFZmZzJYlfS",
    ),
    (
        "~!@#$%^&*()      ~!@#$%^&*()PNBFRD",
        "$2a$12$WApznUOJfkEGSmYRfnkrPOr466oFDCaj4b6HY3EXGvfxm43seyhgC",
    ),
];

/// Openwall's `crypt_blowfish` 1.3, `wrapper.c`: the vectors of the algorithm, without those of its
/// old faults (`$2x$`) and of its countermeasures against them (some of `$2a$` with 8-bit
/// characters).
const OPENWALL: [(&[u8], &str); 18] = [
    (b"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    (b"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    (b"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    (
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 \
          are ignored",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
    ),
    (b"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"),
    (b"\xff\xff\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"),
    (b"\xff\xff\xa3", "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"),
    (b"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"),
    (b"\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"),
    (b"\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"),
    (
        b"\xff\xa334\xff\xff\xff\xa3345",
        "$2y$05$/OK.fbVrR/bpIqNJ5ianF.o./n25XVfn6oAPaUvHe.Csk4zRfsYPi",
    ),
    (b"\xff\xa3345", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.nRht2l/HRhr6zmCp9vYUvvsqynflf9e"),
    (b"\xff\xa3345", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.nRht2l/HRhr6zmCp9vYUvvsqynflf9e"),
    (b"\xa3ab", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.6IflQkJytoRVc1yuaNtHfiuq.FRlSIS"),
    (&[0xaa; 80], "$2a$05$/OK.fbVrR/bpIqNJ5ianF.swQOIzjOiJ9GHEPuhEkvqrUyvWhEMx6"),
    (&[0xaa; 72], "$2a$05$/OK.fbVrR/bpIqNJ5ianF.swQOIzjOiJ9GHEPuhEkvqrUyvWhEMx6"),
    (
        [[0xaa, 0x55]; 36].as_flattened(),
        "$2a$05$/OK.fbVrR/bpIqNJ5ianF.R9xrDjiycxMbQE2bp.vgqlYpW5wx2yy",
    ),
    (
        [[0x55, 0xaa, 0xff]; 24].as_flattened(),
        "$2a$05$/OK.fbVrR/bpIqNJ5ianF.9tQZzcJfm3uj2NvJ/n5xkhpqLrMpWCe",
    ),
];

fn vectors() -> impl Iterator<Item = (&'static [u8], &'static str)> {
    JBCRYPT.into_iter().map(|(password, hash)| (password.as_bytes(), hash)).chain(OPENWALL)
}

#[test]
fn published_vectors_verify() {
    let hashes: Vec<Hash> = vectors().map(|(_, hash)| hash.parse().unwrap()).collect();
    for lanes in [1, 3, 16] {
        let right = vectors().zip(&hashes).filter(|(_, hash)| lanes > 3 || hash.cost() < 10);
        let right = right.map(|((password, _), hash)| (Key::truncated(password), hash));
        assert!(verify_many(right, lanes).into_iter().all(|verifies| verifies));
        let wrong = vectors()
            .zip(&hashes)
            .filter(|(_, hash)| hash.cost() < 8)
            .map(|(vector, hash)| (Key::truncated(&[b"x", vector.0].concat()), hash));
        assert!(!verify_many(wrong, lanes).into_iter().any(|verifies| verifies));
    }
}

#[test]
fn hashes_are_made_in_the_order_of_their_passwords() {
    let salts: Vec<[u8; 16]> = (0..9).map(|number| [number; 16]).collect();
    let password = |number| format!("password {number}");
    for lanes in [0, 1, 2, 5, 100] {
        let passwords = salts
            .iter()
            .enumerate()
            .map(|(number, salt)| (Key::new(password(number).as_bytes()).unwrap(), *salt));
        let hashes = hash_many(passwords, 4, lanes).unwrap();
        for (number, (hash, salt)) in hashes.iter().zip(&salts).enumerate() {
            let theirs = bcrypt::hash_with_salt(password(number), 4, *salt).unwrap();
            assert_eq!(hash.to_string(), theirs.to_string());
        }
        assert_eq!(hashes.len(), salts.len());
    }
    assert!(digest_many([], 4).is_empty());
}

#[test]
fn what_costs_too_little_or_too_much_is_no_hash() {
    let digest: Digest = digest_many([job(0)], 1).remove(0);
    for cost in [0, 3, 32] {
        assert_eq!(Hash::new(cost, [0; 16], &digest).err(), Some(CostError(cost)));
        let keys = [(Key::truncated(b""), [0; 16])];
        assert_eq!(hash_many(keys, cost, 1).err(), Some(CostError(cost)));
    }
}

#[test]
fn what_is_no_hash_is_refused() {
    let sound = JBCRYPT[0].1;
    for (broken, error) in [
        (String::new(), HashError::Form),
        (sound[..59].into(), HashError::Form),
        (format!("{sound}."), HashError::Form),
        (sound.replacen("$2a$", "$1$a", 1), HashError::Form),
        (sound.replacen("$06$", "$06.", 1), HashError::Form),
        ("é".repeat(30), HashError::Form),
        (sound.replacen("$2a$", "$2c$", 1), HashError::Version),
        (sound.replacen("$06$", "$03$", 1), HashError::Cost),
        (sound.replacen("$06$", "$32$", 1), HashError::Cost),
        (sound.replacen("$06$", "$+6$", 1), HashError::Cost),
        (sound.replacen("$06$", "$6 $", 1), HashError::Cost),
        (sound.replacen('Y', "=", 1), HashError::Base64),
        (format!("{}é", &sound[..58]), HashError::Base64),
        // 22 characters are 132 bits, but a salt has 128: the other bits must be 0.
        (sound.replacen(".TV4S", "/TV4S", 1), HashError::Base64),
    ] {
        assert_eq!(broken.parse::<Hash>().err(), Some(error), "{broken}");
    }
}

#[test]
fn nothing_secret_prints() {
    let hash: Hash = JBCRYPT[0].1.parse().unwrap();
    assert_eq!(format!("{hash:?}"), "Hash($2a$06$…)");
    let digest = digest_many([job(1)], 1).remove(0);
    assert_eq!(format!("{digest:?}"), "Digest(…)");
    assert_eq!(
        format!("{:?}", job(1)),
        "Job { key: Key(…), salt: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], cost: 1 }"
    );
}

fn job(cost: u32) -> Job {
    Job::new(Key::truncated(b"secret"), [0; 16], cost).unwrap()
}

#[test]
fn a_full_one_gives_the_job_back() {
    let mut lanes = Lanes::new(0);
    assert_eq!((lanes.capacity(), lanes.is_empty()), (1, true));
    lanes.join(job(3), "first").unwrap();
    let full = lanes.join(job(5), "second").unwrap_err();
    assert_eq!((full.job.cost(), full.tag), (5, "second"));
    assert_eq!(format!("{lanes:?}"), "Lanes(1 of 1)");
    for _ in 0..7 {
        assert!(lanes.step().is_empty());
    }
    assert_eq!(lanes.step().remove(0).0, "first");
    assert!(lanes.is_empty() && lanes.step().is_empty());
    assert_eq!(Lanes::<()>::new(99).capacity(), Lanes::<()>::MAX);
}

proptest! {
    /// The same texts are valid hashes as for the `bcrypt` crate, except that the crate also
    /// accepts `+6` as a cost, and any number of two digits.
    #[test]
    fn the_same_texts_are_hashes(
        number in 0..JBCRYPT.len(),
        changes in prop::collection::vec((0_usize..60, "[./A-Za-z0-9$+ =é]"), 0..3),
    ) {
        let mut text: Vec<String> = JBCRYPT[number].1.chars().map(String::from).collect();
        for (place, by) in changes {
            text[place] = by;
        }
        let text = text.concat();
        match (text.parse::<Hash>(), HashParts::from_str(&text)) {
            (Ok(ours), Ok(theirs)) => {
                prop_assert_eq!(&ours.to_string(), &text);
                prop_assert_eq!(ours.cost(), theirs.get_cost());
                prop_assert_eq!(ours.salt(), theirs.get_salt_raw());
                if ours.version() == Version::TwoB {
                    prop_assert_eq!(theirs.to_string(), text);
                }
            }
            (Err(HashError::Cost), Ok(theirs)) => {
                prop_assert!(!(4..=31).contains(&theirs.get_cost()) || &text[4..5] == "+");
            }
            (ours, theirs) => prop_assert!(ours.is_err() && theirs.is_err(), "{}", text),
        }
    }
}
