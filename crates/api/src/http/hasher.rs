//! Hashing and the deadline of a request.

use std::sync::Arc;

use async_trait::async_trait;
use menjin_domain::ports::{HashingError, PasswordHasher, Place, Verdict};
use menjin_domain::values::{CandidatePassword, NewPassword, PasswordHash};
use menjin_http::deadline::pause_during;

/// A hasher whose work pauses the deadline of the request that waits for it: hashing has a bound of
/// its own, the length of its queue.
pub struct PausingHasher(pub Arc<dyn PasswordHasher>);

#[async_trait]
impl PasswordHasher for PausingHasher {
    fn place(&self) -> Option<Place> {
        self.0.place()
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingError> {
        pause_during(self.0.hash(password)).await
    }

    async fn rehash(&self, password: &CandidatePassword) -> Result<PasswordHash, HashingError> {
        pause_during(self.0.rehash(password)).await
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verdict, HashingError> {
        pause_during(self.0.verify(password, hash)).await
    }
}
