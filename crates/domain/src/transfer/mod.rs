//! Moving everything from one store to another.

mod archive;
mod checksum;

use std::sync::Arc;

use crate::common::{Error, PortError};
pub use archive::{Archive, ArchiveReader, ArchiveWriter, Batch, Contents, NotEmpty, Row};
#[cfg(feature = "mock")]
pub use archive::{MockArchive, MockArchiveReader};
pub use checksum::Checksum;
use checksum::Tally;

/// The progress of a transfer. Every row is copied, and then read back from the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferProgress {
    /// Rows written, of all rows.
    Copied(u64, u64),
    /// Rows read back, of all rows.
    Verified(u64, u64),
}

/// Why nothing was transferred: the target is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store to read from failed.
    #[error("reading from the source")]
    Source(#[source] PortError),
    /// The store to write to failed, or is not empty.
    #[error("writing to the target")]
    Target(#[source] Error<NotEmpty>),
    /// The target would differ from the source.
    #[error("the target would differ from the source: {target:?} instead of {source_is:?}")]
    Differs {
        /// What the source holds.
        source_is: Vec<Checksum>,
        /// What the target would.
        target: Vec<Checksum>,
    },
}

impl TransferError {
    fn target(error: PortError) -> Self {
        Self::Target(error.into())
    }
}

/// Copies everything from one store to another, empty one: ids, hashes, sessions, counts. It
/// commits only after it has read all rows back and found them equal. The source does not change,
/// and accepts no writes meanwhile.
pub struct Transfer {
    /// Where to read.
    pub source: Arc<dyn Archive>,
    /// Where to write.
    pub target: Arc<dyn Archive>,
}

impl Transfer {
    /// Runs the use-case and returns what was moved. `report` is told after every batch.
    ///
    /// # Errors
    /// Nothing was transferred.
    pub async fn execute(
        &self,
        report: &(dyn Fn(TransferProgress) + Sync),
    ) -> Result<Vec<Checksum>, TransferError> {
        // Open the target first, to know that it is empty before the source is locked.
        let mut target = self.target.import().await.map_err(TransferError::Target)?;
        let mut source = self.source.export().await.map_err(TransferError::Source)?;
        let contents = source.contents().await.map_err(TransferError::Source)?;
        let total = contents.iter().map(|each| each.rows).sum();
        let (mut read, mut copied) = (Tally::of(&contents), 0);
        while let Some(batch) = source.next().await.map_err(TransferError::Source)? {
            read.add(&batch);
            copied += batch.rows.len() as u64;
            target.put(batch).await.map_err(TransferError::target)?;
            report(TransferProgress::Copied(copied, total));
        }
        target.reserve_ids(contents.clone()).await.map_err(TransferError::target)?;
        let written = verified(target.written(), &contents, report).await;
        let (read, written) = (read.finish(), written.map_err(TransferError::target)?);
        if read != written {
            return Err(TransferError::Differs { source_is: read, target: written });
        }
        target.commit().await.map_err(TransferError::target)?;
        Ok(read)
    }
}

/// The checksums of what a store would hold.
async fn verified(
    written: &mut dyn ArchiveReader,
    contents: &[Contents],
    report: &(dyn Fn(TransferProgress) + Sync),
) -> Result<Vec<Checksum>, PortError> {
    let total = contents.iter().map(|each| each.rows).sum();
    let (mut tally, mut done) = (Tally::of(contents), 0);
    while let Some(batch) = written.next().await? {
        tally.add(&batch);
        done += batch.rows.len() as u64;
        report(TransferProgress::Verified(done, total));
    }
    Ok(tally.finish())
}

#[cfg(test)]
mod tests;
