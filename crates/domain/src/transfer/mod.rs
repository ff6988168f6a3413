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

/// How far a transfer is. Every row is moved, then read again from where it has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferProgress {
    /// So many of all have been written.
    Copied(u64, u64),
    /// So many of all have been read again.
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
    /// What the target would hold is not what the source holds.
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

/// Moves everything from one store to another, empty one: ids, hashes, sessions, counts. All of it or
/// nothing, and only after what was written has been read again and found to be the same. The source
/// stays as it is, and takes no writes meanwhile.
///
/// The transfer is one transaction, without steps that could be resumed: otherwise somebody would
/// start a server on a half-filled database.
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
        // The target first: whether it is empty is known before the source is locked.
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
