//! Times that the HTTP server is run with.

use std::time::Duration;

/// How long a client may take to send a request's head, and then its body. A client that sends one
/// byte a second holds a connection no longer than this.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a client may take nothing of an answer that is being sent.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an idle connection stays open for the next request.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(75);
