//! Where the values of settings were written.

use std::fmt;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `config/default.toml`, in the binary.
    Default,
    /// `config/production.toml`, in the binary.
    Production,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag.
    Flag,
}

impl Origin {
    /// Whether an operator wrote it.
    pub(crate) fn is_own(&self) -> bool {
        !matches!(self, Self::Default | Self::Production)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Production => f.write_str("production.toml in the binary"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Flag => f.write_str("the command line"),
        }
    }
}
