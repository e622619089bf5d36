//! What the running bridge says about its conversations, and what it queues for them.

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
    /// What the customer or the group was called when they last wrote, as far as that is known.
    pub(crate) name: Option<String>,
    /// The customer's public name in Telegram, without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// Their own phone number, if they have shared it: digits alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    /// When something was last said there, if that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_message_at: Option<UnixMillis>,
}

impl ChatEntry {
    /// Whether a text is in something that a person knows of it: ids, names, and the phone number however it is
    /// written.
    fn has(&self, text: &str) -> bool {
        let wanted = text.to_lowercase();
        let is_in = |field: &str| field.to_lowercase().contains(&wanted);
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

/// Which conversations the command asks the bridge for.
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

/// Those that Kommo knows, with the names that `bots` were told, at most [`LISTED`]; one that is named may be known
/// from an import alone.
pub(crate) async fn known(
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

/// Kommo's id of a conversation's chat, as the store has it, or else an import.
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

/// What the command asks the bridge to do.
#[derive(Debug, Deserialize)]
pub(crate) struct LinkRequest {
    conversation: String,
    contact: u64,
}

/// Queues it, unless there is no such conversation.
pub(crate) async fn queue(store: &Store, imported: &Imports, wish: LinkRequest) -> Result<bool, StoreError> {
    let Ok(conversation) = wish.conversation.parse::<Conversation>() else { return Ok(false) };
    let Some(chat) = chat_of(store, imported, &conversation)? else { return Ok(false) };
    let known = StateChange::Chat { conversation: conversation.clone(), chat: Chat { chat, user: None } };
    let changes = if store.chat(&conversation)?.is_none() { vec![known] } else { Vec::new() };
    // The chat is there, so nobody has to be introduced.
    let customer = CustomerProfile { id: UserId(conversation.chat.id), name: String::new(), username: None };
    let lane = Lane::links(&conversation);
    let job = Job::from(Link { conversation, customer, whose: LinkTarget::Contact(wish.contact) });
    let jobs = vec![NewJob { id: None, lane: lane.clone(), job }];
    store.push_with(Intake { jobs, offset: None }, changes, clock::now()).await?;
    // One that waits there for Kommo gives way to it.
    store.make_due(&lane);
    Ok(true)
}

/// Forgets who is behind a conversation, whichever bot they wrote to; false if nothing is known of them.
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
