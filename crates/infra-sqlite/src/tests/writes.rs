//! Writes that share a commit.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::{FutureExt as _, join_all};
use menjin_domain::common::PortError;

use super::{add, folder, open, raw};
use crate::SqliteStore;
use crate::error::OrPortError;

/// How many transactions are in the write-ahead log: a frame that commits one has the size of the file
/// in its header (<https://sqlite.org/fileformat2.html#the_write_ahead_log>).
fn commits(path: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let log = std::fs::read(format!("{}-wal", path.display())).unwrap();
    let frames = log[HEADER..].chunks_exact(FRAME);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

/// A write of which only its own name stays, if anything.
fn note(name: String, stays: bool) -> impl FnOnce(&mut SqliteConnection) -> Result<(), PortError> {
    move |sqlite| {
        let insert = format!(
            "INSERT INTO login_throttles (subject, network, failures, last_failure_at)
             VALUES ('{name}', '', 1, 0)"
        );
        sqlite.batch_execute(&insert).or_port_error()?;
        if stays { Ok(()) } else { Err(PortError::internal("test", name)) }
    }
}

fn notes(path: &Path) -> i64 {
    use menjin_infra_sql::schema::login_throttles::table;
    table.count().get_result(&mut raw(path)).unwrap()
}

type Written = (usize, Result<(), PortError>);

/// Lets all of these writes wait for the connection before the first of them is done.
async fn at_once(
    store: &SqliteStore,
    writes: Vec<impl FnOnce(&mut SqliteConnection) -> Result<(), PortError> + Send + 'static>,
) -> Vec<Written> {
    let held = store.writer.get().await.unwrap();
    let writes = writes.into_iter().enumerate();
    let mut written: Vec<_> = writes
        .map(|(number, write)| async move { (number, store.write(write).await) }.boxed())
        .collect();
    // Each is in the queue as soon as it has been polled.
    assert!(written.iter_mut().all(|each| each.now_or_never().is_none()));
    drop(held);
    join_all(written).await
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_are_committed_together() {
    let (_folder, path) = folder();
    let store = open(&path);
    add(&store, "ann").await.unwrap();
    let before = commits(&path);
    let writes = (0..50).map(|number| note(number.to_string(), true)).collect();
    let written = at_once(&store, writes).await;
    assert!(written.iter().all(|(_, done)| done.is_ok()), "{written:?}");
    assert_eq!(notes(&path), 50);
    let more = commits(&path) - before;
    assert!((1..=3).contains(&more), "{more} commits for 50 writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_undone_alone() {
    let (_folder, path) = folder();
    let store = open(&path);
    let writes = (0..30).map(|number| note(number.to_string(), number % 3 != 0)).collect();
    for (number, done) in at_once(&store, writes).await {
        assert_eq!(done.is_ok(), number % 3 != 0, "{number}");
    }
    assert_eq!(notes(&path), 20);
}

/// SQLite rolls back the transaction of a write that finds the disk full. Nobody else whose write was
/// in it is told that it stays.
#[tokio::test(flavor = "multi_thread")]
async fn f5_what_a_full_disk_takes_along_is_unavailable() {
    let (_folder, path) = folder();
    let store = open(&path);
    add(&store, "ann").await.unwrap();
    // The one that breaks off is neither the first nor the last, so others go along with it.
    let write = |number: usize| {
        move |sqlite: &mut SqliteConnection| {
            if number == 10 {
                sqlite.batch_execute("ROLLBACK").unwrap();
                return Err(PortError::unavailable("test", "the disk is full"));
            }
            note(number.to_string(), true)(sqlite)
        }
    };
    let written = at_once(&store, (0..20).map(write).collect()).await;
    let mut stayed = 0;
    for (number, written) in written {
        match written {
            Ok(()) => stayed += 1,
            Err(error) => {
                let is_unavailable = matches!(error, PortError::Unavailable { .. });
                assert!(is_unavailable, "{number}: {error:?}");
            }
        }
    }
    assert!(stayed < 19, "the one that broke off was with others");
    assert_eq!(notes(&path), stayed);
    store.write(note("later".to_owned(), true)).await.unwrap();
}
