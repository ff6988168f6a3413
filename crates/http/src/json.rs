//! JSON, read strictly (RFC 8259, with the rule of RFC 7493 on names): a name that is given twice
//! is refused at any depth, since some readers take the first value and some the last.
//!
//! `serde_json::from_slice::<Value>` silently takes the last value.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

/// Why a text is not a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON.
    #[error("not JSON")]
    Malformed,
    /// It is JSON, but a name is given twice in one object.
    #[error("a name is given twice")]
    RepeatedName,
    /// It is JSON, but nested too deeply.
    #[error("nested too deeply")]
    TooDeep,
    /// It is JSON, but a text holds a lone surrogate (RFC 7493 §2.1).
    #[error("a lone surrogate")]
    LoneSurrogate,
    /// It is JSON, but not an object.
    #[error("not an object")]
    NotAnObject,
}

/// Parses an object. Nesting is bounded by `serde_json` (128).
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let Strict(value) = serde_json::from_slice(bytes).map_err(|error| reason(&error))?;
    if let Value::Object(object) = value { Ok(object) } else { Err(JsonError::NotAnObject) }
}

/// `serde_json` tells its reasons apart only in words; a test holds these to them.
fn reason(error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    let reasons = [
        (REPEATED_NAME, JsonError::RepeatedName),
        ("recursion limit exceeded", JsonError::TooDeep),
        ("lone leading surrogate in hex escape", JsonError::LoneSurrogate),
        ("unexpected end of hex escape", JsonError::LoneSurrogate),
    ];
    let known = reasons.into_iter().find(|(start, _)| text.starts_with(start));
    known.map_or(JsonError::Malformed, |(_, reason)| reason)
}

const REPEATED_NAME: &str = "a name is given twice";

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
                return Err(A::Error::custom(REPEATED_NAME));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn i6_j19_what_is_ambiguous_or_malformed_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for (bad, reason) in [
            (&b"{\"a\":1,\"a\":2}"[..], JsonError::RepeatedName),
            (b"{\"x\":{\"a\":1,\"a\":2}}", JsonError::RepeatedName),
            (b"{\"a\":\"\\ud800\"}", JsonError::LoneSurrogate),
            (b"{\"a\":\"\\udc00\"}", JsonError::LoneSurrogate),
            (b"{\"a\":\"\\ud800\\u0041\"}", JsonError::LoneSurrogate),
            (b"{\"\\ud800x\":1}", JsonError::LoneSurrogate),
            (deep.as_bytes(), JsonError::TooDeep),
            (b"\xef\xbb\xbf{}", JsonError::Malformed),
            (b"{\x00\"\x00a\x00", JsonError::Malformed),
            (b"{\"a\":\"\xff\"}", JsonError::Malformed),
            (b"{} {}", JsonError::Malformed),
            (b"{\"a\":1e999}", JsonError::Malformed),
            (b"", JsonError::Malformed),
        ] {
            let shown = bad.get(..20.min(bad.len()));
            assert_eq!(parse_object(bad), Err(reason), "{shown:?}");
        }
        for bad in [&b"[]"[..], b"1", b"null", b"\"{}\""] {
            assert_eq!(parse_object(bad), Err(JsonError::NotAnObject));
        }
    }

    /// Numbers are read exactly, which not every reader does.
    #[test]
    fn numbers_are_read_to_the_last_digit() {
        let object = parse_object(br#"{"a":2.321524401561872e+82}"#).unwrap();
        assert_eq!(Value::Object(object).to_string(), r#"{"a":2.321524401561872e+82}"#);
    }

    #[test]
    fn what_is_valid_comes_through_unchanged() {
        let text = r#"{"a":[1,-2,3.5,true,null,"\u00fc",{"b":{}}]}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse_object(text.as_bytes()).map(Value::Object), Ok(expected));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    fn object() -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::btree_map(any::<String>(), json(), 0..6)
            .prop_map(|entries| entries.into_iter().collect())
    }

    proptest! {
        #[test]
        fn i6_what_was_written_is_read(object in object()) {
            let text = Value::Object(object.clone()).to_string();
            prop_assert_eq!(parse_object(text.as_bytes()), Ok(object));
        }

        #[test]
        fn i6_a_name_given_twice_is_refused(object in object(), name: String, value in json()) {
            let name = Value::from(name);
            let rest = Value::Object(object).to_string();
            let rest = if rest == "{}" { "}".to_owned() } else { format!(",{}", &rest[1..]) };
            let twice = format!("{{{name}:{value},{name}:{value}{rest}");
            prop_assert_eq!(parse_object(twice.as_bytes()), Err(JsonError::RepeatedName));
            let within = format!("{{\"x\":[{twice}]}}");
            prop_assert_eq!(parse_object(within.as_bytes()), Err(JsonError::RepeatedName));
        }

        /// Every accepted text has the same value as for the usual reader.
        #[test]
        fn i6_anything_is_read_as_others_read_it_or_not_at_all(
            object in object(),
            noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut changed = Value::Object(object).to_string().into_bytes();
            for (at, byte) in noise {
                let at = at.index(changed.len());
                changed[at] = byte;
            }
            for bytes in [changed, bytes] {
                if let Ok(object) = parse_object(&bytes) {
                    let usual: Value = serde_json::from_slice(&bytes).unwrap();
                    prop_assert_eq!(usual, Value::Object(object));
                }
            }
        }
    }
}
