//! Asking a customer for their phone number, and thanking them: best effort, and not repeated.

use serde::Serialize;
use serde_json::{Value, json};
use teloxide::requests::Payload;

use crate::{
    domain::retry::Failure,
    telegram::{bot::Bot, failure},
};

/// `sendMessage` with what takes the place of the customer's keyboard.
#[derive(Serialize)]
struct SendMessage {
    chat_id: i64,
    text: String,
    reply_markup: Value,
}

impl Payload for SendMessage {
    type Output = Value;
    const NAME: &'static str = "SendMessage";
}

impl Bot {
    /// Asks `ask`, with a button that shares the customer's phone number.
    pub async fn ask_phone(&self, chat: i64, ask: &str, button: &str) -> Result<(), Failure> {
        let key = json!({ "text": button, "request_contact": true });
        let keyboard = json!({ "keyboard": [[key]], "resize_keyboard": true, "one_time_keyboard": true });
        self.say(chat, ask, keyboard).await
    }

    /// Says `text`, and takes the buttons in place of the customer's keyboard away.
    pub async fn thank(&self, chat: i64, text: &str) -> Result<(), Failure> {
        self.say(chat, text, json!({ "remove_keyboard": true })).await
    }

    async fn say(&self, chat_id: i64, text: &str, markup: Value) -> Result<(), Failure> {
        self.acquire().await;
        let payload = SendMessage { chat_id, text: text.to_owned(), reply_markup: markup };
        self.sender.call(&payload).await.map(drop).map_err(failure::of_send)
    }
}
