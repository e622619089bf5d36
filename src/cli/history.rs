//! `telekommo history`: what Kommo has of a conversation.
//!
//! The history goes by Kommo's id of the chat, which the running bridge knows. Asking Kommo for it would make a chat
//! where there is none.

use anyhow::bail;
use chrono::{Local, Utc};
use reqwest::Url;

use crate::{
    cli::{bridge, terminal},
    config::Config,
    domain::address::{Conversation, is_uuid},
};

mod pages;
mod shown;

pub(super) use pages::Histories;
pub(super) use shown::Message;

/// What is wanted of a history.
#[derive(Clone, Debug)]
pub struct Request {
    /// A conversation of ours, or Kommo's id of a chat.
    pub of: String,
    /// The newest so many messages.
    pub limit: usize,
    pub json: bool,
    /// Whether times are in UTC, not in this machine's time zone.
    pub utc: bool,
}

/// Prints what Kommo has of a conversation, the newest at the end.
///
/// # Errors
/// If the conversation is not known, or Kommo does not answer.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    let histories = Histories::begin(config).await?;
    let chat = kommo_chat(config, &request.of).await?;
    let past = histories.read(&chat, request.limit).await?;
    if request.json {
        terminal::print(format_args!("{}\n", shown::json(&past)?));
    } else if past.is_empty() {
        terminal::say("Kommo has no message of this conversation.\n");
    } else if request.utc {
        terminal::print(shown::text(&past, &Utc, terminal::text_columns()));
    } else {
        terminal::print(shown::text(&past, &Local, terminal::text_columns()));
    }
    Ok(())
}

async fn kommo_chat(config: &Config, of: &str) -> anyhow::Result<String> {
    let conversation = match named(of)? {
        Named::Chat(chat) => return Ok(chat),
        Named::Conversation(conversation) => conversation,
    };
    let found = bridge::with(config, async |bridge| {
        let missing = format!(
            "no chat of Kommo's is known for {conversation}: the customer has not written to this bridge, and nothing \
             was imported. You can name the chat by Kommo's UUID, too"
        );
        bridge.ask(&path(&conversation), &missing).await
    });
    Ok(String::from_utf8_lossy(&found.await?).into_owned())
}

/// What a history is asked for by.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Chat(String),
    Conversation(Conversation),
}

fn named(of: &str) -> anyhow::Result<Named> {
    match of.parse() {
        Ok(conversation) => Ok(Named::Conversation(conversation)),
        Err(_) if is_uuid(of) => Ok(Named::Chat(of.to_owned())),
        Err(_) => bail!("{of:?} is neither a conversation, such as tg:sales:777000111, nor the UUID of a Kommo chat"),
    }
}

/// Where the bridge says which chat a conversation is.
pub(in crate::cli) fn path(conversation: &Conversation) -> String {
    let mut url = Url::parse("http://localhost/chats").ok();
    if let Some(mut path) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        path.push(&conversation.to_string());
    }
    url.map(|url| url.path().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_a_conversation_nor_a_chat_is_refused() {
        for wrong in ["", "sales", "777000111", "tg:sales", "zzzzzzzz-e60e-4d05-a2c5-a5bf1d6a1b51"] {
            let error = named(wrong).unwrap_err().to_string();
            assert!(error.contains("neither a conversation"), "{wrong}: {error}");
        }
        let chat = "99999999-8888-4777-8666-555555555555";
        assert_eq!(named(chat).unwrap(), Named::Chat(chat.to_owned()));
        let Named::Conversation(conversation) = named("tg:sales:7").unwrap() else { panic!("it is a conversation") };
        assert_eq!(path(&conversation), "/chats/tg:sales:7");
    }
}
