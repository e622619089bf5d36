//! Telegram's updates -> the domain.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, TelegramChat, UserId},
        change::{Deletion, MembershipChange, Move},
        job::Lane,
        message::{ButtonPress, Content, Inbound, Reaction, Skip},
        reach::Connection,
        time::UnixMillis,
        timestamps::within_second,
    },
    telegram::wire::{Event, Message, MessageReaction, RawObject, ReactionType, Update},
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
mod quote;
mod start;
mod unreadable;

pub use changes::{connection, deletion_of};
pub use presses::query;
pub use start::{own_number, start_context, without_payload};
pub use unreadable::why_unreadable;

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
pub struct Place<'a> {
    /// The source whose bot received it.
    pub source: &'a SourceId,
    pub bot: BotId,
    /// The connection of Telegram Business that the update names, if it names one.
    pub connection: Option<&'a Connection>,
    /// Whether groups and channels are relayed.
    pub groups: bool,
    /// The largest file that the bot can have, in bytes.
    pub largest_file_bytes: u64,
    /// The managers' language, for words about what Kommo has no kind for.
    pub language: Language,
    /// When it arrived; not everything has a date of its own.
    pub now: UnixMillis,
}

impl Place<'_> {
    fn conversation(&self, chat: TelegramChat) -> Conversation {
        Conversation::new(self.source.clone(), chat)
    }
}

/// The lane that an update waits in: its chat's, or its source's if it names none.
///
/// A chat of Telegram Business is told from the bot's own by the id of the connection: whose it is has to be looked up,
/// and nothing is looked up before the update is stored. If the owner connects the bot anew, the chat goes on in
/// another lane.
#[must_use]
pub fn lane(raw: &str, source: &SourceId) -> Lane {
    let Some(update) = Update::parse(raw) else { return Lane::chatless(source) };
    let connection = connection_of(&update.event);
    let chat = match update.event {
        Event::Message(message) | Event::Edited(message) => chat_of(&message),
        Event::Pressed(query) => match &query.message {
            Some(message) => chat_of(message),
            None => presses::at_home(&query),
        },
        Event::Reacted(reaction) => reaction.chat.and_then(|chat| chat.number("id")),
        Event::Member(change) | Event::Deleted(change) => change.part("chat").number("id"),
        // A person's private chat has their id.
        Event::Subscription(change) => change.part("user").number("id"),
        Event::Connected(_) | Event::Other => None,
    };
    match (chat, connection) {
        (None, _) => Lane::chatless(source),
        (Some(chat), None) => Lane::inbound(&Conversation::new(source.clone(), chat)),
        (Some(chat), Some(connection)) => Lane::connected(source, &connection, chat),
    }
}

/// The chat that a message is in; `None` for one where the bot is a guest, whose id may be that of another chat.
fn chat_of(message: &Message) -> Option<i64> {
    message.chat.as_ref()?.id.filter(|_| !chats::is_guests(&message.fields))
}

/// What an update is called in the log: by the id of its message, else by its own number; `None` if it has neither.
#[must_use]
pub fn message_id(raw: &str, bot: BotId) -> Option<String> {
    let named = Update::parse(raw).and_then(|update| match update.event {
        Event::Message(message) | Event::Edited(message) => Some((message.chat?.id?, message.message_id?)),
        Event::Pressed(query) => query.message.and_then(|message| Some((message.chat?.id?, message.message_id?))),
        Event::Reacted(reaction) => Some((reaction.chat?.number("id")?, reaction.message_id?)),
        Event::Member(_) | Event::Deleted(_) | Event::Connected(_) | Event::Subscription(_) | Event::Other => None,
    });
    let message = named.map(|(chat, message)| MessageId { bot, chat: chat.into(), message, update: None });
    message.map(|id| id.to_string()).or_else(|| crate::telegram::wire::update_id(raw).map(|id| format!("update {id}")))
}

/// Our id of the message that an update brings, in a chat of the bot or of the `owner` whose connection it came by;
/// `None` if it brings none.
#[must_use]
pub fn brought(raw: &str, bot: BotId, owner: Option<UserId>) -> Option<MessageId> {
    let Event::Message(message) = Update::parse(raw)?.event else { return None };
    let chat = TelegramChat { owner, id: chat_of(&message)? };
    Some(MessageId { bot, chat, message: message.message_id?, update: None })
}

/// Telegram's numbers of the messages that an update brings; `None` if it cannot be read.
#[must_use]
pub fn numbers(raw: &str) -> Option<Vec<i64>> {
    let update: serde_json::Map<String, serde_json::Value> = serde_json::from_str(raw).ok()?;
    Some(update.values().filter_map(|part| part.get("message_id")?.as_i64()).collect())
}

/// The connection of Telegram Business that an update came by, if it came by one.
#[must_use]
pub fn connection_id(raw: &str) -> Option<String> {
    Update::parse(raw).and_then(|update| connection_of(&update.event))
}

fn connection_of(event: &Event) -> Option<String> {
    let named = |part: &RawObject| part.text("business_connection_id");
    match event {
        Event::Message(message) | Event::Edited(message) => named(&message.fields),
        Event::Pressed(query) => named(&query.message.as_ref()?.fields),
        Event::Deleted(deletion) => named(deletion),
        Event::Reacted(_) | Event::Member(_) | Event::Connected(_) | Event::Subscription(_) | Event::Other => None,
    }
}

/// Reads an update.
///
/// # Errors
/// [`Skip`] if there is nothing in it to relay, or if it cannot be read.
pub fn decode(raw: &str, place: &Place<'_>) -> Result<Arrival, Skip> {
    let update = Update::parse(raw).ok_or(Skip::Unreadable)?;
    let nothing = Skip::NotAMessage(update.kind);
    match update.event {
        Event::Message(wire) => {
            if let Some(moved) = changes::moved(&wire, place)? {
                return Ok(Arrival::Move(moved));
            }
            message(*wire, place, update.update_id).map(|inbound| Arrival::Message(Box::new(inbound)))
        }
        Event::Edited(wire) => {
            let edit = edited(*wire, place, update.update_id.ok_or(Skip::Unreadable)?)?;
            Ok(Arrival::Message(Box::new(edit)))
        }
        Event::Pressed(query) => {
            let press = presses::press(*query, place, update.update_id)?.ok_or(nothing)?;
            Ok(Arrival::ButtonPress(Box::new(press)))
        }
        Event::Reacted(change) => reaction(*change, place)?.map(Arrival::Reaction).ok_or(nothing),
        Event::Member(change) => {
            let change = changes::membership(&change, place, update.update_id)?.ok_or(nothing)?;
            Ok(Arrival::Membership(Box::new(change)))
        }
        Event::Connected(wire) => connection(&wire).map(Arrival::Connection).ok_or(nothing),
        Event::Subscription(wire) => {
            let inbound = changes::subscription(&wire, place, update.update_id).ok_or(nothing)?;
            Ok(Arrival::Message(Box::new(inbound)))
        }
        Event::Deleted(wire) => changes::deletion(&wire, place).map(Arrival::Deletion).ok_or(nothing),
        Event::Other => Err(nothing),
    }
}

/// A change of somebody's reactions; `None` if neither what was nor what is has an emoji.
fn reaction(change: MessageReaction, place: &Place<'_>) -> Result<Option<Reaction>, Skip> {
    let Some(wire) = change.chat else { return Ok(None) };
    // Telegram tells of no reactions in the chats of Telegram Business: these are the bot's own.
    let chat = Chat::of_bot(&wire, change.user.unwrap_or_default(), place)?;
    if chat.is_group() {
        return Err(Skip::OneOfMany);
    }
    let newest = |reactions: Option<Vec<ReactionType>>| reactions?.into_iter().rev().find_map(|it| it.emoji);
    let (before, emoji) = (newest(change.old_reaction), newest(change.new_reaction));
    let Some(message) = change.message_id.filter(|_| emoji.is_some() || before.is_some()) else { return Ok(None) };
    Ok(Some(Reaction {
        conversation: place.conversation(chat.id),
        message: MessageId { bot: place.bot, chat: chat.id, message, update: None },
        customer: chat.customer.id,
        emoji,
    }))
}

/// A message that `update` has brought. One without a number of its own (0) has the update's beside it: such are seen
/// by one member of a group alone, or not sent yet, and there may be many.
fn message(mut message: Message, place: &Place<'_>, update: Option<i64>) -> Result<Inbound, Skip> {
    let chat = Chat::of(&message.fields, message.from.clone().unwrap_or_default(), place)?;
    let author = chats::author(&message, place)?;
    let number = message.message_id.ok_or(Skip::Unreadable)?;
    let update = if number == 0 { Some(update.ok_or(Skip::Unreadable)?) } else { None };
    let (topic, unattended) = (chats::topic(&message.fields), message.fields.flag("is_from_offline"));
    let begun = chats::beginning(&mut message);
    let speaker = chat.is_group().then(|| chats::speaker(&message, begun, place.language));
    let sent_at = within_second(message.date.unwrap_or_default(), number);
    let quote = quote::of(&message, (place.bot, chat.id), place.language);
    let content = content::forwarded(message, place.largest_file_bytes, place.language);
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
fn edited(wire: Message, place: &Place<'_>, update_id: i64) -> Result<Inbound, Skip> {
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
