//! An update, which is parsed once.

use crate::{
    domain::{
        address::{BotId, Conversation, MessageId, SourceId, TelegramChat, UserId},
        job::Lane,
        message::Skip,
    },
    telegram::wire::{self, Event, Message, RawObject, Update},
    translate::from_telegram::{Arrival, DecodeContext, changes, chats, edited, message, presses, reaction},
};

/// A parsed update. Some of it can be read before the owner of its chat is known, the rest by [`Received::decode`].
#[derive(Clone, Debug)]
pub struct Received<'r> {
    /// Its JSON.
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

    /// Telegram's name of its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.update.as_ref().map_or("update", |update| &update.kind)
    }

    /// The id of its chat; `None` if it has none.
    #[must_use]
    pub fn chat(&self) -> Option<i64> {
        match self.event()? {
            Event::Message(message) | Event::Edited(message) => chat_of(message),
            Event::Pressed(query) => match &query.message {
                Some(message) => chat_of(message),
                None => presses::private_chat(query),
            },
            Event::Reacted(reaction) => reaction.chat.as_ref().and_then(|chat| chat.number("id")),
            Event::Member(change) | Event::Deleted(change) => change.part("chat").number("id"),
            // A private chat has the person's id.
            Event::Subscription(change) => change.part("user").number("id"),
            Event::Connected(_) | Event::Other => None,
        }
    }

    /// The lane of an update: that of its chat, or of its source if it has none.
    ///
    /// A chat of Telegram Business is distinguished from the bot's own by the id of the connection, because the owner
    /// is looked up only after the update is stored. If the owner connects the bot anew, the chat gets another lane.
    #[must_use]
    pub fn lane(&self, source: &SourceId) -> Lane {
        match (self.chat(), self.connection_id()) {
            (None, _) => Lane::chatless(source),
            (Some(chat), None) => Lane::inbound(&Conversation::new(source.clone(), chat)),
            (Some(chat), Some(connection)) => Lane::connected(source, &connection, chat),
        }
    }

    /// The conversation of an update in a chat of the bot itself.
    #[must_use]
    pub fn conversation(&self, source: &SourceId) -> Option<Conversation> {
        let chat = self.chat().filter(|_| self.connection_id().is_none())?;
        Some(Conversation::new(source.clone(), chat))
    }

    /// The id of the update's connection of Telegram Business, if it has one.
    #[must_use]
    pub fn connection_id(&self) -> Option<String> {
        connection_of(self.event()?)
    }

    /// The name of an update in the log: the id of its message, or else its own number; `None` if it has neither.
    #[must_use]
    pub fn message_id(&self, bot: BotId) -> Option<String> {
        let named = self.event().and_then(|event| match event {
            Event::Message(message) | Event::Edited(message) => chat_and_id(message),
            Event::Pressed(query) => chat_and_id(query.message.as_ref()?),
            Event::Reacted(reaction) => Some((reaction.chat.as_ref()?.number("id")?, reaction.message_id?)),
            Event::Member(_) | Event::Deleted(_) | Event::Connected(_) | Event::Subscription(_) | Event::Other => None,
        });
        let message = named.map(|(chat, message)| MessageId { bot, chat: chat.into(), message, update: None });
        message.map(|id| id.to_string()).or_else(|| wire::update_id(self.raw).map(|id| format!("update {id}")))
    }

    /// Our id of the new message in an update, in a chat of the bot or of the `owner` of its connection; `None` if it
    /// has no new message.
    #[must_use]
    pub fn brought(&self, bot: BotId, owner: Option<UserId>) -> Option<MessageId> {
        let Event::Message(message) = self.event()? else { return None };
        let chat = TelegramChat { owner, id: chat_of(message)? };
        Some(MessageId { bot, chat, message: message.message_id?, update: None })
    }

    /// Decodes the content of an update.
    ///
    /// # Errors
    /// [`Skip`] if it has nothing to relay, or cannot be read.
    pub fn decode(&self, context: &DecodeContext<'_>) -> Result<Arrival, Skip> {
        let update = self.update.clone().ok_or(Skip::Unreadable)?;
        let nothing = Skip::NotAMessage(update.kind);
        match update.event {
            Event::Message(wire) => {
                if let Some(moved) = changes::moved(&wire, context)? {
                    return Ok(Arrival::Move(moved));
                }
                message(*wire, context, update.update_id).map(|inbound| Arrival::Message(Box::new(inbound)))
            }
            Event::Edited(wire) => {
                let edit = edited(*wire, context, update.update_id.ok_or(Skip::Unreadable)?)?;
                Ok(Arrival::Message(Box::new(edit)))
            }
            Event::Pressed(query) => {
                let press = presses::press(*query, context, update.update_id)?.ok_or(nothing)?;
                Ok(Arrival::ButtonPress(Box::new(press)))
            }
            Event::Reacted(change) => reaction(*change, context)?.map(Arrival::Reaction).ok_or(nothing),
            Event::Member(change) => {
                let change = changes::membership(&change, context, update.update_id)?.ok_or(nothing)?;
                Ok(Arrival::Membership(Box::new(change)))
            }
            Event::Connected(wire) => changes::connection(&wire).map(Arrival::Connection).ok_or(nothing),
            Event::Subscription(wire) => {
                let inbound = changes::subscription(&wire, context, update.update_id).ok_or(nothing)?;
                Ok(Arrival::Message(Box::new(inbound)))
            }
            Event::Deleted(wire) => changes::deletion(&wire, context).map(Arrival::Deletion).ok_or(nothing),
            Event::Other => Err(nothing),
        }
    }
}

/// The id of a message's chat; `None` if the bot is a guest there, because the id may be that of another chat.
fn chat_of(message: &Message) -> Option<i64> {
    message.chat.as_ref()?.id.filter(|_| !chats::is_guest_message(&message.fields))
}

/// The ids of a message's chat and of the message itself.
fn chat_and_id(message: &Message) -> Option<(i64, i64)> {
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
