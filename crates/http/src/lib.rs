//! # menjin-http
//!
//! The HTTP transport under menjin, on actix-server and actix-http. It knows nothing of accounts,
//! of dialects or of languages: whoever serves an application with it renders all answers.
//!
//! * [`serve()`] listens, accepts TLS, and serves an actix [`App`](actix_web::App). It keeps the
//!   time limits of [`limits`] and refuses requests that a proxy in front may read in another way.
//! * The application wraps its routes in one middleware of its own. That middleware uses
//!   [`InFlight`] for every request, and the other modules as it needs them: [`request_guard`],
//!   [`deadline`], [`cors`], [`request_id`], [`security_headers`], [`metrics`].
//! * [`json`] reads bodies strictly, [`TrustedProxies`] finds the address of the client.

mod chunks;
mod client_address;
mod connection;
mod connection_state;
pub mod cors;
pub mod deadline;
mod guarded_stream;
mod head;
mod in_flight;
pub mod json;
pub mod limits;
mod lines;
pub mod metrics;
pub mod request_guard;
pub mod request_id;
pub mod security_headers;
mod serve;

pub use client_address::TrustedProxies;
pub use connection_state::Peer;
pub use guarded_stream::Refusal;
pub use in_flight::InFlight;
pub use serve::{Serving, serve};
