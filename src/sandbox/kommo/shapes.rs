//! Hooks as Kommo writes them, field by field in its order.

use serde::Serialize;

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::world::{Chat, Message},
};

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
struct OfAction<'a> {
    action: Action<'a>,
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
    markup: &'a serde_json::Value,
    tag: &'a str,
    media: &'a str,
    thumbnail: &'a str,
    file_name: &'a str,
    file_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Reply<'a>>,
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
    timestamp: i64,
    msec_timestamp: i64,
}

fn reply<'a>(chat: &'a Chat, message: &Message) -> Option<Reply<'a>> {
    let id = message.reply_to.as_ref()?;
    let quoted = chat.messages.iter().find(|message| message.id == *id)?;
    Some(Reply {
        message: Quoted {
            id: &quoted.id,
            msgid: quoted.client_msgid.as_deref(),
            r#type: &quoted.kind,
            text: &quoted.text,
            timestamp: UnixMillis(quoted.at_ms).seconds(),
            msec_timestamp: quoted.at_ms,
        },
    })
}

#[derive(Serialize)]
struct Action<'a> {
    typing: Typing<'a>,
}

#[derive(Serialize)]
struct Typing<'a> {
    user: User<'a>,
    conversation: Ids<'a>,
    expired_at: i64,
}

#[derive(Serialize)]
struct User<'a> {
    id: &'a str,
}

/// A manager, a bot or a template has written.
pub(super) fn message(account_id: &str, chat: &Chat, message: &Message) -> Vec<u8> {
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
            media: "",
            thumbnail: "",
            file_name: "",
            file_size: 0,
            reply_to: reply(chat, message),
        },
    };
    bytes(&Hook { account_id, time: at.seconds(), about: OfMessage { message } })
}

/// A manager types, for 5 s.
pub(super) fn typing(account_id: &str, chat: &Chat, user: &str, now: UnixMillis) -> Vec<u8> {
    let conversation = Ids { id: &chat.chat_id, client_id: &chat.conversation_id };
    let typing = Typing { user: User { id: user }, conversation, expired_at: now.seconds() + 5 };
    bytes(&Hook { account_id, time: now.seconds(), about: OfAction { action: Action { typing } } })
}

/// The body as it goes out, with the newline that is not signed.
fn bytes(hook: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(hook).expect("a hook has string keys only");
    bytes.push(b'\n');
    bytes
}
