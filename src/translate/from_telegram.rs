//! Telegram's updates -> the domain.

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

/// What an update is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    Message(Box<Inbound>),
    /// A button was pressed.
    ButtonPress(Box<ButtonPress>),
    /// Somebody reacted to a message.
    Reaction(Reaction),
    /// The bot was shut out of a chat, or let in again.
    Membership(Box<MembershipChange>),
    /// Somebody has connected the bot to their own chats, or changed what it may do there.
    Connection(Connection),
    Deletion(Deletion),
    /// A group is another chat now.
    Move(Move),
}

/// Where an update was received, and what has to be known to read it.
#[derive(Clone, Copy, Debug)]
pub struct DecodeContext<'a> {
    /// The source whose bot received it.
    pub source: &'a SourceId,
    pub bot: BotId,
    /// The connection of Telegram Business that the update names, if it names one.
    pub connection: Option<&'a Connection>,
    /// The program of the owner's that has done it; `None` for what others did.
    pub program: Option<&'a Speaker>,
    /// Whether groups and channels are relayed.
    pub groups: bool,
    /// The largest file that the bot can have, in bytes.
    pub largest_file_bytes: u64,
    /// The managers' language, for words about what Kommo has no kind for.
    pub language: Language,
    /// When it arrived; not everything has a date of its own.
    pub now: UnixMillis,
}

impl DecodeContext<'_> {
    fn conversation(&self, chat: TelegramChat) -> Conversation {
        Conversation::new(self.source.clone(), chat)
    }
}

/// Telegram's numbers of the messages that an update brings; `None` if it cannot be read.
#[must_use]
pub fn numbers(raw: &str) -> Option<Vec<i64>> {
    let update: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    Some(update.values().filter_map(|part| part.get("message_id")?.as_i64()).collect())
}

/// A change of somebody's reactions; `None` if neither what was nor what is has an emoji.
fn reaction(change: MessageReaction, place: &DecodeContext<'_>) -> Result<Option<Reaction>, Skip> {
    let Some(wire) = change.chat else { return Ok(None) };
    // Telegram tells of no reactions in the chats of Telegram Business: these are the bot's own.
    let chat = Chat::of_bot(&wire, change.user.unwrap_or_default(), place)?;
    if chat.is_group() && place.program.is_none() {
        return Err(Skip::OneOfMany);
    }
    let newest = |reactions: Option<Vec<ReactionType>>| reactions?.into_iter().rev().find_map(|it| it.emoji);
    let (before, emoji) = (newest(change.old_reaction), newest(change.new_reaction));
    // Of what a program took back, nobody tells what it was.
    let is_told = emoji.is_some() || before.is_some() || place.program.is_some();
    let Some(message) = change.message_id.filter(|_| is_told) else { return Ok(None) };
    Ok(Some(Reaction {
        conversation: place.conversation(chat.id),
        message: MessageId { bot: place.bot, chat: chat.id, message, update: None },
        customer: chat.customer.id,
        author: place.program.map_or(Author::Customer, |program| programs::author(program, None, place)),
        emoji,
    }))
}

/// A message that `update` has brought. One without a number of its own (0) has the update's beside it: such are seen
/// by one member of a group alone, or not sent yet, and there may be many.
fn message(mut message: Message, place: &DecodeContext<'_>, update: Option<i64>) -> Result<Inbound, Skip> {
    let chat = Chat::of(&message.fields, message.from.clone().unwrap_or_default(), place)?;
    let author = chats::author(&message, place)?;
    let number = message.message_id.ok_or(Skip::Unreadable)?;
    let update = if number == 0 { Some(update.ok_or(Skip::Unreadable)?) } else { None };
    let (topic, unattended) = match place.program {
        // Nobody has read anything, and the talk is where it was.
        Some(_) => (None, true),
        None => (chats::topic(&message.fields), message.fields.flag("is_from_offline")),
    };
    let begun = chats::beginning(&mut message);
    // Of what a program sends, Kommo shows the author beside it.
    let speaks = chat.is_group() && place.program.is_none();
    let speaker = speaks.then(|| chats::speaker(&message, begun, place.language));
    let sent_at = within_second(message.date.unwrap_or_default(), number);
    let quote = quote::of(&message, (place.bot, chat.id), place.language);
    let content = match place.program {
        Some(program) => programs::content(program, message, place),
        None => content::forwarded(message, place.largest_file_bytes, place.language),
    };
    Ok(Inbound {
        conversation: place.conversation(chat.id),
        id: MessageId { bot: place.bot, chat: chat.id, message: number, update },
        customer: chat.customer,
        author,
        sent_at,
        content: speaker.into_iter().fold(content, |content, speaker| chats::said_by(content, &speaker)),
        quote,
        edited: false,
        topic,
        unattended,
    })
}

/// An edit has an id of its own, by which it is known where it cannot be told as an edit.
fn edited(wire: Message, place: &DecodeContext<'_>, update_id: i64) -> Result<Inbound, Skip> {
    let (edited_at, is_dated) = (wire.edit_date.or(wire.date), wire.edit_date.is_some());
    let mut inbound = message(wire, place, Some(update_id))?;
    inbound.id.update = Some(update_id);
    inbound.sent_at = within_second(edited_at.unwrap_or_default(), inbound.id.message);
    // A position that is shared live is edited every few seconds.
    let is_live = matches!(inbound.content, Content::Location { .. });
    // Telegram also tells of changes that nobody made, which have no date. A text can be told again; a file would be
    // fetched again, or show twice.
    let is_same = !is_dated && !matches!(inbound.content, Content::Text(_));
    if is_live || is_same {
        return Err(Skip::NoNews);
    }
    inbound.edited = true;
    Ok(inbound)
}

#[cfg(test)]
#[path = "from_telegram_tests.rs"]
mod tests;
