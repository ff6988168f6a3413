//! Value objects: parse once at the border, then trust the type.

mod audit;
mod cache_key;
mod email;
mod ids;
mod login_name;
mod network;
mod origin;
mod password;
mod profile;
#[cfg(test)]
mod properties;
mod role;
mod text;
mod time;
mod username;
mod violation;

pub use audit::{
    AuditAction, AuditOutcome, AuditPosition, AuditReason, AuditRecordId, InvalidPosition,
    UnknownName,
};
pub use cache_key::CacheKey;
pub use email::Email;
pub use ids::{Epoch, Generation, InvalidUserId, SessionId, UserId};
pub use login_name::LoginName;
pub use network::{ClientInfo, ClientNetwork};
pub use origin::{InvalidRequestId, Origin, RequestId};
pub use password::{CandidatePassword, NewPassword, PasswordHash, PasswordLength};
pub use profile::{AvatarUrl, Bio, FullName, Patch, Phone};
pub use role::{RegistrableRole, Role, UnknownRole};
pub use time::{Timestamp, rfc3339};
pub use username::{Username, UsernameLength};
pub use violation::Violation;
