//! `telekommo tap`: prints what the running bridge relays, live.

use anyhow::Context as _;
use chrono::{DateTime, Local};
use clap::Args;
use reqwest::{Method, StatusCode};

use crate::{
    admin::tap::{Event, Line},
    cli::{
        bridge::{self, refused},
        queue::encoded,
        table::plain,
        terminal,
    },
    config::Config,
    domain::{
        address::{Conversation, SourceId},
        amount::counted,
        time::UnixMillis,
    },
};

/// Which steps to show, and how.
#[derive(Clone, Debug, Args)]
pub struct Watch {
    /// Of the bot of this source alone.
    #[arg(long, value_name = "NAME", value_parser = SourceId::parse)]
    source: Option<SourceId>,
    /// Of this conversation alone, such as tg:sales:777000111.
    #[arg(long, value_name = "CONVERSATION")]
    conversation: Option<Conversation>,
    /// Show what customers and managers write.
    #[arg(long)]
    content: bool,
    /// Print a line of JSON for each.
    #[arg(long)]
    json: bool,
}

/// Prints what is relayed until the bridge stops.
///
/// # Errors
/// If none runs with this configuration, or it stops.
pub async fn run(config: &Config, watch: Watch) -> anyhow::Result<()> {
    let bridge = bridge::running(config)?;
    let mut answer = bridge.send(Method::GET, &watch.path(), |client| client).await?;
    if answer.status() != StatusCode::OK {
        return Err(refused(answer.status(), &answer.bytes().await?));
    }
    if !watch.json {
        terminal::eprint("What is relayed from now on. Ctrl-C ends this.\n");
    }
    let mut left = Vec::new();
    while let Some(chunk) = answer.chunk().await.context("the bridge ended")? {
        left.extend_from_slice(&chunk);
        while let Some(end) = left.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = left.drain(..=end).collect();
            if watch.json {
                terminal::print(String::from_utf8_lossy(&line));
            } else {
                let event = serde_json::from_slice(&line).context("the answer does not come from a bridge")?;
                terminal::print(text(&event));
            }
        }
    }
    anyhow::bail!("the bridge has stopped")
}

impl Watch {
    fn path(&self) -> String {
        let source = self.source.as_ref().map(|source| ("source", source.to_string()));
        let conversation = self.conversation.as_ref().map(|conversation| ("conversation", conversation.to_string()));
        encoded("/tap", [("content", self.content.to_string())].into_iter().chain(source).chain(conversation))
    }
}

fn text(event: &Event) -> String {
    match event {
        Event::Relayed(line) => relayed(line),
        Event::Missed { missed } => {
            let jobs = counted(usize::try_from(*missed).unwrap_or(usize::MAX), "job");
            format!("          {jobs} went by too fast to be shown\n")
        }
    }
}

fn relayed(line: &Line) -> String {
    let place = line.conversation.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let words = match (&line.text, line.characters) {
        (Some(text), _) => format!("  {}", plain(text)),
        (None, Some(characters)) => format!("  [{}]", counted(characters, "character")),
        (None, None) => String::new(),
    };
    let attempt = if line.attempt > 1 { format!(", try {}", line.attempt) } else { String::new() };
    let why = line.why.as_ref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
    let id = line.message_id.as_ref().map(|id| format!(" {}", plain(id))).unwrap_or_default();
    let (route, kind, outcome) = (plain(&line.route), plain(&line.kind), plain(&line.outcome));
    format!(
        "{}  {route}  {place}  {kind}{id}  {outcome} after {} ms{attempt}{why}{words}\n",
        local(line.at),
        line.took_ms
    )
}

/// A time of day in this machine's time zone.
fn local(at: UnixMillis) -> String {
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().with_timezone(&Local).format("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_one_line_and_shows_words_only_if_they_came() {
        let line = Line {
            at: UnixMillis(1_786_017_600_000),
            route: "inbound".to_owned(),
            kind: "update".to_owned(),
            conversation: "tg:sales:7".parse().ok(),
            message_id: Some("5".to_owned()),
            outcome: "retried".to_owned(),
            attempt: 2,
            took_ms: 120,
            why: Some("Kommo answered 500".to_owned()),
            characters: Some(5),
            text: None,
        };
        let output = text(&Event::Relayed(Box::new(line.clone())));
        let end = "  inbound  tg:sales:7  update 5  retried after 120 ms, try 2: Kommo answered 500  [5 characters]\n";
        assert!(output.ends_with(end), "{output}");
        let first = Line { attempt: 1, why: None, text: Some("He\u{1b}lo".to_owned()), ..line };
        assert!(text(&Event::Relayed(Box::new(first))).ends_with("retried after 120 ms  He lo\n"));
        assert_eq!(text(&Event::Missed { missed: 1 }), "          1 job went by too fast to be shown\n");
    }

    #[test]
    fn the_path_has_the_filter() {
        let watch = Watch {
            source: SourceId::parse("a b").ok(),
            conversation: "tg:a b:7".parse().ok(),
            content: true,
            json: false,
        };
        assert_eq!(watch.path(), "/tap?content=true&source=a+b&conversation=tg%3Aa+b%3A7");
    }
}
