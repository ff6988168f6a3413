//! What requests may hold.

use menjin_domain::accounts::{AvatarUrl, Bio, Email, FullName, Phone, UsernameLength};
use menjin_domain::cache::EntryTtl;
use menjin_domain::credentials::NewPassword;
use serde_json::{Map, Value, json};

use super::{Schema, TOKEN, object, with};
use crate::state::ApiSettings;

pub(super) fn username(min: usize, max: usize) -> Value {
    json!({
        "minLength": min, "maxLength": max, "pattern": r"^[^\s@]+$", "example": "student001",
        "description": "Shown as typed; unique without regard to case, width and Unicode form. No \
                        white space, no `@`, no characters that cannot be seen.",
    })
}

pub(super) fn email() -> Value {
    json!({
        "format": "email", "maxLength": Email::MAX_BYTES, "example": "zhangsan@example.com",
        "description": "Unique without regard to case.",
    })
}

pub(super) fn new_password(min: usize, max: usize) -> Value {
    json!({
        "format": "password", "minLength": min, "maxLength": max, "example": "password123",
        "description": format!(
            "At most {} bytes in UTF-8, without NUL. The most common passwords are refused.",
            NewPassword::MAX_BYTES,
        ),
    })
}

pub(super) fn login_name() -> Value {
    json!({ "example": "student001", "description": "A user name or an e-mail address." })
}

pub(super) fn candidate() -> Value {
    json!({ "format": "password", "example": "password123" })
}

/// The optional parts of a profile. Phones and URLs may be empty, which is null.
fn profile() -> Map<String, Value> {
    object(json!({
        "full_name": { "nullable": true, "maxLength": FullName::MAX, "example": "张三" },
        "phone": {
            "nullable": true, "maxLength": Phone::MAX, "example": "+86 138 0013 8000",
            "pattern": r"^\s*$|^[ +().#/*x-]*([0-9][ +().#/*x-]*){3,}$",
        },
        "bio": { "nullable": true, "maxLength": Bio::MAX, "example": "喜欢开门" },
        "avatar": {
            "nullable": true, "maxLength": AvatarUrl::MAX,
            "pattern": r"^\s*$|^\s*[Hh][Tt][Tt][Pp][Ss]?://\S+\s*$",
            "example": "https://example.com/zhangsan.png",
            "description": "An absolute `http` or `https` URL.",
        },
    }))
}

fn with_profile(fields: Value) -> Value {
    let mut properties = profile();
    properties.extend(object(fields));
    properties.into()
}

pub(super) fn requests(settings: &ApiSettings) -> Vec<Schema> {
    let UsernameLength { min, max } = UsernameLength::DEFAULT;
    let username = username(min, max);
    let length = settings.v1_password;
    let most = length.max.unwrap_or(NewPassword::MAX_BYTES).min(NewPassword::MAX_BYTES);
    let password = new_password(length.min, most);
    vec![
        Schema::request(
            "UserCreate",
            &["username", "email", "password"],
            with_profile(json!({
                "username": username, "email": email(), "password": password,
            })),
        ),
        Schema::request(
            "UserLogin",
            &["username", "password"],
            json!({ "username": login_name(), "password": candidate() }),
        ),
        Schema::request(
            "TokenRefresh",
            &["refresh_token"],
            json!({ "refresh_token": { "example": TOKEN } }),
        ),
        Schema::request(
            "UserChangePassword",
            &["current_password", "new_password", "confirm_password"],
            json!({
                "current_password": candidate(),
                "new_password": with(password, "example", "newpassword456"),
                "confirm_password": with(
                    with(candidate(), "example", "newpassword456"),
                    "description", "Equals `new_password`.",
                ),
            }),
        ),
        Schema::request("UserUpdate", &[], with_profile(json!({ "email": email() }))),
        Schema::request(
            "CacheWrite",
            &["data"],
            json!({
                "data": {
                    "additionalProperties": true, "example": { "greeting": "你好" },
                    "description": "Any JSON object.",
                },
                "ttl": {
                    "nullable": true, "minimum": 1, "maximum": EntryTtl::MAX_SECONDS,
                    "default": EntryTtl::DEFAULT.get().as_secs(), "example": 60,
                    "description": "Seconds to live.",
                },
            }),
        ),
    ]
}
