/// The cause of an adapter's failure, for logs.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A port failed for no reason of the caller's.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The back end does not answer, or not in time, or has no room: trying again may help.
    #[error("{component} is unavailable")]
    Unavailable {
        /// Which back end, as `/health` names it.
        component: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A broken row, a broken statement, a fault of the adapter's: trying again will not help.
    #[error("{component} failed")]
    Internal {
        /// Which back end, as `/health` names it.
        component: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
}

impl PortError {
    /// A back end that does not answer.
    pub fn unavailable(component: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Unavailable { component, source: source.into() }
    }

    /// A fault.
    pub fn internal(component: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Internal { component, source: source.into() }
    }
}
