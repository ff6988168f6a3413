//! How what a job is to do, reads and reports is kept: as JSON, sealed.

use std::net::IpAddr;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::audit::AuditContext;
use crate::common::{
    ClientInfo, PortError, RequestContext, RequestId, SealPurpose, Sealer, SessionId, Timestamp,
    UserId,
};

/// Seals what belongs to one job. What was sealed for another cannot be opened.
#[derive(Clone)]
pub(crate) struct JobSealer {
    sealer: Arc<dyn Sealer>,
    /// A user makes one job at a time, so these name it before it has an id.
    job: String,
}

impl JobSealer {
    /// Of the job that this user makes at this time.
    pub(crate) fn of(sealer: &Arc<dyn Sealer>, maker: UserId, created_at: Timestamp) -> Self {
        let job = format!("{maker}/{}", created_at.timestamp_micros());
        Self { sealer: sealer.clone(), job }
    }

    /// Seals a value.
    pub(crate) fn seal(&self, what: &str, value: &impl Serialize) -> Result<Vec<u8>, PortError> {
        let plain =
            serde_json::to_vec(value).map_err(|error| PortError::internal("jobs", error))?;
        self.seal_bytes(what, &plain)
    }

    pub(crate) fn seal_bytes(&self, what: &str, plain: &[u8]) -> Result<Vec<u8>, PortError> {
        self.sealer.seal(SealPurpose::Jobs, &self.place(what), plain)
    }

    /// Opens a value; `None`: it cannot be opened.
    pub(crate) fn open<T: DeserializeOwned>(&self, what: &str, sealed: &[u8]) -> Option<T> {
        serde_json::from_slice(&self.open_bytes(what, sealed)?).ok()
    }

    pub(crate) fn open_bytes(&self, what: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.sealer.open(SealPurpose::Jobs, &self.place(what), sealed)
    }

    fn place(&self, what: &str) -> String {
        format!("{}/{what}", self.job)
    }
}

/// Who acts and from where, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredContext {
    session: Option<String>,
    address: IpAddr,
    user_agent: Option<String>,
    request: Option<String>,
}

impl From<&AuditContext> for StoredContext {
    fn from(context: &AuditContext) -> Self {
        let request = &context.request;
        Self {
            session: context.session_id.map(|id| id.to_string()),
            address: request.client.address,
            user_agent: request.client.user_agent.clone(),
            request: request.request_id.as_ref().map(ToString::to_string),
        }
    }
}

impl StoredContext {
    /// An act of this user, at this time.
    pub(crate) fn at(&self, actor: UserId, at: Timestamp) -> AuditContext {
        let client = ClientInfo { address: self.address, user_agent: self.user_agent.clone() };
        let request_id = self.request.as_deref().and_then(|id| RequestId::parse(id).ok());
        let session = self.session.as_deref().and_then(|id| id.parse().ok());
        AuditContext {
            actor: Some(actor),
            session_id: session.map(SessionId),
            at,
            request: RequestContext { client, request_id },
        }
    }
}

/// What a part of something is sealed for.
pub(crate) fn part(what: &str, number: u32) -> String {
    format!("{what}/{number}")
}

/// A moment that was kept as microseconds.
pub(crate) fn moment(micros: i64) -> Option<Timestamp> {
    Timestamp::from_timestamp_micros(micros)
}

/// A value that was kept as its text.
pub(crate) fn read<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}
