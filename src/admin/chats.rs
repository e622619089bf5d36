//! The conversations of the running bridge, and what commands queue for them.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{
    admin::erasing::erase_trace,
    clock,
    domain::{
        address::{BotId, ContactId, Conversation, KommoChatId, SourceId, UserId},
        crm::{CustomerProfile, LinkTarget, digits},
        job::{Job, Lane, Link},
        time::UnixMillis,
    },
    store::{Chat, Imports, Intake, NewJob, StateChange, Store, StoreError},
    trace::Trace,
};

/// The bots, by their sources.
pub(crate) type Bots = BTreeMap<SourceId, BotId>;

/// The most conversations that are listed.
pub(crate) const LISTED: usize = 10_000;

/// A conversation and its chat, as the bridge lists them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChatEntry {
    pub(crate) conversation: Conversation,
    pub(crate) chat: String,
    /// The name of the customer or group as of their last message, if known.
    pub(crate) name: Option<String>,
    /// The customer's public name in Telegram, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// Their own phone number, if they have shared it: digits alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    /// When the last message was written there, if that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_message_at: Option<UnixMillis>,
}

impl ChatEntry {
    /// Whether a text occurs in what a person would search by: ids, names, and the phone number however it is written.
    fn has(&self, text: &str) -> bool {
        let needle = text.to_lowercase();
        let is_in = |field: &str| field.to_lowercase().contains(&needle);
        let username = self.username.as_ref().map(|name| format!("@{name}"));
        let number = is_number(text).then(|| digits(text));
        let phone = |phone: &String| number.as_ref().is_some_and(|number| phone.contains(number.as_str()));
        is_in(&self.conversation.to_string())
            || is_in(&self.chat)
            || self.name.as_deref().is_some_and(is_in)
            || username.as_deref().is_some_and(is_in)
            || self.phone.as_ref().is_some_and(phone)
    }
}

/// Whether a text is written as phone numbers are.
fn is_number(text: &str) -> bool {
    text.contains(|sign: char| sign.is_ascii_digit())
        && text.chars().all(|sign| sign.is_ascii_digit() || "+-() ./".contains(sign))
}

pub(crate) fn to_json(rows: &[ChatEntry]) -> Vec<u8> {
    serde_json::to_vec(rows).expect("a row has string keys only")
}

/// Which conversations to list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ChatFilter {
    /// One, by its id, or all.
    pub(crate) conversation: Option<String>,
    /// Those of one source.
    pub(crate) source: Option<String>,
    /// Those that have this text ([`ChatEntry::has`]).
    pub(crate) search: Option<String>,
}

impl ChatFilter {
    fn is_of_source(&self, conversation: &Conversation) -> bool {
        self.source.as_ref().is_none_or(|source| conversation.source.as_str() == source)
    }

    fn has(&self, row: &ChatEntry) -> bool {
        self.search.as_ref().is_none_or(|text| row.has(text))
    }
}

/// Lists conversations with a chat in Kommo, with the names that the bots have seen, at most [`LISTED`]. One that is
/// asked for by its id may be known from an import alone.
pub(crate) async fn list(
    store: Store,
    bots: Arc<Bots>,
    imported: Imports,
    which: ChatFilter,
) -> Result<Vec<ChatEntry>, StoreError> {
    let all = if which.conversation.is_none() { store.chats().await? } else { Vec::new() };
    let rows = spawn_blocking(move || {
        let mut chats: Vec<_> = all.into_iter().map(|(conversation, chat)| (conversation, chat.chat)).collect();
        if let Some(Ok(conversation)) = which.conversation.as_deref().map(str::parse::<Conversation>) {
            chats.extend(chat_of(&store, &imported, &conversation)?.map(|chat| (conversation, chat)));
        }
        let chats = chats.into_iter().filter(|(conversation, _)| which.is_of_source(conversation));
        let rows = chats.map(|(conversation, chat)| row_of(&store, &bots, conversation, chat));
        rows.filter(|row| row.as_ref().map_or(true, |row| which.has(row))).take(LISTED).collect()
    });
    rows.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
}

/// Kommo's id of a conversation's chat, from the store or else from an import.
fn chat_of(store: &Store, imported: &Imports, conversation: &Conversation) -> Result<Option<KommoChatId>, StoreError> {
    if let Some(known) = store.chat(conversation)? {
        return Ok(Some(known.chat));
    }
    imported.chat(conversation)
}

fn row_of(store: &Store, bots: &Bots, conversation: Conversation, chat: KommoChatId) -> Result<ChatEntry, StoreError> {
    let contact = conversation.contact();
    let avatar = match bots.get(&conversation.source) {
        Some(bot) => store.avatar(*bot, contact)?,
        None => None,
    };
    let number = match contact {
        ContactId::Person(customer) => store.number_of(customer)?,
        ContactId::Group(_) => None,
    };
    Ok(ChatEntry {
        last_message_at: store.active_at(&conversation)?,
        conversation,
        chat: chat.0,
        username: avatar.as_ref().and_then(|avatar| avatar.username.clone()),
        name: avatar.map(|avatar| avatar.name),
        phone: number.map(|number| number.phone),
    })
}

/// Which chat to link to which contact.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkRequest {
    conversation: String,
    contact: u64,
}

/// Queues the link. Returns false if there is no such conversation.
pub(crate) async fn queue_link(store: &Store, imported: &Imports, request: LinkRequest) -> Result<bool, StoreError> {
    let Ok(conversation) = request.conversation.parse::<Conversation>() else { return Ok(false) };
    let Some(chat) = chat_of(store, imported, &conversation)? else { return Ok(false) };
    let change = StateChange::Chat { conversation: conversation.clone(), chat: Chat { chat, user: None } };
    let changes = if store.chat(&conversation)?.is_none() { vec![change] } else { Vec::new() };
    // The chat exists already, so the customer needs no introduction to Kommo.
    let customer = CustomerProfile { id: UserId(conversation.chat.id), name: String::new(), username: None };
    let lane = Lane::links(&conversation);
    let job = Job::from(Link { conversation, customer, whose: LinkTarget::Contact(request.contact) });
    let jobs = vec![NewJob { id: None, lane: lane.clone(), job }];
    store.push_with(Intake { jobs, offset: None }, changes, clock::now()).await?;
    // A link that waits there for Kommo is superseded by this one.
    store.make_due(&lane);
    Ok(true)
}

/// Forgets who is behind a conversation, whichever bot they wrote to. Returns false if nothing is known of them.
pub(crate) async fn forget((store, trace): (&Store, &Trace), which: ChatFilter) -> Result<bool, StoreError> {
    let Some(Ok(conversation)) = which.conversation.map(|name| name.parse::<Conversation>()) else { return Ok(false) };
    let contact = conversation.contact();
    let is_known = store.forget(contact).await?;
    Ok(erase_trace(trace, contact).await? > 0 || is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_by_whatever_is_known_of_them() {
        let row = |conversation: &str, name: &str| ChatEntry {
            conversation: conversation.parse().unwrap(),
            chat: "b52c7f0e-1111-4222-8333-444455556666".to_owned(),
            name: Some(name.to_owned()),
            username: None,
            phone: None,
            last_message_at: None,
        };
        let club = row("tg:sales:-1002233445566", "Garden club of the northern suburbs");
        let anna = ChatEntry {
            username: Some("annap".to_owned()),
            phone: Some("4915177000111".to_owned()),
            ..row("tg:sales:777000111", "Anna Petrova")
        };
        for text in ["petrova", "ANNA", "@annap", "777000111", "+49 151 77000111", "0111", "tg:sales", "b52c7f0e"] {
            assert!(anna.has(text), "{text}");
        }
        for text in ["Petrov Anna", "annap2", "+49 151 8", "support", "+"] {
            assert!(!anna.has(text), "{text}");
        }
        assert!(club.has("garden club") && !club.has("+"));
    }
}
