//! The JSON of an account's REST API v4 (amocrm.ru/developers, section CRM platform; developers.kommo.com,
//! "reference"). What we send is exact; what we receive is read leniently.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::lenient::{Fields, lenient};

mod card;
mod event;
mod problem;
mod source;
mod template;

pub use card::{
    ChatLink, Contact, CustomField, EntityPatch, FieldPatch, FieldValue, KnownField, Lead, NewChatLink, NewNote,
    NoteText, Tag, ValuePatch,
};
pub use event::Event;
pub use problem::{Fault, Problem, retry_after};
pub use source::{KnownSource, NewSource, SourceChange};
pub use template::{KnownButton, NewTemplate, Template, TemplateButton, TemplateChange};

lenient! {
    /// The account ("Account info", with `amojo_id`).
    pub struct AccountInfo {
        /// Its id in the REST API.
        pub id: u64,
        pub name: String,
        /// The first part of its host.
        pub subdomain: String,
        /// Its country, as a code of two letters.
        pub country: String,
        /// Its id in the Chats API, a UUID.
        pub amojo_id: String,
        /// The language of its managers: `en`, `es`, `pt`, `ru` and others.
        pub language: String,
        /// Whether incoming leads are switched on.
        pub is_unsorted_on: bool,
    }

    /// A user of the account ("Users", with `amojo_id`).
    pub struct User {
        /// Their id in the REST API.
        pub id: u64,
        pub name: String,
        pub email: String,
        /// Their id in the Chats API, a UUID. Some users have none.
        pub amojo_id: String,
    }
}

/// A list, or a page of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items that could be read.
    pub items: Vec<T>,
    /// Whether another page follows.
    pub more: bool,
}

impl<T: DeserializeOwned> Page<T> {
    /// Reads the list `name` of `_embedded`; `None` if this is no response of the REST API. An item that is no `T` is
    /// skipped.
    #[must_use]
    pub fn decode(body: &[u8], name: &str) -> Option<Self> {
        let fields: Fields = serde_json::from_slice(body).ok()?;
        let items = embedded(&fields, name)?;
        let more = fields.read::<Fields>("_links").is_some_and(|links| links.is_set("next"));
        Some(Self { items, more })
    }
}

/// The list `name` of `_embedded`.
fn embedded<T: DeserializeOwned>(fields: &Fields, name: &str) -> Option<Vec<T>> {
    let items: Vec<Box<RawValue>> = fields.read::<Fields>("_embedded")?.read(name)?;
    Some(items.iter().filter_map(|item| serde_json::from_str(item.get()).ok()).collect())
}

#[cfg(test)]
mod tests;
