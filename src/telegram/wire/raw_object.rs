//! What has no struct of its own.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    lenient::{Fields, lenient},
    telegram::wire::Message,
};

/// An object whose fields are read one by one, by their names in the Bot API. For the many kinds that only become
/// words, this is nearer to the page that describes them than a struct for each.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct RawObject(Fields);

impl RawObject {
    /// Reads one field, if it is there and is a `T`.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.read(name)
    }

    /// A text, if it says something.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.read::<String>(name).filter(|text| !text.trim().is_empty())
    }

    /// A whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.read(name)
    }

    /// Whether a field is `true`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.read(name) == Some(true)
    }

    /// Whether a field is there and says something.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.0.is_set(name)
    }

    /// An object; one without fields if there is none.
    #[must_use]
    pub fn part(&self, name: &str) -> RawObject {
        self.read(name).unwrap_or_default()
    }

    /// The items of a list that are each a `T`; the others are left out.
    #[must_use]
    pub fn list<T: DeserializeOwned>(&self, name: &str) -> Vec<T> {
        let items: Vec<Box<RawValue>> = self.read(name).unwrap_or_default();
        items.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect()
    }

    /// The object as a message, without the field `but`.
    #[must_use]
    pub fn message_without(&self, but: &str) -> Message {
        Message::from(self.0.without(but))
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
    /// What a stretch of a text is besides its words (Bot API, `MessageEntity`).
    pub struct Entity {
        /// What it is, such as `text_link`.
        pub r#type: String,
        /// Where it begins, in UTF-16 units.
        pub offset: i64,
        /// How long it is, in UTF-16 units.
        pub length: i64,
        /// Where it leads, of a `text_link`.
        pub url: String,
        /// Who is meant, of a `text_mention`.
        pub user: RawObject,
        /// The language of the program, of a `pre`.
        pub language: String,
        /// Which moment is meant, of a `date_time`, in seconds since the epoch.
        pub unix_time: i64,
    }
}
