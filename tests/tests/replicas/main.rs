//! Several replicas, real processes on one PostgreSQL and one Redis: what one does holds on the
//! others.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod balanced;
mod changes;
mod clocks;
mod crowd;
mod mail;
mod outages;
mod races;
mod redis_outages;
mod revocation;
mod rotation;
mod second_factor;
mod sessions;
mod support;
