//! Hooks as Kommo writes them, field by field in its order.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        FileNames, Habits,
        world::{Author, Chat, Message},
    },
};

mod actions;

pub(super) use actions::{reaction, typing};

#[derive(Serialize)]
struct Hook<'a, A> {
    account_id: &'a str,
    time: i64,
    #[serde(flatten)]
    about: A,
}

#[derive(Serialize)]
struct OfMessage<'a> {
    message: Outgoing<'a>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    receiver: Receiver<'a>,
    sender: Named<'a>,
    conversation: Ids<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    timestamp: i64,
    msec_timestamp: i64,
    message: Said<'a>,
}

#[derive(Serialize)]
struct Receiver<'a> {
    id: &'a str,
    phone: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_id: &'a str,
}

#[derive(Serialize)]
struct Named<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Ids<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_id: &'a str,
}

#[derive(Serialize)]
struct Source<'a> {
    external_id: &'a str,
}

#[derive(Serialize)]
struct Said<'a> {
    id: &'a str,
    r#type: &'a str,
    text: &'a str,
    markup: &'a Value,
    tag: &'a str,
    #[serde(flatten)]
    file: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Reply<'a>>,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

/// Blank where there is none.
#[derive(Serialize)]
struct Shown<'a> {
    media: &'a str,
    thumbnail: &'a str,
    file_name: &'a str,
    file_size: u64,
}

impl<'a> Shown<'a> {
    fn of(message: &'a Message, names: FileNames) -> Self {
        let Some(media) = &message.media else {
            return Self { media: "", thumbnail: "", file_name: "", file_size: 0 };
        };
        let (file_name, file_size) = match names {
            FileNames::Blank => ("", 0),
            FileNames::Told => (media.name.as_str(), media.size.unwrap_or_default()),
        };
        Self { media: &media.url, thumbnail: media.thumbnail.as_deref().unwrap_or_default(), file_name, file_size }
    }
}

#[derive(Serialize)]
struct Reply<'a> {
    message: Quoted<'a>,
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
}

/// A customer has an id of the channel's, a user has not.
#[derive(Serialize)]
struct Sender<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_id: &'a str,
}

impl<'a> Sender<'a> {
    fn of(chat: &'a Chat, message: &'a Message) -> Self {
        match message.from {
            Author::Customer => {
                Self { id: &chat.contact.id, name: &chat.contact.name, client_id: &chat.contact.client_id }
            }
            Author::Manager | Author::Bot => Self { id: &message.author_id, name: &message.author_name, client_id: "" },
        }
    }
}

fn reply<'a>(chat: &'a Chat, message: &Message, names: FileNames) -> Option<Reply<'a>> {
    let id = message.reply_to.as_ref()?;
    let quoted = chat.messages.iter().find(|message| message.id == *id)?;
    Some(Reply {
        message: Quoted {
            id: &quoted.id,
            msgid: quoted.client_msgid.as_deref(),
            r#type: &quoted.kind,
            text: &quoted.text,
            file: Shown::of(quoted, names),
            timestamp: UnixMillis(quoted.at_ms).seconds(),
            msec_timestamp: quoted.at_ms,
            sender: Sender::of(chat, quoted),
        },
    })
}

/// A manager, a bot or a template has written.
pub(super) fn message(account_id: &str, habits: Habits, chat: &Chat, message: &Message) -> Vec<u8> {
    let (contact, at) = (&chat.contact, UnixMillis(message.at_ms));
    let message = Outgoing {
        receiver: Receiver {
            id: &contact.id,
            phone: &contact.phone,
            email: &contact.email,
            client_id: &contact.client_id,
        },
        sender: Named { id: &message.author_id, name: &message.author_name },
        conversation: Ids { id: &chat.chat_id, client_id: &chat.conversation_id },
        source: chat.source.as_deref().map(|external_id| Source { external_id }),
        timestamp: at.seconds(),
        msec_timestamp: at.0,
        message: Said {
            id: &message.id,
            r#type: &message.kind,
            text: &message.text,
            markup: &message.markup,
            tag: "",
            file: Shown::of(message, habits.file_names),
            media_duration: message.media.as_ref().and_then(|media| media.duration),
            media_group_id: message.group.as_deref(),
            reply_to: reply(chat, message, habits.file_names),
            more: &message.more,
        },
    };
    bytes(&Hook { account_id, time: at.seconds(), about: OfMessage { message } })
}

/// The body as it goes out, with the newline that is not signed.
fn bytes(hook: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(hook).expect("a hook has string keys only");
    bytes.push(b'\n');
    bytes
}
