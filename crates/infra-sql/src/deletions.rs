//! Accounts that are to be gone: what both databases share.

use diesel::dsl::auto_type;
use diesel::prelude::*;
use menjin_domain::audit::{AuditAction, AuditContext, AuditEvent};
use menjin_domain::common::{RequestContext, Timestamp, UserId};

use crate::schema::users;
use crate::values::Micros;

/// How many accounts are deleted in one transaction.
pub const PART: i64 = 200;

/// Accounts whose time has come.
#[auto_type(no_type_alias)]
pub fn is_due(at: Micros) -> _ {
    users::deletes_at.le(at)
}

/// Accounts that nobody has proved or used, made before this time.
#[auto_type(no_type_alias)]
pub fn is_abandoned(before: Micros) -> _ {
    users::created_at
        .lt(before)
        .and(users::is_verified.eq(false))
        .and(users::recovery_verified.eq(false))
        .and(users::last_login_at.is_null())
        .and(users::is_active)
}

/// What is recorded of a deletion that nobody does, but time.
pub fn deleted(id: UserId, at: Timestamp) -> AuditEvent {
    let context = AuditContext::anonymous(at, RequestContext::local());
    context.event(AuditAction::AccountDeleted).on(id)
}
