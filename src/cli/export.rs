//! `telekommo export`: what Kommo has of conversations, a line of JSON for each message.

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::{
    admin::chats::ChatEntry,
    cli::{
        bar::Bar,
        bridge,
        history::{self, Histories},
        terminal,
    },
    config::Config,
    domain::{address::Conversation, amount::counted},
};

/// What the help says.
pub const ABOUT: &str = "\
Print conversations as Kommo has them, a line of JSON for each message

The oldest message of a conversation comes first. Each line names the
conversation, the author, the text, and the name and address of a file; the
files themselves stay where they are. Without a name, all conversations in
which a customer has written to a bot are printed. Kommo is asked at a quarter
of kommo.requests_per_second, and again where it asks for patience.";

/// A message with its conversation.
#[derive(Serialize)]
struct Line<'a> {
    conversation: &'a str,
    chat: &'a str,
    #[serde(flatten)]
    message: history::Message<'a>,
}

/// Prints the conversations with these names, or all of them.
///
/// # Errors
/// If one is not known; or, when the others are printed, if Kommo did not give some.
pub async fn run(config: &Config, wanted: &[Conversation]) -> anyhow::Result<()> {
    let histories = Histories::begin(config).await?;
    let found = found(config, wanted).await?;
    let (mut bar, mut failed) = (Bar::new(found.len()), Vec::new());
    for (conversation, chat) in &found {
        match histories.read(chat, usize::MAX).await {
            Ok(past) => {
                for past in &past {
                    let line = Line { conversation, chat, message: history::Message::of(past) };
                    terminal::print(format_args!("{}\n", serde_json::to_string(&line)?));
                }
            }
            Err(error) => failed.push(format!("{conversation}: {error:#}")),
        }
        bar.step();
    }
    bar.end();
    if !failed.is_empty() {
        bail!("{} not exported: {}", counted(failed.len(), "conversation"), failed.join("; "));
    }
    Ok(())
}

/// The conversations with their chats in Kommo.
async fn found(config: &Config, wanted: &[Conversation]) -> anyhow::Result<Vec<(String, String)>> {
    bridge::with(config, async |bridge| {
        let mut found = Vec::new();
        for conversation in wanted {
            let missing = format!("no chat of Kommo's is known for {conversation}: `telekommo chats list` lists all");
            let chat = bridge.ask(&history::path(conversation), &missing).await?;
            found.push((conversation.to_string(), String::from_utf8_lossy(&chat).into_owned()));
        }
        if wanted.is_empty() {
            let answer = bridge.ask("/chats", "this bridge lists no conversations").await?;
            let rows: Vec<ChatEntry> =
                serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
            found.extend(rows.into_iter().map(|row| (row.conversation.to_string(), row.chat)));
        }
        Ok(found)
    })
    .await
}
