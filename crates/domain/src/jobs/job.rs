//! A job.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::common::{Timestamp, UserId};

/// The id of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(i64);

/// The number is not a possible id of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a job is an integer from 1 to 2^63 - 1")]
pub struct InvalidJobId;

impl JobId {
    /// The id as stores and clients see it.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for JobId {
    type Error = InvalidJobId;

    fn try_from(id: i64) -> Result<Self, InvalidJobId> {
        if id >= 1 { Ok(Self(id)) } else { Err(InvalidJobId) }
    }
}

/// Makes an enum with the name of each variant in stores and answers.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $type {
            /// One of each.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name in stores and answers.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text).ok_or(UnknownName)
            }
        }
    };
}

/// There is none of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is none of this name")]
pub struct UnknownName;

named! {
    /// What a job does.
    JobKind {
        /// It imports users.
        Import = "import",
        /// It changes many users.
        Batch = "batch",
    }
}

named! {
    /// How far a job is.
    JobState {
        /// It sees what would be done, and changes nothing.
        Checking = "checking",
        /// It has seen what would be done, and waits to be told to do it.
        Checked = "checked",
        /// It does what it is to do.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It cannot be done.
        Failed = "failed",
    }
}

impl JobState {
    /// Whether there is something to do now.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Checking | Self::Running)
    }
}

/// Why a job cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFailure {
    /// What it was to read cannot be read, for this reason.
    Unreadable(String),
    /// Whoever made it may not do that any more.
    Forbidden,
    /// What it is to do was sealed with a secret that is gone.
    Unsealable,
}

impl JobFailure {
    /// What a store keeps of it.
    pub fn to_stored(&self) -> String {
        match self {
            Self::Unreadable(reason) => format!("{UNREADABLE}{reason}"),
            Self::Forbidden => "forbidden".to_owned(),
            Self::Unsealable => "unsealable".to_owned(),
        }
    }

    /// The failure of which a store has kept this.
    pub fn of_stored(text: &str) -> Option<Self> {
        match text {
            "forbidden" => Some(Self::Forbidden),
            "unsealable" => Some(Self::Unsealable),
            _ => text.strip_prefix(UNREADABLE).map(|reason| Self::Unreadable(reason.to_owned())),
        }
    }
}

/// How [`JobFailure::Unreadable`] begins in a store.
const UNREADABLE: &str = "unreadable: ";

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => f.write_str(reason),
            Self::Forbidden => f.write_str("whoever made it may not do that any more"),
            Self::Unsealable => f.write_str("it was sealed with a secret that is gone"),
        }
    }
}

/// How many rows, or accounts, have become what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Accounts that were made.
    pub created: u64,
    /// Accounts that were changed.
    pub updated: u64,
    /// Accounts that were as they were to be.
    pub unchanged: u64,
    /// What was refused.
    pub failed: u64,
}

impl Tally {
    /// All of them.
    pub fn rows(self) -> u64 {
        self.created + self.updated + self.unchanged + self.failed
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Who made it. Nobody else sees it.
    pub maker: UserId,
    /// How far it is.
    pub state: JobState,
    /// What it is to do, sealed.
    pub spec: Vec<u8>,
    /// Why it cannot be done.
    pub failure: Option<JobFailure>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is gone, unless it goes on.
    pub expires_at: Timestamp,
    /// How many parts have been done.
    pub parts: u32,
    /// What has been done in them.
    pub tally: Tally,
}

impl Job {
    /// For how long a job is kept after something was last done with it.
    pub const KEPT: Duration = Duration::from_secs(60 * 60);

    /// For how long a lease holds. A part has to be done within it.
    pub const LEASE: Duration = Duration::from_secs(60);
}

/// There is no such job, or it is somebody else's, or it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such job")]
pub struct JobNotFound;

/// Whoever makes a job has one already that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another job of the same user is at work")]
pub struct JobInProgress;
