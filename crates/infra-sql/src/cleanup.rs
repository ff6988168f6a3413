//! Deletes old rows, a part at a time.

use std::time::{Duration, Instant};

use menjin_domain::common::PortError;

/// How many rows one statement deletes.
const PART: u16 = 1000;

/// Calls a function that deletes at most this many rows and returns how many it deleted. Stops when
/// no row is left or a second has passed: the next call deletes the rest.
pub async fn in_parts<F>(mut delete: impl FnMut(i64) -> F) -> Result<u64, PortError>
where
    F: Future<Output = Result<usize, PortError>>,
{
    let (started, mut total) = (Instant::now(), 0);
    loop {
        let deleted = delete(PART.into()).await?;
        total += deleted as u64;
        if deleted < PART.into() || started.elapsed() > Duration::from_secs(1) {
            return Ok(total);
        }
    }
}
