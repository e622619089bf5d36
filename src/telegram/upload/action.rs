//! What the customer sees while a file is on its way.

use std::time::Duration;

use crate::telegram::{bot::Bot, routing::Target, upload::SendAs};

/// What arrives sooner needs no announcement.
const SHOWN_AFTER: Duration = Duration::from_millis(700);
/// Telegram shows an action for 5 seconds.
const SHOWN_EVERY: Duration = Duration::from_secs(4);

impl Bot {
    /// Repeats the chat action while a file is on its way. Best effort: a failure does not end it.
    pub(super) async fn keep_showing(&self, to: &Target, form: SendAs) -> std::convert::Infallible {
        tokio::time::sleep(SHOWN_AFTER).await;
        loop {
            if let Err(failure) = self.show(to.clone(), form.action()).await {
                tracing::debug!(source = %self.source(), failure = %failure.why(), "the customer does not see that a \
                    file comes");
            }
            tokio::time::sleep(SHOWN_EVERY).await;
        }
    }
}
