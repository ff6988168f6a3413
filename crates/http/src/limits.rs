//! Limits that every connection is served with.

use std::time::Duration;

/// How long a client may take to send a request's head, and then its body. A client that sends one
/// byte a second holds a connection no longer than this.
pub const READ_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a client may read nothing of an answer that is being sent.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request may wait for back ends in all (see [`deadline`](crate::deadline)). It is less
/// than the three seconds in which every request is answered, and more than any single call of a
/// back end may take.
pub const REQUEST_DEADLINE: Duration = Duration::from_millis(2900);

/// The longest head of a request, in bytes.
pub const MAX_HEAD: usize = 32 * 1024;

/// The most header fields of a request. actix has the same limit, but would answer with an empty
/// 431.
pub const MAX_FIELDS: usize = 96;
