//! What nearly every file of an adapter uses: tables, rows, change sets and values.

pub use async_trait::async_trait;
pub use diesel::prelude::*;
pub use menjin_domain::common::{Error, PortError};

pub use crate::cached::cached;
pub use crate::changes::{
    NewEventRow, NewFailuresRow, NewSessionRow, NewUserRow, OwnPasswordRow, ProfileRow,
    RotationRow, TermRow,
};
pub use crate::rows::{
    ALL_NETWORKS, CredentialsRow, EventRow, FailuresRow, PredecessorRow, SessionRow, UserRow,
    live_session,
};
pub use crate::schema::{attribute_terms, sessions, user_counts, users};
pub use crate::values::{Host, Id, Micros};
