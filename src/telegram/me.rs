//! What a bot is called, and whether its server knows it.

use serde::Serialize;
use serde_json::Value;
use teloxide::{
    RequestError,
    requests::{JsonRequest, Payload},
};

use crate::{
    domain::retry::Failure,
    telegram::{bot::Bot, failure},
};

/// `getMe`.
#[derive(Serialize)]
struct GetMe {}

impl Payload for GetMe {
    type Output = Value;
    const NAME: &'static str = "GetMe";
}

impl Bot {
    /// The bot's public name, without `@`; every bot has one.
    ///
    /// # Errors
    /// If Telegram does not say it.
    pub async fn username(&self) -> Result<Option<String>, RequestError> {
        self.turn().await;
        let me = JsonRequest::new(self.sender.clone(), GetMe {}).await?;
        Ok(me.get("username").and_then(Value::as_str).map(str::to_owned))
    }

    /// Asks the server whether it knows this bot.
    ///
    /// # Errors
    /// Why it does not answer, or what it has against the token; without the address, which holds the token.
    pub async fn greet(&self) -> Result<(), Failure> {
        self.turn().await;
        failure::of_repeatable(JsonRequest::new(self.sender.clone(), GetMe {}).await).map(drop)
    }
}
