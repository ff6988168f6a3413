//! What answers hold.

use menjin_domain::accounts::Role;
use serde_json::{Value, json};

use super::{Schema, TOKEN, key_rules, maybe, time};
use crate::openapi::schema_ref;

pub(super) fn answers() -> Vec<Schema> {
    let roles = [Role::Student, Role::Teacher, Role::Admin].map(Role::as_str);
    let text = |example: &str| json!({ "example": example });
    let path = |path: &str| json!({ "enum": [path], "example": path });
    vec![
        Schema::answer(
            "Root",
            json!({
                "name": { "enum": ["menjin"], "example": "menjin" }, "version": text("0.1.0"),
                "docs": path("/docs"), "redoc": path("/redoc"),
                "openapi": path("/openapi.json"), "health": path("/health"),
            }),
        ),
        Schema::answer("Liveness", json!({ "status": { "enum": ["alive"], "example": "alive" } })),
        Schema::answer(
            "User",
            json!({
                "id": { "minimum": 1, "example": 1 },
                "username": text("student001"),
                "email": { "format": "email", "example": "zhangsan@example.com" },
                "full_name": maybe(text("张三")),
                "phone": maybe(text("+86 138 0013 8000")),
                "bio": maybe(text("喜欢开门")),
                "avatar": maybe(text("https://example.com/zhangsan.png")),
                "is_active": { "example": true },
                "is_verified": {
                    "example": false, "description": "Whether the e-mail address was verified.",
                },
                "is_superuser": {
                    "example": false, "description": "Whether the role is `admin`.",
                },
                "role": { "enum": roles, "example": "student" },
                "created_at": time(),
                "updated_at": maybe(time()),
                "last_login_at": maybe(time()),
            }),
        ),
        Schema::answer(
            "Token",
            json!({
                "access_token": text(TOKEN),
                "refresh_token": text(TOKEN),
                "token_type": { "enum": ["bearer"], "example": "bearer" },
                "expires_in": {
                    "minimum": 1, "example": 1800,
                    "description": "Seconds for which the access token is valid.",
                },
            }),
        ),
        Schema::answer("Message", json!({ "message": text("操作成功") })),
        Schema::answer(
            "CacheEntry",
            json!({
                "key": key_rules(),
                "data": { "additionalProperties": true, "example": { "greeting": "你好" } },
                "ttl": { "minimum": 1, "example": 50, "description": "Seconds left." },
            }),
        ),
        Schema::answer(
            "CacheWritten",
            json!({
                "message": text("缓存设置成功"),
                "key": key_rules(),
                "ttl": { "minimum": 1, "example": 60, "description": "Seconds to live." },
            }),
        ),
    ]
}

/// A schema that no signature shows.
fn answer(description: &str, required: &[&str], properties: Value) -> Value {
    let mut schema = json!({
        "type": "object", "description": description, "required": required,
        "additionalProperties": false,
    });
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("properties".to_owned(), properties);
    }
    schema
}

/// The schemas of answers that no signature shows.
pub(super) fn uncollected(codes: &[&str]) -> Vec<(&'static str, Value)> {
    let report = |states: &[&str]| {
        let properties = json!({
            "status": { "type": "string", "enum": states },
            "version": { "type": "string", "example": "0.1.0" },
            "checks": {
                "type": "object", "description": "The back ends by name.",
                "additionalProperties": schema_ref("ComponentHealth"),
            },
        });
        answer("The state of the server.", &["status", "version", "checks"], properties)
    };
    vec![
        (
            "Error",
            answer(
                "Why a request was not done.",
                &["detail", "code"],
                json!({
                    "detail": {
                        "type": "string", "example": "用户不存在",
                        "description": "For people, in the language asked for.",
                    },
                    "code": {
                        "type": "string", "enum": codes, "example": "user_not_found",
                        "description": "For programs.",
                    },
                    "request_id": {
                        "type": "string",
                        "description": "For the operator, who finds the cause in the log with it. \
                                        With 5xx only.",
                    },
                }),
            ),
        ),
        (
            "ValidationError",
            answer(
                "Every part of a request that is not valid.",
                &["detail"],
                json!({
                    "detail": {
                        "type": "array", "minItems": 1, "items": schema_ref("Problem"),
                    },
                }),
            ),
        ),
        (
            "Problem",
            answer(
                "What is wrong with one part of a request.",
                &["loc", "msg", "type"],
                json!({
                    "loc": {
                        "type": "array", "minItems": 1, "items": { "type": "string" },
                        "example": ["body", "username"],
                        "description": "`body`, `path` or `query`, and the field.",
                    },
                    "msg": {
                        "type": "string", "example": "缺少必填字段",
                        "description": "For people, in the language asked for.",
                    },
                    "type": {
                        "type": "string", "example": "missing",
                        "description": "For programs, in pydantic's words.",
                    },
                }),
            ),
        ),
        ("Health", report(&["healthy", "unhealthy"])),
        ("Readiness", report(&["ready", "degraded", "unavailable"])),
        (
            "ComponentHealth",
            answer(
                "The state of a back end.",
                &["status", "latency_ms"],
                json!({
                    "status": { "type": "string", "enum": ["healthy", "unhealthy"] },
                    "latency_ms": { "type": "number", "minimum": 0, "example": 0.2 },
                }),
            ),
        ),
    ]
}

/// The schemas of keys: an elliptic curve's has a member that the others' have not.
pub(super) fn keys() -> Vec<(&'static str, Value)> {
    vec![
        (
            "JwkSet",
            answer(
                "Public keys (RFC 7517).",
                &["keys"],
                json!({ "keys": { "type": "array", "items": schema_ref("Jwk") } }),
            ),
        ),
        (
            "Jwk",
            answer(
                "A public key (RFC 7517).",
                &["kty", "crv", "use", "alg", "kid", "x"],
                json!({
                    "kty": { "type": "string", "enum": ["OKP", "EC"] },
                    "crv": { "type": "string", "enum": ["Ed25519", "P-256"] },
                    "use": { "type": "string", "enum": ["sig"] },
                    "alg": { "type": "string", "enum": ["EdDSA", "ES256"] },
                    "kid": {
                        "type": "string", "minLength": 43, "maxLength": 43,
                        "description": "What tokens call the key: its thumbprint (RFC 7638).",
                    },
                    "x": { "type": "string", "minLength": 43, "maxLength": 43 },
                    "y": {
                        "type": "string", "minLength": 43, "maxLength": 43,
                        "description": "Of `EC` alone.",
                    },
                }),
            ),
        ),
    ]
}
