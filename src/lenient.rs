//! Reading JSON that may hold more, less or other than its documentation says.
//!
//! A field that is missing, `null` or of an unexpected type reads as `None` and takes nothing else down with it: a
//! customer's text must not be lost because an unrelated detail of the message is new.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// The fields of one JSON object, each still in its text form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// Reads one field, if it is there and is a `T`.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// The names of all fields, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// All fields except `name`.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(field, _)| *field != name)
                .map(|(field, raw)| (field.clone(), raw.clone()))
                .collect(),
        )
    }

    /// Whether a field is there and says something: neither `null` nor `false`.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|raw| !matches!(raw.get(), "null" | "false"))
    }
}

/// Declares structs whose fields are all optional and read leniently.
macro_rules! lenient {
    ($($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        $vis struct $name { $($(#[$field_meta])* pub $field: Option<$type>,)* }

        impl From<&$crate::lenient::Fields> for $name {
            fn from(fields: &$crate::lenient::Fields) -> Self {
                Self { $($field: fields.read(stringify!($field).trim_start_matches("r#")),)* }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(&$crate::lenient::Fields::deserialize(deserializer)?))
            }
        }
    )*};
}
pub(crate) use lenient;

#[cfg(test)]
mod tests {
    lenient! {
        /// A test's own shape.
        struct Pair {
            pub number: i64,
            /// A keyword as a name.
            pub r#type: String,
            /// A shape within the shape.
            pub inner: Box<Pair>,
        }
    }

    #[test]
    fn a_field_of_the_wrong_type_takes_nothing_else_down() {
        let pair: Pair =
            serde_json::from_str(r#"{"number":"five","type":"x","inner":{"number":7,"inner":[]},"new":{"a":[1]}}"#)
                .unwrap();
        assert_eq!((pair.number, pair.r#type.as_deref()), (None, Some("x")));
        let inner = pair.inner.unwrap();
        assert_eq!((inner.number, inner.inner.is_none()), (Some(7), true));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(["[]", "7", "null", "\"x\""].iter().all(|text| serde_json::from_str::<Pair>(text).is_err()));
    }
}
