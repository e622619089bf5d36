//! `telekommo programs`: the owner's own programs that share a bot with Kommo.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::{
    admin::programs::{Details, Program},
    cli::{
        bridge::{self, Bridge},
        chats::encoded,
        table::plain,
        terminal::{self, paragraph},
    },
    clock,
    config::Config,
    domain::amount::{age, counted, duration_in_words},
};

mod moving;
mod noted;

/// What is said about a name that no program has.
const MISSING: &str = "no program has this name; `telekommo programs list` lists them";

/// What to do with programs.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List the programs, and how many updates each has not confirmed.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one program, and what it has asked for.
    Show {
        /// The name of its section: `shop` of [programs.shop].
        #[arg(value_name = "NAME")]
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a program begin with what comes from now on, and drop what waits for it.
    Skip {
        /// The name of its section: `shop` of [programs.shop].
        #[arg(value_name = "NAME")]
        name: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// Take over a bot whose webhook is set elsewhere.
    ///
    /// Shows what will change and asks for your consent. Then it notes the webhook
    /// in the data directory and deletes it; what waits at Telegram is kept. It can
    /// be repeated at any time.
    Adopt {
        /// The name of its section: `shop` of [programs.shop].
        #[arg(value_name = "NAME")]
        name: String,
        /// Do not ask for consent. A script has to say so.
        #[arg(long)]
        yes: bool,
    },
    /// Put back the webhook that a bot had before it was adopted.
    ///
    /// Asks for the webhook's secret token, which Telegram does not tell. After this,
    /// telekommo gets no updates of the bot any more.
    Release {
        /// The name of its section: `shop` of [programs.shop].
        #[arg(value_name = "NAME")]
        name: String,
        /// The file with the webhook's secret token. Without it, a script sets none.
        #[arg(long, value_name = "FILE")]
        secret_token_file: Option<PathBuf>,
        /// Do not ask for consent. A script has to say so.
        #[arg(long)]
        yes: bool,
    },
}

/// Asks whoever has the store, and prints the answer.
///
/// # Errors
/// If there is no store, or no such program.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    match request {
        Request::List { json } => asking(config, async |bridge| list(bridge, json).await).await,
        Request::Show { name, json } => asking(config, async |bridge| show(bridge, &name, json).await).await,
        Request::Skip { name, yes } => asking(config, async |bridge| skip(bridge, &name, yes).await).await,
        Request::Adopt { name, yes } => moving::adopt(config, &name, yes).await,
        Request::Release { name, secret_token_file, yes } => {
            moving::release(config, &name, (secret_token_file.as_deref(), yes)).await
        }
    }
}

async fn asking(config: &Config, ask: impl AsyncFnOnce(&Bridge) -> anyhow::Result<()>) -> anyhow::Result<()> {
    bridge::with(config, async |bridge| {
        bridge.note_if_stopped();
        ask(bridge).await
    })
    .await
}

async fn list(bridge: &Bridge, is_json: bool) -> anyhow::Result<()> {
    let answer = bridge.ask("/programs", MISSING).await?;
    let programs: Vec<Program> = read(&answer)?;
    if is_json {
        terminal::print(format_args!("{}\n", String::from_utf8_lossy(&answer)));
        return Ok(());
    }
    if programs.is_empty() {
        terminal::say("no program shares a bot: `telekommo help configure` says where they are written\n");
        return Ok(());
    }
    let head = ["PROGRAM", "UPDATES", "WAITING", "OLDEST", "DROPPED"].map(str::to_owned);
    let rows = programs.iter().map(|program| {
        let oldest = program.oldest_at.map_or_else(|| "-".to_owned(), |at| age(at, clock::now()));
        let way = if program.webhook { "are sent" } else { "are asked for" };
        [plain(&program.name), way.to_owned(), program.waiting.to_string(), oldest, program.dropped.to_string()]
    });
    terminal::print(terminal::table(&[head].into_iter().chain(rows).collect::<Vec<_>>(), 0));
    Ok(())
}

async fn show(bridge: &Bridge, name: &str, is_json: bool) -> anyhow::Result<()> {
    let answer = bridge.ask(&format!("/programs/one?name={}", encoded(name)), MISSING).await?;
    let details: Details = read(&answer)?;
    if is_json {
        terminal::print(format_args!("{}\n", String::from_utf8_lossy(&answer)));
        return Ok(());
    }
    for (label, text) in lines(&details) {
        terminal::print(paragraph(label, &text));
    }
    Ok(())
}

fn lines(details: &Details) -> Vec<(&'static str, String)> {
    let program = &details.program;
    let oldest = program.oldest_at.map(|at| format!(", the oldest for {}", age(at, clock::now())));
    let waiting = match program.waiting {
        0 => "nothing".to_owned(),
        some => format!("{}{}", counted(some, "update"), oldest.unwrap_or_default()),
    };
    let wants = details.wants.as_ref().map_or_else(|| "the usual kinds".to_owned(), |kinds| kinds.join(", "));
    let way = match &details.sent_to {
        Some(place) => format!("are sent to {}", plain(place)),
        None => "are asked for with getUpdates".to_owned(),
    };
    let dropped = match program.dropped {
        0 => "nothing".to_owned(),
        some => format!("{some}, which were too old or had no room"),
    };
    let quiet = details.quiet_seconds.map(Duration::from_secs).map(duration_in_words);
    let quiet = quiet.map_or_else(|| "never".to_owned(), |quiet| format!("for {quiet} after a manager's message"));
    let withheld = match program.withheld {
        0 => "nothing".to_owned(),
        some => format!("{some}, said in chats in which a manager had written"),
    };
    vec![
        ("Program", plain(&program.name)),
        ("Updates", way),
        ("Wants", wants),
        ("Waiting", waiting),
        ("Dropped", dropped),
        ("Quiet", quiet),
        ("Withheld", withheld),
    ]
}

async fn skip(bridge: &Bridge, name: &str, is_meant: bool) -> anyhow::Result<()> {
    let details: Details = read(&bridge.ask(&format!("/programs/one?name={}", encoded(name)), MISSING).await?)?;
    let waiting = counted(details.program.waiting, "update");
    confirm(&format!("{waiting} that {name} has not confirmed are dropped. Drop them? (yes or no)"), is_meant)?;
    let path = format!("/programs/skip?name={}", encoded(name));
    let count: usize = read(&bridge.change(&path, MISSING).await?)?;
    terminal::say(&format!("{} dropped: {name} begins with what comes from now on\n", counted(count, "update")));
    Ok(())
}

fn confirm(question: &str, is_meant: bool) -> anyhow::Result<()> {
    if is_meant || !terminal::is_interactive() {
        return Ok(());
    }
    match terminal::line(question, Some("no"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(answer).context("the answer does not come from a bridge")
}
