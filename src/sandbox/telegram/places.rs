//! Where messages are: a chat with all that is needed to write into it and to show what is there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::telegram::{
    ChatMessage,
    arguments::Arguments,
    attachments::Files,
    methods::{Refusal, UNAUTHORIZED},
    profiles, replies,
    responses::{self, BotUser},
    updates::Queue,
    world::{Chat, Person, World},
};

/// What stands around a message.
pub(super) struct Frame<'w> {
    pub(super) bot: &'w BotUser,
    pub(super) people: &'w BTreeMap<i64, Person>,
    /// `Chat` of the chat.
    pub(super) chat: Value,
    /// For whom the bot writes, if not for itself.
    pub(super) behalf: Option<Behalf>,
}

/// The owner of an account that the bot looks after.
pub(super) struct Behalf {
    pub(super) connection: String,
    pub(super) owner: i64,
}

impl Frame<'_> {
    /// Says in a `Message` whose it is.
    pub(super) fn sign(&self, shape: &mut Value, message: &ChatMessage) {
        shape["chat"] = self.chat.clone();
        if message.sender < 0 {
            shape["sender_chat"] = self.chat.clone();
            return;
        }
        let person = |id: i64| self.people.get(&id).map(|person| responses::user(&person.card));
        shape["from"] = match (&self.behalf, message.from_bot) {
            (None, true) => self.bot.user(),
            (Some(_), true) | (_, false) => person(message.sender).unwrap_or_default(),
        };
        if let Some(behalf) = &self.behalf {
            shape["business_connection_id"] = json!(behalf.connection);
            if message.from_bot {
                shape["sender_business_bot"] = self.bot.user();
            }
        }
    }

    /// Whether neither the bot nor the owner has written it.
    pub(super) fn is_customers(&self, message: &ChatMessage) -> bool {
        !message.from_bot && self.behalf.as_ref().is_none_or(|behalf| behalf.owner != message.sender)
    }
}

/// A chat of a bot.
pub(super) struct Spot<'w> {
    pub(super) token: &'w str,
    pub(super) frame: Frame<'w>,
    pub(super) chat: &'w mut Chat,
    /// Where the chat shares its count of messages.
    pub(super) count: Option<&'w mut i64>,
    pub(super) queue: &'w mut Queue,
    pub(super) files: &'w mut Files,
}

impl Spot<'_> {
    /// Adds a message. Returns it as the Bot API shows it.
    pub(super) fn add(&mut self, message: ChatMessage) -> Value {
        if let Some(count) = self.count.as_deref_mut() {
            *count += 1;
            self.chat.last_id = *count - 1;
        }
        let message = self.chat.add(message);
        replies::with_quoted(&self.frame, self.chat, &message)
    }
}

impl World {
    /// A chat that a bot knows: a customer's, once the customer has written, or a group.
    pub(super) fn spot<'w>(&'w mut self, token: &'w str, chat_id: i64) -> Option<Spot<'w>> {
        let bot = self.bots.get_mut(token)?;
        let chat = match bot.groups.get(&chat_id) {
            Some(group) => group.shape(chat_id),
            None => responses::chat(&self.customers.get(&chat_id)?.card),
        };
        Some(Spot {
            token,
            frame: Frame { bot: &bot.user, people: &self.customers, chat, behalf: None },
            chat: bot.chats.get_mut(&chat_id)?,
            count: None,
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
    if let Some(refusal) = world.bots.get(token).and_then(|bot| bot.groups.get(&id)?.refusal()) {
        return Err(refusal);
    }
    if world.customers.get(&id).is_some_and(|person| person.deactivated) {
        return Err(Refusal::new(403, "Forbidden: user is deactivated"));
    }
    if world.chat(token, id).is_some_and(|chat| chat.blocked) {
        return Err(Refusal::new(403, "Forbidden: bot was blocked by the user"));
    }
    world.spot(token, id).ok_or(UNAUTHORIZED)
}

/// `getChat`.
pub(super) fn get_chat(world: &mut World, token: &str, arguments: &Arguments) -> Result<Value, Refusal> {
    let id = named(world, token, arguments)?;
    if let Some(group) = world.bots.get(token).and_then(|bot| bot.groups.get(&id)) {
        let shape = responses::full(group.shape(id));
        return Ok(profiles::with_photo(world, token, id, shape));
    }
    let person = world.customers.get(&id).ok_or(Refusal::new(400, "Bad Request: chat not found"))?;
    Ok(responses::full(responses::chat(&person.card)))
}
