//! The customers' side.

use serde_json::{Value, json};

use crate::sandbox::{
    example_program::COMMAND,
    page::View,
    telegram::{Asks, Attachment, ChatMessage, Customer, FileKind, GroupCard, Key, Piece, ReplyKey, Room},
};

/// A bot with the groups that it is in and the people whose chats it looks after.
pub(super) fn bot(view: &View, (source, token): &(String, String)) -> Option<Value> {
    let (username, name) = view.telegram.bot_name(token)?;
    let people = view.telegram.customers();
    let group = |it: &GroupCard| json!({ "id": it.id, "name": it.title, "members": it.members, "has_bot": it.has_bot });
    let owner = |(id, has_bot): (i64, bool)| {
        let person = people.iter().find(|it| it.id == id)?;
        Some(json!({ "id": id, "name": name_of(person), "has_bot": has_bot }))
    };
    Some(json!({
        "source": source,
        "name": name,
        "username": username,
        "groups": view.telegram.groups(token).iter().map(group).collect::<Vec<_>>(),
        "program": view.program.as_ref().filter(|program| program.is_at(source)).map(|_| COMMAND),
        "owners": view.telegram.owners(token).into_iter().filter_map(owner).collect::<Vec<_>>(),
    }))
}

fn name_of(customer: &Customer) -> String {
    let name = [Some(&customer.first_name), customer.last_name.as_ref()];
    name.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}

pub(super) fn customer(customer: &Customer) -> Value {
    json!({ "id": customer.id, "name": name_of(customer), "username": customer.username })
}

/// A chat: a customer's own, or one with an `owner`, or a `group` without a single customer.
pub(super) fn chat(view: &View, (source, token): &(String, String), room: Room) -> Value {
    let (customer, group, owner) = match room {
        Room::Private { customer } => (Some(customer), None, None),
        Room::Group { group } => (None, Some(group), None),
        Room::Desk { owner, customer } => (Some(customer), None, Some(owner)),
    };
    let own = customer.filter(|_| owner.is_none());
    let keyboard = own.and_then(|id| view.telegram.reply_keyboard(token, id)).map(|it| it.rows).unwrap_or_default();
    let keyboard: Vec<Vec<_>> = keyboard.iter().map(|row| row.iter().map(reply_key).collect()).collect();
    let messages = view.telegram.messages_in(token, room);
    let program = view.program.as_ref().filter(|program| program.is_at(source));
    let has_sent = |chat, it: &ChatMessage| program.is_some_and(|program| program.has_sent(chat, it.message_id));
    let is_program = |it: &ChatMessage| own.is_some_and(|chat| has_sent(chat, it));
    json!({
        "source": source,
        "customer": customer,
        "group": group,
        "owner": owner,
        "bot_action": view.telegram.action_in(token, room),
        "blocked": own.is_some_and(|id| view.telegram.is_blocked(token, id)),
        "keyboard": keyboard,
        "messages": messages.iter().map(|it| message(it, owner, is_program(it))).collect::<Vec<_>>(),
    })
}

fn message(message: &ChatMessage, owner: Option<i64>, is_program: bool) -> Value {
    let from = match (message.from_bot, owner) {
        (true, _) => "bot",
        (false, Some(owner)) if owner == message.sender => "owner",
        (false, _) => "customer",
    };
    let reactions = message.reactions.values().map(|emoji| ("customer", emoji));
    let reactions = reactions.chain(message.bot_reaction.iter().map(|emoji| ("bot", emoji)));
    let reactions: Vec<_> = reactions.map(|(by, emoji)| json!({ "by": by, "emoji": emoji })).collect();
    let keys: Vec<Vec<_>> = message.keyboard.iter().map(|row| row.iter().map(key).collect()).collect();
    json!({
        "id": message.message_id,
        "from": from,
        "by": message.sender,
        "program": is_program,
        "text": message.text,
        "at_ms": message.at_ms,
        "media": message.file.as_ref().map(media),
        "card": message.piece.as_ref().map(card),
        "album": message.media_group_id,
        "keys": keys,
        "reply_to": message.reply_to,
        "reactions": reactions,
        "edited": message.edited,
    })
}

fn key(key: &Key) -> Value {
    json!({ "text": key.text, "url": key.url, "answers": key.data.is_some() })
}

fn reply_key(key: &ReplyKey) -> Value {
    let asks = key.asks.map(|asks| match asks {
        Asks::Contact => "contact",
        Asks::Location => "location",
    });
    json!({ "text": key.text, "asks": asks })
}

fn media(file: &Attachment) -> Value {
    let kind = match file.kind {
        FileKind::Photo => "picture",
        FileKind::Animation if file.mime == "image/gif" => "picture",
        FileKind::Video | FileKind::Animation | FileKind::VideoNote | FileKind::VideoSticker => "video",
        FileKind::Voice => "voice",
        FileKind::Audio => "audio",
        FileKind::Sticker | FileKind::MovingSticker => "sticker",
        FileKind::Document | FileKind::AnimatedSticker => "file",
    };
    let url = format!("/api/telegram/files/{}", file.file_id);
    json!({ "kind": kind, "name": file.name, "size": file.size, "url": url })
}

/// A place, a contact, a poll and so on, in words.
fn card(piece: &Piece) -> Value {
    let value = &piece.value;
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let text = match piece.field.as_str() {
        "contact" => format!("{}, {}", text("first_name"), text("phone_number")),
        "location" => format!("{}, {}", value["latitude"], value["longitude"]),
        "venue" => format!("{}\n{}", text("title"), text("address")),
        "poll" => {
            let options = value["options"].as_array().into_iter().flatten();
            let option = |option: &Value| format!("\n○ {}", option["text"].as_str().unwrap_or_default());
            text("question") + &options.map(option).collect::<String>()
        }
        "dice" => format!("{} {}", text("emoji"), value["value"]),
        other => other.replace('_', " "),
    };
    json!({ "kind": piece.field, "text": text })
}
