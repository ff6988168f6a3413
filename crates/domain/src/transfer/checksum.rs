//! Checksums over all records.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::accounts::{AvatarUrl, Bio, FullName, Phone, Profile, User};
use crate::audit::{AuditContext, AuditEvent, AuditReason, AuditRecord};
use crate::common::{ClientInfo, RequestContext, RequestId, Timestamp, UserId};
use crate::sessions::Session;
use crate::transfer::{Batch, LockoutRecord, SessionRecord, UserRecord};

/// How many records of a kind there are, and a SHA-256 over all that they hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How many.
    pub records: u64,
    /// The digest.
    pub sha256: [u8; 32],
}

impl Checksum {
    /// The digest in hexadecimal.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in self.sha256 {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records, SHA-256 {}", self.records, self.hex())
    }
}

/// The checksums of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksums {
    /// Of the accounts.
    pub users: Checksum,
    /// Of the sessions.
    pub sessions: Checksum,
    /// Of the counts of failed log-ins.
    pub throttles: Checksum,
    /// Of the records of what happened.
    pub events: Checksum,
}

/// Adds up the checksums of a store, record by record. Every column is in them: a record is taken
/// apart whole, so that a new field does not compile before it is added here.
#[derive(Default)]
pub(super) struct Tally {
    users: Sum,
    sessions: Sum,
    throttles: Sum,
    events: Sum,
}

impl Tally {
    pub(super) fn add(&mut self, batch: &Batch) {
        match batch {
            Batch::Users(records) => {
                for record in records {
                    self.users.user(record);
                }
            }
            Batch::Sessions(records) => {
                for record in records {
                    self.sessions.session(record);
                }
            }
            Batch::Lockouts(records) => {
                for record in records {
                    self.throttles.lockouts(record);
                }
            }
            Batch::Events(records) => {
                for record in records {
                    self.events.event(record);
                }
            }
        }
    }

    pub(super) fn finish(self) -> Checksums {
        Checksums {
            users: self.users.finish(),
            sessions: self.sessions.finish(),
            throttles: self.throttles.finish(),
            events: self.events.finish(),
        }
    }
}

/// Fields are written so that no two lists of fields give the same bytes: of fixed length, or after
/// their length.
#[derive(Default)]
struct Sum {
    records: u64,
    sha256: Sha256,
}

impl Sum {
    fn user(&mut self, record: &UserRecord) {
        let UserRecord { user, hash, credential_version } = record;
        let User {
            id,
            username,
            email,
            role,
            profile,
            is_active,
            is_verified,
            created_at,
            updated_at,
            last_login_at,
        } = user;
        let Profile { full_name, phone, bio, avatar } = profile;
        self.records += 1;
        self.number(id.get());
        for text in [username.as_str(), username.canonical(), email.as_str(), email.canonical()] {
            self.text(text);
        }
        self.text(hash.expose());
        self.number(credential_version.0);
        self.text(role.as_str());
        self.optional_text(full_name.as_ref().map(FullName::as_str));
        self.optional_text(phone.as_ref().map(Phone::as_str));
        self.optional_text(bio.as_ref().map(Bio::as_str));
        self.optional_text(avatar.as_ref().map(AvatarUrl::as_str));
        self.number(i64::from(*is_active));
        self.number(i64::from(*is_verified));
        self.number(created_at.timestamp_micros());
        self.optional_moment(*updated_at);
        self.optional_moment(*last_login_at);
    }

    fn session(&mut self, record: &SessionRecord) {
        let SessionRecord { session, predecessor, ended_at } = record;
        let Session { id, user_id, generation, created_at, last_used_at, expires_at, client } =
            session;
        let ClientInfo { address, user_agent } = client;
        self.records += 1;
        self.sha256.update(id.0.as_bytes());
        self.number(user_id.get());
        self.number(generation.0);
        self.optional_number(predecessor.map(|(generation, _used)| generation.0));
        self.optional_moment(predecessor.map(|(_generation, used)| used));
        for moment in [created_at, last_used_at, expires_at] {
            self.number(moment.timestamp_micros());
        }
        self.optional_moment(*ended_at);
        self.text(&address.to_string());
        self.optional_text(user_agent.as_deref());
    }

    fn lockouts(&mut self, record: &LockoutRecord) {
        let LockoutRecord { subject, network, failures, last_failure_at } = record;
        self.records += 1;
        self.text(subject);
        self.text(network);
        self.number(*failures);
        self.number(last_failure_at.timestamp_micros());
    }

    fn event(&mut self, record: &AuditRecord) {
        let AuditRecord { id, event } = record;
        let AuditEvent { action, reason, subject, context } = event;
        let AuditContext { actor, session_id, at, request } = context;
        let RequestContext { client, request_id } = request;
        let ClientInfo { address, user_agent } = client;
        self.records += 1;
        self.number(id.0);
        self.text(action.as_str());
        self.optional_text(reason.map(AuditReason::as_str));
        self.optional_number(subject.map(UserId::get));
        self.optional_number(actor.map(UserId::get));
        self.optional_text(session_id.map(|id| id.to_string()).as_deref());
        self.number(at.timestamp_micros());
        self.text(&address.to_string());
        self.optional_text(user_agent.as_deref());
        self.optional_text(request_id.as_ref().map(RequestId::as_str));
    }

    fn number(&mut self, number: i64) {
        self.sha256.update(number.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.sha256.update((text.len() as u64).to_be_bytes());
        self.sha256.update(text);
    }

    fn optional_number(&mut self, number: Option<i64>) {
        self.sha256.update([u8::from(number.is_some())]);
        if let Some(number) = number {
            self.number(number);
        }
    }

    fn optional_moment(&mut self, moment: Option<Timestamp>) {
        self.optional_number(moment.map(|moment| moment.timestamp_micros()));
    }

    fn optional_text(&mut self, text: Option<&str>) {
        self.sha256.update([u8::from(text.is_some())]);
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn finish(self) -> Checksum {
        Checksum { records: self.records, sha256: self.sha256.finalize().into() }
    }
}
