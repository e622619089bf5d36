//! What messages answer, and what becomes of those that are changed.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    domain::time::UnixMillis,
    sandbox::telegram::{
        ChatMessage, Customer,
        arguments::Arguments,
        methods::Refusal,
        shapes::{self, BotUser},
        world::{PrivateChat, World},
    },
};

#[derive(Deserialize)]
struct ReplyParameters {
    message_id: i64,
    #[serde(default)]
    allow_sending_without_reply: bool,
}

/// The message of `chat` that `reply_parameters` name, if any.
pub(super) fn answered(arguments: &Arguments, chat: &PrivateChat) -> Result<Option<i64>, Refusal> {
    let Some(parameters) = arguments.text("reply_parameters") else { return Ok(None) };
    let wanted: ReplyParameters = serde_json::from_str(parameters)
        .map_err(|_| Refusal::new(400, "Bad Request: can't parse reply parameters JSON object"))?;
    let found = chat.messages.iter().any(|message| message.message_id == wanted.message_id);
    if !found && !wanted.allow_sending_without_reply {
        return Err(Refusal::new(400, "Bad Request: message to be replied not found"));
    }
    Ok(found.then_some(wanted.message_id))
}

/// `Message` with the one that it answers inside it.
pub(super) fn with_quoted(bot: &BotUser, customer: &Customer, chat: &PrivateChat, message: &ChatMessage) -> Value {
    let mut shape = shapes::message(bot, customer, message);
    let quoted = message.reply_to.and_then(|id| chat.messages.iter().find(|it| it.message_id == id));
    if let Some(quoted) = quoted {
        shape["reply_to_message"] = shapes::message(bot, customer, quoted);
    }
    shape
}

impl World {
    /// A customer reacts to a message, or takes it back. Gives `None` if there is no such message.
    pub(super) fn react(
        &mut self,
        token: &str,
        customer: i64,
        message_id: i64,
        emoji: Option<&str>,
        now: UnixMillis,
    ) -> Option<()> {
        let person = self.customers.get(&customer)?;
        let bot = self.bots.get_mut(token)?;
        let message = bot.chats.get_mut(&customer)?.messages.iter_mut().find(|it| it.message_id == message_id)?;
        let list = |emoji: Option<&str>| emoji.map(|it| json!({ "type": "emoji", "emoji": it })).into_iter().collect();
        let old: Vec<Value> = list(message.reaction.as_deref());
        let new: Vec<Value> = list(emoji);
        message.reaction = emoji.map(str::to_owned);
        let update = json!({ "chat": shapes::chat(&person.card), "message_id": message_id, "date": now.seconds(),
            "user": shapes::user(&person.card), "old_reaction": old, "new_reaction": new });
        bot.queue.push("message_reaction", &update, now);
        Some(())
    }

    /// A customer changes a message of theirs. Gives `None` if there is no such message.
    pub(super) fn edit(
        &mut self,
        token: &str,
        customer: i64,
        message_id: i64,
        text: &str,
        now: UnixMillis,
    ) -> Option<()> {
        let person = self.customers.get(&customer)?;
        let bot = self.bots.get_mut(token)?;
        let chat = bot.chats.get_mut(&customer)?;
        let message = chat.messages.iter_mut().find(|it| it.message_id == message_id && !it.from_bot)?;
        text.clone_into(&mut message.text);
        message.edited = true;
        let message = message.clone();
        let mut update = with_quoted(&bot.user, &person.card, chat, &message);
        update["edit_date"] = json!(now.seconds());
        bot.queue.push("edited_message", &update, now);
        Some(())
    }
}
