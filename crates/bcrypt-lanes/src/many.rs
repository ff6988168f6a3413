//! Functions for callers who have all passwords at hand.

use crate::{CostError, Digest, Full, Hash, Job, Key, Lanes};

/// Computes all jobs, `lanes` at a time, and returns their digests in the same order.
pub fn digest_many(jobs: impl IntoIterator<Item = Job>, lanes: usize) -> Vec<Digest> {
    let (mut jobs, mut running) = (jobs.into_iter().enumerate(), Lanes::new(lanes));
    let mut digests = Vec::new();
    loop {
        while running.len() < running.capacity() {
            let Some((number, job)) = jobs.next() else { break };
            digests.push(None);
            if let Err(Full { .. }) = running.join(job, number) {
                break;
            }
        }
        if running.is_empty() {
            return digests.into_iter().flatten().collect();
        }
        for (number, digest) in running.step() {
            if let Some(place) = digests.get_mut(number) {
                *place = Some(digest);
            }
        }
    }
}

/// Hashes passwords, each with its salt, `lanes` at a time. Salts must be random, and must never be
/// used twice.
///
/// # Errors
/// The cost is not between 4 and 31.
pub fn hash_many(
    passwords: impl IntoIterator<Item = (Key, [u8; 16])>,
    cost: u32,
    lanes: usize,
) -> Result<Vec<Hash>, CostError> {
    let (keys, salts): (Vec<_>, Vec<_>) = passwords.into_iter().unzip();
    let jobs = keys.into_iter().zip(&salts).map(|(key, salt)| Job::new(key, *salt, cost));
    let digests = digest_many(jobs.collect::<Result<Vec<_>, _>>()?, lanes);
    digests.iter().zip(salts).map(|(digest, salt)| Hash::new(cost, salt, digest)).collect()
}

/// Verifies passwords, each against its hash, `lanes` at a time.
pub fn verify_many<'a>(
    passwords: impl IntoIterator<Item = (Key, &'a Hash)>,
    lanes: usize,
) -> Vec<bool> {
    let (keys, hashes): (Vec<_>, Vec<_>) = passwords.into_iter().unzip();
    let digests =
        digest_many(keys.into_iter().zip(&hashes).map(|(key, hash)| hash.job(key)), lanes);
    digests.iter().zip(hashes).map(|(digest, hash)| hash.matches(digest)).collect()
}
