//! T1 to T10. Each forgery is made with the right key unless it says otherwise, from a token that
//! is accepted, so that it is refused for the one thing that differs.

mod claims;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::SubsecRound;
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use menjin_domain::values::{Role, UserId};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_700_000_000;
const ACCESS_TTL: i64 = 1800;
const REFRESH_TTL: i64 = 7 * 86_400;
const SID: Uuid = Uuid::from_u128(0x5e55);
const JTI: Uuid = Uuid::from_u128(0x1d);

fn config() -> JwtConfig {
    JwtConfig {
        secret: SECRET.into(),
        verify_only_secrets: Vec::new(),
        issuer: "menjin".into(),
        audience: "school".into(),
        access_ttl: Duration::from_secs(1800),
        refresh_ttl: Duration::from_secs(7 * 86_400),
    }
}

fn codec() -> JwtCodec {
    JwtCodec::new(config()).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 999_999_000).unwrap()
}

fn access() -> AccessClaims {
    AccessClaims {
        user_id: UserId::try_from(42).unwrap(),
        session_id: SessionId(SID),
        role: Role::Teacher,
        token_id: JTI,
        issued_at: at(NOW).trunc_subsecs(0),
        expires_at: at(NOW + ACCESS_TTL).trunc_subsecs(0),
    }
}

fn refresh() -> RefreshClaims {
    RefreshClaims {
        user_id: UserId::try_from(42).unwrap(),
        session_id: SessionId(SID),
        generation: Generation(3),
        token_id: JTI,
        issued_at: at(NOW).trunc_subsecs(0),
        expires_at: at(NOW + REFRESH_TTL).trunc_subsecs(0),
    }
}

fn token() -> String {
    codec().sign_access(&access()).unwrap().expose_secret().to_owned()
}

fn refresh_token() -> String {
    codec().sign_refresh(&refresh()).unwrap().expose_secret().to_owned()
}

fn read(token: &str) -> Result<AccessClaims, InvalidToken> {
    codec().verify_access(token, at(NOW))
}

fn refused(token: &str) {
    assert!(read(token).is_err(), "accepted as access token: {token}");
    assert!(codec().verify_refresh(token, at(NOW)).is_err(), "accepted as refresh token: {token}");
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn key(info: &str) -> EncodingKey {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, SECRET.as_bytes()).expand(info.as_bytes(), &mut key).unwrap();
    EncodingKey::from_secret(&key)
}

fn forge_as(algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = [header, claims].map(|json| URL_SAFE_NO_PAD.encode(json)).join(".");
    let signature = crypto::sign(message.as_bytes(), &key("menjin/v1/access"), algorithm).unwrap();
    format!("{message}.{signature}")
}

/// With the key of access tokens.
fn forge(header: &str, claims: &str) -> String {
    forge_as(Algorithm::HS256, header, claims)
}

const CLAIMS: &str = r#"{"iss":"menjin","aud":"school","sub":"42","sid":"00000000-0000-0000-0000-000000005e55","jti":"00000000-0000-0000-0000-00000000001d","iat":1700000000,"exp":1700001800,"role":"teacher"}"#;

fn header() -> String {
    let header = token().split('.').next().unwrap().to_owned();
    String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}

/// The right header, changed.
fn forge_header(from: &str, to: &str) -> String {
    let header = header();
    assert!(header.contains(from), "{header}");
    forge(&header.replacen(from, to, 1), CLAIMS)
}

/// The right claims, changed.
fn forge_claims(from: &str, to: &str) -> String {
    assert!(CLAIMS.contains(from), "{from}");
    forge(&header(), &CLAIMS.replacen(from, to, 1))
}

#[test]
fn tokens_go_round() {
    let codec = codec();
    assert_eq!(codec.verify_access(&token(), at(NOW)), Ok(access()));
    assert_eq!(codec.verify_refresh(&refresh_token(), at(NOW)), Ok(refresh()));
    assert_eq!(forge(&header(), CLAIMS), token(), "the tests forge what the codec writes");
    // What the codec writes is to be ignored by older replicas, and order is nobody's business.
    assert_eq!(read(&forge_claims(r#","role""#, r#","scope":[1.5,{}],"role""#)), Ok(access()));
    assert_eq!(read(&forge_claims(r#""sub":"42""#, r#""sub" : "4\u0032""#)), Ok(access()));
}

#[test]
fn the_wire_is_as_documented() {
    let (access, refresh) = (token(), refresh_token());
    let (one, other) = (part(&access, 0), part(&refresh, 0));
    for (header, typ) in [(&one, "at+jwt"), (&other, "rt+jwt")] {
        assert_eq!(header, &json!({"alg": "HS256", "typ": typ, "kid": header["kid"]}));
        assert_eq!(header["kid"].as_str().unwrap().len(), 16);
    }
    assert_ne!(one["kid"], other["kid"]);
    assert_eq!(
        part(&access, 1),
        json!({"iss": "menjin", "aud": "school", "sub": "42", "sid": SID.to_string(),
            "jti": JTI.to_string(), "iat": NOW, "exp": NOW + ACCESS_TTL, "role": "teacher"})
    );
    assert_eq!(
        part(&refresh, 1),
        json!({"iss": "menjin", "aud": "school", "sub": "42", "sid": SID.to_string(),
            "jti": JTI.to_string(), "iat": NOW, "exp": NOW + REFRESH_TTL, "gen": 3})
    );
}

/// A change here logs everybody out at the next upgrade.
#[test]
fn the_header_and_the_key_stay_as_they_are() {
    let token = token();
    let parts: Vec<_> = token.split('.').collect();
    // Made with Python's hmac and hashlib, by RFC 5869 and RFC 7515.
    assert_eq!(
        parts[0],
        "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ijk1NzQyYzIyOTdmNWM5YzUifQ"
    );
    assert_eq!(parts[2], "EQ3pJ9FVyQh6xHjReJemO_Z6Hl-7R68XW_FQxlGqrHY");
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

/// Two processes at each moment of a change of keys: some already have what others do not yet.
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
        // Verifying is all that the other key is for, and each kind still has its own.
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

/// The right key under the other's id, and the other way round.
#[test]
fn t10_a_key_verifies_what_its_id_says_and_nothing_else() {
    let other = SECRET.replace('f', "g");
    let other_codec = JwtCodec::new(JwtConfig { secret: other.into(), ..config() }).unwrap();
    let theirs = other_codec.sign_access(&access()).unwrap();
    let verify_only_secrets = vec![SECRET.replace('f', "g").into()];
    let both = JwtCodec::new(JwtConfig { verify_only_secrets, ..config() }).unwrap();
    let (ours, theirs) = (token(), theirs.expose_secret());
    for token in [ours.as_str(), theirs] {
        assert_eq!(both.verify_access(token, at(NOW)), Ok(access()));
    }
    let (our_header, our_rest) = ours.split_once('.').unwrap();
    let (their_header, their_rest) = theirs.split_once('.').unwrap();
    for token in [format!("{our_header}.{their_rest}"), format!("{their_header}.{our_rest}")] {
        assert!(both.verify_access(&token, at(NOW)).is_err());
    }
}

#[test]
fn t01_none_is_no_algorithm() {
    for algorithm in ["none", "None", "nOnE", "NONE", ""] {
        let forged = forge_header("HS256", algorithm);
        refused(&forged);
        refused(&forged[..=forged.rfind('.').unwrap()]);
        refused(&forged[..forged.rfind('.').unwrap()]);
    }
    let token = token();
    refused(&token[..=token.rfind('.').unwrap()]);
}

#[test]
fn t02_other_algorithms() {
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        refused(&forge_as(algorithm, &header().replace("HS256", name), CLAIMS));
        refused(&forge_as(algorithm, &header(), CLAIMS));
        refused(&forge_header("HS256", name));
    }
    for name in ["RS256", "ES256", "EdDSA", "hs256", "HS256 "] {
        refused(&forge_header("HS256", name));
    }
    refused(&forge_header(r#""alg":"HS256","#, ""));
}

#[test]
fn t03_malformed() {
    let token = token();
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{token}") };
    for length in 0..signature.len() {
        refused(&format!("{header}.{claims}.{}", &signature[..length]));
    }
    for forged in [
        format!("{token}="),
        format!("{token}A"),
        format!("{token}\n"),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}\0"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!(".{token}"),
        format!("{header}..{claims}.{signature}"),
        format!("{header}.{signature}.{claims}"),
        format!("{header}.{claims}=.{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}"),
        format!("{header}."),
        header.to_owned(),
        String::new(),
        ".".into(),
        "..".into(),
        json!({"payload": claims, "protected": header, "signature": signature}).to_string(),
        json!({"payload": claims, "signatures": [{"protected": header, "signature": signature}]})
            .to_string(),
    ] {
        refused(&forged);
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(claims).unwrap();
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        refused(&format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(&bytes)));
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    for claims in ["", "[]", "null", "{}", "{", r#""x""#, "\u{feff}{}", &format!("{CLAIMS}x")] {
        refused(&forge(&self::header(), claims));
    }
}

#[test]
fn t04_refresh_and_access_tokens_are_not_each_other() {
    assert!(read(&refresh_token()).is_err());
    assert!(codec().verify_refresh(&token(), at(NOW)).is_err());
    // Nor where the header claims to be of the other kind, or holds every claim of both.
    let both = CLAIMS.replace(r#""role""#, r#""gen":3,"role""#);
    assert!(read(&forge(&header(), &both)).is_ok());
    let other = refresh_token();
    let other = URL_SAFE_NO_PAD.decode(other.split('.').next().unwrap()).unwrap();
    refused(&forge(std::str::from_utf8(&other).unwrap(), &both));
    assert!(codec().verify_refresh(&forge(&header(), &both), at(NOW)).is_err());
}

#[test]
fn t05_typ_is_exact() {
    for typ in ["JWT", "AT+JWT", "at+JWT", "application/at+jwt", "rt+jwt", "at+jwt ", "at", ""] {
        refused(&forge_header(r#""at+jwt""#, &format!("{typ:?}")));
    }
    refused(&forge_header(r#""at+jwt""#, "null"));
    refused(&forge_header(r#""typ":"at+jwt","#, ""));
    refused(&forge_header(r#""typ":"at+jwt","#, r#""typ":"at+jwt","typ":"at+jwt","#));
}

#[test]
fn t06_no_extension_is_understood() {
    for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null", r#""exp""#] {
        refused(&forge_header("{", &format!(r#"{{"crit":{crit},"#)));
    }
    refused(&forge_header("{", r#"{"b64":false,"#));
    refused(&forge_header("{", r#"{"zip":"DEF","#));
    refused(&forge_header("{", r#"{"cty":"JWT","#));
}

#[test]
fn t10_keys_are_ours_alone() {
    let kid = part(&token(), 0)["kid"].to_string();
    let long = "k".repeat(10_240);
    for other in ["", "0000000000000000", "' OR 1", "../../x", "/dev/null", "\0", &long] {
        refused(&forge_header(&kid, &json!(other).to_string()));
    }
    refused(&forge_header(&format!(r#","kid":{kid}"#), ""));
    refused(&forge_header(&kid, &kid.to_uppercase().replace('0', "O")));
    refused(&forge_header(&kid, "null"));
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:1/jwks.json")),
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("x5u", json!("http://127.0.0.1:1/x.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
    ] {
        refused(&forge_header("{", &format!("{{{name:?}:{value},")));
        refused(&forge_header("}", &format!(",{name:?}:{value}}}")));
    }
}

#[test]
fn t10_length_is_bounded_before_anything_is_read() {
    let padded = |length: usize| forge_claims("{", &format!("{{{}", " ".repeat(length)));
    assert_eq!(read(&padded(2000)), Ok(access()));
    assert_eq!(read(&padded(4000)), Err(invalid("too long")));
}

proptest! {
    #[test]
    fn t03_any_changed_byte_is_refused(index: prop::sample::Index, byte in 0_u8..128) {
        let token = token();
        let mut bytes = token.clone().into_bytes();
        let index = index.index(bytes.len());
        prop_assume!(bytes[index] != byte);
        bytes[index] = byte;
        prop_assert!(read(std::str::from_utf8(&bytes).unwrap()).is_err());
    }

    #[test]
    fn anything_is_refused_without_a_panic(text in any::<String>(), claims in any::<String>()) {
        refused(&text);
        refused(&format!("{}.{text}", token().split('.').next().unwrap()));
        refused(&forge(&header(), &claims));
        refused(&forge(&text, CLAIMS));
    }
}
