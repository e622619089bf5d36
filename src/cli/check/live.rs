//! `telekommo check --live`: what Kommo's documentation leaves open, found out in one conversation of the operator's
//! own.

use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::Url;

use crate::{
    admin::chats::ChatEntry,
    cli::{
        check::{
            UNKNOWN,
            live::{
                outcome::{Answered, ProbeOutcome},
                probes::Probes,
            },
            message::{TestRecipient, Trial},
        },
        terminal,
    },
    config::Config,
    domain::address::{Conversation, UserId},
};

mod outcome;
mod probes;
mod report;
mod sending;
mod verdicts;

/// Finds out what can be found out, prints it, and writes it into a file.
///
/// # Errors
/// If no bridge runs, the operator does not agree, or there is no conversation to try it in.
pub(super) async fn run(
    config: &Config,
    recipient: &TestRecipient,
    is_agreed: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    if !is_agreed && !terminal::is_interactive() {
        bail!("this sends test messages to Kommo: say --yes if they may be sent");
    }
    let (trial, bot) = Trial::open(config, recipient.source.as_deref()).await?;
    let conversation = match trial.chat(config, recipient) {
        Some(chat) => Conversation::new(trial.source.clone(), chat),
        None if json => bail!("--json waits for nobody: name your chat with the bot by --chat"),
        None => trial.wait_for_somebody().await?,
    };
    let person = person(&conversation)?;
    let row = known(&trial, &conversation).await?;
    if !is_agreed {
        agree(&question(&trial.bot, &row))?;
    }
    let mut probes = Probes::new(config, trial, bot, (person, row));
    let outcomes = probes.all().await?;
    let cleaned = probes.clean().await;
    let file = report::write(config, &outcomes, &cleaned)?;
    if json {
        terminal::print(report::json(config, &outcomes, &cleaned, Some(&file))? + "\n");
    } else {
        terminal::print(outcomes.iter().map(ProbeOutcome::text).collect::<String>());
        terminal::say(&format!(
            "\n{cleaned}\nThe report is in {}. It has no secrets, names or ids in it: you can send it to the makers of \
             telekommo.\n",
            file.display()
        ));
    }
    let is_open = outcomes.iter().any(|outcome| outcome.state == Answered::Open);
    Ok(if is_open { ExitCode::from(UNKNOWN) } else { ExitCode::SUCCESS })
}

/// What is agreed to: the one whose number was given may be somebody else.
fn question(bot: &str, row: &ChatEntry) -> String {
    format!(
        "About a dozen test messages go into the conversation {} with {} and @{bot} in Kommo, marked as tests and \
         without a notification, and nowhere else. Kommo has no way to delete them.\nIs that you, and may they be \
         sent? (yes or no)",
        row.conversation,
        row.name.as_deref().unwrap_or_default()
    )
}

/// Asks for consent. A program has to give it by an option.
fn agree(question: &str) -> anyhow::Result<()> {
    match terminal::line(question, Some("no"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was sent"),
    }
}

/// Who the other side of a conversation is. What is tried in a group or in an employee's own chats would reach others.
fn person(conversation: &Conversation) -> anyhow::Result<UserId> {
    let chat = conversation.chat;
    if conversation.is_group() || chat.owner.is_some() {
        bail!("{conversation} is not a person's own chat with the bot: name one by --chat");
    }
    Ok(UserId(chat.id))
}

/// The conversation as the bridge and Kommo know it.
async fn known(trial: &Trial, conversation: &Conversation) -> anyhow::Result<ChatEntry> {
    let url = Url::parse_with_params("http://localhost/chats", [("conversation", conversation.to_string())])?;
    let path = format!("/chats?{}", url.query().unwrap_or_default());
    let rows: Vec<ChatEntry> = serde_json::from_slice(&trial.get(&path).await?.bytes().await?)?;
    let missing = || format!("Kommo has no conversation with you yet: write anything to @{}, and try again", trial.bot);
    let row = rows.into_iter().find(|row| row.conversation == *conversation).with_context(missing)?;
    anyhow::ensure!(row.name.is_some(), "your name is not known yet: write anything to @{}, and try again", trial.bot);
    Ok(row)
}
