//! Responses that several endpoints of v1 share.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use menjin_domain::accounts;
use menjin_domain::sessions::TokenPair;
use menjin_web::schema::{Components, Schema as _, TOKEN_EXAMPLE, Time};
use menjin_web::values::{ShownAttributes, ShownRole, locales};
use menjin_web::{Locale, Text, response};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::dialect::ReplyContext;
use crate::endpoint::Output;
use crate::http::reply::{Rejection, json_response};

response! {
    /// A user. Times are RFC 3339 in UTC.
    pub struct User as "User" {
        id: i64 => { "minimum": 1, "example": 1 },
        username: String => { "example": "student001" },
        email: String => { "format": "email", "example": "zhangsan@example.com" },
        full_name: Option<String> => { "example": "张三" },
        phone: Option<String> => { "example": "+86 138 0013 8000" },
        bio: Option<String> => { "example": "喜欢开门" },
        avatar: Option<String> => { "example": "https://example.com/zhangsan.png" },
        is_active: bool => { "example": true },
        /// Whether the e-mail address was verified.
        is_verified: bool => { "example": false },
        /// Whether the role is `admin`.
        is_superuser: bool => { "example": false },
        role: ShownRole,
        /// The address that the user has asked for, until the link that was sent to it is used.
        pending_email: Option<String> => { "format": "email", "example": null },
        /// The language of mails to the user; null: the server's.
        locale: Option<&'static str> => { "enum": locales(), "example": "zh-CN" },
        created_at: Time,
        updated_at: Option<Time>,
        last_login_at: Option<Time>,
        /// Whether the user has to change the password before anything else.
        must_change_password: bool => { "example": false },
        /// Whether a code of a second factor is asked for at the log-in.
        mfa_enabled: bool => { "example": false },
        /// Until when the user is banned, which may be over; null: not banned.
        banned_until: Option<Time> => { "example": null },
        /// Why the user is banned, for administrators.
        ban_reason: Option<String> => { "example": null },
        /// When the user is gone; null: not to be deleted.
        deletes_at: Option<Time>,
        /// What this server declares beside the other fields.
        attributes: ShownAttributes,
    }
}

impl From<&accounts::User> for User {
    fn from(user: &accounts::User) -> Self {
        let (profile, ban) = (&user.profile, user.ban.as_ref());
        Self {
            id: user.id.get(),
            username: user.username.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            full_name: profile.full_name.as_ref().map(|name| name.as_str().to_owned()),
            phone: profile.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            bio: profile.bio.as_ref().map(|bio| bio.as_str().to_owned()),
            avatar: profile.avatar.as_ref().map(|avatar| avatar.as_str().to_owned()),
            is_active: user.is_active,
            is_verified: user.is_verified,
            is_superuser: user.is_superuser(),
            role: ShownRole(user.role),
            pending_email: user.pending_email.as_ref().map(|email| email.as_str().to_owned()),
            locale: user.locale.map(Locale::tag),
            created_at: Time(user.created_at),
            updated_at: user.updated_at.map(Time),
            last_login_at: user.last_login_at.map(Time),
            must_change_password: user.must_change_password(),
            mfa_enabled: user.has_factor,
            banned_until: ban.map(|ban| Time(ban.until)),
            ban_reason: None,
            deletes_at: user.deletes_at.map(Time),
            attributes: ShownAttributes(profile.attributes.clone()),
        }
    }
}

impl User {
    /// With what administrators alone may see.
    pub fn for_administrators(user: &accounts::User) -> Self {
        let reason = user.ban.as_ref().and_then(|ban| ban.reason.as_ref());
        let ban_reason = reason.map(|reason| reason.as_str().to_owned());
        Self { ban_reason, ..Self::from(user) }
    }
}

response! {
    /// The tokens of a session (RFC 6749 §5.1).
    pub(crate) struct Tokens as "Token" {
        access_token: String => { "example": TOKEN_EXAMPLE },
        refresh_token: String => { "example": TOKEN_EXAMPLE },
        token_type: &'static str => { "enum": ["bearer"], "example": "bearer" },
        /// Seconds for which the access token is valid.
        expires_in: u64 => { "minimum": 1, "example": 1800 },
    }
}

impl From<&TokenPair> for Tokens {
    fn from(tokens: &TokenPair) -> Self {
        Self {
            access_token: tokens.access_token.expose_secret().to_owned(),
            refresh_token: tokens.refresh_token.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: tokens.expires_in.as_secs(),
        }
    }
}

response! {
    /// An answer that only says that it is done.
    struct Message as "Message" {
        message: &'static str => { "example": "操作成功" },
    }
}

/// Says that it is done, in the language of the request.
pub(crate) struct Done<const STATUS: u16 = 200>(pub(crate) Text);

impl<const STATUS: u16> Responder for Done<STATUS> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        match ReplyContext::of(request) {
            Ok(context) => {
                let message = self.0.in_locale(context.locale);
                let status = StatusCode::from_u16(STATUS).unwrap_or_default();
                json_response(status, &Message { message })
            }
            Err(error) => HttpResponse::from_error(Rejection(error)),
        }
    }
}

impl<const STATUS: u16> Output for Done<STATUS> {
    fn describe(components: &mut Components<'_>) -> Option<(u16, Value)> {
        Some((STATUS, Message::schema(components)))
    }
}
