//! What has happened in the account.

use crate::kommo::{
    account::{Account, RestError},
    wire::account::Event,
};

/// Something that was sent to a customer in a chat, of whichever channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id. Whether that is the one of the Chats API is not documented.
    pub message: Option<String>,
    /// The contact, by Kommo's number.
    pub contact: Option<u64>,
}

/// A talk that a manager has closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedTalk {
    /// The contact whose talk it was, by Kommo's number.
    pub contact: Option<u64>,
    /// When that was, in seconds since the epoch.
    pub at: i64,
}

impl Account {
    /// The talks that were closed since then (Unix seconds). The page "Events and notes" does not list this kind of
    /// event; clients of the account's API do, and nobody documents how it names the contact: it is read as that of a
    /// message.
    pub async fn closed_talks(&self, since: i64) -> Result<Vec<ClosedTalk>, RestError> {
        let since = since.to_string();
        let query = [("filter[type][]", "talk_closed"), ("filter[created_at][from]", &*since), ("limit", "100")];
        let events: Vec<Event> = self.list("events", "events", &query).await?;
        let closed = |event: &Event| Some(ClosedTalk { contact: event.contact(), at: event.at()? });
        Ok(events.iter().filter_map(closed).collect())
    }

    /// What was sent in chats since then (Unix seconds), as far as the token may see it.
    pub async fn sent_in_chats(&self, since: i64) -> Result<Vec<Sent>, RestError> {
        let since = since.to_string();
        let query =
            [("filter[type][]", "outgoing_chat_message"), ("filter[created_at][from]", &*since), ("limit", "100")];
        let events: Vec<Event> = self.list("events", "events", &query).await?;
        let sent = events.iter().map(|event| Sent { message: event.message(), contact: event.contact() });
        Ok(sent.collect())
    }
}
