//! Hooks about what is no message: somebody types, or reacts.

use serde::Serialize;

use crate::{
    domain::time::UnixMillis,
    sandbox::kommo::{
        Quirks, ReactionShape,
        responses::{Hook, Ids, bytes, quoted::Sender},
        world::{Chat, Message},
    },
};

#[derive(Serialize)]
struct OfAction<A> {
    action: A,
}

#[derive(Serialize)]
struct OfTyping<'a> {
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

#[derive(Serialize)]
struct OfReaction<'a> {
    reaction: Reaction<'a>,
}

#[derive(Serialize)]
struct Reaction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    msgid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<ReactedTo<'a>>,
    user: User<'a>,
    conversation: Ids<'a>,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<&'a str>,
}

#[derive(Serialize)]
struct ReactedTo<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    sender: Sender<'a>,
    timestamp: i64,
    msec_timestamp: i64,
}

/// A manager types, for 5 s.
pub(in super::super) fn typing(account_id: &str, chat: &Chat, user: &str, now: UnixMillis) -> Vec<u8> {
    let typing = Typing { user: User { id: user }, conversation: conversation(chat), expired_at: now.seconds() + 5 };
    action(account_id, now, OfTyping { typing })
}

/// The user `user` reacts to a message, or takes that back.
pub(in super::super) fn reaction(
    account_id: &str,
    chat: &Chat,
    message: &Message,
    (user, emoji): (&str, Option<&str>),
    quirks: Quirks,
    now: UnixMillis,
) -> Vec<u8> {
    let reacted_to = ReactedTo {
        id: &message.id,
        client_id: message.client_msgid.as_deref(),
        sender: Sender::of(quirks, chat, message),
        timestamp: UnixMillis(message.at_ms).seconds(),
        msec_timestamp: message.at_ms,
    };
    let reaction = Reaction {
        msgid: (quirks.reactions != ReactionShape::Message).then_some(&message.id),
        message: (quirks.reactions != ReactionShape::Msgid).then_some(reacted_to),
        user: User { id: user },
        conversation: conversation(chat),
        r#type: if emoji.is_some() { "react" } else { "unreact" },
        emoji,
    };
    action(account_id, now, OfReaction { reaction })
}

fn conversation(chat: &Chat) -> Ids<'_> {
    Ids { id: &chat.chat_id, client_id: &chat.conversation_id }
}

fn action(account_id: &str, now: UnixMillis, action: impl Serialize) -> Vec<u8> {
    bytes(&Hook { account_id, time: now.seconds(), about: OfAction { action } })
}
