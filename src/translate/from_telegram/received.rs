//! An update as a bot has received it, read once.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, TelegramChat, UserId},
        job::Lane,
        message::Skip,
    },
    telegram::wire::{self, Event, Message, RawObject, Update},
    translate::from_telegram::{Arrival, DecodeContext, changes, chats, edited, message, presses, reaction},
};

/// An update that was read: what it tells of itself before it is known whose chat it is in, and what it is about after
/// that.
#[derive(Clone, Debug)]
pub struct Received<'r> {
    /// As it came.
    pub raw: &'r str,
    /// `None` if it cannot be read.
    pub(super) update: Option<Update>,
}

impl<'r> Received<'r> {
    /// Reads an update.
    #[must_use]
    pub fn read(raw: &'r str) -> Self {
        Self { raw, update: Update::parse(raw) }
    }

    pub(super) fn event(&self) -> Option<&Event> {
        self.update.as_ref().map(|update| &update.event)
    }

    /// What Telegram calls an update of this kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.update.as_ref().map_or("update", |update| &update.kind)
    }

    /// The chat that an update is in, by its number; `None` if it names none.
    #[must_use]
    pub fn chat(&self) -> Option<i64> {
        match self.event()? {
            Event::Message(message) | Event::Edited(message) => chat_of(message),
            Event::Pressed(query) => match &query.message {
                Some(message) => chat_of(message),
                None => presses::at_home(query),
            },
            Event::Reacted(reaction) => reaction.chat.as_ref().and_then(|chat| chat.number("id")),
            Event::Member(change) | Event::Deleted(change) => change.part("chat").number("id"),
            // A person's private chat has their id.
            Event::Subscription(change) => change.part("user").number("id"),
            Event::Connected(_) | Event::Other => None,
        }
    }

    /// The lane that an update waits in: its chat's, or its source's if it names none.
    ///
    /// A chat of Telegram Business is told from the bot's own by the id of the connection: whose it is has to be looked
    /// up, and nothing is looked up before the update is stored. If the owner connects the bot anew, the chat goes on
    /// in another lane.
    #[must_use]
    pub fn lane(&self, source: &SourceId) -> Lane {
        match (self.chat(), self.connection_id()) {
            (None, _) => Lane::chatless(source),
            (Some(chat), None) => Lane::inbound(&Conversation::new(source.clone(), chat)),
            (Some(chat), Some(connection)) => Lane::connected(source, &connection, chat),
        }
    }

    /// The conversation of an update of a chat of the bot's own.
    #[must_use]
    pub fn conversation(&self, source: &SourceId) -> Option<Conversation> {
        let chat = self.chat().filter(|_| self.connection_id().is_none())?;
        Some(Conversation::new(source.clone(), chat))
    }

    /// The connection of Telegram Business that an update came by, if it came by one.
    #[must_use]
    pub fn connection_id(&self) -> Option<String> {
        connection_of(self.event()?)
    }

    /// What an update is called in the log: by the id of its message, else by its own number; `None` if it has neither.
    #[must_use]
    pub fn message_id(&self, bot: BotId) -> Option<String> {
        let named = self.event().and_then(|event| match event {
            Event::Message(message) | Event::Edited(message) => numbered(message),
            Event::Pressed(query) => numbered(query.message.as_ref()?),
            Event::Reacted(reaction) => Some((reaction.chat.as_ref()?.number("id")?, reaction.message_id?)),
            Event::Member(_) | Event::Deleted(_) | Event::Connected(_) | Event::Subscription(_) | Event::Other => None,
        });
        let message = named.map(|(chat, message)| MessageId { bot, chat: chat.into(), message, update: None });
        message.map(|id| id.to_string()).or_else(|| wire::update_id(self.raw).map(|id| format!("update {id}")))
    }

    /// Our id of the message that an update brings, in a chat of the bot or of the `owner` whose connection it came by;
    /// `None` if it brings none.
    #[must_use]
    pub fn brought(&self, bot: BotId, owner: Option<UserId>) -> Option<MessageId> {
        let Event::Message(message) = self.event()? else { return None };
        let chat = TelegramChat { owner, id: chat_of(message)? };
        Some(MessageId { bot, chat, message: message.message_id?, update: None })
    }

    /// What an update is about.
    ///
    /// # Errors
    /// [`Skip`] if there is nothing in it to relay, or if it cannot be read.
    pub fn decode(&self, place: &DecodeContext<'_>) -> Result<Arrival, Skip> {
        let update = self.update.clone().ok_or(Skip::Unreadable)?;
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
            Event::Connected(wire) => changes::connection(&wire).map(Arrival::Connection).ok_or(nothing),
            Event::Subscription(wire) => {
                let inbound = changes::subscription(&wire, place, update.update_id).ok_or(nothing)?;
                Ok(Arrival::Message(Box::new(inbound)))
            }
            Event::Deleted(wire) => changes::deletion(&wire, place).map(Arrival::Deletion).ok_or(nothing),
            Event::Other => Err(nothing),
        }
    }
}

/// The chat that a message is in; `None` for one where the bot is a guest, whose id may be that of another chat.
fn chat_of(message: &Message) -> Option<i64> {
    message.chat.as_ref()?.id.filter(|_| !chats::is_guests(&message.fields))
}

/// The numbers of a message's chat and of the message itself.
fn numbered(message: &Message) -> Option<(i64, i64)> {
    Some((message.chat.as_ref()?.id?, message.message_id?))
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
