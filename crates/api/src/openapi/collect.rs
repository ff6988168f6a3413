//! What paperclip collects from the types in a handler's signature: parameters, the body and who may
//! call. It is written down here and nowhere else; `mod.rs` turns it into OpenAPI 3.

use std::collections::BTreeMap;

use paperclip::actix::OperationModifier;
use paperclip::v2::models::{
    DataType, DataTypeFormat, DefaultOperationRaw, DefaultSchemaRaw, Either, Parameter,
    ParameterIn, SecurityScheme,
};
use paperclip::v2::schema::{Apiv2Errors, Apiv2Schema, TypedData};
use serde_json::{Map, Value};

use crate::cache::StoredObject;
use crate::envelope::Envelope;
use crate::failure::Failure;
use crate::http::body::{Body, RequestBody};
use crate::http::caller::{After, Authorized, CacheUser, Caller};
use crate::http::client::Client;
use crate::http::field::Field;
use crate::http::locale::Locale;
use crate::http::path::{CacheKeyParam, UserIdParam};
use crate::http::query::Query;

/// The mark of an operation that takes an access token.
pub(super) const TOKEN: &str = "token";
/// The mark of an operation that takes one if `cache_api.access` says so.
pub(super) const CACHE_ACCESS: &str = "cache_access";

/// Statuses and bodies of failures come from `operations.rs`.
impl Apiv2Errors for Failure {}

/// Seen by the server only.
macro_rules! unseen {
    ($($extractor:ty),+) => {$(
        impl Apiv2Schema for $extractor {}
        impl OperationModifier for $extractor {}
    )+};
}

unseen!(Client, Locale);

macro_rules! caller {
    ($extractor:ty, $mark:expr) => {
        impl Apiv2Schema for $extractor {}

        impl OperationModifier for $extractor {
            fn update_security(operation: &mut DefaultOperationRaw) {
                operation.security.push(BTreeMap::from([($mark.to_owned(), Vec::new())]));
            }
        }
    };
}

caller!(Caller, TOKEN);
caller!(CacheUser, CACHE_ACCESS);

impl<R> Apiv2Schema for Authorized<R> {}

impl<R> OperationModifier for Authorized<R> {
    fn update_security(operation: &mut DefaultOperationRaw) {
        Caller::update_security(operation);
    }
}

macro_rules! path_parameter {
    ($extractor:ty, $name:literal, $data_type:expr) => {
        impl Apiv2Schema for $extractor {}

        impl OperationModifier for $extractor {
            fn update_parameter(operation: &mut DefaultOperationRaw) {
                operation.parameters.push(Either::Right(Parameter {
                    name: $name.to_owned(),
                    in_: ParameterIn::Path,
                    required: true,
                    data_type: Some($data_type),
                    ..Parameter::default()
                }));
            }
        }
    };
}

path_parameter!(UserIdParam, "user_id", DataType::Integer);
path_parameter!(CacheKeyParam, "key", DataType::String);

impl<T: RequestBody + Apiv2Schema> Apiv2Schema for Body<T> {
    fn name() -> Option<String> {
        T::name()
    }

    fn raw_schema() -> DefaultSchemaRaw {
        T::raw_schema()
    }

    fn description() -> &'static str {
        T::description()
    }
}

impl<T: RequestBody + Apiv2Schema> OperationModifier for Body<T> {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        actix_web::web::Json::<T>::update_parameter(operation);
    }
}

impl<T> Apiv2Schema for Query<T> {}

impl<T: Apiv2Schema> OperationModifier for Query<T> {
    fn update_parameter(operation: &mut DefaultOperationRaw) {
        for (name, schema) in T::raw_schema().properties {
            operation.parameters.push(Either::Right(Parameter {
                name,
                in_: ParameterIn::Query,
                required: false,
                data_type: schema.data_type,
                ..Parameter::default()
            }));
        }
    }
}

/// Named after what is in it, so that no two have the same name.
impl<T: Apiv2Schema> Apiv2Schema for Envelope<T> {
    fn name() -> Option<String> {
        Some(format!("{}Envelope", T::name().as_deref().unwrap_or("Empty")))
    }

    fn raw_schema() -> DefaultSchemaRaw {
        let mut schema = DefaultSchemaRaw {
            name: Self::name(),
            data_type: Some(DataType::Object),
            ..DefaultSchemaRaw::default()
        };
        let properties = [
            ("code", u16::raw_schema()),
            ("message", String::raw_schema()),
            ("data", T::raw_schema()),
        ];
        for (name, property) in properties {
            schema.properties.insert(name.to_owned(), property.into());
        }
        schema
    }
}

/// Both parts of a pair, one after the other.
macro_rules! both {
    ($pair:ty, $first:ident, $second:ident) => {
        impl<$first, $second> Apiv2Schema for $pair {}

        impl<$first: OperationModifier, $second: OperationModifier> OperationModifier for $pair {
            fn update_parameter(operation: &mut DefaultOperationRaw) {
                $first::update_parameter(operation);
                $second::update_parameter(operation);
            }

            fn update_definitions(definitions: &mut BTreeMap<String, DefaultSchemaRaw>) {
                $first::update_definitions(definitions);
                $second::update_definitions(definitions);
            }

            fn update_security(operation: &mut DefaultOperationRaw) {
                $first::update_security(operation);
                $second::update_security(operation);
            }

            fn update_security_definitions(definitions: &mut BTreeMap<String, SecurityScheme>) {
                $first::update_security_definitions(definitions);
                $second::update_security_definitions(definitions);
            }
        }
    };
}

both!(After<A, B>, A, B);

/// A field of a body has the type that it is read as.
impl TypedData for Field<String> {
    fn data_type() -> DataType {
        DataType::String
    }
}

impl TypedData for Field<i64> {
    fn data_type() -> DataType {
        DataType::Integer
    }

    fn format() -> Option<DataTypeFormat> {
        Some(DataTypeFormat::Int64)
    }
}

/// An object.
impl TypedData for Field<Map<String, Value>> {}

/// An object.
impl TypedData for StoredObject {}
