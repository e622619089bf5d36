//! Telegram's updates -> the domain.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, UserId},
        message::{Content, Customer, Inbound, Reaction, Skip, Tap},
        time::UnixMillis,
        work::Lane,
    },
    telegram::wire::{Event, Message, ReactionType, Update, User},
    translate::buttons,
};

mod content;
mod entities;
mod people;
mod quote;
mod told;

pub use content::LARGEST_FILE_BYTES;

/// The lane that an update waits in: its chat's, or its source's if it names none.
#[must_use]
pub fn lane(raw: &str, source: &SourceId) -> Lane {
    let chat = serde_json::from_str::<Update>(raw).ok().and_then(|update| match update.event {
        Event::Message(message) | Event::Edited(message) => message.chat?.id,
        Event::Pressed(query) => query.message?.chat?.id,
        Event::Reacted(reaction) => reaction.chat?.id,
        Event::Other => None,
    });
    chat.map_or_else(|| Lane::chatless(source), |chat| Lane::inbound(&Conversation::new(source.clone(), chat)))
}

/// Reads an update that `bot` of `source` received.
///
/// # Errors
/// [`Skip`] if there is nothing in it to relay, or if it cannot be read.
pub fn decode(raw: &str, source: &SourceId, bot: BotId) -> Result<Inbound, Skip> {
    let update: Update = serde_json::from_str(raw).map_err(|_| Skip::Unreadable)?;
    match update.event {
        Event::Message(message) => self::message(*message, source, bot),
        Event::Edited(message) => edited(*message, source, bot, update.update_id.ok_or(Skip::Unreadable)?),
        Event::Pressed(_) | Event::Reacted(_) | Event::Other => Err(Skip::NotAMessage(update.kind)),
    }
}

/// Reads the press of a button that `bot` of `source` received at `now`; `None` if the update is another, or none that
/// can be relayed.
#[must_use]
pub fn decode_tap(raw: &str, source: &SourceId, bot: BotId, now: UnixMillis) -> Option<Tap> {
    let update: Update = serde_json::from_str(raw).ok()?;
    let Event::Pressed(query) = update.event else { return None };
    let message = query.message?;
    let chat = message.chat.filter(|chat| chat.r#type.as_deref() == Some("private"))?.id?;
    let pressed = buttons::pressed(&query.data?, message.reply_markup);
    let content = pressed.label.map_or_else(unknown_button, Content::Text);
    let id = MessageId { bot, chat: chat.into(), message: message.message_id?, update: Some(update.update_id?) };
    let customer = customer(query.from.unwrap_or_default(), chat);
    let conversation = Conversation::new(source.clone(), chat);
    Some(Tap {
        query: query.id?,
        button: pressed.index,
        choice: pressed.choice,
        inbound: Inbound { conversation, id, customer, sent_at: now, content, quote: None, edited: false },
    })
}

/// Reads the reaction that `bot` of `source` was told of; `None` if the update is another, or one that has no emoji.
#[must_use]
pub fn decode_reaction(raw: &str, source: &SourceId, bot: BotId) -> Option<Reaction> {
    let update: Update = serde_json::from_str(raw).ok()?;
    let Event::Reacted(change) = update.event else { return None };
    let chat = change.chat.filter(|chat| chat.r#type.as_deref() == Some("private"))?.id?;
    let newest = |reactions: Option<Vec<ReactionType>>| reactions?.into_iter().rev().find_map(|it| it.emoji);
    let (before, emoji) = (newest(change.old_reaction), newest(change.new_reaction));
    if emoji.is_none() && before.is_none() {
        return None;
    }
    Some(Reaction {
        conversation: Conversation::new(source.clone(), chat),
        message: MessageId { bot, chat: chat.into(), message: change.message_id?, update: None },
        customer: UserId(change.user.and_then(|user| user.id).unwrap_or(chat)),
        emoji,
    })
}

fn unknown_button() -> Content {
    Content::Unknown { kind: "button".to_owned(), caption: None }
}

fn message(message: Message, source: &SourceId, bot: BotId) -> Result<Inbound, Skip> {
    let chat = message.chat.clone().unwrap_or_default();
    let chat_id = chat.id.ok_or(Skip::Unreadable)?;
    let kind = chat.r#type.ok_or(Skip::Unreadable)?;
    if kind != "private" {
        return Err(Skip::NotPrivate(kind));
    }
    let number = message.message_id.ok_or(Skip::Unreadable)?;
    let quote = quote::of(&message, bot, chat_id);
    Ok(Inbound {
        conversation: Conversation::new(source.clone(), chat_id),
        id: MessageId { bot, chat: chat_id.into(), message: number, update: None },
        customer: customer(message.from.clone().unwrap_or_default(), chat_id),
        sent_at: sent_at(message.date.unwrap_or_default(), number),
        content: content::forwarded(message),
        quote,
        edited: false,
    })
}

/// An edit has an id of its own, by which it is known where it cannot be told as an edit.
fn edited(wire: Message, source: &SourceId, bot: BotId, update_id: i64) -> Result<Inbound, Skip> {
    let edited_at = wire.edit_date.or(wire.date);
    let mut inbound = message(wire, source, bot)?;
    inbound.id.update = Some(update_id);
    inbound.sent_at = sent_at(edited_at.unwrap_or_default(), inbound.id.message);
    // A position that is shared live is edited every few seconds.
    if matches!(inbound.content, Content::Location { .. }) {
        return Err(Skip::NotAMessage("live location".to_owned()));
    }
    inbound.edited = true;
    Ok(inbound)
}

/// Telegram tells the second, Kommo sorts by the millisecond: the message's number keeps those of one second in order.
const fn sent_at(date_seconds: i64, message_id: i64) -> UnixMillis {
    UnixMillis(UnixMillis::from_seconds(date_seconds).0.saturating_add(message_id.rem_euclid(1000)))
}

/// In a private chat the chat is the person, also where the sender is missing.
fn customer(user: User, chat_id: i64) -> Customer {
    let id = UserId(user.id.unwrap_or(chat_id));
    let username = user.username.filter(|name| !name.trim().is_empty());
    let names = [user.first_name, user.last_name].into_iter().flatten();
    let full = names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
    let name = if full.is_empty() { username.clone().unwrap_or_else(|| format!("Telegram {}", id.0)) } else { full };
    Customer { id, name, username }
}

#[cfg(test)]
#[path = "from_telegram_tests.rs"]
mod tests;
