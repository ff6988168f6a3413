//! Times that the HTTP server is run with.

use std::time::Duration;

/// How long a client may take to send a request's head, and then its body. A client that sends one
/// byte a second holds a connection no longer than this.
pub const READ_TIMEOUT: Duration = Duration::from_secs(8);

/// How long an idle connection stays open for the next request.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);
