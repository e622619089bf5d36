//! Looks whether managers have closed talks in which programs of the owner's are quiet: then these programs hear what is
//! said there again. No hook tells it, so the account is asked, as long as there is a quiet chat.

use std::{collections::HashMap, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::{address::Conversation, time::UnixMillis},
    kommo::account::{Account, ClosedTalk, RestError},
    store::{Store, StoreError},
};

/// How often the account is asked.
const EVERY: Duration = Duration::from_secs(10);
/// How far what is asked for reaches back behind the question before: events may be listed late.
const OVERLAP: Duration = Duration::from_mins(1);

/// Watches the talks of one account.
pub struct ClosedTalks {
    pub account: Account,
    pub store: Store,
}

/// What is known of the account.
#[derive(Default)]
struct Known {
    /// When it was last asked with success.
    asked_at: Option<UnixMillis>,
    contacts: HashMap<Conversation, u64>,
    /// Whether it was said that it does not answer.
    is_told: bool,
}

impl ClosedTalks {
    /// Watches until `stop`.
    ///
    /// # Errors
    /// If the store fails. What the account does is waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        stop.run_until_cancelled_owned(self.watch()).await.unwrap_or(Ok(()))
    }

    async fn watch(self) -> Result<(), StoreError> {
        let mut known = Known::default();
        loop {
            let attended = self.store.attended().await?;
            known.contacts.retain(|conversation, _| attended.iter().any(|(other, _)| other == conversation));
            let begun_at = clock::now();
            if let Some(first) = attended.iter().map(|(_, at)| *at).min() {
                let since = known.asked_at.map_or(first, |asked_at| asked_at.minus(OVERLAP).max(first));
                match self.account.closed_talks(since.seconds()).await {
                    Ok(closed) => {
                        self.end(&attended, &closed, &mut known.contacts).await?;
                        (known.asked_at, known.is_told) = (Some(begun_at), false);
                    }
                    Err(error) => tell(&error, &mut known.is_told),
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
            // Kommo tells the second.
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
                tracing::debug!(%conversation, "a manager has closed the talk: programs hear what is said there again");
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
                tracing::debug!(%conversation, %error, "the contact of a quiet chat is not known");
                Ok(None)
            }
        }
    }
}

/// Says once that the account does not tell which talks were closed.
fn tell(error: &RestError, is_told: &mut bool) {
    if !std::mem::replace(is_told, true) {
        tracing::warn!(%error, "the account does not tell which talks were closed: programs stay quiet for their time");
    }
}
