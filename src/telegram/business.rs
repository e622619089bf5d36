//! Telegram Business: calls of a bot that send no message.

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;

use crate::{
    domain::retry::Failure,
    telegram::{bot::Bot, failure, routing::Target, wire::RawObject},
};

/// `getBusinessConnection`.
#[derive(Serialize)]
struct GetBusinessConnection {
    business_connection_id: String,
}

impl Payload for GetBusinessConnection {
    type Output = Value;
    const NAME: &'static str = "GetBusinessConnection";
}

/// `readBusinessMessage`.
#[derive(Serialize)]
struct ReadBusinessMessage {
    #[serde(flatten)]
    to: Target,
    message_id: i64,
}

impl Payload for ReadBusinessMessage {
    type Output = Value;
    const NAME: &'static str = "ReadBusinessMessage";
}

impl Bot {
    /// Reads a connection of Telegram Business.
    ///
    /// # Errors
    /// The classified failure. The call only reads, so it can be repeated after a broken connection.
    pub async fn business_connection(&self, id: &str) -> Result<RawObject, Failure> {
        self.acquire().await;
        let payload = GetBusinessConnection { business_connection_id: id.to_owned() };
        let answer = self.sender.call(&payload).await.map_err(failure::of_repeatable)?;
        Ok(serde_json::from_str(answer.get()).unwrap_or_default())
    }

    /// Marks a customer's messages, up to `message`, as read in the name of the chat's owner.
    ///
    /// # Errors
    /// The classified failure.
    pub async fn mark_read(&self, chat: Target, message: i64) -> Result<(), Failure> {
        self.acquire().await;
        let payload = ReadBusinessMessage { to: chat, message_id: message };
        self.sender.call(&payload).await.map(drop).map_err(failure::of_repeatable)
    }
}
