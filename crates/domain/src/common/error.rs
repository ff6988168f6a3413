//! Errors of ports.

use std::error::Error as StdError;
use std::fmt;

/// The cause of an adapter's failure, for logs.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Shows an error with all of its causes, for logs. The JSON format of logs would show only the
/// error itself.
pub struct Causes<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// A port failed; the caller is not the reason.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The back end does not answer in time, or has no capacity. Trying again may help.
    #[error("{component} is unavailable")]
    Unavailable {
        /// Which back end, as `/health` names it.
        component: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// A broken row, a broken statement, or a fault in the adapter. Trying again will not help.
    #[error("{component} failed")]
    Internal {
        /// Which back end, as `/health` names it.
        component: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
}

/// Why something was not done: it was refused, or a port failed.
///
/// `R` holds the refusals of this one use-case or port method, and nothing else. If nothing can be
/// refused, the error is a plain [`PortError`].
#[derive(Debug, thiserror::Error)]
pub enum Error<R: StdError + 'static> {
    /// It was refused, for a reason that the caller can be told.
    #[error(transparent)]
    Refused(R),
    /// A port failed; nothing was decided.
    #[error(transparent)]
    Port(PortError),
}

impl<R: StdError + 'static> Error<R> {
    /// Converts the refusal to the type of another use-case.
    pub fn cast<S: StdError + From<R> + 'static>(self) -> Error<S> {
        match self {
            Self::Refused(refusal) => Error::Refused(refusal.into()),
            Self::Port(error) => Error::Port(error),
        }
    }
}

impl<R: StdError + 'static> From<PortError> for Error<R> {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
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

    /// Whether it was caused by this.
    pub fn is<T: StdError + 'static>(&self) -> bool {
        match self {
            Self::Unavailable { source, .. } | Self::Internal { source, .. } => source.is::<T>(),
        }
    }

    /// A copy for another caller who waits for the same result. The causes are kept as texts.
    #[must_use]
    pub fn again(&self) -> Self {
        let told = |source: &BoxError| Causes(&**source).to_string();
        match self {
            Self::Unavailable { component, source } => Self::unavailable(component, told(source)),
            Self::Internal { component, source } => Self::internal(component, told(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_shown_down_to_the_first() {
        let inner = PortError::internal("disk", "it is on fire");
        let outer = PortError::unavailable("database", inner);
        let told = "database is unavailable: disk failed: it is on fire";
        assert_eq!(Causes(&outer).to_string(), told);
        assert_eq!(Causes(&outer.again()).to_string(), told);
    }
}
