//! The fields of a request. Reading one never fails, so that one answer can name every bad one.
//!
//! A field is parsed once, when garde validates it, by the rules of its dialect. It keeps the value,
//! or what is wrong with it.

use std::cell::OnceCell;
use std::marker::PhantomData;

use menjin_domain::common;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub use crate::field_type::{FieldType, FromJson, Rules};

use crate::error::{ApiError, ErrorKind};
use crate::problem::Problem;
use crate::schema::nullable;

/// A field as it was sent.
#[derive(Debug)]
pub enum Sent<T> {
    /// Not at all.
    Absent,
    /// As `null`.
    Null,
    /// As a value of another type.
    Mistyped,
    /// As a value.
    Given(T),
}

impl<J: FromJson> Sent<J> {
    /// Parses a field that has to be there.
    fn parse<T: FieldType<Json = J>>(&self, rules: &Rules) -> Result<T::Value, Problem> {
        match self {
            Self::Absent => Err(Problem::Missing),
            Self::Null | Self::Mistyped => Err(J::MISTYPED),
            Self::Given(value) => T::parse(value, rules),
        }
    }
}

/// Whether a field may be absent or null, and what that means.
pub trait Presence {
    /// As what the field is sent.
    type Json: FromJson;
    /// What the field is parsed to.
    type Value;
    /// Whether it has to be there.
    const REQUIRED: bool = false;

    /// Parses the field.
    ///
    /// # Errors
    /// What is wrong with it.
    fn parse(sent: &Sent<Self::Json>, rules: &Rules) -> Result<Self::Value, Problem>;

    /// The keywords of JSON Schema that say the same.
    fn schema(rules: &Rules) -> Value;
}

/// A field that has to be there.
pub type Required<T> = Field<MustBeThere<T>>;
/// A field that may be absent, but not null.
pub type Optional<T> = Field<MayBeAbsent<T>>;
/// A field that may be absent, null or empty, which all mean that there is no value.
pub type Nullable<T> = Field<MayBeNull<T>>;
/// A change: absent keeps the value, null or empty clears it.
pub type Patch<T> = Field<MayClear<T>>;

/// See [`Required`].
pub struct MustBeThere<T>(PhantomData<T>);
/// See [`Optional`].
pub struct MayBeAbsent<T>(PhantomData<T>);
/// See [`Nullable`].
pub struct MayBeNull<T>(PhantomData<T>);
/// See [`Patch`].
pub struct MayClear<T>(PhantomData<T>);

impl<T: FieldType> Presence for MustBeThere<T> {
    type Json = T::Json;
    type Value = T::Value;
    const REQUIRED: bool = true;

    fn parse(sent: &Sent<T::Json>, rules: &Rules) -> Result<T::Value, Problem> {
        sent.parse::<T>(rules)
    }

    fn schema(rules: &Rules) -> Value {
        T::schema(rules)
    }
}

impl<T: FieldType> Presence for MayBeAbsent<T> {
    type Json = T::Json;
    type Value = Option<T::Value>;

    fn parse(sent: &Sent<T::Json>, rules: &Rules) -> Result<Option<T::Value>, Problem> {
        if let Sent::Absent = sent { Ok(None) } else { sent.parse::<T>(rules).map(Some) }
    }

    fn schema(rules: &Rules) -> Value {
        T::schema(rules)
    }
}

impl<V, T: FieldType<Value = Option<V>>> Presence for MayBeNull<T> {
    type Json = T::Json;
    type Value = Option<V>;

    fn parse(sent: &Sent<T::Json>, rules: &Rules) -> Result<Option<V>, Problem> {
        if let Sent::Absent | Sent::Null = sent { Ok(None) } else { sent.parse::<T>(rules) }
    }

    fn schema(rules: &Rules) -> Value {
        nullable(T::schema(rules))
    }
}

impl<V, T: FieldType<Value = Option<V>>> Presence for MayClear<T> {
    type Json = T::Json;
    type Value = common::Patch<V>;

    fn parse(sent: &Sent<T::Json>, rules: &Rules) -> Result<common::Patch<V>, Problem> {
        match sent {
            Sent::Absent => Ok(common::Patch::Keep),
            Sent::Null => Ok(common::Patch::Clear),
            _ => Ok(sent.parse::<T>(rules)?.into()),
        }
    }

    fn schema(rules: &Rules) -> Value {
        MayBeNull::<T>::schema(rules)
    }
}

/// A field of a request.
pub struct Field<P: Presence> {
    sent: Sent<P::Json>,
    parsed: OnceCell<Result<P::Value, Problem>>,
}

impl<P: Presence> Default for Field<P> {
    fn default() -> Self {
        Self { sent: Sent::Absent, parsed: OnceCell::new() }
    }
}

impl<'de, P: Presence> Deserialize<'de> for Field<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sent = match Value::deserialize(deserializer)? {
            Value::Null => Sent::Null,
            value => P::Json::from_json(value).map_or(Sent::Mistyped, Sent::Given),
        };
        Ok(Self { sent, parsed: OnceCell::new() })
    }
}

/// Parses the field. The report says only that something is wrong: [`Field::problem`] says what.
impl<P: Presence> garde::Validate for Field<P> {
    type Context = Rules;

    fn validate_into(
        &self,
        rules: &Rules,
        path: &mut dyn FnMut() -> garde::Path,
        report: &mut garde::Report,
    ) {
        if let Err(problem) = self.parsed.get_or_init(|| P::parse(&self.sent, rules)) {
            report.append(path(), garde::Error::new(problem.kind()));
        }
    }
}

impl<P: Presence> Field<P> {
    /// What is wrong with it; `None` before it is validated.
    pub fn problem(&self) -> Option<Problem> {
        self.parsed.get()?.as_ref().err().copied()
    }

    /// The value.
    ///
    /// # Errors
    /// Only if it was not validated, or not found valid.
    pub fn value(self) -> Result<P::Value, ApiError> {
        match self.parsed.into_inner() {
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) | None => Err(ErrorKind::Internal.into()),
        }
    }
}

/// A body or a query, made by [`request!`](crate::request).
pub trait Request: for<'de> Deserialize<'de> + garde::Validate<Context = Rules> {
    /// The names of its fields.
    const FIELDS: &'static [&'static str];

    /// What is wrong with each field, in the order of declaration.
    fn problems(&self) -> Vec<(&'static str, Problem)>;
}

/// Declares a body or a query: the struct, how it is read and validated, and its schema. A doc
/// comment is a description; after `=>` stand further keywords of the field.
///
/// ```
/// use menjin_domain::accounts::{Email, Username};
/// use menjin_web::field::{Optional, Required};
///
/// menjin_web::request! {
///     /// A pet.
///     struct Pet as "NewPet" {
///         name: Required<Username> => { "example": "阿黄" },
///         /// Its owner's.
///         email: Optional<Email>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! request {
    (
        $(#[doc = $doc:literal])*
        $(#[expect($($lint:tt)*)])?
        $vis:vis struct $type:ident $(as $name:literal)? {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident: $kind:ty $(=> { $($keywords:tt)* })?,
            )*
        }
    ) => {
        $(#[doc = $doc])*
        $(#[expect($($lint)*)])?
        #[derive(Default, $crate::macros::serde::Deserialize, ::garde::Validate)]
        #[serde(crate = "menjin_web::macros::serde", default)]
        #[garde(context($crate::field::Rules))]
        $vis struct $type {
            $(
                $(#[doc = $field_doc])*
                #[garde(dive)]
                $field: $kind,
            )*
        }

        impl $crate::field::Request for $type {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn problems(&self) -> Vec<(&'static str, $crate::problem::Problem)> {
                let fields = [$((stringify!($field), self.$field.problem())),*];
                fields.into_iter().filter_map(|(name, problem)| Some((name, problem?))).collect()
            }
        }

        impl $crate::schema::Schema for $type {
            $(const NAME: &'static str = $name;)?

            fn inline(
                components: &mut $crate::schema::Components<'_>,
            ) -> $crate::macros::serde_json::Value {
                use $crate::schema::{described, request, with};
                let mut properties = $crate::macros::serde_json::Map::new();
                let mut required = Vec::new();
                $(
                    let schema = <$kind>::schema(&components.rules);
                    $(let schema = with(schema, $crate::macros::serde_json::json!({ $($keywords)* }));)?
                    let schema = described(schema, concat!($($field_doc),*));
                    properties.insert(stringify!($field).to_owned(), schema);
                    if <$kind>::REQUIRED {
                        required.push(stringify!($field));
                    }
                )*
                described(request(&properties, &required), concat!($($doc),*))
            }
        }
    };
}

impl<P: Presence> Field<P> {
    /// Whether it has to be there.
    pub const REQUIRED: bool = P::REQUIRED;

    /// Its keywords of JSON Schema.
    pub fn schema(rules: &Rules) -> Value {
        P::schema(rules)
    }
}

#[cfg(test)]
mod tests {
    use garde::Validate as _;
    use menjin_domain::accounts::{Email, Phone};
    use menjin_domain::cache::EntryTtl;
    use menjin_domain::credentials::PasswordLength;
    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        let roles = std::sync::Arc::default();
        Rules {
            new_password: PasswordLength::DEFAULT,
            joins_bounds: false,
            roles,
            attributes: std::sync::Arc::default(),
        }
    }

    fn read<P: Presence>(value: Option<Value>) -> Result<P::Value, Problem> {
        let field: Field<P> =
            value.map_or_else(Field::default, |value| serde_json::from_value(value).unwrap());
        assert_eq!(field.validate_with(&rules()).is_err(), field.problem().is_some());
        match field.problem() {
            Some(problem) => Err(problem),
            None => Ok(field.value().unwrap()),
        }
    }

    #[test]
    fn absent_null_and_mistyped_are_told_apart() {
        let required = |value| read::<MustBeThere<Email>>(value).map(drop);
        assert_eq!(required(None), Err(Problem::Missing));
        assert_eq!(required(Some(Value::Null)), Err(Problem::NotAString));
        assert_eq!(required(Some(json!(1))), Err(Problem::NotAString));
        assert_eq!(required(Some(json!("a@example.com"))), Ok(()));
        let optional = |value| read::<MayBeAbsent<Email>>(value).map(|email| email.is_some());
        assert_eq!(optional(None), Ok(false));
        assert_eq!(optional(Some(Value::Null)), Err(Problem::NotAString));
        let nullable = |value| read::<MayBeNull<EntryTtl>>(value).map(|ttl| ttl.is_some());
        assert_eq!((nullable(None), nullable(Some(Value::Null))), (Ok(false), Ok(false)));
        assert_eq!(nullable(Some(json!("1"))), Err(Problem::NotAnInteger));
        let patch = |value| read::<MayClear<Phone>>(value);
        assert_eq!(patch(None), Ok(common::Patch::Keep));
        assert_eq!(patch(Some(Value::Null)), Ok(common::Patch::Clear));
        assert_eq!(patch(Some(json!(" "))), Ok(common::Patch::Clear));
        assert!(matches!(patch(Some(json!("555 1234"))), Ok(common::Patch::Set(_))));
    }

    #[test]
    fn a_field_that_was_not_validated_has_no_value() {
        assert!(Required::<Email>::default().value().is_err());
    }
}
