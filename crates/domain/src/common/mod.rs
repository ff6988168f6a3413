//! What every feature uses: ids, time, text rules, the request context, errors of ports.
//!
//! # Ports
//!
//! A port is a trait that an adapter implements. The documentation of a method is its contract, and
//! "MUST" in it is meant as in RFC 2119. Four rules hold for all of them:
//!
//! * **One method is one atomic change.** Transactions never leave an adapter. A race is settled by
//!   a conditional statement in the adapter and shows as a variant of the method's error, never by
//!   reading first and writing later.
//! * **A change is stored with its audit record.** A method that changes an account or a session,
//!   or forgets failures, MUST append the event that its documentation names in the same atomic
//!   change: one event for a change, and none if nothing changed.
//! * **Lookups return `Ok(None)`** for what is not there. A row that cannot be read is a
//!   [`PortError::Internal`] that names table, column and id.
//! * **Methods answer within a bounded time.** If a back end does not answer, the method returns
//!   [`PortError::Unavailable`], after three seconds at the latest.

mod clock;
mod error;
mod ids;
mod locale;
mod network;
mod paging;
mod patch;
pub(crate) mod random;
pub(crate) mod readable;
mod request_context;
mod seal;
pub(crate) mod text;
mod time;
mod violation;

pub use clock::Clock;
#[cfg(feature = "mock")]
pub use clock::MockClock;
pub use error::{BoxError, Causes, Error, PortError};
pub use ids::{InvalidUserId, SessionId, UserId};
pub use locale::{Locale, UnknownLocale};
pub use network::{ClientInfo, ClientNetwork};
pub use paging::PageStart;
pub use patch::Patch;
#[cfg(feature = "mock")]
pub use random::MockRandom;
pub use random::Random;
pub use request_context::{InvalidRequestId, RequestContext, RequestId};
#[cfg(feature = "mock")]
pub use seal::MockSealer;
pub use seal::{NoSealer, SealPurpose, Sealer};
pub use time::{Timestamp, rfc3339};
pub use violation::Violation;
