//! Fields of a JSON body that never fail to be read, so that one answer can name every bad one.

use menjin_domain::common::{Patch, Violation};
use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// A field as it came.
#[derive(Debug, Clone, Default)]
pub(crate) enum Field<T> {
    #[default]
    Absent,
    Null,
    Mistyped(Problem),
    Given(T),
}

/// A type that a field can have.
pub(crate) trait FromJson: Sized {
    /// What to say of `null` where it is no value, and of any other type.
    const MISTYPED: Problem;

    fn from_json(value: Value) -> Result<Self, Problem>;
}

impl FromJson for String {
    const MISTYPED: Problem = Problem::NotAString;

    fn from_json(value: Value) -> Result<Self, Problem> {
        if let Value::String(text) = value { Ok(text) } else { Err(Self::MISTYPED) }
    }
}

impl FromJson for i64 {
    const MISTYPED: Problem = Problem::NotAnInteger;

    /// Takes `60` and `60.0`, as pydantic does; numbers beyond 64 bits end up at the nearest end.
    fn from_json(value: Value) -> Result<Self, Problem> {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and fractions are refused")]
        match value {
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Ok(integer),
                (None, Some(float)) if float.fract() == 0.0 => Ok(float as Self),
                _ => Err(Self::MISTYPED),
            },
            _ => Err(Self::MISTYPED),
        }
    }
}

impl FromJson for Map<String, Value> {
    const MISTYPED: Problem = Problem::NotAnObject;

    fn from_json(value: Value) -> Result<Self, Problem> {
        if let Value::Object(map) = value { Ok(map) } else { Err(Self::MISTYPED) }
    }
}

impl<'de, T: FromJson> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            value => T::from_json(value).map_or_else(Self::Mistyped, Self::Given),
        })
    }
}

impl<T: FromJson> Field<T> {
    /// Parses a field that has to be there.
    pub(crate) fn present<V, E: Into<Problem>>(
        &self,
        parse: impl FnOnce(&T) -> Result<V, E>,
    ) -> Result<V, Problem> {
        match self {
            Self::Absent => Err(Problem::Missing),
            Self::Null => Err(T::MISTYPED),
            Self::Mistyped(problem) => Err(*problem),
            Self::Given(value) => parse(value).map_err(Into::into),
        }
    }

    /// Parses a field that may be absent, but not null.
    pub(crate) fn optional<V, E: Into<Problem>>(
        &self,
        parse: impl FnOnce(&T) -> Result<V, E>,
    ) -> Result<Option<V>, Problem> {
        if matches!(self, Self::Absent) { Ok(None) } else { self.present(parse).map(Some) }
    }

    /// Parses a field that may be absent (keep), null or empty (clear), or a value.
    pub(crate) fn nullable<V>(
        &self,
        parse: impl FnOnce(&T) -> Result<Option<V>, Violation>,
    ) -> Result<Patch<V>, Problem> {
        match self {
            Self::Absent => Ok(Patch::Keep),
            Self::Null => Ok(Patch::Clear),
            Self::Mistyped(problem) => Err(*problem),
            Self::Given(value) => Ok(parse(value)?.into()),
        }
    }
}

/// Makes a garde rule of a parser: `#[garde(custom(valid(username)))]`.
pub(crate) fn valid<T, V, C>(
    parse: fn(&Field<T>, &C) -> Result<V, Problem>,
) -> impl FnOnce(&Field<T>, &C) -> garde::Result {
    move |field, context| parse(field, context).map(drop).map_err(Problem::into_garde)
}

/// The names of a struct's fields, in the order of its declaration.
pub(crate) fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // The outcome is no value: the visit has told the names by then.
    drop(T::deserialize(FieldNames(&mut names)));
    names
}

/// A deserializer that learns what fields a struct asks for and has none to give.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field<T: FromJson>(value: Value) -> Field<T> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn integers_are_whole_numbers() {
        let read = |value| field::<i64>(value).present(|n| Ok::<_, Violation>(*n));
        assert_eq!(read(json!(60)), Ok(60));
        assert_eq!(read(json!(60.0)), Ok(60));
        assert_eq!(read(json!(u64::MAX)), Ok(i64::MAX));
        for bad in [json!("60"), json!(1.5), json!(true), json!({})] {
            assert_eq!(read(bad), Err(Problem::NotAnInteger));
        }
    }

    #[test]
    fn absent_null_and_mistyped_are_told_apart() {
        let parse = |text: &String| Ok::<_, Violation>(text.clone());
        assert_eq!(Field::<String>::Absent.present(parse), Err(Problem::Missing));
        assert_eq!(field::<String>(Value::Null).present(parse), Err(Problem::NotAString));
        assert_eq!(field::<String>(json!(1)).optional(parse), Err(Problem::NotAString));
        assert_eq!(Field::<String>::Absent.optional(parse), Ok(None));
        let nullable = |field: Field<String>| field.nullable(|text| Ok(Some(text.clone())));
        assert_eq!(nullable(Field::Absent), Ok(Patch::Keep));
        assert_eq!(nullable(Field::Null), Ok(Patch::Clear));
        assert_eq!(nullable(Field::Given("x".into())), Ok(Patch::Set("x".into())));
    }
}
