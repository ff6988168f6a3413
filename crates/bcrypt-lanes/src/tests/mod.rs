//! Tests against the `bcrypt` crate and against published vectors.

mod differential;
mod vectors;
