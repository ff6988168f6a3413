//! Pieces of this crate, for benchmarks to run alone. Behind the feature `bench`; nobody else's business,
//! and changed at will.

use menjin_domain::accounts::User;

/// A user as `GET /api/v1/users/me` shows one.
pub fn user_json(user: &User) -> Vec<u8> {
    serde_json::to_vec(&crate::v1::UserView::from(user)).unwrap_or_default()
}

/// Whether this is an object that is read without doubt.
pub fn is_strict_json(bytes: &[u8]) -> bool {
    menjin_http::json::parse_object(bytes).is_ok()
}
