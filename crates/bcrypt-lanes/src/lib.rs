#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod hash;
mod kernel;
mod key;
mod lanes;
mod many;
mod pi;
#[cfg(test)]
mod tests;

pub use hash::{Hash, HashError, Version};
pub use key::{CostError, Job, Key, KeyError};
pub use lanes::{Digest, Full, Lanes};
pub use many::{digest_many, hash_many, verify_many};
