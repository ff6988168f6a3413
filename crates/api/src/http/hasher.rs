//! Hashing and the deadline of a request.

use std::sync::Arc;

use async_trait::async_trait;
use menjin_domain::common::{Error, PortError};
use menjin_domain::credentials::{
    CandidatePassword, NewPassword, Overloaded, PasswordHash, PasswordHasher, Permit, Verification,
};
use menjin_http::deadline::pause_during;

/// A hasher whose work pauses the deadline of the request that waits for it: hashing has a bound of
/// its own, the length of its queue.
pub struct PausingHasher(pub Arc<dyn PasswordHasher>);

#[async_trait]
impl PasswordHasher for PausingHasher {
    fn try_reserve(&self) -> Option<Permit> {
        self.0.try_reserve()
    }

    async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, Error<Overloaded>> {
        pause_during(self.0.hash(password)).await
    }

    async fn hash_behind(&self, password: &NewPassword) -> Result<PasswordHash, PortError> {
        pause_during(self.0.hash_behind(password)).await
    }

    async fn rehash(
        &self,
        password: &CandidatePassword,
    ) -> Result<PasswordHash, Error<Overloaded>> {
        pause_during(self.0.rehash(password)).await
    }

    async fn verify(
        &self,
        password: &CandidatePassword,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, Error<Overloaded>> {
        pause_during(self.0.verify(password, hash)).await
    }
}
