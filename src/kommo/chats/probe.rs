//! Probes Kommo.

use std::sync::Arc;

use crate::{
    domain::retry::Failure,
    kommo::chats::{CallError, Chats},
    rate_limit::RateLimit,
};

/// The rate limit of probes, which do not share the client's.
const PROBES_PER_SECOND: u32 = 2;
/// A chat that no account has. Kommo responds with 204 for one without messages (Chats API, chat history).
const NO_CHAT: &str = "00000000-0000-4000-8000-000000000000";

impl Chats {
    /// A clone with a rate limit of its own, for occasional probes that must not wait.
    #[must_use]
    pub fn hasty(&self) -> Self {
        Self { rate_limit: Arc::new(RateLimit::per_second(PROBES_PER_SECOND)), ..self.clone() }
    }

    /// Requests the history of a chat that does not exist, signed like any call. It is about no message and changes
    /// nothing.
    ///
    /// # Errors
    /// Why there is no response from Kommo. A refusal of the chat is a response.
    pub async fn probe(&self) -> Result<(), CallError> {
        match self.history(NO_CHAT, 0).await {
            // This is about the chat, so Kommo has responded.
            Err(error) if error.is_unknown() || error.is_bad_request() => Ok(()),
            Err(error) if Failure::from(error.clone()).is_final() => Ok(()),
            answer => answer.map(drop),
        }
    }
}
