//! Hooks as Kommo writes them, field by field in its order.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Optional,
        world::{Chat, Message, World},
    },
};

mod actions;
mod file;
mod quoted;

pub(super) use actions::{reaction, typing};
pub(super) use file::{content, leave_blanks_out};

use file::Shown;
use quoted::{Forwards, Reply, Sender};

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
    sender: Sender<'a>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    forwards: Option<Forwards<'a>>,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

/// A manager, a bot or a template has written, in a chat that counts to a source.
pub(super) fn message(
    account_id: &str,
    world: &World,
    (chat, source): (&Chat, Option<&str>),
    message: &Message,
) -> Vec<u8> {
    let (quirks, contact, at) = (world.quirks, &chat.contact, UnixMillis(message.at_ms));
    let outgoing = Outgoing {
        receiver: Receiver {
            id: &contact.id,
            phone: &contact.phone,
            email: &contact.email,
            client_id: &contact.client_id,
        },
        sender: Sender::user(quirks, message),
        conversation: Ids { id: &chat.chat_id, client_id: &chat.conversation_id },
        source: source.map(|external_id| Source { external_id }),
        timestamp: at.seconds(),
        msec_timestamp: at.0,
        message: Said {
            id: &message.id,
            r#type: &message.kind,
            text: &message.text,
            markup: &message.markup,
            tag: "",
            file: Shown::of(message, quirks.file_names),
            media_duration: message.media.as_ref().and_then(|media| media.duration),
            media_group_id: message.group.as_deref(),
            reply_to: quoted::reply(quirks, chat, message),
            forwards: quoted::forwards(world, message),
            more: &message.more,
        },
    };
    let hook = Hook { account_id, time: at.seconds(), about: OfMessage { message: outgoing } };
    match quirks.blanks {
        Optional::Present => bytes(&hook),
        Optional::Missing => {
            let mut hook = serde_json::to_value(&hook).expect(KEYS);
            leave_blanks_out(&mut hook);
            bytes(&hook)
        }
    }
}

const KEYS: &str = "a hook has string keys only";

/// The body as it goes out, with the newline that is not signed.
fn bytes(hook: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(hook).expect(KEYS);
    bytes.push(b'\n');
    bytes
}
