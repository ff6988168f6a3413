//! What `/cache/*` takes.

use garde::Validate;
use menjin_domain::cache::EntryTtl;
use menjin_domain::common::Violation;
use paperclip::actix::Apiv2Schema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::http::body::RequestBody;
use crate::http::field::{Field, valid};
use crate::http::parse::at;
use crate::problem::Problem;
use crate::state::Api;

type Object = Map<String, Value>;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn parse_data(field: &Field<Object>, (): &()) -> Result<Object, Problem> {
    field.present(|object| Ok::<_, Violation>(object.clone()))
}

/// Absent or null: an hour.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde hands contexts over by reference")]
fn parse_ttl(field: &Field<i64>, (): &()) -> Result<EntryTtl, Problem> {
    if matches!(field, Field::Null) {
        return Ok(EntryTtl::DEFAULT);
    }
    let ttl = field.optional(|seconds| match u64::try_from(*seconds) {
        Ok(seconds) if seconds >= 1 => {
            EntryTtl::from_seconds(seconds).ok_or(Problem::AtMost { max: EntryTtl::MAX_SECONDS })
        }
        _ => Err(Problem::AtLeast { min: 1 }),
    })?;
    Ok(ttl.unwrap_or(EntryTtl::DEFAULT))
}

/// An entry to be written.
#[derive(Deserialize, Validate, Default, Apiv2Schema)]
#[serde(default)]
#[openapi(rename = "CacheWrite")]
pub(super) struct EntryBody {
    #[garde(custom(valid(parse_data)))]
    data: Field<Object>,
    #[garde(custom(valid(parse_ttl)))]
    ttl: Field<i64>,
}

impl RequestBody for EntryBody {
    fn context(_: &Api) {}
}

impl EntryBody {
    pub(super) fn to_entry(&self) -> Result<(Vec<u8>, EntryTtl), Failure> {
        let data = at(parse_data(&self.data, &()), "data")?;
        let ttl = at(parse_ttl(&self.ttl, &()), "ttl")?;
        Ok((Value::Object(data).to_string().into_bytes(), ttl))
    }
}
