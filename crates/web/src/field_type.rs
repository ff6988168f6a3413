//! What a field can be: how a value is parsed, and the same rules in words of JSON Schema.

use std::sync::Arc;

use menjin_domain::access::Roles;
use menjin_domain::accounts::AttributeRules;
use menjin_domain::credentials::PasswordLength;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// What depends on the settings.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a chosen password may be.
    pub new_password: PasswordLength,
    /// Whether both bounds of a length are one rule, which names both.
    pub joins_bounds: bool,
    /// The roles that there are.
    pub roles: Arc<Roles>,
    /// What users carry beside the fields of the documents.
    pub attributes: Arc<AttributeRules>,
}

/// A value that a field can have. `Self` may be the value or only stand for it.
pub trait FieldType {
    /// As what it is sent.
    type Json: FromJson;
    /// What it is parsed to.
    type Value;

    /// Parses it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    fn parse(sent: &Self::Json, rules: &Rules) -> Result<Self::Value, Problem>;

    /// The keywords of JSON Schema that say the same.
    fn schema(rules: &Rules) -> Value;
}

/// A JSON type that a field can be sent as.
pub trait FromJson: Sized {
    /// What to say of `null` where it is no value, and of any other type.
    const MISTYPED: Problem;

    /// Takes the value if it has the type.
    fn from_json(value: Value) -> Option<Self>;
}

impl FromJson for String {
    const MISTYPED: Problem = Problem::NotAString;

    fn from_json(value: Value) -> Option<Self> {
        if let Value::String(text) = value { Some(text) } else { None }
    }
}

impl FromJson for i64 {
    const MISTYPED: Problem = Problem::NotAnInteger;

    /// Takes `60` and `60.0`, as pydantic does; numbers beyond 64 bits end up at the nearest end.
    fn from_json(value: Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and fractions are refused")]
        number.as_i64().or_else(|| {
            number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as Self)
        })
    }
}

impl FromJson for bool {
    const MISTYPED: Problem = Problem::NotABoolean;

    fn from_json(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

impl FromJson for Vec<Value> {
    const MISTYPED: Problem = Problem::NotAList;

    fn from_json(value: Value) -> Option<Self> {
        if let Value::Array(list) = value { Some(list) } else { None }
    }
}

impl FromJson for Map<String, Value> {
    const MISTYPED: Problem = Problem::NotAnObject;

    fn from_json(value: Value) -> Option<Self> {
        if let Value::Object(map) = value { Some(map) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_are_whole_numbers() {
        assert_eq!(i64::from_json(json!(60)), Some(60));
        assert_eq!(i64::from_json(json!(60.0)), Some(60));
        assert_eq!(i64::from_json(json!(u64::MAX)), Some(i64::MAX));
        for bad in [json!("60"), json!(1.5), json!(true), json!({})] {
            assert_eq!(i64::from_json(bad), None);
        }
    }
}
