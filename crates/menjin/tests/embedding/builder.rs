//! What the builder does, and what it refuses.

use std::sync::Arc;
use std::time::Duration;

use menjin::accounts::{Email, LoginName, RegisterInput, Username, UsernameLength};
use menjin::adapters::credentials::HashingConfig;
use menjin::adapters::sqlite::SqliteStore;
use menjin::credentials::{CandidatePassword, NewPassword, PasswordLength};
use menjin::secrecy::ExposeSecret as _;
use menjin::sessions::LoginInput;
use menjin::{
    BuildError, ErrorKind, Maintenance, Menjin, Policy, RequestContext, SecretFileError, Store,
};

const PASSWORD: &str = "correct horse 7";

fn quick() -> menjin::Builder {
    Menjin::builder().hashing(HashingConfig { cost: 4, ..HashingConfig::default() })
}

async fn register(menjin: &Menjin, name: &str) {
    let input = RegisterInput::new(
        Username::parse(name, UsernameLength::DEFAULT).unwrap(),
        Email::parse(&format!("{name}@example.com")).unwrap(),
        NewPassword::parse(PASSWORD, PasswordLength::DEFAULT).unwrap(),
        RequestContext::local(),
    );
    menjin.register.execute(input).await.unwrap();
}

async fn log_in(menjin: &Menjin, name: &str) -> String {
    let input = LoginInput::new(
        LoginName::parse(name).unwrap(),
        CandidatePassword::parse(PASSWORD).unwrap(),
        RequestContext::local(),
    );
    let logged_in = menjin.login.execute(input).await.unwrap();
    format!("Bearer {}", logged_in.tokens.access_token.expose_secret())
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (database, secret) = (folder.path().join("app.db"), folder.path().join("auth.secret"));
    let nowhere = quick().secret_file(&secret).build().await.unwrap_err();
    assert!(matches!(nowhere, BuildError::NoDatabase), "{nowhere:?}");
    let unsigned = quick().sqlite(&database).build().await.unwrap_err();
    assert!(matches!(unsigned, BuildError::NoSecret), "{unsigned:?}");
    let short = quick().sqlite(&database).secret("short").build().await.unwrap_err();
    assert!(matches!(short, BuildError::Secret(_)), "{short:?}");
    std::fs::write(&secret, "canary").unwrap();
    let short = quick().sqlite(&database).secret_file(&secret).build().await.unwrap_err();
    assert!(
        matches!(short, BuildError::SecretFile(SecretFileError::TooShort { bytes: 6, .. })),
        "{short:?}"
    );
    let cost = HashingConfig { cost: 99, ..HashingConfig::default() };
    let bad = Menjin::builder().sqlite(&database).secret("s".repeat(32)).hashing(cost);
    let bad = bad.build().await.unwrap_err();
    assert!(matches!(bad, BuildError::Hashing(_)), "{bad:?}");
}

#[tokio::test]
async fn a_file_is_claimed_until_the_last_clone_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let build = || {
        let builder = quick().sqlite(folder.path().join("app.db"));
        builder.secret_file(folder.path().join("auth.secret"))
    };
    let menjin = build().build().await.unwrap();
    let clone = menjin.clone();
    let second = build().build().await.unwrap_err();
    assert!(second.to_string().contains("another server"), "{second}");
    // A tool runs beside it.
    let tool = build().beside_servers().build().await.unwrap();
    register(&tool, "mike").await;
    assert_eq!(menjin.caller(Some(&log_in(&menjin, "mike").await)).await.unwrap().user.id.get(), 1);
    drop(menjin);
    assert!(build().build().await.is_err());
    clone.close(Duration::from_secs(1)).await.unwrap();
    drop(clone);
    build().build().await.unwrap();
}

#[tokio::test]
async fn lifetimes_are_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut policy = Policy::default();
    policy.access_ttl = Duration::from_secs(3 * 3600);
    policy.session_ttl = Duration::from_secs(90 * 24 * 3600);
    let builder = quick().sqlite(folder.path().join("app.db")).secret("s".repeat(32));
    let menjin = builder.policy(policy).build().await.unwrap();
    register(&menjin, "mike").await;
    let token = log_in(&menjin, "mike").await;
    let caller = menjin.caller(Some(&token)).await.unwrap();
    assert_eq!(caller.user.username.as_str(), "mike");
    let input = LoginInput::new(
        LoginName::parse("mike").unwrap(),
        CandidatePassword::parse(PASSWORD).unwrap(),
        RequestContext::local(),
    );
    let tokens = menjin.login.execute(input).await.unwrap().tokens;
    assert_eq!(tokens.expires_in, Duration::from_secs(3 * 3600));
}

#[tokio::test]
async fn a_header_names_a_caller_or_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let builder = quick().sqlite(folder.path().join("app.db")).secret("s".repeat(32));
    let menjin = builder.build().await.unwrap();
    register(&menjin, "mike").await;
    let token = log_in(&menjin, "mike").await;
    let refused = async |header: Option<&str>| menjin.caller(header).await.unwrap_err().kind;
    assert_eq!(refused(None).await, ErrorKind::NotAuthenticated);
    assert_eq!(refused(Some("Basic bWlrZTpwYXNz")).await, ErrorKind::NotAuthenticated);
    assert_eq!(refused(Some("Bearer")).await, ErrorKind::NotAuthenticated);
    assert_eq!(refused(Some("Bearer x.y.z")).await, ErrorKind::InvalidToken);
    assert!(menjin.caller(Some(&token.replace("Bearer", "bearer "))).await.is_ok());
    let caller = menjin.caller(Some(&token)).await.unwrap();
    menjin.logout.execute(&caller, RequestContext::local()).await.unwrap();
    assert_eq!(refused(Some(&token)).await, ErrorKind::InvalidToken);
    menjin.close(Duration::from_secs(1)).await.unwrap();
    assert_eq!(refused(Some(&token)).await, ErrorKind::Unavailable);
}

/// What has expired is deleted without anybody asking for it.
#[tokio::test]
async fn it_cleans_up_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut policy = Policy::default();
    policy.keep_audit_records = Duration::ZERO;
    let every = Maintenance { clean_up_every: Duration::from_millis(5), ..Maintenance::default() };
    let builder = quick().sqlite(folder.path().join("app.db")).secret("s".repeat(32));
    let menjin = builder.policy(policy).maintenance(every).build().await.unwrap();
    register(&menjin, "mike").await;
    let query = || menjin::audit::AuditQuery {
        filter: menjin::audit::AuditFilter::default(),
        order: menjin::audit::AuditOrder::NewestFirst,
        beyond: None,
        limit: 1,
    };
    let records = menjin.store().audit_records.clone();
    let gone = async {
        while !records.list(query()).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn a_store_of_ones_own_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let open = move || SqliteStore::open(menjin::adapters::sqlite::SqliteConfig::at(path)).unwrap();
    let store = tokio::task::spawn_blocking(open).await.unwrap();
    let menjin = quick().store(Store::of(store)).secret("s".repeat(32)).build().await.unwrap();
    register(&menjin, "mike").await;
    assert!(menjin.caller(Some(&log_in(&menjin, "mike").await)).await.is_ok());
    assert!(
        menjin.store().is_shared,
        "nothing is cached unless it is said that nobody else writes"
    );
    assert_eq!(Arc::strong_count(&menjin.services()), 2);
}
