use actix_web::App;
use menjin_domain::accounts::RegistrableRole;
use menjin_domain::credentials::PasswordLength;
use paperclip::actix::OpenApiExt as _;

use super::*;
use crate::{Cors, Locale, TrustedProxies};

fn settings(cache_access: CacheAccess) -> ApiSettings {
    ApiSettings {
        version: "0.0.0".to_owned(),
        locale: Locale::ZhCn,
        trusted_proxies: TrustedProxies::default(),
        hsts: std::time::Duration::ZERO,
        cors: Cors::default(),
        metrics: false,
        cache_access,
        default_role: RegistrableRole::STUDENT,
        v1_password: PasswordLength { min: 12, max: None },
        envelope_policy: false,
        envelope_password_min: 6,
    }
}

fn collected() -> Value {
    let mut collected = Value::Null;
    let app = App::new().wrap_api().configure(crate::routes);
    app.with_raw_json_spec_v3(|app, document| {
        collected = document;
        app
    });
    collected
}

fn built(cache_access: CacheAccess) -> Value {
    let (document, mismatches) = build(&collected(), &settings(cache_access));
    assert_eq!(mismatches, Vec::<String>::new());
    document
}

#[test]
fn routes_and_tables_name_the_same_operations_and_fields() {
    for access in
        [CacheAccess::Public, CacheAccess::Authenticated, CacheAccess::Superuser, CacheAccess::Off]
    {
        built(access);
    }
}

#[test]
fn what_only_one_side_knows_is_found() {
    let mut routes = collected();
    let paths = routes.get_mut("paths").and_then(Value::as_object_mut).unwrap();
    let mut root = paths.remove("/").unwrap();
    root["get"]["operationId"] = "dance".into();
    paths.insert("/dance".to_owned(), root);
    let user = routes.pointer_mut("/components/schemas/User/properties").unwrap();
    user["shoe_size"] = json!({ "type": "integer" });
    let (_, mismatches) = build(&routes, &settings(CacheAccess::Public));
    assert_eq!(
        mismatches,
        [
            "User.shoe_size: only on one side",
            "get /dance (dance): no row, or two",
            "get_root: no route"
        ]
    );
}

#[test]
fn the_cache_is_documented_as_it_is_set() {
    let read = |access| built(access)["paths"]["/cache/{key}"]["get"].clone();
    let public = read(CacheAccess::Public);
    assert_eq!((&public["security"], &public["responses"]["401"]), (&json!([]), &Value::Null));
    let authenticated = read(CacheAccess::Authenticated);
    assert!(authenticated["responses"]["401"].is_object());
    assert!(authenticated["responses"]["403"].is_null());
    assert!(read(CacheAccess::Superuser)["responses"]["403"].is_object());
    assert_eq!(read(CacheAccess::Off), Value::Null);
}

#[test]
fn rules_follow_the_settings() {
    let document = built(CacheAccess::Public);
    let password = &document["components"]["schemas"]["UserCreate"]["properties"]["password"];
    assert_eq!((&password["minLength"], &password["maxLength"]), (&json!(12), &json!(71)));
}

#[test]
fn paths_lose_actixs_patterns() {
    assert_eq!(plain_path("/cache/{key:.*}"), "/cache/{key}");
    assert_eq!(plain_path("/cache/{key:test}"), "/cache/test");
    assert_eq!(plain_path("/users/{user_id}/activate"), "/users/{user_id}/activate");
}
