//! Events of the account.

use crate::kommo::{
    account::{Account, RestError},
    wire::account::Event,
};

/// A message that was sent to a customer in a chat of any channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id. It is not documented whether that is the id in the Chats API.
    pub message: Option<String>,
    /// The contact's id.
    pub contact: Option<u64>,
}

/// A talk that a manager has closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedTalk {
    /// The contact's id.
    pub contact: Option<u64>,
    /// When it was closed, in seconds since the epoch.
    pub at: i64,
}

impl Account {
    /// The talks that were closed since then (Unix seconds). The page "Events and notes" does not list this kind of
    /// event, but clients of the API know it. It is not documented how it names the contact, so it is read like the
    /// event of a message.
    pub async fn closed_talks(&self, since: i64) -> Result<Vec<ClosedTalk>, RestError> {
        let since = since.to_string();
        let query = [("filter[type][]", "talk_closed"), ("filter[created_at][from]", &*since), ("limit", "100")];
        let events: Vec<Event> = self.list("events", "events", &query).await?;
        let closed = |event: &Event| Some(ClosedTalk { contact: event.contact(), at: event.at()? });
        Ok(events.iter().filter_map(closed).collect())
    }

    /// The messages that were sent in chats since then (Unix seconds), as far as the token may read them.
    pub async fn sent_in_chats(&self, since: i64) -> Result<Vec<Sent>, RestError> {
        let since = since.to_string();
        let query =
            [("filter[type][]", "outgoing_chat_message"), ("filter[created_at][from]", &*since), ("limit", "100")];
        let events: Vec<Event> = self.list("events", "events", &query).await?;
        let sent = events.iter().map(|event| Sent { message: event.message(), contact: event.contact() });
        Ok(sent.collect())
    }
}
