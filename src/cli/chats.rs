//! `telekommo chats`: which conversation is which chat and contact in Kommo.
//!
//! The conversations are in the store, so whoever has it is asked for them, and a link is queued there. Contacts and
//! leads are asked of the account.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::{
    admin::{
        chats::{ChatEntry, ChatFilter},
        identity,
    },
    cli::{
        bridge::{self, Bridge},
        table::plain,
        terminal::{self, paragraph},
        values,
    },
    clock,
    config::Config,
    domain::amount,
    kommo::account::Account,
};

mod list;

/// What is said about a conversation that is not in the store.
const MISSING: &str = "there is no such conversation; `telekommo chats list` lists all conversations";

/// What is said about a conversation with nobody who could be forgotten.
const NOBODY: &str =
    "the store has nothing about the person in this conversation; `telekommo chats list` shows the names that it has";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List the conversations in which a customer has written to a bot
    ///
    /// Conversations that were only imported are not listed: no bot can answer there
    /// before the customer has written. `show`, `link` and `telekommo history` know them.
    #[command(verbatim_doc_comment)]
    List(Listing),
    /// Show a conversation with its contact and leads.
    Show {
        /// Its id in the list, such as `tg:sales:777000111`.
        conversation: String,
    },
    /// Give the chat to a contact; its former contact loses it.
    ///
    /// Kommo's API cannot take a chat from its contact without giving it to another one. A manager can split
    /// it off the contact's card in Kommo.
    Link {
        /// Its id in the list.
        conversation: String,
        /// The contact's number.
        #[arg(value_parser = values::number::<u64>, allow_negative_numbers = true)]
        contact: u64,
    },
    /// Forget the person's phone number, name and picture, until they write again.
    ///
    /// Messages and ids stay. `telekommo forget` erases those as well, with messages that wait.
    Forget {
        /// Its id in the list.
        conversation: String,
    },
    /// Explain how to take a chat from its contact, which Kommo's API cannot.
    Unlink {
        /// Its id in the list.
        conversation: String,
    },
}

/// Which conversations are listed, and how.
#[derive(Clone, Debug, Default, Args)]
pub struct Listing {
    /// Only those with this text in the name, the public name, the phone number or an id.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those of this source: a section [sources.NAME].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Does what is asked, and prints what came of it.
///
/// # Errors
/// If there is no store, there is no such conversation, or the account cannot be asked.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    bridge::with(config, async |bridge| asked(config, bridge, request).await).await
}

async fn asked(config: &Config, bridge: &Bridge, request: Request) -> anyhow::Result<()> {
    bridge.note_if_stopped();
    match request {
        Request::List(wanted) => list(config, bridge, wanted).await?,
        Request::Show { conversation: name } => {
            let row = row(bridge, &name).await?;
            terminal::print(shown(&row));
            show_contact(&account(config)?, &row.chat).await?;
        }
        Request::Link { conversation: name, contact } => {
            let (account, row) = (account(config)?, row(bridge, &name).await?);
            let card = account.contact(contact).await?;
            let card =
                card.with_context(|| format!("Kommo has no contact {contact}. It may have been deleted or merged"))?;
            if account.contact_of_chat(&row.chat).await? == Some(contact) {
                terminal::say(&format!("{name} belongs to contact {contact} already.\n"));
                return Ok(());
            }
            let path = format!("/chats/link?conversation={}&contact={contact}", encoded(&name));
            bridge.change(&path, MISSING).await?;
            let called = plain(&card.name.unwrap_or_default());
            terminal::print(paragraph("Queued", &format!("{name} becomes a chat of contact {contact} ({called}).")));
        }
        Request::Forget { conversation: name } => {
            let path = format!("/chats/forget?conversation={}", encoded(&name));
            bridge.change(&path, NOBODY).await?;
            terminal::print(paragraph("Forgotten", &forgotten(config, &name)));
        }
        Request::Unlink { conversation: name } => {
            let row = row(bridge, &name).await?;
            bail!(
                "Kommo's API cannot take a chat from its contact, only give it to another one: `telekommo chats link \
                 {} CONTACT`. In Kommo, a manager can split it off the contact's card",
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
        "the phone number, the name and the picture of the person in {name}, until they write again. Ids of chats and \
         messages stay, so that nothing is sent twice; their trace (`telekommo trace`) is erased. Messages that wait or are parked (`telekommo parked list`) stay \
         until they are delivered or dropped. Dumps of the store keep the data for {}. What `restore` set aside and \
         the copies of imports (`imports` in the data directory) keep it until you delete them. Delete what is in \
         Kommo there.",
        amount::duration_in_words(dumps)
    )
}

async fn list(config: &Config, bridge: &Bridge, wanted: Listing) -> anyhow::Result<()> {
    if let Some(name) = &wanted.source
        && !config.sources.keys().any(|source| source.as_str() == name)
    {
        let sources: Vec<_> = config.sources.keys().map(ToString::to_string).collect();
        bail!("there is no source {name}; the sources are {}", sources.join(", "));
    }
    let which = ChatFilter { conversation: None, source: wanted.source, search: wanted.search };
    let rows = rows(bridge, &path(&which)).await?;
    if wanted.json {
        terminal::print(format_args!("{}\n", serde_json::to_string_pretty(&rows)?));
    } else {
        let is_filtered = which.source.is_some() || which.search.is_some();
        terminal::say(&list::shown(&rows, is_filtered, clock::now(), terminal::table_columns()));
    }
    Ok(())
}

/// Where the bridge tells of some conversations.
fn path(which: &ChatFilter) -> String {
    let all = [("conversation", &which.conversation), ("source", &which.source), ("search", &which.search)];
    let written = all.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let query = reqwest::Url::parse_with_params("http://localhost/chats", written);
    query.map_or_else(|_| "/chats".to_owned(), |url| format!("/chats?{}", url.query().unwrap_or_default()))
}

/// One conversation, as far as the bridge knows it.
fn shown(row: &ChatEntry) -> String {
    let last = row.last_message_at.map_or_else(|| "-".to_owned(), |at| amount::ago(at, clock::now()));
    let lines = [
        ("Conversation", row.conversation.to_string()),
        ("Chat in Kommo", row.chat.clone()),
        ("In Telegram", list::called(row)),
        ("Shared phone", list::phone(row)),
        ("Last message", last),
    ];
    lines.iter().map(|(label, text)| paragraph(label, text)).collect()
}

async fn rows(bridge: &Bridge, path: &str) -> anyhow::Result<Vec<ChatEntry>> {
    let answer = bridge.ask(path, MISSING).await?;
    serde_json::from_slice(&answer).context("the answer does not come from a bridge")
}

async fn row(bridge: &Bridge, name: &str) -> anyhow::Result<ChatEntry> {
    let which = ChatFilter { conversation: Some(name.to_owned()), ..ChatFilter::default() };
    rows(bridge, &path(&which)).await?.into_iter().next().context(MISSING)
}

pub(super) fn account(config: &Config) -> anyhow::Result<Account> {
    let missing = "contacts need the account's API: set kommo.account_url and kommo.access_token";
    identity::client(&config.kommo)?.context(missing)
}

async fn show_contact(account: &Account, chat: &str) -> anyhow::Result<()> {
    let Some(id) = account.contact_of_chat(chat).await? else {
        terminal::print(paragraph("Contact", "none: the chat has no message yet, or its contact was deleted"));
        return Ok(());
    };
    let Some(contact) = account.contact(id).await? else {
        let text = format!("{id}, which Kommo does not show: it was deleted, or its lead is still an incoming one");
        terminal::print(paragraph("Contact", &text));
        return Ok(());
    };
    let list = |texts: Vec<String>| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
    let name = plain(contact.name.as_deref().unwrap_or_default());
    terminal::print(paragraph("Contact", &format!("{id} {name}")));
    terminal::print(paragraph("Phones", &list(contact.texts("PHONE").map(str::to_owned).collect())));
    terminal::print(paragraph("Leads", &list(contact.leads.iter().map(u64::to_string).collect())));
    terminal::print(paragraph("Chats", &account.chats_of_contact(id).await?.len().to_string()));
    Ok(())
}

/// A text as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    reqwest::Url::parse_with_params("http://localhost", [("q", text)])
        .ok()
        .and_then(|url| url.query().and_then(|query| query.strip_prefix("q=")).map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_asked_for_as_it_was_written() {
        let which = |source: Option<&str>, search: Option<&str>| ChatFilter {
            conversation: None,
            source: source.map(str::to_owned),
            search: search.map(str::to_owned),
        };
        assert_eq!(path(&which(Some("sales"), Some("Änna & +49"))), "/chats?source=sales&search=%C3%84nna+%26+%2B49");
        assert_eq!(path(&which(None, None)), "/chats?");
    }
}
