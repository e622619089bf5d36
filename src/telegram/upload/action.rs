//! The chat action that customers see during an upload.

use std::time::Duration;

use crate::telegram::{bot::Bot, routing::Target, upload::SendAs};

/// A faster upload needs no action.
const FIRST_AFTER: Duration = Duration::from_millis(700);
/// Telegram shows an action for 5 seconds.
const REPEAT_EVERY: Duration = Duration::from_secs(4);

impl Bot {
    /// Repeats the chat action during an upload. Best effort: a failure does not end it.
    pub(super) async fn keep_showing(&self, to: &Target, form: SendAs) -> std::convert::Infallible {
        tokio::time::sleep(FIRST_AFTER).await;
        loop {
            if let Err(failure) = self.show(to.clone(), form.action()).await {
                tracing::debug!(source = %self.source(), failure = %failure.why(), "cannot show the customer that a \
                file is being sent");
            }
            tokio::time::sleep(REPEAT_EVERY).await;
        }
    }
}
