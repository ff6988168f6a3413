//! Sessions and their tokens: login, authentication, refresh, logout.

mod authenticate;
mod begin;
mod codec;
mod complete_login;
mod cookie;
mod hand_off;
mod invalidation;
mod list;
mod login;
mod logout;
mod port;
mod reauthenticate;
mod refresh;
mod revoke;
mod rotation;
mod session;
mod ticket;
mod tokens;

pub use authenticate::{Authenticate, SessionOwner};
pub(crate) use begin::BeginSessionError;
pub use begin::{BeginSession, LoggedIn};
#[cfg(feature = "mock")]
pub use codec::MockTokenCodec;
pub use codec::{AccessClaims, InvalidToken, PublicKey, PublicPoint, RefreshClaims, TokenCodec};
pub use complete_login::{CompleteLogin, CompleteLoginError, RequestFactorError};
pub use cookie::{CookieDigest, Cookies, SessionCookie};
pub use hand_off::{
    CodeChallenge, CodeVerifier, ExchangeCode, ExchangeCodeError, HAND_OFF_TTL, HandOffCode,
    HandOffDigest, OfferHandOff, TakenHandOff,
};
pub use invalidation::{InvalidationChannel, InvalidationListener, Subscription};
#[cfg(feature = "mock")]
pub use invalidation::{MockInvalidationChannel, MockInvalidationListener};
pub use list::{ListSessions, ListUserSessions, SessionPage};
pub use login::{Login, LoginError, LoginInput};
pub use logout::Logout;
#[cfg(feature = "mock")]
pub use port::MockSessionRepository;
pub use port::{
    CreateSessionError, NewSession, OnExcess, Reauthentication, SessionLimit, SessionQuery,
    SessionRepository, StaleCredentials,
};
pub use reauthenticate::Reauthenticate;
pub use refresh::Refresh;
pub use revoke::{
    RevokeOtherSessions, RevokeSession, RevokeUserSessions, RevokeUserSessionsError,
    SessionNotFound,
};
pub use rotation::{Lineage, Next, Presented, Rotation, RotationOutcome};
pub use session::{Generation, InvalidSessionPosition, LiveSession, Session, SessionPosition};
pub use ticket::{TICKET_TTL, Ticket, TicketClaims, TicketPurpose};
pub(crate) use tokens::Grant;
pub use tokens::{TokenIssuer, TokenPair};
