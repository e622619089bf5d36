//! `telekommo queue`: waiting and parked messages.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;

use crate::{
    admin::{parked, parked::Changed, queue::QueueEntry},
    cli::{
        bridge::{self, Bridge},
        table::plain,
        terminal::{self, paragraph},
        values,
    },
    clock,
    config::Config,
    domain::address::Conversation,
};

mod filter;
mod list;
mod show;
mod waiting;

pub use filter::Filter;
pub(super) use filter::encoded;

/// The error for an id that no message has.
const MISSING: &str = "no message has this number; `telekommo queue list` lists them";

/// Messages per response, and per request that changes them.
const PAGE: usize = 200;

/// What to do with messages.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List the messages that wait, the oldest first, and those that are parked, the newest first.
    ///
    /// Of each conversation, the message is listed that comes next.
    List(Listing),
    /// Show a message, or all messages of a conversation, with everything that is known of them.
    Show {
        /// The number of a message in the list, or a conversation, such as `tg:sales:777000111`.
        #[arg(value_name = "MESSAGE_OR_CONVERSATION")]
        what: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Try messages at once: those that wait for their next try, and those that are parked.
    Retry(Selection),
    /// Set waiting messages aside, so that those behind them are sent.
    ///
    /// A parked message stays until you retry or drop it. Its author is not told.
    Park(Selection),
    /// Delete parked messages for good.
    Drop(Selection),
}

/// Which messages to list, and how.
#[derive(Clone, Debug, Args)]
pub struct Listing {
    /// Those that wait alone.
    #[arg(long, conflicts_with = "parked")]
    waiting: bool,
    /// Those that are parked alone.
    #[arg(long)]
    parked: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filter: Filter,
}

impl Listing {
    /// Parked messages alone, for people.
    pub(super) const fn of_parked(filter: Filter) -> Self {
        Self { waiting: false, parked: true, json: false, filter }
    }
}

/// Which messages to change.
#[derive(Clone, Debug, Args)]
pub struct Selection {
    /// Their numbers in the list.
    #[arg(value_name = "ID", required_unless_present = "all", value_parser = values::number::<u64>, allow_negative_numbers = true)]
    ids: Vec<u64>,
    /// All of them, or all that match the options below.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

/// A change of messages: its path, and the result for one and for several.
struct Act {
    path: &'static str,
    results: [&'static str; 2],
    missing: &'static str,
}

/// Asks the owner of the store, and prints the result.
///
/// # Errors
/// If there is no store, or not all that was asked for was done.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    bridge::with(config, async |bridge| execute(bridge, request).await).await
}

async fn execute(bridge: &Bridge, request: Request) -> anyhow::Result<()> {
    bridge.note_if_stopped();
    match request {
        Request::List(listing) => list(bridge, &listing).await,
        Request::Show { what, json } => show(bridge, &what, json).await,
        Request::Retry(selection) => {
            let act = Act { path: "/queue/retry", results: ["is tried again", "are tried again"], missing: MISSING };
            let mut ids = selection.ids;
            if selection.all {
                for_each_waiting(bridge, &selection.filter, |rows| ids.extend(rows.iter().map(|row| row.id))).await?;
                for_each_parked(bridge, &selection.filter, |rows| ids.extend(rows.iter().map(|row| row.id))).await?;
            }
            change(bridge, ids, &act).await
        }
        Request::Park(selection) => {
            let act = Act { path: "/queue/park", results: ["was parked", "were parked"], missing: MISSING };
            if selection.all {
                park_all(bridge, &selection.filter, &act).await
            } else {
                change(bridge, selection.ids, &act).await
            }
        }
        Request::Drop(selection) => change_parked(bridge, selection, "drop", MISSING).await,
    }
}

/// Changes parked messages alone.
///
/// # Errors
/// If not all that was asked for was done.
pub(super) async fn change_parked(
    bridge: &Bridge,
    selection: Selection,
    what: &str,
    missing: &'static str,
) -> anyhow::Result<()> {
    let act = match what {
        "retry" => {
            Act { path: "/parked/retry", results: ["is back in its queue", "are back in their queues"], missing }
        }
        _ => Act { path: "/parked/drop", results: ["was deleted", "were deleted"], missing },
    };
    let mut ids = selection.ids;
    if selection.all {
        for_each_parked(bridge, &selection.filter, |rows| ids.extend(rows.iter().map(|row| row.id))).await?;
    }
    change(bridge, ids, &act).await
}

pub(super) async fn list(bridge: &Bridge, listing: &Listing) -> anyhow::Result<()> {
    let (waiting, parked) = (!listing.parked, !listing.waiting);
    if listing.json {
        let mut rows = Vec::new();
        if waiting {
            for_each_waiting(bridge, &listing.filter, |page| rows.extend_from_slice(page)).await?;
        }
        if parked {
            for_each_parked(bridge, &listing.filter, |page| rows.extend(page.iter().cloned().map(QueueEntry::from)))
                .await?;
        }
        terminal::print(serde_json::to_string_pretty(&rows)? + "\n");
        return Ok(());
    }
    if waiting {
        let mut summary = waiting::Summary::for_columns(terminal::table_columns());
        for_each_waiting(bridge, &listing.filter, |rows| terminal::print(summary.add(rows, clock::now()))).await?;
        terminal::print(summary.end());
        let obstacles = if summary.is_empty() { Vec::new() } else { bridge.obstacles().await? };
        terminal::print(obstacles.iter().map(|why| paragraph("In the way", &plain(why))).collect::<String>());
    }
    if parked {
        if waiting {
            terminal::print("\n");
        }
        let mut summary = list::Summary::for_columns(terminal::table_columns());
        for_each_parked(bridge, &listing.filter, |rows| terminal::print(summary.add(rows, clock::now()))).await?;
        terminal::print(summary.end());
    }
    Ok(())
}

async fn show(bridge: &Bridge, what: &str, json: bool) -> anyhow::Result<()> {
    let path = match (what.parse::<u64>(), what.parse::<Conversation>()) {
        (Ok(id), _) => format!("/queue/messages?id={id}"),
        (_, Ok(conversation)) => encoded("/queue/messages", [("conversation", conversation.to_string())]),
        (Err(_), Err(_)) => {
            bail!("{what:?} is neither the number of a message nor a conversation, such as tg:sales:777000111")
        }
    };
    let rows: Vec<QueueEntry> = fetch(bridge, &path).await?;
    let is_number = what.parse::<u64>().is_ok();
    if rows.is_empty() && is_number {
        bail!("{MISSING}");
    }
    if json {
        terminal::print(serde_json::to_string_pretty(&rows)? + "\n");
    } else if rows.is_empty() {
        terminal::say(&format!("No message of {what} waits or is parked.\n"));
    } else {
        let shown: Vec<_> = rows.iter().map(|row| show::message(row, clock::now(), is_number)).collect();
        terminal::print(shown.join("\n"));
    }
    Ok(())
}

async fn fetch<T: DeserializeOwned>(bridge: &Bridge, path: &str) -> anyhow::Result<T> {
    serde_json::from_slice(&bridge.ask(path, MISSING).await?).context("the answer does not come from a bridge")
}

/// Calls `take` with the first message of each matching conversation, page by page.
async fn for_each_waiting(bridge: &Bridge, filter: &Filter, mut take: impl FnMut(&[QueueEntry])) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let rows: Vec<QueueEntry> = fetch(bridge, &filter.path("/queue", after.map(|id| ("after", id)), PAGE)).await?;
        take(&rows);
        if rows.len() < PAGE {
            return Ok(());
        }
        after = rows.last().map(|row| row.id);
    }
}

/// Calls `take` with all matching parked messages, page by page.
async fn for_each_parked(
    bridge: &Bridge,
    filter: &Filter,
    mut take: impl FnMut(&[parked::ParkedEntry]),
) -> anyhow::Result<()> {
    let mut before = None;
    loop {
        let path = filter.path("/parked", before.map(|id| ("before", id)), PAGE);
        let rows: Vec<parked::ParkedEntry> = fetch(bridge, &path).await?;
        take(&rows);
        if rows.len() < PAGE {
            return Ok(());
        }
        before = rows.last().map(|row| row.id);
    }
}

/// The changes so far.
#[derive(Default)]
struct Done {
    changed: Changed,
}

impl Done {
    /// Changes messages, the oldest first.
    async fn change(&mut self, bridge: &Bridge, mut ids: Vec<u64>, act: &Act) -> anyhow::Result<()> {
        ids.sort_unstable();
        ids.dedup();
        for chunk in ids.chunks(PAGE) {
            let chunk: Vec<_> = chunk.iter().map(u64::to_string).collect();
            let answer = bridge.change(&format!("{}?ids={}", act.path, chunk.join(",")), act.missing).await?;
            let changed: Changed = serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
            self.changed.done += changed.done;
            self.changed.left.extend(changed.left);
        }
        Ok(())
    }

    /// Prints how many messages were changed, and which were not.
    fn report(&self, act: &Act) -> anyhow::Result<()> {
        let Changed { done, left } = &self.changed;
        if *done > 0 || left.is_empty() {
            terminal::print(list::changed(*done, act.results) + "\n");
        }
        for left in left {
            terminal::complain(&format!("{}: {}", left.id, left.why));
        }
        match left.len() {
            0 => Ok(()),
            _ if *done == 0 => bail!("nothing was changed"),
            1 => bail!("1 message was not changed"),
            count => bail!("{count} messages were not changed"),
        }
    }
}

async fn change(bridge: &Bridge, ids: Vec<u64>, act: &Act) -> anyhow::Result<()> {
    let mut done = Done::default();
    done.change(bridge, ids, act).await?;
    done.report(act)
}

/// Parks message after message of each conversation, as long as the next one matches.
async fn park_all(bridge: &Bridge, filter: &Filter, act: &Act) -> anyhow::Result<()> {
    let mut done = Done::default();
    loop {
        let mut ids = Vec::new();
        for_each_waiting(bridge, filter, |rows| ids.extend(rows.iter().map(|row| row.id))).await?;
        // Messages that could not be parked are not tried again.
        ids.retain(|id| done.changed.left.iter().all(|left| left.id != *id));
        if ids.is_empty() {
            return done.report(act);
        }
        done.change(bridge, ids, act).await?;
    }
}
