use menjin_domain::accounts::RegistrableRole;
use menjin_domain::credentials::PasswordLength;
use menjin_web::Text;

use super::*;
use crate::{Cors, Locale, TrustedProxies};

fn settings(cache_access: CacheAccess) -> ApiSettings {
    ApiSettings {
        version: "0.0.0".to_owned(),
        locale: Locale::ZhCn,
        trusted_proxies: TrustedProxies::default(),
        hsts: std::time::Duration::ZERO,
        shown: Vec::new(),
        pages: None,
        dev_mails: None,
        public_url: None,
        published_issuer: None,
        cors: Cors::default(),
        metrics: false,
        roles: std::sync::Arc::default(),
        cache_access,
        default_role: RegistrableRole::STUDENT,
        v1_password: PasswordLength { min: 12, max: 128 },
        envelope_policy: false,
        import_max_body: 65_536,
        attributes: std::sync::Arc::default(),
        envelope_password_min: 6,
    }
}

fn built(cache_access: CacheAccess) -> Value {
    build(&crate::tables(), &settings(cache_access))
}

#[test]
fn every_operation_is_named_and_described_and_none_twice() {
    let mut ids = std::collections::HashSet::new();
    for endpoint in crate::tables().into_iter().flat_map(|(_, endpoints)| endpoints) {
        let Some(operation) = endpoint.operation else { continue };
        let summary = (operation.summary)();
        let texts = [&summary.operation_id, &summary.summary, &summary.description];
        for text in texts {
            assert!(text.as_ref().is_some_and(|text| !text.is_empty()), "{}", endpoint.path);
        }
        assert_eq!(summary.tags.len(), 1, "{}", endpoint.path);
        assert!(ids.insert(summary.operation_id), "{}", endpoint.path);
        if let Some(Text { zh, en }) = operation.message {
            assert!(Text::is_translated(zh, en), "{zh:?} {en:?}");
        }
    }
    assert!(ids.len() >= 30);
}

#[test]
fn the_cache_is_documented_as_it_is_set() {
    let read = |access| built(access)["paths"]["/cache/{key}"]["get"].clone();
    let public = read(CacheAccess::Public);
    assert_eq!((&public["security"], &public["responses"]["401"]), (&json!([]), &Value::Null));
    let authenticated = read(CacheAccess::Authenticated);
    assert!(authenticated["responses"]["401"].is_object());
    let refused = &authenticated["responses"]["403"]["content"]["application/json"]["examples"];
    let examples: Vec<_> = refused.as_object().into_iter().flat_map(|all| all.keys()).collect();
    assert_eq!(examples, ["mfa_enrolment_required", "password_change_required"]);
    assert!(read(CacheAccess::Superuser)["responses"]["403"].is_object());
    assert_eq!(read(CacheAccess::Off), Value::Null);
}

#[test]
fn rules_follow_the_settings() {
    let document = built(CacheAccess::Public);
    let password = &document["components"]["schemas"]["UserCreate"]["properties"]["password"];
    assert_eq!((&password["minLength"], &password["maxLength"]), (&json!(12), &json!(128)));
}

#[test]
fn paths_lose_actixs_patterns() {
    assert_eq!(plain_path("/cache/{key:.*}"), "/cache/{key}");
    assert_eq!(plain_path("/cache/{key:test}"), "/cache/test");
    assert_eq!(plain_path("/users/{user_id}/activate"), "/users/{user_id}/activate");
}
