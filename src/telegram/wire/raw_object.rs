//! Objects without a struct of their own.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    lenient::{Fields, lenient},
    telegram::wire::Message,
};

/// An object whose fields are read one by one, by their names in the Bot API. Many kinds only become text, and need no
/// struct each.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct RawObject(Fields);

impl RawObject {
    /// Reads a field, if it is a `T`.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.read(name)
    }

    /// A string; `None` if it is blank.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.read::<String>(name).filter(|text| !text.trim().is_empty())
    }

    /// An integer.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.read(name)
    }

    /// Whether a field is `true`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.read(name) == Some(true)
    }

    /// Whether a field exists and has a value.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.0.is_set(name)
    }

    /// An object; an empty one if there is none.
    #[must_use]
    pub fn part(&self, name: &str) -> RawObject {
        self.read(name).unwrap_or_default()
    }

    /// The items of a list that are a `T`; others are skipped.
    #[must_use]
    pub fn list<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        let items: Vec<Box<RawValue>> = self.read(name).unwrap_or_default();
        items.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect()
    }

    /// The object as a message, without one field.
    #[must_use]
    pub fn message_without(&self, excluded: &str) -> Message {
        Message::from(self.0.without(excluded))
    }

    /// The names of the fields, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }
}

impl From<Fields> for RawObject {
    fn from(fields: Fields) -> Self {
        Self(fields)
    }
}

lenient! {
    /// The formatting or meaning of a part of a text (Bot API, `MessageEntity`).
    pub struct Entity {
        /// Its type, such as `text_link`.
        pub r#type: String,
        /// Its offset in UTF-16 units.
        pub offset: i64,
        /// Its length in UTF-16 units.
        pub length: i64,
        /// The target of a `text_link`.
        pub url: String,
        /// The mentioned user of a `text_mention`.
        pub user: RawObject,
        /// The programming language of a `pre`.
        pub language: String,
        /// The time of a `date_time`, in seconds since the epoch.
        pub unix_time: i64,
    }
}
