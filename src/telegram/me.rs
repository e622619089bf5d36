//! What a bot is called.

use serde::Serialize;
use serde_json::Value;
use teloxide::{
    RequestError,
    requests::{JsonRequest, Payload},
};

use crate::telegram::bot::Bot;

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
}
