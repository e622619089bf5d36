//! Converts Telegram's updates to the domain.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, TelegramChat},
        change::{Deletion, MembershipChange, Move},
        membership::Connection,
        message::{Author, ButtonPress, Content, Inbound, Reaction, Skip},
        speaker::Speaker,
        time::UnixMillis,
        timestamps::within_second,
    },
    telegram::wire::{Message, MessageReaction, ReactionType},
    translate::from_telegram::chats::Chat,
    words::Language,
};

mod changes;
mod chats;
mod content;
mod describe;
mod entities;
mod people;
mod presses;
mod programs;
mod quote;
mod received;
mod shared;
mod start;
mod unreadable;

pub use changes::connection;
pub use received::Received;
pub use start::without_payload;

/// The content of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    Message(Box<Inbound>),
    /// A button was pressed.
    ButtonPress(Box<ButtonPress>),
    /// Somebody reacted to a message.
    Reaction(Reaction),
    /// The bot was removed from a chat, or added to it again.
    Membership(Box<MembershipChange>),
    /// Somebody has connected the bot to their own chats, or changed its rights there.
    Connection(Connection),
    Deletion(Deletion),
    /// A group has become another chat.
    Move(Move),
}

/// What has to be known to read an update.
#[derive(Clone, Copy, Debug)]
pub struct DecodeContext<'a> {
    /// The source whose bot received it.
    pub source: &'a SourceId,
    pub bot: BotId,
    /// The update's connection of Telegram Business, if it has one.
    pub connection: Option<&'a Connection>,
    /// The owner's program whose action it is; `None` for updates of others.
    pub program: Option<&'a Speaker>,
    /// Whether groups and channels are relayed.
    pub groups: bool,
    /// The largest file that the bot can download, in bytes.
    pub largest_file_bytes: u64,
    /// The managers' language, for descriptions of kinds that Kommo does not have.
    pub language: Language,
    /// When the update arrived, because some have no date.
    pub now: UnixMillis,
}

impl DecodeContext<'_> {
    fn conversation(&self, chat: TelegramChat) -> Conversation {
        Conversation::new(self.source.clone(), chat)
    }
}

/// Telegram's ids of the messages in an update; `None` if it cannot be read.
#[must_use]
pub fn numbers(raw: &str) -> Option<Vec<i64>> {
    let update: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    Some(update.values().filter_map(|part| part.get("message_id")?.as_i64()).collect())
}

/// A change of reactions; `None` if neither the old nor the new ones have an emoji.
fn reaction(change: MessageReaction, context: &DecodeContext<'_>) -> Result<Option<Reaction>, Skip> {
    let Some(wire) = change.chat else { return Ok(None) };
    // Telegram sends no reactions in chats of Telegram Business, so this is a chat of the bot itself.
    let chat = Chat::of_bot(&wire, change.user.unwrap_or_default(), context)?;
    if chat.is_group() && context.program.is_none() {
        return Err(Skip::OneOfMany);
    }
    let newest = |reactions: Option<Vec<ReactionType>>| reactions?.into_iter().rev().find_map(|it| it.emoji);
    let (before, emoji) = (newest(change.old_reaction), newest(change.new_reaction));
    // The reaction that a program has removed is unknown.
    let is_known = emoji.is_some() || before.is_some() || context.program.is_some();
    let Some(message) = change.message_id.filter(|_| is_known) else { return Ok(None) };
    Ok(Some(Reaction {
        conversation: context.conversation(chat.id),
        message: MessageId { bot: context.bot, chat: chat.id, message, update: None },
        customer: chat.customer.id,
        author: context.program.map_or(Author::Customer, |program| programs::author(program, None, context)),
        emoji,
    }))
}

/// A message of `update`. The id of a message may be 0: one member of a group sees it only, or it was not sent yet.
/// There may be many of them, so their ids also have the update's number.
fn message(mut message: Message, context: &DecodeContext<'_>, update: Option<i64>) -> Result<Inbound, Skip> {
    let chat = Chat::of(&message.fields, message.from.clone().unwrap_or_default(), context)?;
    let author = chats::author(&message, context)?;
    let number = message.message_id.ok_or(Skip::Unreadable)?;
    let update = if number == 0 { Some(update.ok_or(Skip::Unreadable)?) } else { None };
    let (topic, unattended) = match context.program {
        // It neither marks messages as read nor changes the topic of the conversation.
        Some(_) => (None, true),
        None => (chats::topic(&message.fields), message.fields.flag("is_from_offline")),
    };
    let topic_name = chats::take_topic_start(&mut message);
    // Kommo shows the author of a program's message anyway.
    let names_speaker = chat.is_group() && context.program.is_none();
    let speaker = names_speaker.then(|| chats::speaker(&message, topic_name, context.language));
    let sent_at = within_second(message.date.unwrap_or_default(), number);
    let quote = quote::of(&message, (context.bot, chat.id), context.language);
    let content = match context.program {
        Some(program) => programs::content(program, message, context),
        None => content::forwarded(message, context.largest_file_bytes, context.language),
    };
    Ok(Inbound {
        conversation: context.conversation(chat.id),
        id: MessageId { bot: context.bot, chat: chat.id, message: number, update },
        customer: chat.customer,
        author,
        sent_at,
        content: speaker.into_iter().fold(content, |content, speaker| chats::with_speaker(content, &speaker)),
        quote,
        edited: false,
        topic,
        unattended,
    })
}

/// An edit has an id of its own, which is used if Kommo does not accept edits.
fn edited(wire: Message, context: &DecodeContext<'_>, update_id: i64) -> Result<Inbound, Skip> {
    let (edited_at, is_dated) = (wire.edit_date.or(wire.date), wire.edit_date.is_some());
    let mut inbound = message(wire, context, Some(update_id))?;
    inbound.id.update = Some(update_id);
    inbound.sent_at = within_second(edited_at.unwrap_or_default(), inbound.id.message);
    // A live location is edited every few seconds.
    let is_live = matches!(inbound.content, Content::Location { .. });
    // Telegram also sends edits that nobody made, which have no date. Repeating a text is harmless; a file would be
    // downloaded again, or shown twice.
    let is_unchanged = !is_dated && !matches!(inbound.content, Content::Text(_));
    if is_live || is_unchanged {
        return Err(Skip::NoNews);
    }
    inbound.edited = true;
    Ok(inbound)
}

#[cfg(test)]
#[path = "from_telegram_tests.rs"]
mod tests;
