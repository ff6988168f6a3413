//! T11, S4, and the change of keys.

use menjin_domain::sessions::PublicPoint;

use super::*;

/// A change of these values logs everybody out at the next upgrade.
#[test]
fn the_header_and_the_key_stay_as_they_are() {
    let [hs256, ed25519, p256] = forgers().map(|f| f.token());
    let part = |token: &str, number| token.split('.').nth(number).unwrap().to_owned();
    // Made with Python's hmac and hashlib, by RFC 5869 and RFC 7515.
    assert_eq!(
        part(&hs256, 0),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ijk1NzQyYzIyOTdmNWM5YzUifQ"
    );
    assert_eq!(part(&hs256, 2), "EQ3pJ9FVyQh6xHjReJemO_Z6Hl-7R68XW_FQxlGqrHY");
    // The first is from RFC 8037, A.3; the other was made with Python's hashlib.
    let [ed25519, p256] = [&ed25519, &p256].map(|token| super::part(token, 0)["kid"].clone());
    assert_eq!(ed25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(p256, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

/// RFC 8037, A.4: a published signature made by others.
#[test]
fn a_published_signature_verifies() {
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = AccessKey::from_pem(ED25519).unwrap();
    assert!(key.public().verifier.verifies(message, signature));
    assert!(!key.public().verifier.verifies(&message[1..], signature));
    assert_eq!(key.signer.sign(message).unwrap(), signature);
}

#[test]
fn s4_short_and_repeated_secrets_are_refused_and_not_echoed() {
    let short: SecretString = SECRET[1..].into();
    let long: SecretString = SECRET.replace('f', "g").into();
    for (secret, verify_only_secrets, error) in [
        (short.clone(), vec![], SecretError::TooShort),
        (long.clone(), vec![short], SecretError::TooShort),
        (long.clone(), vec![long.clone()], SecretError::Repeated),
        (SECRET.into(), vec![long.clone(), long.clone()], SecretError::Repeated),
    ] {
        let config = JwtConfig { secret, verify_only_secrets, ..config() };
        assert!(!format!("{config:?}").contains("0123"));
        assert_eq!(JwtCodec::new(config).err(), Some(error));
    }
}

/// Two processes at each moment of a change of keys: some processes already have keys that the
/// others do not have yet.
#[test]
fn t11_a_key_is_exchanged_in_three_steps() {
    let (old, new) = (SECRET.to_owned(), SECRET.replace('f', "g"));
    let codec = |secret: &String, verify_only: &[&String]| {
        let verify_only_secrets = verify_only.iter().map(|&secret| secret.clone().into());
        let verify_only_secrets = verify_only_secrets.collect();
        let secret = secret.clone().into();
        JwtCodec::new(JwtConfig { secret, verify_only_secrets, ..config() }).unwrap()
    };
    let understands = |reader: &JwtCodec, writer: &JwtCodec| {
        let access = writer.sign_access(&access()).unwrap();
        let refresh = writer.sign_refresh(&refresh()).unwrap();
        let read = [
            reader.verify_access(access.expose_secret(), at(NOW)).is_ok(),
            reader.verify_refresh(refresh.expose_secret(), at(NOW)).is_ok(),
        ];
        assert_eq!(read[0], read[1], "both kinds of tokens alike");
        // The other key only verifies, and each kind still has its own key.
        assert!(reader.verify_refresh(access.expose_secret(), at(NOW)).is_err());
        assert!(reader.verify_access(refresh.expose_secret(), at(NOW)).is_err());
        read[0]
    };
    let steps = [codec(&old, &[]), codec(&old, &[&new]), codec(&new, &[&old]), codec(&new, &[])];
    for step in steps.windows(2) {
        for (reader, writer) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (reader, writer) = (&step[reader], &step[writer]);
            assert!(understands(reader, writer));
        }
    }
    assert!(understands(&steps[2], &steps[0]), "an old token in the second step");
    assert!(!understands(&steps[3], &steps[0]), "a retired key");
    assert!(!understands(&steps[0], &steps[2]), "whoever skips the first step");
}

/// The right key with the id of the other key, and the other way round.
#[test]
fn t10_a_key_verifies_what_its_id_says_and_nothing_else() {
    let other = SECRET.replace('f', "g");
    let other_codec = JwtCodec::new(JwtConfig { secret: other.into(), ..config() }).unwrap();
    let theirs = other_codec.sign_access(&access()).unwrap();
    let verify_only_secrets = vec![SECRET.replace('f', "g").into()];
    let both = JwtCodec::new(JwtConfig { verify_only_secrets, ..config() }).unwrap();
    let ours = forgers()[0].token();
    let theirs = theirs.expose_secret();
    for token in [ours.as_str(), theirs] {
        assert_eq!(both.verify_access(token, at(NOW)), Ok(access()));
    }
    let (our_header, our_rest) = ours.split_once('.').unwrap();
    let (their_header, their_rest) = theirs.split_once('.').unwrap();
    for token in [format!("{our_header}.{their_rest}"), format!("{their_header}.{our_rest}")] {
        assert!(both.verify_access(&token, at(NOW)).is_err());
    }
}

const ED25519_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";
const P256_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END PUBLIC KEY-----
";

fn public(pem: &str) -> PublicAccessKey {
    PublicAccessKey::from_pem(pem).unwrap()
}

fn codec(access_key: Option<&str>, verify_only_access_keys: Vec<AccessVerifier>) -> JwtCodec {
    let access_key = access_key.map(|pem| AccessKey::from_pem(pem).unwrap());
    JwtCodec::new(JwtConfig { access_key, verify_only_access_keys, ..config() }).unwrap()
}

/// An attacker who has the public key, which is public, signs with it as if it were the secret of
/// HS256 (RFC 8725 §2.1).
#[test]
fn t02_a_public_key_is_no_secret() {
    for (f, pem) in forgers().iter().skip(1).zip([ED25519_PUBLIC, P256_PUBLIC]) {
        let key = &f.codec.public_keys()[0];
        let point = match &key.point {
            PublicPoint::Ed25519 { x } => vec![x.to_vec()],
            PublicPoint::P256 { x, y } => {
                vec![[&[4], &x[..], y].concat(), [&x[..], y].concat(), x.to_vec()]
            }
        };
        let encoded = point.iter().map(|bytes| URL_SAFE_NO_PAD.encode(bytes).into_bytes());
        let forms: [Vec<u8>; 4] =
            [pem.into(), pem.trim().into(), der(pem), key.id.clone().into_bytes()];
        let own = part(&f.refresh_token(), 0)["kid"].as_str().unwrap().to_owned();
        for secret in forms.into_iter().chain(encoded).chain(point.iter().cloned()) {
            let secret = EncodingKey::from_secret(&secret);
            for kid in [&key.id, &own] {
                for typ in ["at+jwt", "rt+jwt"] {
                    let header = format!(r#"{{"alg":"HS256","typ":"{typ}","kid":"{kid}"}}"#);
                    f.refused(&signed(Algorithm::HS256, &secret, &header, CLAIMS));
                }
            }
            f.refused(&signed(Algorithm::HS256, &secret, &f.header(), CLAIMS));
        }
    }
}

/// With an access key, access tokens signed by the secret are refused unless the settings say
/// otherwise.
#[test]
fn t11_the_algorithm_is_exchanged_like_a_key() {
    let [hs256, ed25519, p256] = &forgers();
    let key = |pem| AccessVerifier::Key(public(pem).into());
    let (secrets, none) = (AccessVerifier::Secrets, Vec::new());
    for (codec, expected) in [
        (codec(None, none.clone()), [true, false, false]),
        (codec(None, vec![key(ED25519_PUBLIC)]), [true, true, false]),
        (codec(Some(ED25519), none.clone()), [false, true, false]),
        (codec(Some(ED25519), vec![secrets.clone()]), [true, true, false]),
        (codec(Some(P256), vec![key(ED25519)]), [false, true, true]),
        (codec(Some(P256), vec![secrets, key(ED25519_PUBLIC)]), [true, true, true]),
    ] {
        let read = [hs256, ed25519, p256].map(|f| codec.verify_access(&f.token(), at(NOW)).is_ok());
        assert_eq!(read, expected);
        // Whatever signs access tokens, all codecs accept each other's refresh tokens.
        let refresh_token = p256.refresh_token();
        assert_eq!(codec.verify_refresh(&refresh_token, at(NOW)), Ok(refresh()));
    }
}

#[test]
fn t11_secrets_to_verify_only_count_where_the_secret_does() {
    let old = hs256_of(&SECRET.replace('f', "g"));
    let verify_only_secrets = vec![SECRET.replace('f', "g").into()];
    for (others, accepted) in [(vec![], false), (vec![AccessVerifier::Secrets], true)] {
        let config = JwtConfig {
            verify_only_secrets: verify_only_secrets.clone(),
            access_key: Some(AccessKey::from_pem(P256).unwrap()),
            verify_only_access_keys: others,
            ..config()
        };
        let codec = JwtCodec::new(config).unwrap();
        let (access, refresh) =
            (old.sign_access(&access()).unwrap(), old.sign_refresh(&refresh()).unwrap());
        assert_eq!(codec.verify_access(access.expose_secret(), at(NOW)).is_ok(), accepted);
        assert!(codec.verify_refresh(refresh.expose_secret(), at(NOW)).is_ok());
    }
}

fn hs256_of(secret: &str) -> JwtCodec {
    JwtCodec::new(JwtConfig { secret: secret.into(), ..config() }).unwrap()
}

#[test]
fn what_is_published_is_public_and_the_active_key_comes_first() {
    let ids = |codec: JwtCodec| -> Vec<String> {
        codec.public_keys().into_iter().map(|key| key.id).collect()
    };
    let key = |pem| AccessVerifier::Key(public(pem).into());
    let (ed25519, p256) = (public(ED25519).id().to_owned(), public(P256).id().to_owned());
    assert_eq!(ids(codec(None, vec![])), Vec::<String>::new());
    assert_eq!(ids(codec(None, vec![key(P256)])), [p256.as_str()]);
    assert_eq!(
        ids(codec(Some(ED25519), vec![AccessVerifier::Secrets, key(P256_PUBLIC)])),
        [ed25519, p256]
    );
}

#[test]
fn s4_a_key_is_given_once() {
    for (access_key, others) in [
        (Some(ED25519), vec![AccessVerifier::Key(public(ED25519_PUBLIC).into())]),
        (
            None,
            vec![
                AccessVerifier::Key(public(P256).into()),
                AccessVerifier::Key(public(P256_PUBLIC).into()),
            ],
        ),
        (None, vec![AccessVerifier::Secrets]),
        (Some(P256), vec![AccessVerifier::Secrets, AccessVerifier::Secrets]),
    ] {
        let access_key = access_key.map(|pem| AccessKey::from_pem(pem).unwrap());
        let config = JwtConfig { access_key, verify_only_access_keys: others, ..config() };
        assert_eq!(JwtCodec::new(config).err(), Some(SecretError::Repeated));
    }
}

#[test]
fn keys_are_read_in_the_forms_that_others_write() {
    for (private, public_pem) in [(ED25519, ED25519_PUBLIC), (P256, P256_PUBLIC)] {
        let key = AccessKey::from_pem(private).unwrap();
        assert_eq!(public(public_pem).id(), key.public().id());
        assert_eq!(public(private).id(), key.public().id());
        assert_eq!(key.to_pem().unwrap().expose_secret(), private);
        for written in
            [private.replace('\n', "\r\n"), format!("\n{private}\n"), private.trim().into()]
        {
            assert_eq!(AccessKey::from_pem(&written).unwrap().public().id(), key.public().id());
        }
        assert!(!format!("{key:?}").contains(&private[28..40]), "{key:?}");
        assert!(AccessKey::from_pem(public_pem).is_err(), "a public key signs nothing");
    }
}

#[test]
fn other_keys_are_refused() {
    let encrypted = ED25519.replace("PRIVATE", "ENCRYPTED PRIVATE");
    // y² = x³ - 3x + b does not hold for the changed point.
    let off_the_curve = P256_PUBLIC.replace("jlrQ==", "jlrA==");
    // The neutral element, for which any message has a valid signature.
    let weak = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END PUBLIC KEY-----\n";
    let x25519 = ED25519.replace("K2Vw", "K2Vu");
    for pem in [
        "",
        "secret",
        SECRET,
        &encrypted,
        &off_the_curve,
        weak,
        &x25519,
        &ED25519[..80],
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
    ] {
        assert!(AccessKey::from_pem(pem).is_err(), "{pem}");
        assert!(PublicAccessKey::from_pem(pem).is_err(), "{pem}");
    }
}

#[test]
fn new_keys_are_of_their_kind_and_differ() {
    for (kind, alg) in [(AccessKeyKind::Ed25519, "EdDSA"), (AccessKeyKind::P256, "ES256")] {
        let [one, other] = [(); 2].map(|()| AccessKey::generate(kind).unwrap());
        assert_ne!(one.public().id(), other.public().id());
        let pem = one.to_pem().unwrap();
        let codec = codec(Some(pem.expose_secret()), vec![]);
        let token = codec.sign_access(&access()).unwrap();
        assert_eq!(codec.verify_access(token.expose_secret(), at(NOW)), Ok(access()));
        assert_eq!(part(token.expose_secret(), 0)["alg"], alg);
    }
}

proptest! {
    #[test]
    fn a_key_that_is_none_is_refused_without_a_panic(
        text in any::<String>(),
        which in 0_usize..4,
        at in any::<prop::sample::Index>(),
        change in "[ -~]",
    ) {
        let mut changed = [ED25519, P256, ED25519_PUBLIC, P256_PUBLIC][which].to_owned();
        let at = at.index(changed.len());
        changed.replace_range(at..=at, &change);
        for pem in [text, changed] {
            if let Ok(key) = AccessKey::from_pem(&pem) {
                prop_assert!(public(&pem).id() == key.public().id());
            }
            drop(PublicAccessKey::from_pem(&pem));
        }
    }
}
