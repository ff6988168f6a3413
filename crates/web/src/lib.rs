//! # menjin-web
//!
//! What the HTTP API and HTML pages share. It knows the domain, and neither actix nor paperclip.
//!
//! * [`error`] is the one table of errors: status, code, and the text in each language.
//!   `refusals.rs` says which error a use-case's refusal is.
//! * [`field`] reads the fields of a request: each is parsed once, keeps its value or what is wrong
//!   with it, and describes itself. [`values`] has a field type for each value of the domain.
//! * [`schema`] describes requests and responses as JSON Schema, in the variant of OpenAPI 3.0.
//! * [`text`] has the texts, in each language.

pub mod device;
pub mod error;
pub mod field;
mod field_type;
pub mod problem;
mod refusals;
pub mod row_problem;
pub mod schema;
pub mod text;
pub mod values;

pub use error::{ApiError, ErrorKind, bearer_token};
pub use menjin_domain::common::{Locale, UnknownLocale};
pub use refusals::{cache_failed, unauthenticated};
pub use text::Text;

/// What the macros of this crate use.
#[doc(hidden)]
pub mod macros {
    pub use garde;
    pub use serde;
    pub use serde_json;
}
