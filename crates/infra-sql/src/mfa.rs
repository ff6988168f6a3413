//! The second factor: rows and conditions that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]

use diesel::dsl::auto_type;
use diesel::prelude::*;
use menjin_domain::common::PortError;
use menjin_domain::mfa::{Confirmation, Enrolment, RecoveryDigest, SealedSecret, StoredFactor};

use crate::error::bad_column;
use crate::schema::{recovery_codes, totp_enrolments, totp_factors};
use crate::values::{Id, Micros};

/// How many factors are encrypted anew at once.
pub const RESEALED_AT_ONCE: i64 = 100;

/// A factor.
#[derive(Queryable, Selectable)]
#[diesel(table_name = totp_factors)]
pub struct FactorRow {
    pub user_id: i64,
    pub secret: String,
    pub key_id: String,
    pub last_step: i64,
    pub created_at: Micros,
}

impl TryFrom<FactorRow> for StoredFactor {
    type Error = PortError;

    fn try_from(row: FactorRow) -> Result<Self, PortError> {
        let bad = || bad_column("totp_factors", "created_at", row.user_id.to_string());
        Ok(Self {
            created_at: row.created_at.moment().ok_or_else(bad)?,
            secret: SealedSecret { sealed: row.secret, key_id: row.key_id },
            last_step: row.last_step,
        })
    }
}

/// A new factor, or what replaces the one before.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = totp_factors)]
pub struct NewFactorRow<'a> {
    user_id: i64,
    secret: &'a str,
    key_id: &'a str,
    last_step: i64,
    created_at: Micros,
}

impl<'a> From<&'a Confirmation> for NewFactorRow<'a> {
    fn from(confirmation: &'a Confirmation) -> Self {
        Self {
            user_id: confirmation.user_id.get(),
            secret: &confirmation.secret.sealed,
            key_id: &confirmation.secret.key_id,
            last_step: confirmation.step,
            created_at: confirmation.context.at.into(),
        }
    }
}

/// A factor that waits for its first code, or what replaces the one before.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = totp_enrolments)]
pub struct EnrolmentRow<'a> {
    user_id: i64,
    session_id: Id,
    secret: &'a str,
    key_id: &'a str,
    expires_at: Micros,
    credential_version: i64,
}

impl<'a> From<&'a Enrolment> for EnrolmentRow<'a> {
    fn from(enrolment: &'a Enrolment) -> Self {
        Self {
            user_id: enrolment.user_id.get(),
            session_id: enrolment.session_id.into(),
            secret: &enrolment.secret.sealed,
            key_id: &enrolment.secret.key_id,
            expires_at: enrolment.expires_at.into(),
            credential_version: enrolment.verified_version.0,
        }
    }
}

/// A recovery code.
#[derive(Insertable)]
#[diesel(table_name = recovery_codes)]
pub struct RecoveryRow<'a> {
    user_id: i64,
    digest: &'a str,
    key_id: &'a str,
}

impl<'a> RecoveryRow<'a> {
    pub fn all(user_id: i64, codes: &'a [RecoveryDigest]) -> Vec<Self> {
        let row =
            |code: &'a RecoveryDigest| Self { user_id, digest: &code.digest, key_id: &code.key_id };
        codes.iter().map(row).collect()
    }
}

/// What waits for its first code in this session.
#[auto_type(no_type_alias)]
pub fn is_enrolment(user: i64, session: Id, at: Micros) -> _ {
    totp_enrolments::user_id
        .eq(user)
        .and(totp_enrolments::session_id.eq(session))
        .and(totp_enrolments::expires_at.gt(at))
}

/// The factor of an account, while it has this secret.
#[auto_type(no_type_alias)]
pub fn is_factor<'a>(user: i64, secret: &'a str) -> _ {
    totp_factors::user_id.eq(user).and(totp_factors::secret.eq(secret))
}

/// The accounts whose factor or recovery codes need another key than `$1`.
pub const COUNT_OF_OTHER_KEYS: &str = "SELECT count(*) AS total FROM (
    SELECT user_id FROM totp_factors WHERE key_id <> $1
    UNION SELECT user_id FROM recovery_codes WHERE key_id <> $1) AS others";

/// What [`COUNT_OF_OTHER_KEYS`] finds.
#[derive(QueryableByName)]
pub struct TotalRow {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    pub total: i64,
}
