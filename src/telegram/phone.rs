//! Asks a customer for their phone number, and thanks them. Best effort, without retries.

use serde::Serialize;
use serde_json::{Value, json};
use teloxide::requests::Payload;

use crate::{
    domain::retry::Failure,
    telegram::{bot::Bot, failure},
};

/// `sendMessage` with a keyboard that replaces the customer's, or removes it.
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
    /// Sends `question`, with a button that shares the customer's phone number.
    pub async fn ask_phone(&self, chat: i64, question: &str, button: &str) -> Result<(), Failure> {
        let key = json!({ "text": button, "request_contact": true });
        let keyboard = json!({ "keyboard": [[key]], "resize_keyboard": true, "one_time_keyboard": true });
        self.send_with_markup(chat, question, keyboard).await
    }

    /// Sends `text`, and removes the buttons that replace the customer's keyboard.
    pub async fn thank(&self, chat: i64, text: &str) -> Result<(), Failure> {
        self.send_with_markup(chat, text, json!({ "remove_keyboard": true })).await
    }

    async fn send_with_markup(&self, chat_id: i64, text: &str, markup: Value) -> Result<(), Failure> {
        self.acquire().await;
        let payload = SendMessage { chat_id, text: text.to_owned(), reply_markup: markup };
        self.sender.call(&payload).await.map(drop).map_err(failure::of_send)
    }
}
