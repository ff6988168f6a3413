//! What every request does, piece by piece: `cargo bench -p menjin-bench`.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use divan::{Bencher, black_box};
use menjin_domain::accounts::{Email, FullName, Role, User, Username, UsernameLength};
use menjin_domain::common::{ClientInfo, Random as _, SessionId, Timestamp, UserId};
use menjin_domain::sessions::{AccessClaims, Generation, LiveSession, Session, TokenCodec as _};
use menjin_infra_credentials::{JwtCodec, JwtConfig, OsRandom};
use menjin_infra_memory::SessionCache;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

fn main() {
    divan::main();
}

const SESSION: SessionId = SessionId(Uuid::from_u128(0x5ca1_ab1e_0000_4000_8000_0000_0000_0001));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

fn live() -> LiveSession {
    LiveSession {
        session: Session {
            id: SESSION,
            user_id: UserId::FIRST,
            generation: Generation::FIRST,
            created_at: at(0),
            last_used_at: at(0),
            authenticated_at: at(0),
            has_factor: false,
            expires_at: at(600_000),
            ends_at: at(600_000),
            client: ClientInfo::local(),
        },
        user: Arc::new(user()),
    }
}

fn user() -> User {
    let name = Username::parse("mike", UsernameLength::DEFAULT).unwrap();
    let mut user = User::new(UserId::FIRST, name, Email::parse("mike@example.com").unwrap(), at(0));
    user.profile.full_name = FullName::parse("Mike Example").unwrap();
    (user.updated_at, user.last_login_at) = (Some(at(1)), Some(at(2)));
    user
}

fn codec() -> JwtCodec {
    JwtCodec::new(JwtConfig {
        secret: "0123456789abcdef0123456789abcdef".into(),
        verify_only_secrets: Vec::new(),
        access_key: None,
        verify_only_access_keys: Vec::new(),
        issuer: "menjin".into(),
        audience: "menjin".into(),
        access_ttl: Duration::from_secs(1800),
        refresh_ttl: Duration::from_secs(600_000),
    })
    .unwrap()
}

#[divan::bench]
fn verify_an_access_token(bencher: Bencher<'_, '_>) {
    let codec = codec();
    let token = codec
        .sign_access(&AccessClaims {
            user_id: UserId::FIRST,
            session_id: SESSION,
            role: Role::STUDENT,
            token_id: Uuid::from_u128(1),
            issued_at: at(0),
            expires_at: at(1800),
            is_restricted: false,
        })
        .unwrap();
    let token = token.expose_secret();
    bencher.bench(|| codec.verify_access(black_box(token), at(1)).unwrap());
}

#[divan::bench(threads = [1, 2])]
fn find_a_session_in_its_copy(bencher: Bencher<'_, '_>) {
    let copies = SessionCache::new(1000, Duration::from_secs(60));
    copies.fill(copies.begin(at(0)), &live());
    bencher.bench(|| copies.get(black_box(SESSION), at(1)).unwrap());
}

#[divan::bench]
fn make_an_id(bencher: Bencher<'_, '_>) {
    bencher.bench(|| OsRandom.uuid().unwrap());
}

#[divan::bench]
fn render_a_user(bencher: Bencher<'_, '_>) {
    let user = user();
    bencher.bench(|| menjin_api::bench::user_json(black_box(&user)));
}

#[divan::bench]
fn parse_a_log_in_strictly(bencher: Bencher<'_, '_>) {
    let body = br#"{"username":"mike","password":"correct horse battery"}"#;
    bencher.bench(|| menjin_api::bench::is_strict_json(black_box(body)));
}
