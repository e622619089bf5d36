//! Who else takes what customers write to a bot: Telegram gives each update once, to a webhook or to whoever polls.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;

use crate::telegram::{bot::Bot, error::CallError};

/// How much longer than the server may hold the poll the answer may take. The server tells the second conflict in a row
/// only after 3 s.
const GRACE: Duration = Duration::from_secs(10);

/// `getUpdates` that confirms nothing, and leaves the kinds of updates as they were asked for last.
#[derive(Serialize)]
struct Listen {
    limit: u8,
    timeout: u64,
}

impl Payload for Listen {
    type Output = Value;
    const NAME: &'static str = "GetUpdates";
}

impl Bot {
    /// Whether another program polls: it ends a poll that is held `held_for` so long, and the next one, too, because it
    /// comes back. Nothing is confirmed.
    ///
    /// # Errors
    /// If Telegram does not let the bot be polled for another reason.
    pub async fn is_polled_by_another(&self, held_for: Duration) -> Result<bool, CallError> {
        // One alone may be the last poll of a program that has just been stopped.
        Ok(self.is_ended_by_another(held_for).await? && self.is_ended_by_another(held_for).await?)
    }

    async fn is_ended_by_another(&self, held_for: Duration) -> Result<bool, CallError> {
        self.acquire().await;
        let listen = Listen { limit: 1, timeout: held_for.as_secs() };
        match self.poller.call_within(&listen, held_for + GRACE).await {
            Ok(_) => Ok(false),
            Err(CallError::Refused(error)) if error.code == 409 && !error.description.contains("ebhook") => Ok(true),
            Err(error) => Err(error),
        }
    }
}
