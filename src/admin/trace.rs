//! Answers `telekommo trace`: what became of a message.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

use crate::{
    admin::{Admin, failed, parked::json, refusal},
    domain::{
        address::{ContactId, Conversation, KommoMessageId, MessageId, is_uuid},
        phone::spellings_of_full,
        time::UnixMillis,
    },
    store::{Store, StoreError},
    trace::{Hop, Wanted},
};

/// The response to the command. Programs read it: field names stay.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Whether the trace is on.
    pub(crate) is_on: bool,
    /// When the oldest hop of all was recorded.
    pub(crate) begins_at: Option<UnixMillis>,
    /// Whether there are older matching hops than those listed.
    pub(crate) is_cut: bool,
    pub(crate) hops: Vec<Hop>,
}

/// What a trace may be searched by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TraceQuery {
    /// A conversation. If the text ends with a number, it may as well name a Telegram message in the conversation
    /// before it.
    Conversation(Conversation, Option<(Conversation, i64)>),
    /// A Telegram message, by the id that Kommo knows.
    Message(MessageId),
    /// A message or a chat in Kommo.
    Uuid(String),
    /// A job, a parked message, or a phone number.
    Number(String),
    /// The digits of a phone number.
    Phone(String),
}

impl TraceQuery {
    /// Parses a query; `None` if no message could be found by it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(message) = text.parse() {
            return Some(Self::Message(message));
        }
        if let Ok(conversation) = text.parse() {
            let within = text.rsplit_once(':').and_then(|(conversation, number)| {
                Some((conversation.parse::<Conversation>().ok()?, number.parse().ok()?))
            });
            return Some(Self::Conversation(conversation, within));
        }
        if is_uuid(text) {
            return Some(Self::Uuid(text.to_ascii_lowercase()));
        }
        if text.parse::<u64>().is_ok() {
            return Some(Self::Number(text.to_owned()));
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_phone = text.chars().all(|char| char.is_ascii_digit() || "+-() ./".contains(char));
        (is_phone && !digits.is_empty()).then_some(Self::Phone(digits))
    }

    /// The search for its hops, with the other ids that the store knows.
    async fn search(self, store: &Store) -> Result<Wanted, StoreError> {
        let mut search = Wanted::default();
        match self {
            Self::Conversation(conversation, within) => {
                search.conversations.insert(conversation);
                search.in_conversation = within;
            }
            Self::Message(message) => {
                search.ids.insert(message.to_string());
                search.ids.extend(store.kommo_message(&message)?.map(|id| id.to_string()));
            }
            Self::Uuid(id) => {
                let ours = store.telegram_messages(&KommoMessageId(id.clone()))?;
                search.ids.extend(ours.iter().map(ToString::to_string));
                let chats = store.chats().await?.into_iter().filter(|(_, chat)| chat.chat.0 == id);
                search.conversations.extend(chats.map(|(conversation, _)| conversation));
                search.ids.insert(id);
            }
            Self::Number(number) => {
                search.numbers.extend(number.parse::<u64>().ok());
                search.contacts = owners(store, &number)?;
            }
            Self::Phone(digits) => search.contacts = owners(store, &digits)?,
        }
        Ok(search)
    }
}

/// The customers who have shared a phone number, however it is written.
fn owners(store: &Store, digits: &str) -> Result<Vec<ContactId>, StoreError> {
    let mut owners = Vec::new();
    for spelling in spellings_of_full(digits) {
        if let Some(owner) = store.owner_of(&spelling)? {
            owners.push(ContactId::Person(owner.customer));
        }
    }
    Ok(owners)
}

/// Query parameters.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    what: String,
}

/// Finds hops. They say who writes to whom, so they are for our own commands alone.
pub(super) async fn show(
    State(admin): State<Admin>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let Some(query) = TraceQuery::parse(&parameters.what) else { return StatusCode::BAD_REQUEST.into_response() };
    let search = match query.search(&admin.store).await {
        Ok(search) => search,
        Err(error) => return failed(&error),
    };
    match admin.trace.find(search).await {
        Ok(Some(found)) => {
            json(&Answer { is_on: true, begins_at: found.begins_at, is_cut: found.is_cut, hops: found.records })
        }
        Ok(None) => json(&Answer::default()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("the trace cannot be read: {error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_sought_by_whatever_names_it() {
        let conversation = |text: &str| text.parse::<Conversation>().unwrap();
        let uuid = "C6AF5FB1-5b00-48f7-98cf-95edb29c704d";
        let chat = conversation("tg:sales:777000111");
        for (text, want) in [
            ("tg:sales:777000111", Some(TraceQuery::Conversation(chat.clone(), None))),
            (
                "tg:sales:777000111:43",
                Some(TraceQuery::Conversation(conversation("tg:sales:777000111:43"), Some((chat, 43)))),
            ),
            ("tg:1:777000111:43", "tg:1:777000111:43".parse().ok().map(TraceQuery::Message)),
            ("tg:1:8/777000111:43:9", "tg:1:8/777000111:43:9".parse().ok().map(TraceQuery::Message)),
            (uuid, Some(TraceQuery::Uuid(uuid.to_ascii_lowercase()))),
            (" 1041 ", Some(TraceQuery::Number("1041".to_owned()))),
            ("+49 (151) 77-000.111", Some(TraceQuery::Phone("4915177000111".to_owned()))),
            ("Anna", None),
            ("", None),
            ("+", None),
            ("tg:sales", None),
        ] {
            assert_eq!(TraceQuery::parse(text), want, "{text}");
        }
    }
}
