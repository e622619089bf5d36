//! `telekommo chats`: which conversation is which chat and contact in Kommo.
//!
//! The conversations are in the store, which the running bridge owns; so it is asked for them over the operator's listener,
//! and a link is queued there. Contacts and leads are asked of the account.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{
    clock,
    config::Config,
    domain::{
        address::{BotId, Conversation, KommoChatId, SourceId, UserId},
        guest::{Guest, Whose},
        work::{Lane, Work},
    },
    kommo::account::Account,
    media::imported::ImportedChats,
    operate::{
        identity,
        parked::ask,
        table::{paragraph, table},
        values,
    },
    store::{Chat, Fact, Intake, NewJob, Store, StoreError},
};

/// The bots, by their sources.
pub(super) type Bots = BTreeMap<SourceId, BotId>;

/// How many conversations are listed at most.
const LISTED: usize = 10_000;

/// What is said about a conversation that is not in the store.
const MISSING: &str = "nobody has written in such a conversation; `telekommo chats list` shows those that there are";

/// What is said about a conversation with nobody who could be forgotten.
const NOBODY: &str =
    "nothing is kept about who is behind this conversation; `telekommo chats list` shows the names that are";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// Show all conversations in which somebody has written to a bot.
    ///
    /// Those that were only imported are not among them: no bot can answer there
    /// before the customer has written. Show, link and `telekommo history` know them.
    #[command(verbatim_doc_comment)]
    List,
    /// Show one, with its contact and leads.
    Show {
        /// Its id in the list, such as `tg:sales:777000111`.
        conversation: String,
    },
    /// Give its chat to a contact; the contact that has it loses it.
    Link {
        /// Its id in the list.
        conversation: String,
        /// The contact's number.
        #[arg(value_parser = values::number::<u64>, allow_negative_numbers = true)]
        contact: u64,
    },
    /// Forget the phone number, name and picture of who is behind it, until they write again.
    Forget {
        /// Its id in the list.
        conversation: String,
    },
    /// Say how a chat is taken from its contact, which Kommo's API cannot do.
    Unlink {
        /// Its id in the list.
        conversation: String,
    },
}

/// A conversation and its chat, as the bridge lists them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    conversation: Conversation,
    chat: String,
    /// What the customer or the group was called when they last wrote, as far as that is known.
    name: Option<String>,
}

pub(super) fn to_json(rows: &[Row]) -> Vec<u8> {
    serde_json::to_vec(rows).expect("a row has string keys only")
}

/// Which conversations the command asks the bridge for.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    /// One, by its id, or all.
    conversation: Option<String>,
}

/// Those that Kommo knows, with the names that `bots` were told; one that is named may be known from an import alone.
pub(super) fn known(
    store: &Store,
    bots: &Bots,
    imported: &ImportedChats,
    which: &Which,
) -> Result<Vec<Row>, StoreError> {
    let chats = match which.conversation.as_deref().map(str::parse::<Conversation>) {
        None => store.chats(LISTED)?.into_iter().map(|(conversation, chat)| (conversation, chat.chat)).collect(),
        Some(Err(_)) => Vec::new(),
        Some(Ok(conversation)) => {
            chat_of(store, imported, &conversation)?.map(|chat| (conversation, chat)).into_iter().collect()
        }
    };
    chats.into_iter().map(|(conversation, chat)| row_of(store, bots, conversation, chat)).collect()
}

/// Kommo's id of a conversation's chat, as the store has it, or else an import.
fn chat_of(
    store: &Store,
    imported: &ImportedChats,
    conversation: &Conversation,
) -> Result<Option<KommoChatId>, StoreError> {
    if let Some(known) = store.chat(conversation)? {
        return Ok(Some(known.chat));
    }
    Ok(imported.find(conversation).unwrap_or_else(|error| {
        tracing::warn!(%conversation, %error, "which chat was imported into cannot be read");
        None
    }))
}

fn row_of(store: &Store, bots: &Bots, conversation: Conversation, chat: KommoChatId) -> Result<Row, StoreError> {
    let portrait = match bots.get(&conversation.source) {
        Some(bot) => store.portrait(*bot, conversation.contact())?,
        None => None,
    };
    Ok(Row { conversation, chat: chat.0, name: portrait.map(|portrait| portrait.name) })
}

/// What the command asks the bridge to do.
#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    conversation: String,
    contact: u64,
}

/// Queues it, unless there is no such conversation.
pub(super) async fn queue(store: &Store, imported: &ImportedChats, wish: Wish) -> Result<bool, StoreError> {
    let Ok(conversation) = wish.conversation.parse::<Conversation>() else { return Ok(false) };
    let looked = (store.clone(), imported.clone(), conversation.clone());
    let chat = spawn_blocking(move || chat_of(&looked.0, &looked.1, &looked.2)).await;
    let chat = chat.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))?;
    let Some(chat) = chat else { return Ok(false) };
    let known = Fact::Chat { conversation: conversation.clone(), chat: Chat { chat, user: None } };
    let facts = if store.chat(&conversation)?.is_none() { vec![known] } else { Vec::new() };
    // The chat is there, so nobody has to be introduced.
    let guest = Guest { id: UserId(conversation.chat.id), name: String::new(), username: None };
    let lane = Lane::links(&conversation);
    let work = Work::Link { conversation, guest, whose: Whose::Contact(wish.contact) };
    let jobs = vec![NewJob { id: None, lane: lane.clone(), work }];
    store.push_with(Intake { jobs, offset: None }, facts, clock::now()).await?;
    // One that waits there for Kommo gives way to it.
    store.hurry(&lane);
    Ok(true)
}

/// Forgets who is behind a conversation, whichever bot they wrote to; false if nothing is known of them.
pub(super) async fn forget(store: &Store, which: Which) -> Result<bool, StoreError> {
    let Some(Ok(conversation)) = which.conversation.map(|name| name.parse::<Conversation>()) else { return Ok(false) };
    store.forget(conversation.contact()).await
}

/// Does what is asked, and prints what came of it.
///
/// # Errors
/// If no bridge runs with this configuration, there is no such conversation, or the account cannot be asked.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    match request {
        Request::List => {
            print!("{}", listing(rows(config, "/chats").await?));
        }
        Request::Show { conversation: name } => {
            let row = row(config, &name).await?;
            print!("{}{}", paragraph("Conversation", &name), paragraph("Chat in Kommo", &row.chat));
            print!("{}", paragraph("In Telegram", &shown(row.name.as_deref())));
            show_contact(&account(config)?, &row.chat).await?;
        }
        Request::Link { conversation: name, contact } => {
            let (account, row) = (account(config)?, row(config, &name).await?);
            let card = account.contact(contact).await?;
            let card =
                card.with_context(|| format!("Kommo has no contact {contact}: deleted, or merged into another?"))?;
            if account.contact_of_chat(&row.chat).await? == Some(contact) {
                println!("{name} belongs to contact {contact} already.");
                return Ok(());
            }
            let path = format!("/chats/link?conversation={}&contact={contact}", encoded(&name));
            ask(config.admin.listen, Method::POST, &path, MISSING).await?;
            let called = card.name.unwrap_or_default();
            print!("{}", paragraph("Queued", &format!("{name} becomes a chat of contact {contact} ({called}).")));
        }
        Request::Forget { conversation: name } => {
            let path = format!("/chats/forget?conversation={}", encoded(&name));
            ask(config.admin.listen, Method::POST, &path, NOBODY).await?;
            print!("{}", paragraph("Forgotten", &forgotten(config, &name)));
        }
        Request::Unlink { conversation: name } => {
            let row = row(config, &name).await?;
            bail!(
                "Kommo's API cannot take a chat from its contact, only give it to another one: `telekommo chats link {} \
                 CONTACT`. In Kommo, a manager can split it off the contact's card",
                row.conversation
            );
        }
    }
    Ok(())
}

/// What is gone, and what is not.
fn forgotten(config: &Config, name: &str) -> String {
    let dumps = config.store.dump_every * config.store.dump_keep.get();
    format!(
        "the phone number, the name and the picture of who is behind {name}, until they write again. Ids of chats and messages \
         stay, so that nothing is sent twice. Messages that wait or are parked (`telekommo parked list`) stay until they are \
         delivered or dropped. The dumps of the store still have it for {}, and what `restore` set aside and the copies of imports \
         (`imports` in the data directory) until you delete them. What is in Kommo is deleted in Kommo.",
        humantime::format_duration(dumps)
    )
}

/// All conversations, or as many as are told.
fn listing(rows: Vec<Row>) -> String {
    if rows.is_empty() {
        return "Nobody has written to a bot yet.\n".to_owned();
    }
    let more = if rows.len() < LISTED {
        String::new()
    } else {
        format!("\nThese are the first {LISTED}; `telekommo chats show CONVERSATION` finds any.\n")
    };
    let head = ["CONVERSATION", "NAME", "CHAT IN KOMMO"].map(str::to_owned);
    let lines = rows.into_iter().map(|row| [row.conversation.to_string(), shown(row.name.as_deref()), row.chat]);
    table(&[vec![head], lines.collect()].concat(), 1) + &more
}

/// A name for a terminal, which obeys some characters.
fn shown(name: Option<&str>) -> String {
    name.unwrap_or("-").chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

async fn rows(config: &Config, path: &str) -> anyhow::Result<Vec<Row>> {
    let answer = ask(config.admin.listen, Method::GET, path, MISSING).await?;
    serde_json::from_slice(&answer.bytes().await?).context("the answer is not the bridge's")
}

async fn row(config: &Config, name: &str) -> anyhow::Result<Row> {
    let rows = rows(config, &format!("/chats?conversation={}", encoded(name))).await?;
    rows.into_iter().next().context(MISSING)
}

fn account(config: &Config) -> anyhow::Result<Account> {
    let missing = "contacts are asked of the account: write kommo.account_url and kommo.access_token";
    identity::client(&config.kommo)?.context(missing)
}

async fn show_contact(account: &Account, chat: &str) -> anyhow::Result<()> {
    let Some(id) = account.contact_of_chat(chat).await? else {
        print!("{}", paragraph("Contact", "none: the chat has no message yet, or its contact was deleted"));
        return Ok(());
    };
    let Some(contact) = account.contact(id).await? else {
        let text = format!("{id}, which Kommo does not show: it was deleted, or its lead is still an incoming one");
        print!("{}", paragraph("Contact", &text));
        return Ok(());
    };
    let list = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
    print!("{}", paragraph("Contact", &format!("{id} {}", contact.name.clone().unwrap_or_default())));
    print!("{}", paragraph("Phones", &list(contact.texts("PHONE").map(str::to_owned).collect())));
    print!("{}", paragraph("Leads", &list(contact.leads.iter().map(u64::to_string).collect())));
    print!("{}", paragraph("Chats", &account.chats_of_contact(id).await?.len().to_string()));
    Ok(())
}

/// A text as it stands in a query.
fn encoded(text: &str) -> String {
    reqwest::Url::parse_with_params("http://localhost", [("q", text)])
        .ok()
        .and_then(|url| url.query().and_then(|query| query.strip_prefix("q=")).map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_says_so() {
        let row = |chat| Row {
            conversation: format!("tg:sales:{chat}").parse().unwrap(),
            chat: "b52c".to_owned(),
            name: Some("Anna\u{1b}[2J".to_owned()),
        };
        let told = |count: usize| listing((1..=count).map(row).collect());
        assert_eq!(
            told(0),
            "Nobody has written to a bot yet.
"
        );
        assert!(told(LISTED - 1).ends_with(
            "tg:sales:9999  Anna [2J  b52c
"
        ));
        assert!(told(LISTED).contains("the first 10000"));
    }
}
