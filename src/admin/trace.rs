//! What became of a message, for `telekommo trace`.

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

/// What the command gets. The names of its fields stay.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Whether hops are kept at all.
    pub(crate) is_on: bool,
    /// When the oldest hop of all was.
    pub(crate) begins_at: Option<UnixMillis>,
    /// Whether there are older hops of this than are told.
    pub(crate) is_cut: bool,
    pub(crate) hops: Vec<Hop>,
}

/// What somebody may look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// A conversation. If its end is a number, it may as well be a message of Telegram's in the one that is named
    /// before.
    Conversation(Conversation, Option<(Conversation, i64)>),
    /// A message of Telegram's, as Kommo knows it.
    Message(MessageId),
    /// A message or a chat of Kommo's.
    Uuid(String),
    /// A job, or what is parked; or a phone number.
    Number(String),
    /// The digits of a phone number.
    Phone(String),
}

impl Sought {
    /// Reads what somebody looks for; `None` if it is nothing that a message could be found by.
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
        let is_phone = text.chars().all(|sign| sign.is_ascii_digit() || "+-() ./".contains(sign));
        (is_phone && !digits.is_empty()).then_some(Self::Phone(digits))
    }

    /// By what its hops are found, with what the store knows of it.
    async fn wanted(self, store: &Store) -> Result<Wanted, StoreError> {
        let mut wanted = Wanted::default();
        match self {
            Self::Conversation(conversation, within) => {
                wanted.conversations.insert(conversation);
                wanted.in_conversation = within;
            }
            Self::Message(message) => {
                wanted.ids.insert(message.to_string());
                wanted.ids.extend(store.kommo_message(&message)?.map(|id| id.to_string()));
            }
            Self::Uuid(id) => {
                let ours = store.telegram_messages(&KommoMessageId(id.clone()))?;
                wanted.ids.extend(ours.iter().map(ToString::to_string));
                let chats = store.chats().await?.into_iter().filter(|(_, chat)| chat.chat.0 == id);
                wanted.conversations.extend(chats.map(|(conversation, _)| conversation));
                wanted.ids.insert(id);
            }
            Self::Number(number) => {
                wanted.numbers.extend(number.parse::<u64>().ok());
                wanted.contacts = owners(store, &number)?;
            }
            Self::Phone(digits) => wanted.contacts = owners(store, &digits)?,
        }
        Ok(wanted)
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

/// What is looked for.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    what: String,
}

/// The hops of what is looked for. They say who writes to whom, so they are for our own commands alone.
pub(super) async fn show(State(admin): State<Admin>, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let Some(sought) = Sought::parse(&asked.what) else { return StatusCode::BAD_REQUEST.into_response() };
    let wanted = match sought.wanted(&admin.store).await {
        Ok(wanted) => wanted,
        Err(error) => return failed(&error),
    };
    match admin.trace.find(wanted).await {
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
            ("tg:sales:777000111", Some(Sought::Conversation(chat.clone(), None))),
            (
                "tg:sales:777000111:43",
                Some(Sought::Conversation(conversation("tg:sales:777000111:43"), Some((chat, 43)))),
            ),
            ("tg:1:777000111:43", "tg:1:777000111:43".parse().ok().map(Sought::Message)),
            ("tg:1:8/777000111:43:9", "tg:1:8/777000111:43:9".parse().ok().map(Sought::Message)),
            (uuid, Some(Sought::Uuid(uuid.to_ascii_lowercase()))),
            (" 1041 ", Some(Sought::Number("1041".to_owned()))),
            ("+49 (151) 77-000.111", Some(Sought::Phone("4915177000111".to_owned()))),
            ("Anna", None),
            ("", None),
            ("+", None),
            ("tg:sales", None),
        ] {
            assert_eq!(Sought::parse(text), want, "{text}");
        }
    }
}
