//! `telekommo trace`: shows what became of a message, hop by hop.

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::Url;

use crate::{
    admin::trace::{Answer, TraceQuery},
    cli::{
        bridge::{self, Bridge},
        chats::account,
        queue::encoded,
        terminal,
    },
    config::Config,
    domain::amount::duration_in_words,
    trace::Hop,
};

mod text;

/// The long help.
pub const ABOUT: &str = "\
Show what became of a message: every hop with its time, attempts and outcome.

MESSAGE is the id of a message as Kommo or telekommo has it, the number of a
message in `telekommo queue list`, or a conversation with Telegram's number of
a message behind it, such as `tg:sales:777000111:43`. A conversation, a chat
of Kommo's or a phone number that a customer has shared shows all messages of
it. So does the address of a lead in Kommo, if the account has an access token.

Hops are kept for `trace.keep`, without what people write. While no bridge
runs, the files are read.";

/// What to trace, and how to show it.
#[derive(Clone, Debug, Args)]
pub struct Request {
    /// A message, a conversation, a phone number, or the address of a lead.
    #[arg(value_name = "MESSAGE", allow_hyphen_values = true)]
    what: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Asks the owner of the store, and prints the result.
///
/// # Errors
/// If there is no store, or nothing is found.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    bridge::with(config, async |bridge| answer_request(config, bridge, &request).await).await
}

async fn answer_request(config: &Config, bridge: &Bridge, request: &Request) -> anyhow::Result<()> {
    let what = request.what.as_str();
    let answer = match lead_of(what) {
        Some(lead) => of_lead(config, bridge, lead).await?,
        None if TraceQuery::parse(what).is_some() => look_up(bridge, what).await?,
        None => bail!(
            "{what:?} is neither the id of a message nor a conversation, such as tg:sales:777000111, nor a phone \
             number, such as +4915177000111, nor the address of a lead"
        ),
    };
    bridge.note_if_stopped();
    if !answer.is_on {
        bail!("there is no trace: `trace.keep` is \"0s\"");
    }
    if request.json {
        terminal::print(serde_json::to_string_pretty(&answer.hops)? + "\n");
    }
    if answer.hops.is_empty() {
        let begins = answer.begins_at.map_or_else(|| "is empty".to_owned(), |at| format!("begins {}", text::local(at)));
        bail!("the trace has nothing of {what}: it {begins}, and keeps {}", duration_in_words(config.trace.keep));
    }
    if !request.json {
        terminal::print(text::hops(&answer, terminal::text_columns()));
    }
    Ok(())
}

async fn look_up(bridge: &Bridge, what: &str) -> anyhow::Result<Answer> {
    let path = encoded("/trace", [("what", what.to_owned())]);
    let answer = bridge.ask(&path, "this bridge keeps no trace: it is of an older version").await?;
    serde_json::from_slice(&answer).context("the answer does not come from a bridge")
}

/// The id of a lead, from its URL in Kommo.
fn lead_of(what: &str) -> Option<u64> {
    let url: Url = what.parse().ok()?;
    let mut parts = url.path_segments()?;
    (parts.next()? == "leads" && parts.next()? == "detail").then(|| parts.next()?.parse().ok()).flatten()
}

/// What became of the messages in all chats of a lead's contacts.
async fn of_lead(config: &Config, bridge: &Bridge, lead: u64) -> anyhow::Result<Answer> {
    let account = account(config)?;
    let card = account.lead(lead).await?.with_context(|| format!("Kommo has no lead {lead}"))?;
    let mut all = Answer::default();
    for contact in card.contacts {
        for chat in account.chats_of_contact(contact).await? {
            let answer = look_up(bridge, &chat).await?;
            all.is_on |= answer.is_on;
            all.is_cut |= answer.is_cut;
            all.begins_at = answer.begins_at.or(all.begins_at);
            all.hops.extend(answer.hops);
        }
    }
    all.hops.sort_by_key(Hop::order);
    all.hops.dedup();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_known_by_its_address() {
        for (text, lead) in [
            ("https://example.kommo.com/leads/detail/4711", Some(4711)),
            ("https://example.amocrm.ru/leads/detail/4711?tab_id=x#y", Some(4711)),
            ("https://example.kommo.com/contacts/detail/4711", None),
            ("https://example.kommo.com/leads/detail/", None),
            ("tg:sales:4711", None),
            ("4711", None),
        ] {
            assert_eq!(lead_of(text), lead, "{text}");
        }
    }
}
