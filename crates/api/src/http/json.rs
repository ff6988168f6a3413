//! JSON read strictly (RFC 8259, I-JSON's rule on names): a name given twice means one thing to one
//! reader and another to the next, so it is refused, at any depth.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

/// Parses an object. Nesting is bounded by `serde_json` (128).
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let Strict(value) = serde_json::from_slice(bytes).map_err(|_detail| Problem::MalformedJson)?;
    if let Value::Object(object) = value { Ok(object) } else { Err(Problem::BodyNotAnObject) }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> DeserializeSeed<'de> for StrictVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(StrictVisitor)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(StrictVisitor)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is given twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_what_is_ambiguous_or_malformed_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in [
            &b"{\"a\":1,\"a\":2}"[..],
            b"{\"x\":{\"a\":1,\"a\":2}}",
            b"{\"a\":\"\\ud800\"}",
            b"\xef\xbb\xbf{}",
            b"{\x00\"\x00a\x00",
            b"{\"a\":\"\xff\"}",
            b"{} {}",
            b"{\"a\":1e999}",
            b"",
            deep.as_bytes(),
        ] {
            assert_eq!(
                parse_object(bad),
                Err(Problem::MalformedJson),
                "{:?}",
                bad.get(..20.min(bad.len()))
            );
        }
        for bad in [&b"[]"[..], b"1", b"null", b"\"{}\""] {
            assert_eq!(parse_object(bad), Err(Problem::BodyNotAnObject));
        }
    }

    #[test]
    fn what_is_valid_comes_through_unchanged() {
        let text = r#"{"a":[1,-2,3.5,true,null,"\u00fc",{"b":{}}]}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse_object(text.as_bytes()).map(Value::Object), Ok(expected));
    }
}
