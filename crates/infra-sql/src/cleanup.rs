//! Deleting what is old, a part at a time.

use std::time::{Duration, Instant};

use menjin_domain::common::PortError;

/// How many rows one statement deletes.
const PART: u16 = 1000;

/// Calls what deletes at most so many rows, and says how many, until none is left or a second has
/// passed: the rest is for the next time.
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
