//! What a bot is called, and whether its server knows it.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;
use tokio::time::timeout;

use crate::{
    domain::retry::Failure,
    net::Place,
    telegram::{bot::Bot, error::CallError, failure, wire::Part},
};

/// How long a probe may take.
const PROBED_WITHIN: Duration = Duration::from_secs(3);

/// `getMe`.
#[derive(Serialize)]
struct GetMe {}

impl Payload for GetMe {
    type Output = Value;
    const NAME: &'static str = "GetMe";
}

impl Bot {
    /// Where its server is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.sender.place()
    }

    /// The bot's public name, without `@`; every bot has one.
    ///
    /// # Errors
    /// If Telegram does not say it.
    pub async fn username(&self) -> Result<Option<String>, CallError> {
        self.turn().await;
        let me = self.sender.call(&GetMe {}).await?;
        Ok(serde_json::from_str::<Part>(me.get()).unwrap_or_default().text("username"))
    }

    /// Asks the server whether it knows this bot.
    ///
    /// # Errors
    /// Why it does not answer, or what it has against the token; without the address, which holds the token.
    pub async fn greet(&self) -> Result<(), Failure> {
        self.turn().await;
        self.sender.call(&GetMe {}).await.map(drop).map_err(failure::of_repeatable)
    }

    /// Tries whether the way that messages go is free. This waits for no turn: while it is asked, nothing else goes out.
    ///
    /// # Errors
    /// What stands in the way. It is known within 3 s.
    pub async fn probe(&self) -> Result<(), Failure> {
        let answer = timeout(PROBED_WITHIN, self.sender.call(&GetMe {})).await;
        let late = |_| Err(CallError::late(&self.sender.place(), PROBED_WITHIN, false));
        answer.unwrap_or_else(late).map(drop).map_err(failure::of_repeatable)
    }
}
