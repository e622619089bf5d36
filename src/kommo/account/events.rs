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

impl Account {
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
