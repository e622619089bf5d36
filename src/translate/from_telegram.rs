//! Telegram's updates -> the domain.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, UserId},
        message::{Content, Customer, Inbound, Media, Skip},
        time::UnixMillis,
        work::Lane,
    },
    telegram::wire::{Event, Message, Update, User},
};

mod content;

pub use content::LARGEST_FILE_BYTES;

/// The lane that an update waits in: its chat's, or its source's if it names none.
#[must_use]
pub fn lane(raw: &str, source: &SourceId) -> Lane {
    let chat = serde_json::from_str::<Update>(raw).ok().and_then(|update| match update.event {
        Event::Message(message) | Event::Edited(message) => message.chat?.id,
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
        Event::Other => Err(Skip::NotAMessage(update.kind)),
    }
}

fn message(message: Message, source: &SourceId, bot: BotId) -> Result<Inbound, Skip> {
    let chat = message.chat.clone().unwrap_or_default();
    let chat_id = chat.id.ok_or(Skip::Unreadable)?;
    let kind = chat.r#type.ok_or(Skip::Unreadable)?;
    if kind != "private" {
        return Err(Skip::NotPrivate(kind));
    }
    let number = message.message_id.ok_or(Skip::Unreadable)?;
    Ok(Inbound {
        conversation: Conversation::new(source.clone(), chat_id),
        id: MessageId { bot, chat: chat_id, message: number, update: None },
        customer: customer(message.from.clone().unwrap_or_default(), chat_id),
        sent_at: sent_at(message.date.unwrap_or_default(), number),
        content: content::of(message),
    })
}

/// An edit is told as a message of its own, marked as what it is.
fn edited(wire: Message, source: &SourceId, bot: BotId, update_id: i64) -> Result<Inbound, Skip> {
    let edited_at = wire.edit_date.or(wire.date);
    let mut inbound = message(wire, source, bot)?;
    inbound.id.update = Some(update_id);
    inbound.sent_at = sent_at(edited_at.unwrap_or_default(), inbound.id.message);
    inbound.content = match inbound.content {
        Content::Text(text) => Content::Unknown { kind: "edited".to_owned(), caption: Some(text) },
        Content::Media(media) => {
            let caption = media.caption.map_or_else(|| "[edited]".to_owned(), |caption| format!("[edited] {caption}"));
            Content::Media(Media { caption: Some(caption), ..media })
        }
        // A position that is shared live is edited every few seconds.
        Content::Location { .. } => return Err(Skip::NotAMessage("live location".to_owned())),
        content @ (Content::Contact { .. } | Content::Unknown { .. }) => content,
    };
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
