//! Whether Kommo answers.

use std::sync::Arc;

use crate::{
    domain::retry::Failure,
    kommo::chats::{CallError, Chats},
    rate_limit::RateLimit,
};

/// The most that is asked beside the limit.
const PROBES_PER_SECOND: u32 = 2;
/// A chat that no account has. Of one without messages Kommo answers 204 (Chats API, chat history).
const NO_CHAT: &str = "00000000-0000-4000-8000-000000000000";

impl Chats {
    /// The same client for what may not wait for its turn among all the others: a probe now and then.
    #[must_use]
    pub fn hasty(&self) -> Self {
        Self { rate_limit: Arc::new(RateLimit::per_second(PROBES_PER_SECOND)), ..self.clone() }
    }

    /// Asks Kommo for nothing but an answer: the history of a chat that does not exist, signed like any call. It
    /// concerns no message and changes nothing.
    ///
    /// # Errors
    /// What kept Kommo's answer from us. That there is no such chat is an answer.
    pub async fn probe(&self) -> Result<(), CallError> {
        match self.history(NO_CHAT, 0).await {
            // What is said of the chat is an answer, also a bare one.
            Err(error) if error.is_unknown() || error.is_bad_request() => Ok(()),
            Err(error) if Failure::from(error.clone()).is_final() => Ok(()),
            answer => answer.map(drop),
        }
    }
}
