//! Detects another program that polls the same bot: Telegram gives each update to one of them only.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::Payload;

use crate::telegram::{bot::Bot, error::CallError};

/// How much longer than the server may hold the poll the response may take. The server reports the second conflict in a
/// row after 3 s only.
const GRACE: Duration = Duration::from_secs(10);

/// `getUpdates` that confirms nothing, and does not change the kinds of updates.
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
    /// Whether another program polls. If so, it ends two polls in a row that the server holds for `held_for`. Nothing
    /// is confirmed.
    ///
    /// # Errors
    /// If polling fails for another reason.
    pub async fn is_polled_by_another(&self, held_for: Duration) -> Result<bool, CallError> {
        // A single conflict may be the last poll of a program that has just been stopped.
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
