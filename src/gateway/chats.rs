//! What chats are called, as far as Telegram has told lately: some of its answers do not tell it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{domain::address::BotId, telegram::bot::Bot};

/// How many are known at the same time.
const MOST: usize = 4096;
/// What is kept of each (Bot API, `Chat`).
const FIELDS: [&str; 6] = ["id", "type", "title", "first_name", "last_name", "username"];

#[derive(Debug, Default)]
pub(super) struct Chats(Mutex<HashMap<(BotId, i64), Value>>);

impl Chats {
    /// Keeps what an answer tells of a chat.
    pub(super) fn learn(&self, bot: BotId, chat: &Value) {
        let Some(id) = chat["id"].as_i64() else { return };
        let fields = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), chat.get(name)?.clone())));
        let mut chats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if chats.len() >= MOST {
            chats.clear();
        }
        chats.insert((bot, id), Value::Object(fields.collect()));
    }

    /// What a chat is called. If Telegram does not tell, it goes by its number.
    pub(super) async fn of(&self, bot: &Bot, id: i64) -> Value {
        if let Some(known) = self.known(bot.id(), id) {
            return known;
        }
        if let Some(told) = bot.chat(id).await {
            self.learn(bot.id(), &told);
        }
        let kind = if id < 0 { "supergroup" } else { "private" };
        self.known(bot.id(), id).unwrap_or_else(|| json!({ "id": id, "type": kind }))
    }

    fn known(&self, bot: BotId, id: i64) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(bot, id)).cloned()
    }
}
