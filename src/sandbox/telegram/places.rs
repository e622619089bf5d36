//! Where messages are: a chat with all that is needed to write into it and to show what is there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::telegram::{
    ChatMessage,
    arguments::Arguments,
    attachments::Files,
    methods::{Refusal, UNAUTHORIZED},
    replies,
    shapes::{self, BotUser},
    updates::Queue,
    world::{Chat, Person, World},
};

/// What stands around a message.
pub(super) struct Frame<'w> {
    pub(super) bot: &'w BotUser,
    pub(super) people: &'w BTreeMap<i64, Person>,
    /// `Chat` of the chat.
    pub(super) chat: Value,
}

impl Frame<'_> {
    /// Says in a `Message` whose it is.
    pub(super) fn sign(&self, shape: &mut Value, message: &ChatMessage) {
        shape["chat"] = self.chat.clone();
        if message.from_bot {
            shape["from"] = self.bot.user();
        } else if let Some(person) = self.people.get(&message.sender) {
            shape["from"] = shapes::user(&person.card);
        }
    }
}

/// A chat of a bot.
pub(super) struct Spot<'w> {
    pub(super) token: &'w str,
    pub(super) frame: Frame<'w>,
    pub(super) chat: &'w mut Chat,
    pub(super) queue: &'w mut Queue,
    pub(super) files: &'w mut Files,
}

impl Spot<'_> {
    /// Adds a message. Gives it as the Bot API shows it.
    pub(super) fn add(&mut self, message: ChatMessage) -> Value {
        let message = self.chat.add(message);
        replies::with_quoted(&self.frame, self.chat, &message)
    }
}

impl World {
    /// The private chat of a bot and a customer, once the customer has written.
    pub(super) fn spot<'w>(&'w mut self, token: &'w str, customer: i64) -> Option<Spot<'w>> {
        let bot = self.bots.get_mut(token)?;
        let chat = shapes::chat(&self.customers.get(&customer)?.card);
        Some(Spot {
            token,
            frame: Frame { bot: &bot.user, people: &self.customers, chat },
            chat: bot.chats.get_mut(&customer)?,
            queue: &mut bot.queue,
            files: &mut self.files,
        })
    }
}

/// The id that `chat_id` gives, of a chat that the bot knows.
pub(super) fn named(world: &World, token: &str, arguments: &Arguments) -> Result<i64, Refusal> {
    let named = arguments.text("chat_id").ok_or(Refusal::new(400, "Bad Request: chat_id is empty"))?;
    let id = named.parse().ok().filter(|id| world.chat(token, *id).is_some());
    id.ok_or(Refusal::new(400, "Bad Request: chat not found"))
}

/// The chat that `chat_id` names, if the bot may write there.
pub(super) fn open<'w>(world: &'w mut World, token: &'w str, arguments: &Arguments) -> Result<Spot<'w>, Refusal> {
    let id = named(world, token, arguments)?;
    if world.customers.get(&id).is_some_and(|person| person.deactivated) {
        return Err(Refusal::new(403, "Forbidden: user is deactivated"));
    }
    if world.chat(token, id).is_some_and(|chat| chat.blocked) {
        return Err(Refusal::new(403, "Forbidden: bot was blocked by the user"));
    }
    world.spot(token, id).ok_or(UNAUTHORIZED)
}

/// `getChat`.
pub(super) fn get_chat(world: &World, token: &str, arguments: &Arguments) -> Result<Value, Refusal> {
    let id = named(world, token, arguments)?;
    let person = world.customers.get(&id);
    Ok(person.map_or_else(|| json!({}), |person| shapes::full_chat(&person.card)))
}
