//! What the account sees: chats, contacts, unsorted leads.

use std::collections::{BTreeMap, VecDeque};

use crate::sandbox::kommo::{
    Fetched, Quirks, Request, attachments::Kept, connection::Connection, media::Wanted, reading::Filled,
};

mod message;

pub use message::{Author, Message, Status};

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
    /// Who else has written in it under an id of their own: for Kommo further contacts.
    pub others: Vec<Contact>,
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
    pub name: String,
    /// `profile_link`: a link to the public username.
    pub profile_link: Option<String>,
    /// The phone number; empty if unknown.
    pub phone: String,
    /// The e-mail address; empty if unknown.
    pub email: String,
    /// Their picture, if the channel named one.
    pub avatar: Option<Avatar>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avatar {
    /// Where the channel said that it is.
    pub url: String,
    /// What was found there; `None` until then.
    pub fetched: Option<Fetched>,
}

pub(super) struct World {
    pub(super) connection: Option<Connection>,
    pub(super) hook_url: Option<String>,
    /// Where managers' files are said to be, if not at this server's own address.
    pub(super) files_url: Option<String>,
    pub(super) hooks_are_lost: bool,
    pub(super) quirks: Quirks,
    pub(super) chats: Vec<Chat>,
    /// What managers have attached.
    pub(super) attachments: Vec<Kept>,
    /// Files to be fetched, and their addresses.
    pub(super) wanted: Vec<(Wanted, String)>,
    /// Hooks to be sent: for whom they are, and the bytes.
    pub(super) echoes: Vec<(String, Vec<u8>)>,
    /// The users who have written, by name: their ids on the Chats side.
    managers: BTreeMap<String, String>,
    requests: VecDeque<Request>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            connection: Some(Connection::default()),
            hook_url: None,
            files_url: None,
            hooks_are_lost: false,
            quirks: Quirks::default(),
            chats: Vec::new(),
            attachments: Vec::new(),
            wanted: Vec::new(),
            echoes: Vec::new(),
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

    /// The name of the user with this id.
    pub(super) fn manager_named_by(&self, id: &str) -> Option<String> {
        self.managers.iter().find(|(_, manager)| *manager == id).map(|(name, _)| name.clone())
    }

    /// Where the chat is that one id names, or both.
    pub(super) fn place(&self, conversation: Option<&Filled>, reference: Option<&Filled>) -> Option<usize> {
        let is_it = |chat: &Chat| {
            conversation.is_none_or(|id| id.0 == chat.conversation_id)
                && reference.is_none_or(|id| id.0 == chat.chat_id)
        };
        self.chats.iter().position(is_it).filter(|_| conversation.is_some() || reference.is_some())
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
