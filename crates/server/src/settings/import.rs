//! `[import]`: tables of users that are sent to the server.

use super::prelude::*;

#[derive(Debug, Clone, Deserialize, Serialize, Validate)]
#[garde(allow_unvalidated)]
pub(crate) struct ImportSettings {
    /// In bytes.
    #[garde(range(min = 65_536, max = 268_435_456))]
    pub(crate) max_body: usize,
}
