//! What the account sees: chats, contacts, unsorted leads.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{Habits, Media, Request, attachments::Kept},
};

/// How many requests the log keeps.
const REQUESTS: usize = 10_000;

/// A thread of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Kommo's id, a UUID.
    pub chat_id: String,
    /// The channel's id; empty until a customer answers a chat that a manager began.
    pub conversation_id: String,
    /// `source.external_id`, if the channel named one.
    pub source: Option<String>,
    /// Whom it is with.
    pub contact: Contact,
    /// Whether an unsorted lead was made of it.
    pub is_lead: bool,
    /// In the order in which Kommo got them.
    pub messages: Vec<Message>,
}

/// The customer as their card shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Kommo's id, a UUID.
    pub id: String,
    /// The channel's id; empty until they write.
    pub client_id: String,
    /// The name.
    pub name: String,
    /// `profile_link`: a link to the public username.
    pub profile_link: Option<String>,
    /// The phone number; empty if unknown.
    pub phone: String,
    /// The e-mail address; empty if unknown.
    pub email: String,
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The customer.
    Customer,
    /// A user of the account.
    Manager,
    /// The channel's bot.
    Bot,
}

/// What became of a message on its way to the customer. A customer's own stays [`Status::Sent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing is known yet.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
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
    /// Who wrote it.
    pub from: Author,
    /// Their name.
    pub author_name: String,
    /// Their id on Kommo's side.
    pub author_id: String,
    /// The type on the wire: `text`, `picture` and so on.
    pub kind: String,
    /// What it says.
    pub text: String,
    /// Its file, if it has one.
    pub media: Option<Media>,
    /// The place or the card that it shows, in words.
    pub card: Option<String>,
    /// Kommo's id of the message that it answers.
    pub reply_to: Option<String>,
    /// The customer's reaction to it.
    pub reaction: Option<String>,
    /// The managers' reactions to it, by the manager's name.
    pub manager_reactions: BTreeMap<String, String>,
    /// `media_group_id`: what was sent together with it has the same.
    pub group: Option<String>,
    /// More fields of its hook, as they are on the wire.
    pub more: serde_json::Map<String, serde_json::Value>,
    /// Whether it was changed after it was sent.
    pub edited: bool,
    /// The keyboard below it as Kommo writes it; `null` for none.
    pub markup: serde_json::Value,
    /// When, in Unix milliseconds, as its author's side said.
    pub at_ms: i64,
    /// What became of it, as told last.
    pub status: Status,
    /// Everything that was told, in order.
    pub status_history: Vec<Status>,
}

/// All of it.
pub(super) struct World {
    pub(super) connected: bool,
    pub(super) hook_url: Option<String>,
    pub(super) hooks_are_lost: bool,
    pub(super) habits: Habits,
    pub(super) chats: Vec<Chat>,
    /// What managers have attached.
    pub(super) attachments: Vec<Kept>,
    /// Files to be fetched: the message's id and the address.
    pub(super) wanted: Vec<(String, String)>,
    /// The users who have written, by name: their ids on the Chats side.
    managers: BTreeMap<String, String>,
    requests: VecDeque<Request>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            connected: true,
            hook_url: None,
            hooks_are_lost: false,
            habits: Habits::default(),
            chats: Vec::new(),
            attachments: Vec::new(),
            wanted: Vec::new(),
            managers: BTreeMap::new(),
            requests: VecDeque::new(),
        }
    }
}

impl World {
    pub(super) fn chat(&mut self, conversation_id: &str) -> Option<&mut Chat> {
        self.chats.iter_mut().find(|chat| chat.conversation_id == conversation_id && !conversation_id.is_empty())
    }

    /// The message that Kommo's or the channel's id names, with its chat.
    pub(super) fn find(&mut self, is_it: impl Fn(&Message) -> bool) -> Option<(&mut Message, String, String)> {
        self.chats.iter_mut().find_map(|chat| {
            let (chat_id, contact_id) = (chat.chat_id.clone(), chat.contact.id.clone());
            chat.messages.iter_mut().find(|message| is_it(message)).map(|message| (message, chat_id, contact_id))
        })
    }

    /// The id of the user with this name, who is made if need be.
    pub(super) fn manager(&mut self, name: &str) -> String {
        self.managers.entry(name.to_owned()).or_insert_with(uuid).clone()
    }

    /// The users who have written: names and ids.
    pub(super) fn managers(&self) -> impl Iterator<Item = (&String, &String)> {
        self.managers.iter()
    }

    pub(super) fn is_manager(&self, id: &str) -> bool {
        self.managers.values().any(|manager| manager == id)
    }

    pub(super) fn log(&mut self, request: Request) {
        if self.requests.len() >= REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }
}

impl Message {
    /// A text that is on its way to the customer.
    pub(super) fn outgoing(
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
            reply_to: None,
            reaction: None,
            manager_reactions: BTreeMap::new(),
            group: None,
            more: serde_json::Map::new(),
            edited: false,
            markup: serde_json::Value::Null,
            at_ms: now.0,
            status: Status::Sent,
            status_history: Vec::new(),
        }
    }
}

/// A random UUID, version 4.
pub(super) fn uuid() -> String {
    let bits = fastrand::u128(..) & !(0xF << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        for _ in 0..100 {
            let id = uuid();
            let parts: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert!(id[14..].starts_with('4') && id[19..].starts_with(['8', '9', 'a', 'b']), "{id}");
        }
    }
}
