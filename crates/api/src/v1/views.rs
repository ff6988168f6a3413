//! What v1 answers with.

use menjin_domain::accounts::User;
use menjin_domain::common::{ClientNetwork, rfc3339};
use menjin_domain::lockout::{Lockout, LockoutCount};
use menjin_domain::sessions::TokenPair;
use paperclip::actix::Apiv2Schema;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::http::locale::Locale;
use crate::messages::Message;

/// A user. Times are RFC 3339 in UTC.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "User")]
pub(crate) struct UserView {
    id: i64,
    username: String,
    email: String,
    full_name: Option<String>,
    phone: Option<String>,
    bio: Option<String>,
    avatar: Option<String>,
    is_active: bool,
    is_verified: bool,
    is_superuser: bool,
    role: &'static str,
    created_at: String,
    updated_at: Option<String>,
    last_login_at: Option<String>,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        let profile = &user.profile;
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
            role: user.role.as_str(),
            created_at: rfc3339(user.created_at),
            updated_at: user.updated_at.map(rfc3339),
            last_login_at: user.last_login_at.map(rfc3339),
        }
    }
}

/// The tokens of a session (RFC 6749 §5.1).
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Token")]
pub(super) struct TokenView {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    expires_in: u64,
}

impl From<&TokenPair> for TokenView {
    fn from(tokens: &TokenPair) -> Self {
        Self {
            access_token: tokens.access_token.expose_secret().to_owned(),
            refresh_token: tokens.refresh_token.expose_secret().to_owned(),
            token_type: "bearer",
            expires_in: tokens.expires_in.as_secs(),
        }
    }
}

/// An answer that only says that it is done.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Message")]
pub(crate) struct MessageView {
    message: &'static str,
}

impl MessageView {
    pub(crate) fn new(message: Message, locale: Locale) -> Self {
        Self { message: message.text(locale) }
    }
}

/// Whether failed log-ins have locked a user. Times are RFC 3339 in UTC.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "Lock")]
pub(super) struct LockView {
    locked: bool,
    until: Option<String>,
    account: LockCountView,
    networks: Vec<NetworkLockView>,
}

/// Failures from all networks together.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "LockCount")]
struct LockCountView {
    failures: u64,
    until: Option<String>,
}

/// Failures from one network.
#[derive(Serialize, Apiv2Schema)]
#[openapi(rename = "NetworkLock")]
struct NetworkLockView {
    network: String,
    failures: u64,
    until: Option<String>,
}

impl From<&Lockout> for LockView {
    fn from(lock: &Lockout) -> Self {
        let until = lock.locked_until();
        let LockoutCount { failures, locked_until } = lock.account;
        Self {
            locked: until.is_some(),
            until: until.map(rfc3339),
            account: LockCountView { failures, until: locked_until.map(rfc3339) },
            networks: lock.networks.iter().map(NetworkLockView::from).collect(),
        }
    }
}

impl From<&(ClientNetwork, LockoutCount)> for NetworkLockView {
    fn from((network, count): &(ClientNetwork, LockoutCount)) -> Self {
        Self {
            network: network.to_string(),
            failures: count.failures,
            until: count.locked_until.map(rfc3339),
        }
    }
}
