//! Notices to the operator.

use serde::Serialize;
use serde_json::{Value, json};
use teloxide::requests::Payload;

use crate::{
    domain::retry::Failure,
    telegram::{bot::Bot, failure},
};

/// `sendMessage` with a text only.
#[derive(Serialize)]
struct SendMessage {
    chat_id: i64,
    text: String,
    link_preview_options: Value,
}

impl Payload for SendMessage {
    type Output = Value;
    const NAME: &'static str = "SendMessage";
}

impl Bot {
    /// Sends a text to a chat. A text that may have arrived counts as failed, because it can be sent again.
    pub async fn notify(&self, chat_id: i64, text: String) -> Result<(), Failure> {
        self.acquire().await;
        let payload = SendMessage { chat_id, text, link_preview_options: json!({ "is_disabled": true }) };
        self.sender.call(&payload).await.map(drop).map_err(failure::of_repeatable)
    }
}
