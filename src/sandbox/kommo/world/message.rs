//! A message as the account shows it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{Media, reading::Filled, world::uuid},
};

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    Customer,
    /// A user of the account.
    Manager,
    Bot,
}

/// What became of a message on its way to the customer. A customer's own stays [`Status::Sent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing is known yet.
    Sent,
    Delivered,
    Read,
    /// It did not arrive.
    Failed {
        /// 901 to 905.
        code: i64,
        /// What the manager reads; empty if the channel gave none.
        text: String,
    },
}

/// A message in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Kommo's id, a UUID.
    pub id: String,
    /// The channel's id, if it has one.
    pub client_msgid: Option<String>,
    pub from: Author,
    pub author_name: String,
    /// Their id on Kommo's side.
    pub author_id: String,
    /// The type on the wire: `text`, `picture` and so on.
    pub kind: String,
    pub text: String,
    /// Its file, if it has one.
    pub media: Option<Media>,
    /// The place or the card that it shows, in words.
    pub card: Option<String>,
    /// Whether the channel has brought it; false for what was written in Kommo.
    pub imported: bool,
    /// Whether it was to make no lead and no noise.
    pub silent: bool,
    /// `callback_data`: the row of a list that the customer has chosen.
    pub callback_data: Option<String>,
    /// Kommo's id of the message that it answers.
    pub reply_to: Option<String>,
    /// Kommo's ids of the messages that it passes on.
    pub forwards: Vec<String>,
    /// What the message says that it answers or passes on, if Kommo was told its words and no id.
    pub cited: Option<String>,
    /// The customer's reaction to it.
    pub reaction: Option<String>,
    /// The managers' reactions to it, by the manager's name.
    pub manager_reactions: BTreeMap<String, String>,
    /// `media_group_id`: what was sent together with it has the same.
    pub group: Option<String>,
    /// More fields of its hook, as they are on the wire.
    pub more: Map<String, Value>,
    /// Whether it was changed after it was sent.
    pub edited: bool,
    /// The keyboard below it as Kommo writes it; `null` for none.
    pub markup: Value,
    /// When, in Unix milliseconds, as its author's side said.
    pub at_ms: i64,
    /// What became of it, as told last.
    pub status: Status,
    /// Everything that was told, in order.
    pub status_history: Vec<Status>,
}

impl Message {
    /// Whether one of the ids names it: Kommo's, or the channel's.
    pub(in super::super) fn is_meant(&self, id: Option<&Filled>, msgid: Option<&Filled>) -> bool {
        id.is_some_and(|id| id.0 == self.id) || msgid.is_some_and(|msgid| self.client_msgid.as_ref() == Some(&msgid.0))
    }

    /// Sets its delivery status.
    pub(in super::super) fn set_status(&mut self, status: Status) {
        self.status = status.clone();
        self.status_history.push(status);
    }

    /// A text that is on its way to the customer.
    pub(in super::super) fn outgoing(
        author: Author,
        (author_id, author_name): (&str, &str),
        text: &str,
        now: UnixMillis,
    ) -> Self {
        Self {
            id: uuid(),
            client_msgid: None,
            from: author,
            author_name: author_name.to_owned(),
            author_id: author_id.to_owned(),
            kind: "text".to_owned(),
            text: text.to_owned(),
            media: None,
            card: None,
            imported: false,
            silent: false,
            callback_data: None,
            reply_to: None,
            forwards: Vec::new(),
            cited: None,
            reaction: None,
            manager_reactions: BTreeMap::new(),
            group: None,
            more: Map::new(),
            edited: false,
            markup: Value::Null,
            at_ms: now.0,
            status: Status::Sent,
            status_history: Vec::new(),
        }
    }
}
