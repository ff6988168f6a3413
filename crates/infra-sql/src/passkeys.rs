//! Passkeys: rows and conditions that both databases share.
#![expect(missing_docs, reason = "a field is a column of its table")]

use diesel::dsl::auto_type;
use diesel::prelude::*;
use menjin_domain::common::{PortError, Timestamp, UserId};
use menjin_domain::credentials::CredentialVersion;
use menjin_domain::passkeys::{
    ChallengePurpose, NewChallenge, NewPasskey, Passkey, PasskeyId, PasskeyName, TakenChallenge,
};

use crate::error::bad_column;
use crate::rows::user_id;
use crate::schema::{passkey_challenges, passkeys};
use crate::values::{Id, Micros};

/// A passkey.
#[derive(Queryable, Selectable)]
#[diesel(table_name = passkeys)]
pub struct PasskeyRow {
    pub id: i64,
    pub user_id: i64,
    pub credential_id: String,
    pub public_key: String,
    pub name: String,
    pub sign_count: i64,
    pub created_at: Micros,
    pub last_used_at: Option<Micros>,
}

impl TryFrom<PasskeyRow> for Passkey {
    type Error = PortError;

    fn try_from(row: PasskeyRow) -> Result<Self, PortError> {
        let bad = |column| bad_column("passkeys", column, row.id.to_string());
        let moment = |column, at: Micros| at.moment().ok_or_else(|| bad(column));
        Ok(Self {
            id: PasskeyId::try_from(row.id).map_err(|_invalid| bad("id"))?,
            user_id: user_id(row.user_id)?,
            sign_count: u32::try_from(row.sign_count).map_err(|_invalid| bad("sign_count"))?,
            created_at: moment("created_at", row.created_at)?,
            last_used_at: row.last_used_at.map(|at| moment("last_used_at", at)).transpose()?,
            credential_id: row.credential_id,
            public_key: row.public_key,
            name: PasskeyName::from_stored(row.name),
        })
    }
}

/// A new passkey.
#[derive(Insertable)]
#[diesel(table_name = passkeys)]
pub struct NewPasskeyRow<'a> {
    user_id: i64,
    credential_id: &'a str,
    public_key: &'a str,
    name: &'a str,
    sign_count: i64,
    created_at: Micros,
}

impl<'a> From<&'a NewPasskey> for NewPasskeyRow<'a> {
    fn from(new: &'a NewPasskey) -> Self {
        Self {
            user_id: new.user_id.get(),
            credential_id: &new.credential_id,
            public_key: &new.public_key,
            name: new.name.as_str(),
            sign_count: new.sign_count.into(),
            created_at: new.context.at.into(),
        }
    }
}

/// A challenge.
#[derive(Insertable)]
#[diesel(table_name = passkey_challenges)]
pub struct NewChallengeRow<'a> {
    challenge: &'a str,
    user_id: Option<i64>,
    session_id: Option<Id>,
    credential_version: Option<i64>,
    expires_at: Micros,
}

impl<'a> From<&'a NewChallenge> for NewChallengeRow<'a> {
    fn from(new: &'a NewChallenge) -> Self {
        let (user, session) = new.purpose.bound_to();
        Self {
            challenge: &new.challenge,
            user_id: user.map(UserId::get),
            session_id: session.map(Id::from),
            credential_version: new.version.map(|version| version.0),
            expires_at: new.expires_at.into(),
        }
    }
}

/// A challenge that was taken.
#[derive(Queryable, Selectable)]
#[diesel(table_name = passkey_challenges)]
pub struct TakenRow {
    user_id: Option<i64>,
    session_id: Option<Id>,
    credential_version: Option<i64>,
    expires_at: Micros,
}

impl TakenRow {
    /// What was kept with it, if it was for this and is not over.
    pub fn taken(&self, purpose: ChallengePurpose, at: Timestamp) -> Option<TakenChallenge> {
        let (user, session) = purpose.bound_to();
        let is_for_this = self.user_id == user.map(UserId::get)
            && self.session_id == session.map(Id::from)
            && self.expires_at > Micros::from(at);
        let version = self.credential_version.map(CredentialVersion);
        is_for_this.then_some(TakenChallenge { version })
    }
}

/// The passkey, if this user has it.
#[auto_type(no_type_alias)]
pub fn is_passkey_of(user: i64, id: i64) -> _ {
    passkeys::id.eq(id).and(passkeys::user_id.eq(user))
}
