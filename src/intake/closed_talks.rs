//! Checks whether managers have closed talks in which the owner's programs are quiet: then these programs get the
//! chat's messages again. No hook reports it, so the account is polled, as long as there is a quiet chat.

use std::{collections::HashMap, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::{address::Conversation, time::UnixMillis},
    kommo::account::{Account, ClosedTalk, RestError},
    store::{Store, StoreError},
};

/// How often the account is polled.
const EVERY: Duration = Duration::from_secs(10);
/// How far a request reaches back before the former one: events may be listed late.
const OVERLAP: Duration = Duration::from_mins(1);

/// Watches the talks of one account.
pub struct ClosedTalks {
    pub account: Account,
    pub store: Store,
}

/// The state between two requests.
#[derive(Default)]
struct State {
    /// When the account last answered a request.
    answered_at: Option<UnixMillis>,
    contacts: HashMap<Conversation, u64>,
    /// Whether a failure has been logged since.
    is_warned: bool,
}

impl ClosedTalks {
    /// Watches until `stop`.
    ///
    /// # Errors
    /// If the store fails. Failures of the account are waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        stop.run_until_cancelled_owned(self.watch()).await.unwrap_or(Ok(()))
    }

    async fn watch(self) -> Result<(), StoreError> {
        let mut state = State::default();
        loop {
            let attended = self.store.attended().await?;
            state.contacts.retain(|conversation, _| attended.iter().any(|(other, _)| other == conversation));
            let begun_at = clock::now();
            if let Some(first) = attended.iter().map(|(_, at)| *at).min() {
                let since = state.answered_at.map_or(first, |answered_at| answered_at.minus(OVERLAP).max(first));
                match self.account.closed_talks(since.seconds()).await {
                    Ok(closed) => {
                        self.end(&attended, &closed, &mut state.contacts).await?;
                        (state.answered_at, state.is_warned) = (Some(begun_at), false);
                    }
                    Err(error) => warn_once(&error, &mut state.is_warned),
                }
            }
            sleep(EVERY).await;
        }
    }

    /// Ends the quiet time of the chats whose talks are closed.
    async fn end(
        &self,
        attended: &[(Conversation, UnixMillis)],
        closed: &[ClosedTalk],
        contacts: &mut HashMap<Conversation, u64>,
    ) -> Result<(), StoreError> {
        for (conversation, written_at) in attended {
            // Kommo dates by the second.
            let at = |talk: &ClosedTalk| UnixMillis::from_seconds(talk.at).plus(Duration::from_millis(999));
            let later: Vec<_> = closed.iter().filter(|talk| at(talk) >= *written_at).collect();
            if later.is_empty() {
                continue;
            }
            let Some(contact) = self.contact(conversation, contacts).await? else { continue };
            let Some(at) = later.into_iter().filter(|talk| talk.contact == Some(contact)).map(at).max() else {
                continue;
            };
            if self.store.end_attending(conversation.clone(), at).await? {
                tracing::debug!(%conversation, "a manager has closed the talk: programs get its messages again");
            }
        }
        Ok(())
    }

    /// The contact of a conversation in the account.
    async fn contact(
        &self,
        conversation: &Conversation,
        contacts: &mut HashMap<Conversation, u64>,
    ) -> Result<Option<u64>, StoreError> {
        if let Some(contact) = contacts.get(conversation) {
            return Ok(Some(*contact));
        }
        let Some(chat) = self.store.chat(conversation)? else { return Ok(None) };
        match self.account.contact_of_chat(&chat.chat.0).await {
            Ok(contact) => {
                contacts.extend(contact.map(|contact| (conversation.clone(), contact)));
                Ok(contact)
            }
            Err(error) => {
                tracing::debug!(%conversation, %error, "the contact of a quiet chat could not be read");
                Ok(None)
            }
        }
    }
}

/// Logs a failure of the account, once until it answers again.
fn warn_once(error: &RestError, is_warned: &mut bool) {
    if !std::mem::replace(is_warned, true) {
        tracing::warn!(%error, "closed talks could not be read: programs stay quiet for their configured time");
    }
}
