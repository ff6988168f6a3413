//! What is known of a request before it is routed.

use actix_web::http::header::HeaderValue;
use menjin_domain::common::RequestId;

use super::locale::Locale;

/// The manner in which a path is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Plain JSON and status codes; also for paths of neither dialect.
    V1,
    /// `{"code", "message", "data"}`.
    Envelope,
}

impl Dialect {
    /// The dialect of a path, known or not.
    pub(crate) fn of(path: &str) -> Self {
        match path.strip_prefix("/api/auth") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Self::Envelope,
            _ => Self::V1,
        }
    }
}

/// The middleware leaves it in the extensions of the request.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) dialect: Dialect,
    pub(crate) locale: Locale,
    pub(crate) request_id: RequestId,
    /// `Strict-Transport-Security`, if the client came by TLS.
    pub(crate) strict_transport: Option<HeaderValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_is_a_folder_of_paths() {
        for path in ["/api/auth", "/api/auth/", "/api/auth/login", "/api/auth/nowhere"] {
            assert_eq!(Dialect::of(path), Dialect::Envelope, "{path}");
        }
        for path in ["/", "/api", "/api/authority", "/api/v1/auth/login", "/x/api/auth/login"] {
            assert_eq!(Dialect::of(path), Dialect::V1, "{path}");
        }
    }
}
