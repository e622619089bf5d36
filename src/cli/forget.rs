//! `telekommo forget`: everything that the store has of a person or a group goes.

use anyhow::{Context as _, bail};

use crate::{
    admin::erasing::ErasureReport,
    cli::{
        bridge,
        chats::encoded,
        terminal::{self, paragraph},
    },
    config::Config,
    domain::{
        address::Conversation,
        amount::{counted, duration_in_words},
    },
};

/// What the help says.
pub const ABOUT: &str = "\
Erase all that the store has of a customer or a group

Messages that wait or are parked are deleted with the rest, and never sent. The
other bots' conversations with the same customer go, too. What is in Kommo, in
dumps and in backups stays: the command says so. `telekommo chats forget` keeps
messages and ids.";

/// What is said where there is nothing.
const NOTHING: &str = "the store has nothing of this conversation; `telekommo chats list` lists all conversations";

/// Erases the customer or the group of a conversation, once that is meant, and says what is gone and what stays.
///
/// # Errors
/// If it is not meant, there is nothing, or a message of theirs is being sent right now.
pub async fn run(config: &Config, conversation: &Conversation, is_meant: bool) -> anyhow::Result<()> {
    confirm(conversation, is_meant)?;
    let path = format!("/forget?conversation={}", encoded(&conversation.to_string()));
    let answer = bridge::with(config, async |bridge| bridge.change(&path, NOTHING).await).await?;
    let report: ErasureReport = serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
    terminal::print(paragraph("Erased", &gone(conversation, &report)));
    terminal::print(paragraph("Stays", &left(config)));
    Ok(())
}

fn confirm(conversation: &Conversation, is_meant: bool) -> anyhow::Result<()> {
    if is_meant || !terminal::is_interactive() {
        return Ok(());
    }
    let question = format!(
        "What waits or is parked for {conversation} is never sent, and nothing brings it back.\nErase all? (yes or no)"
    );
    match terminal::line(&question, Some("no"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

fn gone(conversation: &Conversation, report: &ErasureReport) -> String {
    let ErasureReport { waiting, parked, messages, conversations, hops: _, details } = report;
    let details = if *details { "the name, the picture and the phone number as far as they were known" } else { "" };
    let parts = [
        details.to_owned(),
        format!("{}, {conversation} or of the same customer", counted(*conversations, "conversation")),
        counted(*waiting, "waiting message"),
        counted(*parked, "parked message"),
        format!("the ids of {}", counted(*messages, "message")),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn left(config: &Config) -> String {
    let dumps = config.store.dump_every * config.store.dump_keep.get();
    format!(
        "what is in Kommo and in Telegram: delete it there. Dumps keep the data for {}, `dumps/before-upgrade-*` and \
         what `restore` set aside for {} (retention.moved_aside), imported files (`imports`) for {} \
         (retention.imports), and backups until you delete them. Numbers of updates and hooks stay for {}, so that \
         none is taken twice. Who writes again is a new customer.",
        duration_in_words(dumps),
        duration_in_words(config.retention.moved_aside),
        duration_in_words(config.retention.imports),
        duration_in_words(config.store.dedupe_for)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_what_is_gone() {
        let conversation = "tg:sales:7".parse().unwrap();
        let report = ErasureReport { waiting: 2, parked: 1, messages: 14, conversations: 1, hops: 3, details: true };
        assert_eq!(
            gone(&conversation, &report),
            "the name, the picture and the phone number as far as they were known; 1 conversation, tg:sales:7 or of \
             the same customer; 2 waiting messages; 1 parked message; the ids of 14 messages"
        );
    }
}
