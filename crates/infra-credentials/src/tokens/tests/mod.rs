//! T1 to T10, for each algorithm. Each forgery is made by hand from a token that is accepted, and
//! with the right key unless it says otherwise. So it is refused for the one thing that differs.

mod claims;
mod keys;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::SubsecRound;
use hkdf::Hkdf;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use menjin_domain::accounts::Role;
use menjin_domain::common::UserId;
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

/// The keys that RFC 8037 (A.1) and RFC 7515 (A.3.1) print.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
const P256: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----
";

fn config() -> JwtConfig {
    JwtConfig {
        secret: SECRET.into(),
        verify_only_secrets: Vec::new(),
        access_key: None,
        verify_only_access_keys: Vec::new(),
        issuer: "menjin".into(),
        audience: "school".into(),
        access_ttl: Duration::from_secs(1800),
        refresh_ttl: Duration::from_secs(7 * 86_400),
    }
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 999_999_000).unwrap()
}

fn access() -> AccessClaims {
    AccessClaims {
        user_id: UserId::try_from(42).unwrap(),
        session_id: SessionId(SID),
        role: Role::TEACHER,
        token_id: JTI,
        issued_at: at(NOW).trunc_subsecs(0),
        expires_at: at(NOW + ACCESS_TTL).trunc_subsecs(0),
        is_restricted: false,
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

const CLAIMS: &str = r#"{"iss":"menjin","aud":"school","sub":"42","sid":"00000000-0000-0000-0000-000000005e55","jti":"00000000-0000-0000-0000-00000000001d","iat":1700000000,"exp":1700001800,"role":"teacher"}"#;

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The bytes within a PEM.
fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn derived_key(info: &str) -> EncodingKey {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, SECRET.as_bytes()).expand(info.as_bytes(), &mut key).unwrap();
    EncodingKey::from_secret(&key)
}

/// A codec, and a forger who knows its key.
struct Forger {
    alg: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    config: JwtConfig,
    codec: JwtCodec,
}

/// One codec for each algorithm that may sign access tokens.
fn forgers() -> [Forger; 3] {
    [
        ("HS256", Algorithm::HS256, derived_key("menjin/v1/access"), None),
        ("EdDSA", Algorithm::EdDSA, EncodingKey::from_ed_der(&der(ED25519)), Some(ED25519)),
        ("ES256", Algorithm::ES256, EncodingKey::from_ec_der(&der(P256)), Some(P256)),
    ]
    .map(|(alg, algorithm, key, pem)| {
        let access_key = pem.map(|pem| AccessKey::from_pem(pem).unwrap());
        let config = JwtConfig { access_key, ..config() };
        let codec = JwtCodec::new(config.clone()).unwrap();
        Forger { alg, algorithm, key, config, codec }
    })
}

fn each(test: impl Fn(&Forger)) {
    forgers().iter().for_each(test);
}

impl Forger {
    fn token(&self) -> String {
        self.codec.sign_access(&access()).unwrap().expose_secret().to_owned()
    }

    fn refresh_token(&self) -> String {
        self.codec.sign_refresh(&refresh()).unwrap().expose_secret().to_owned()
    }

    fn read(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        self.codec.verify_access(token, at(NOW))
    }

    fn refused(&self, token: &str) {
        let alg = self.alg;
        assert!(self.read(token).is_err(), "{alg}: accepted as access token: {token}");
        let refresh = self.codec.verify_refresh(token, at(NOW));
        assert!(refresh.is_err(), "{alg}: accepted as refresh token: {token}");
    }

    fn forge(&self, header: &str, claims: &str) -> String {
        signed(self.algorithm, &self.key, header, claims)
    }

    fn header(&self) -> String {
        let header = self.token().split('.').next().unwrap().to_owned();
        String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
    }

    /// The right header, changed.
    fn forge_header(&self, from: &str, to: &str) -> String {
        let header = self.header();
        assert!(header.contains(from), "{header}");
        self.forge(&header.replacen(from, to, 1), CLAIMS)
    }

    /// The right claims, changed.
    fn forge_claims(&self, from: &str, to: &str) -> String {
        assert!(CLAIMS.contains(from), "{from}");
        self.forge(&self.header(), &CLAIMS.replacen(from, to, 1))
    }
}

fn signed(algorithm: Algorithm, key: &EncodingKey, header: &str, claims: &str) -> String {
    let message = [header, claims].map(|json| URL_SAFE_NO_PAD.encode(json)).join(".");
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

#[test]
fn tokens_go_round() {
    each(|f| {
        assert_eq!(f.codec.verify_access(&f.token(), at(NOW)), Ok(access()));
        assert_eq!(f.codec.verify_refresh(&f.refresh_token(), at(NOW)), Ok(refresh()));
        // ES256 never gives the same signature twice.
        let unsigned = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
        let forged = f.forge(&f.header(), CLAIMS);
        assert_eq!(unsigned(&forged), unsigned(&f.token()), "forged as the codec writes");
        assert_eq!(f.read(&forged), Ok(access()));
        // Older replicas ignore additional claims, and the order of claims does not matter.
        let more = f.forge_claims(r#","role""#, r#","scope":[1.5,{}],"role""#);
        assert_eq!(f.read(&more), Ok(access()));
        assert_eq!(f.read(&f.forge_claims(r#""sub":"42""#, r#""sub" : "4\u0032""#)), Ok(access()));
    });
}

#[test]
fn the_wire_is_as_documented() {
    each(|f| {
        let (access, refresh) = (f.token(), f.refresh_token());
        let (one, other) = (part(&access, 0), part(&refresh, 0));
        let length = if f.alg == "HS256" { 16 } else { 43 };
        for (header, alg, typ, length) in
            [(&one, f.alg, "at+jwt", length), (&other, "HS256", "rt+jwt", 16)]
        {
            assert_eq!(header, &json!({"alg": alg, "typ": typ, "kid": header["kid"]}));
            assert_eq!(header["kid"].as_str().unwrap().len(), length);
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
    });
}

#[test]
fn t01_none_is_no_algorithm() {
    each(|f| {
        for algorithm in ["none", "None", "nOnE", "NONE", ""] {
            let forged = f.forge_header(f.alg, algorithm);
            f.refused(&forged);
            f.refused(&forged[..=forged.rfind('.').unwrap()]);
            f.refused(&forged[..forged.rfind('.').unwrap()]);
        }
        let token = f.token();
        f.refused(&token[..=token.rfind('.').unwrap()]);
    });
}

#[test]
fn t02_other_algorithms() {
    each(|f| {
        let names = [
            "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "ES256K", "EdDSA",
            "Ed25519", "hs256", "eddsa", "es256", "HS256 ",
        ];
        for name in names.into_iter().filter(|name| *name != f.alg) {
            f.refused(&f.forge_header(f.alg, name));
            // Signed with one of our keys, under the name of another algorithm.
            for other in &forgers() {
                let header = f.header().replace(f.alg, name);
                f.refused(&signed(other.algorithm, &other.key, &header, CLAIMS));
            }
        }
        f.refused(&f.forge_header(&format!(r#""alg":{:?},"#, f.alg), ""));
    });
    let [f, ..] = &forgers();
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        for header in [f.header(), f.header().replace("HS256", name)] {
            f.refused(&signed(algorithm, &f.key, &header, CLAIMS));
        }
    }
}

#[test]
fn t03_malformed() {
    each(|f| {
        let token = f.token();
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("{token}") };
        for length in 0..signature.len() {
            f.refused(&format!("{header}.{claims}.{}", &signature[..length]));
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
            f.refused(&forged);
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(claims).unwrap();
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            f.refused(&format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(&bytes)));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for claims in ["", "[]", "null", "{}", "{", r#""x""#, "\u{feff}{}", &format!("{CLAIMS}x")] {
            f.refused(&f.forge(&f.header(), claims));
        }
    });
}

#[test]
fn t04_refresh_and_access_tokens_are_not_each_other() {
    each(|f| {
        assert!(f.read(&f.refresh_token()).is_err());
        assert!(f.codec.verify_refresh(&f.token(), at(NOW)).is_err());
        // It is refused also if the header claims to be of the other kind, or if it holds every
        // claim of both kinds.
        let both = CLAIMS.replace(r#""role""#, r#""gen":3,"role""#);
        assert!(f.read(&f.forge(&f.header(), &both)).is_ok());
        let other = f.refresh_token();
        let other = URL_SAFE_NO_PAD.decode(other.split('.').next().unwrap()).unwrap();
        f.refused(&f.forge(std::str::from_utf8(&other).unwrap(), &both));
        assert!(f.codec.verify_refresh(&f.forge(&f.header(), &both), at(NOW)).is_err());
    });
}

/// A7: a restricted token is a kind of its own, with a key that is never published.
#[test]
fn t04_a7_a_restricted_token_is_no_access_token_for_others() {
    each(|f| {
        let restricted = AccessClaims { is_restricted: true, ..access() };
        let token = f.codec.sign_access(&restricted).unwrap();
        let token = token.expose_secret();
        assert_eq!(f.read(token), Ok(restricted));
        let header = part(token, 0);
        assert_eq!((&header["typ"], &header["alg"]), (&"restricted+jwt".into(), &"HS256".into()));
        let other = part(&f.token(), 0);
        assert_ne!(header["kid"], other["kid"]);
        assert!(f.codec.verify_refresh(token, at(NOW)).is_err());
        // The keys of the one kind sign none of the other.
        let header = header.to_string();
        f.refused(&f.forge(&header, CLAIMS));
        let key = derived_key("menjin/v1/restricted");
        f.refused(&signed(Algorithm::HS256, &key, &other.to_string(), CLAIMS));
    });
}

/// A token opens what it was made for and nothing else: each of them at each reader.
#[test]
fn t04_d4_a_ticket_is_of_a_kind_and_a_key_of_its_own() {
    each(|f| {
        let ticket = |purpose: &TicketPurpose| TicketClaims {
            purpose: *purpose,
            user_id: UserId::try_from(42).unwrap(),
            version: CredentialVersion(7),
            token_id: JTI,
            issued_at: at(NOW).trunc_subsecs(0),
            expires_at: at(NOW + 300).trunc_subsecs(0),
        };
        let sign = |claims: &TicketClaims| f.codec.sign_ticket(claims).unwrap();
        let tickets: Vec<_> = TicketPurpose::ALL.iter().map(ticket).collect();
        let others = [f.token(), f.refresh_token()];
        for (claims, token) in tickets.iter().map(|claims| (claims, sign(claims))) {
            let token = token.expose_secret();
            let read = |purpose, seconds| f.codec.verify_ticket(token, purpose, at(seconds));
            assert_eq!(read(claims.purpose, NOW).as_ref(), Ok(claims));
            assert!(read(claims.purpose, NOW + 305).is_err(), "it is over");
            for other in TicketPurpose::ALL.iter().filter(|other| **other != claims.purpose) {
                assert!(read(*other, NOW).is_err());
            }
            assert!(f.read(token).is_err() && f.codec.verify_refresh(token, at(NOW)).is_err());
            for other in &others {
                assert!(f.codec.verify_ticket(other, claims.purpose, at(NOW)).is_err());
            }
            assert_eq!(part(token, 0)["alg"], "HS256");
            let ids = others.iter().map(|other| part(other, 0)["kid"].clone());
            assert!(ids.chain([json!(null)]).all(|id| id != part(token, 0)["kid"]));
        }
        // Nobody makes one that is good for longer.
        let long =
            TicketClaims { expires_at: at(NOW + 9000), ..ticket(&TicketPurpose::SessionLimit) };
        let long = sign(&long);
        let long = part(long.expose_secret(), 1);
        assert_eq!(long["exp"], NOW + 300);
    });
}

#[test]
fn t05_typ_is_exact() {
    each(|f| {
        for typ in ["JWT", "AT+JWT", "at+JWT", "application/at+jwt", "rt+jwt", "at+jwt ", "at", ""]
        {
            f.refused(&f.forge_header(r#""at+jwt""#, &format!("{typ:?}")));
        }
        f.refused(&f.forge_header(r#""at+jwt""#, "null"));
        f.refused(&f.forge_header(r#""typ":"at+jwt","#, ""));
        f.refused(&f.forge_header(r#""typ":"at+jwt","#, r#""typ":"at+jwt","typ":"at+jwt","#));
    });
}

#[test]
fn t06_no_extension_is_understood() {
    each(|f| {
        for crit in [r#"["exp"]"#, r#"["b64"]"#, "[]", "null", r#""exp""#] {
            f.refused(&f.forge_header("{", &format!(r#"{{"crit":{crit},"#)));
        }
        f.refused(&f.forge_header("{", r#"{"b64":false,"#));
        f.refused(&f.forge_header("{", r#"{"zip":"DEF","#));
        f.refused(&f.forge_header("{", r#"{"cty":"JWT","#));
    });
}

#[test]
fn t10_keys_are_ours_alone() {
    each(|f| {
        let kid = part(&f.token(), 0)["kid"].to_string();
        let long = "k".repeat(10_240);
        for other in ["", "0000000000000000", "' OR 1", "../../x", "/dev/null", "\0", &long] {
            f.refused(&f.forge_header(&kid, &json!(other).to_string()));
        }
        f.refused(&f.forge_header(&format!(r#","kid":{kid}"#), ""));
        f.refused(&f.forge_header(&kid, &kid.to_uppercase().replace('0', "O")));
        f.refused(&f.forge_header(&kid, "null"));
        for (name, value) in [
            ("jku", json!("http://127.0.0.1:1/jwks.json")),
            ("jwk", json!({"kty": "oct", "k": "AAAA"})),
            ("x5u", json!("http://127.0.0.1:1/x.pem")),
            ("x5c", json!(["MIIB"])),
            ("x5t", json!("AAAA")),
        ] {
            f.refused(&f.forge_header("{", &format!("{{{name:?}:{value},")));
            f.refused(&f.forge_header("}", &format!(",{name:?}:{value}}}")));
        }
    });
}

#[test]
fn t10_length_is_bounded_before_anything_is_read() {
    each(|f| {
        let padded = |length: usize| f.forge_claims("{", &format!("{{{}", " ".repeat(length)));
        assert_eq!(f.read(&padded(2000)), Ok(access()));
        assert_eq!(f.read(&padded(4000)), Err(invalid("too long")));
    });
}

proptest! {
    #[test]
    fn t03_any_changed_byte_is_refused(index: prop::sample::Index, byte in 0_u8..128) {
        for f in forgers() {
            let mut bytes = f.token().into_bytes();
            let index = index.index(bytes.len());
            prop_assume!(bytes[index] != byte);
            bytes[index] = byte;
            prop_assert!(f.read(std::str::from_utf8(&bytes).unwrap()).is_err());
        }
    }

    #[test]
    fn anything_is_refused_without_a_panic(text in any::<String>(), claims in any::<String>()) {
        for f in forgers() {
            f.refused(&text);
            f.refused(&format!("{}.{text}", f.token().split('.').next().unwrap()));
            f.refused(&f.forge(&f.header(), &claims));
            f.refused(&f.forge(&text, CLAIMS));
        }
    }
}
