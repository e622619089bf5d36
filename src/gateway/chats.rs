//! A cache of chats' names, because some of Telegram's responses lack them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{domain::address::BotId, telegram::bot::Bot};

const MAX_CHATS: usize = 4096;
/// The fields that are kept (Bot API, `Chat`).
const FIELDS: [&str; 6] = ["id", "type", "title", "first_name", "last_name", "username"];

#[derive(Debug, Default)]
pub(super) struct Chats(Mutex<HashMap<(BotId, i64), Value>>);

impl Chats {
    /// Keeps the names of a chat from a response.
    pub(super) fn learn(&self, bot: BotId, chat: &Value) {
        let Some(id) = chat["id"].as_i64() else { return };
        let fields = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), chat.get(name)?.clone())));
        let mut chats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if chats.len() >= MAX_CHATS {
            chats.clear();
        }
        chats.insert((bot, id), Value::Object(fields.collect()));
    }

    /// A chat with its names. If Telegram does not know it, it has its id only.
    pub(super) async fn of(&self, bot: &Bot, id: i64) -> Value {
        if let Some(cached) = self.cached(bot.id(), id) {
            return cached;
        }
        if let Some(chat) = bot.chat(id).await {
            self.learn(bot.id(), &chat);
        }
        let kind = if id < 0 { "supergroup" } else { "private" };
        self.cached(bot.id(), id).unwrap_or_else(|| json!({ "id": id, "type": kind }))
    }

    fn cached(&self, bot: BotId, id: i64) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(bot, id)).cloned()
    }
}
