//! Messages inside a message: the one that it answers, and those that it passes on.

use serde::Serialize;

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Optional, Quirks,
        responses::file::Shown,
        world::{Author, Chat, Message, World},
    },
};

#[derive(Serialize)]
pub(super) struct Reply<'a> {
    message: Quoted<'a>,
}

#[derive(Serialize)]
pub(super) struct Forwards<'a> {
    messages: Vec<Quoted<'a>>,
    conversation_ref_id: &'a str,
}

#[derive(Serialize)]
struct Quoted<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    msgid: Option<&'a str>,
    r#type: &'a str,
    text: &'a str,
    #[serde(flatten)]
    file: Shown<'a>,
    timestamp: i64,
    msec_timestamp: i64,
    sender: Sender<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<Sender<'a>>,
}

/// Somebody by name and ids. A customer has an id of the channel's, a user has not.
#[derive(Serialize)]
pub(super) struct Sender<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_id: &'a str,
}

impl<'a> Sender<'a> {
    pub(super) fn of(quirks: Quirks, chat: &'a Chat, message: &'a Message) -> Self {
        match message.from {
            Author::Customer => Self::customer(quirks, chat),
            Author::Manager | Author::Bot => Self::user(quirks, message),
        }
    }

    pub(super) fn user(quirks: Quirks, message: &'a Message) -> Self {
        Self { id: &message.author_id, name: named(quirks, &message.author_name), client_id: "" }
    }

    fn customer(quirks: Quirks, chat: &'a Chat) -> Self {
        let contact = &chat.contact;
        Self { id: &contact.id, name: named(quirks, &contact.name), client_id: &contact.client_id }
    }
}

fn named(quirks: Quirks, name: &str) -> Option<&str> {
    (quirks.names == Optional::Present).then_some(name)
}

fn quoted<'a>(quirks: Quirks, chat: &'a Chat, message: &'a Message) -> Quoted<'a> {
    Quoted {
        id: &message.id,
        msgid: message.client_msgid.as_deref().filter(|_| quirks.quoted_msgids == Optional::Present),
        r#type: &message.kind,
        text: &message.text,
        file: Shown::of(message, quirks.file_names),
        timestamp: UnixMillis(message.at_ms).seconds(),
        msec_timestamp: message.at_ms,
        sender: Sender::of(quirks, chat, message),
        receiver: (message.from != Author::Customer).then(|| Sender::customer(quirks, chat)),
    }
}

/// What the message answers.
pub(super) fn reply<'a>(quirks: Quirks, chat: &'a Chat, message: &Message) -> Option<Reply<'a>> {
    let id = message.reply_to.as_ref()?;
    let found = chat.messages.iter().find(|message| message.id == *id)?;
    Some(Reply { message: quoted(quirks, chat, found) })
}

/// What the message passes on, from any chat.
pub(super) fn forwards<'a>(world: &'a World, message: &Message) -> Option<Forwards<'a>> {
    let everything = world.chats.iter().flat_map(|chat| chat.messages.iter().map(move |message| (chat, message)));
    let found: Vec<_> = everything.filter(|(_, it)| message.forwards.contains(&it.id)).collect();
    let (first, _) = found.first()?;
    let messages = found.iter().map(|(chat, message)| quoted(world.quirks, chat, message)).collect();
    Some(Forwards { messages, conversation_ref_id: &first.chat_id })
}
