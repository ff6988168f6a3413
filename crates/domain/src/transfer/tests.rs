//! Unit tests of transfers.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

fn row(values: &[&str]) -> Row {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

fn contents() -> Vec<Contents> {
    vec![
        Contents { table: "users", rows: 2, last_id: Some(9) },
        Contents { table: "sessions", rows: 1, last_id: None },
        Contents { table: "empty", rows: 0, last_id: Some(0) },
    ]
}

fn batches() -> Vec<Batch> {
    vec![
        Batch { table: "users", rows: vec![row(&["1", "ann"])] },
        Batch { table: "users", rows: vec![row(&["2", "bob"])] },
        Batch { table: "sessions", rows: vec![row(&["a", "1"])] },
    ]
}

/// Gives these batches, and then the error, if any.
fn reader(batches: Vec<Batch>, fails: bool) -> MockArchiveReader {
    let mut reader = MockArchiveReader::new();
    reader.expect_contents().returning(|| Ok(contents()));
    let mut batches = VecDeque::from(batches);
    reader.expect_next().returning(move || match batches.pop_front() {
        None if fails => Err(PortError::unavailable("database", "gone")),
        batch => Ok(batch),
    });
    reader
}

/// The outcome of an import.
#[derive(Default)]
struct Outcome {
    put: usize,
    reserved: Vec<Contents>,
    committed: bool,
}

/// Accepts all rows, and returns these when it is read back.
struct Writer {
    outcome: Arc<Mutex<Outcome>>,
    written: MockArchiveReader,
}

#[async_trait]
impl ArchiveWriter for Writer {
    async fn put(&mut self, batch: Batch) -> Result<(), PortError> {
        self.outcome.lock().unwrap().put += batch.rows.len();
        Ok(())
    }

    async fn reserve_ids(&mut self, given: Vec<Contents>) -> Result<(), PortError> {
        self.outcome.lock().unwrap().reserved = given;
        Ok(())
    }

    fn written(&mut self) -> &mut dyn ArchiveReader {
        &mut self.written
    }

    async fn commit(self: Box<Self>) -> Result<(), PortError> {
        self.outcome.lock().unwrap().committed = true;
        Ok(())
    }
}

/// Transfers the first batches to a writer that returns the second ones when it is read back.
async fn transfer(
    source: MockArchiveReader,
    written: MockArchiveReader,
) -> (Result<Vec<Checksum>, TransferError>, Outcome, Vec<TransferProgress>) {
    let outcome = Arc::new(Mutex::new(Outcome::default()));
    let writer = Writer { outcome: outcome.clone(), written };
    let (mut from, mut to) = (MockArchive::new(), MockArchive::new());
    from.expect_export().return_once(|| Ok(Box::new(source)));
    to.expect_import().return_once(|| Ok(Box::new(writer)));
    let transfer = Transfer { source: Arc::new(from), target: Arc::new(to) };
    let reports = Mutex::new(Vec::new());
    let result = transfer.execute(&|report| reports.lock().unwrap().push(report)).await;
    drop(transfer);
    let outcome = std::mem::take(&mut *outcome.lock().unwrap());
    (result, outcome, reports.into_inner().unwrap())
}

#[tokio::test]
async fn what_is_read_again_as_it_was_is_committed() {
    let (result, outcome, reports) =
        transfer(reader(batches(), false), reader(batches(), false)).await;
    let checksums = result.unwrap();
    let rows: Vec<_> = checksums.iter().map(|each| (each.table, each.rows)).collect();
    assert_eq!(rows, [("users", 2), ("sessions", 1), ("empty", 0)]);
    assert_eq!((outcome.put, outcome.reserved, outcome.committed), (3, contents(), true));
    let (copied, verified) = (TransferProgress::Copied, TransferProgress::Verified);
    assert_eq!(
        reports,
        [copied(1, 3), copied(2, 3), copied(3, 3), verified(1, 3), verified(2, 3), verified(3, 3)]
    );
}

#[tokio::test]
async fn what_differs_or_breaks_off_is_not_committed() {
    let mut lost = batches();
    lost.pop();
    let (result, outcome, _) = transfer(reader(batches(), false), reader(lost, false)).await;
    assert!(matches!(result, Err(TransferError::Differs { .. })), "{result:?}");
    assert!(!outcome.committed);

    let (result, outcome, _) = transfer(reader(batches(), true), reader(vec![], false)).await;
    assert!(matches!(result, Err(TransferError::Source(_))), "{result:?}");
    assert!(!outcome.committed);

    let (result, outcome, _) = transfer(reader(batches(), false), reader(vec![], true)).await;
    assert!(matches!(result, Err(TransferError::Target(_))), "{result:?}");
    assert!(!outcome.committed);
}

#[tokio::test]
async fn a_target_that_is_not_empty_leaves_the_source_alone() {
    let mut to = MockArchive::new();
    to.expect_import().return_once(|| Err(Error::Refused(NotEmpty { what: "users" })));
    let transfer = Transfer { source: Arc::new(MockArchive::new()), target: Arc::new(to) };
    let error = transfer.execute(&|_| ()).await.unwrap_err();
    assert!(matches!(error, TransferError::Target(Error::Refused(NotEmpty { what: "users" }))));
}

#[test]
fn every_value_changes_the_checksum() {
    let sum = |rows: Vec<Row>| {
        let mut tally = Tally::of(&contents());
        tally.add(&Batch { table: "users", rows });
        tally.finish()
    };
    let null = || vec![None, Some("b".to_owned())];
    let sums = [
        sum(Vec::new()),
        sum(vec![row(&["a", "b"])]),
        sum(vec![row(&["a", "c"])]),
        sum(vec![row(&["ab", ""])]),
        sum(vec![row(&["", "ab"])]),
        sum(vec![row(&["", "b"])]),
        sum(vec![null()]),
        sum(vec![row(&["a", "b"]), row(&["a", "b"])]),
        sum(vec![row(&["a", "b"]), null()]),
        sum(vec![null(), row(&["a", "b"])]),
    ];
    for (index, one) in sums.iter().enumerate() {
        assert!(sums.iter().skip(index + 1).all(|other| one != other), "{index}: {one:?}");
    }
}
