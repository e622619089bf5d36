//! `telekommo parked`: the messages that were set aside.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::{
    admin::parked::{Changed, Row},
    cli::{
        bridge::{self, Bridge},
        terminal, values,
    },
    clock,
    config::Config,
};

mod filter;
mod list;

pub use filter::Filter;

/// What is said about a number that no message has.
const MISSING: &str = "no parked message has this number; `telekommo parked list` lists them";

/// How many messages one answer tells of, and one request changes.
const PAGE: usize = 200;

/// What to do with parked messages.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List parked messages with the reasons, the newest first.
    List(Filter),
    /// Retry parked messages, the oldest first.
    Retry(Selection),
    /// Delete parked messages for good.
    Drop(Selection),
}

/// Which messages are to be changed.
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

/// Asks whoever has the store, and prints the answer.
///
/// # Errors
/// If there is no store, or not all that was asked for was done.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    bridge::with(config, async |bridge| asked(bridge, request).await).await
}

async fn asked(bridge: &Bridge, request: Request) -> anyhow::Result<()> {
    bridge.tell_if_stopped();
    match request {
        Request::List(filter) => {
            let mut summary = list::Summary::for_columns(terminal::table_columns());
            for_each_page(bridge, &filter, |rows| terminal::print(summary.add(rows, clock::now()))).await?;
            terminal::print(summary.end());
            Ok(())
        }
        Request::Retry(selection) => {
            change(bridge, selection, "retry", ["is back in its queue", "are back in their queues"]).await
        }
        Request::Drop(selection) => change(bridge, selection, "drop", ["was deleted", "were deleted"]).await,
    }
}

/// Gives `take` all messages that the filter leaves, page by page.
async fn for_each_page(bridge: &Bridge, filter: &Filter, mut take: impl FnMut(&[Row])) -> anyhow::Result<()> {
    let mut before = None;
    loop {
        let answer = bridge.ask(&filter.path(before, PAGE), MISSING).await?;
        let rows: Vec<Row> = serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
        take(&rows);
        if rows.len() < PAGE {
            return Ok(());
        }
        before = rows.last().map(|row| row.id);
    }
}

/// Changes all that is selected, the oldest first, and says how many that were.
async fn change(bridge: &Bridge, selection: Selection, act: &str, became: [&str; 2]) -> anyhow::Result<()> {
    let mut ids = selection.ids;
    if selection.all {
        for_each_page(bridge, &selection.filter, |rows| ids.extend(rows.iter().map(|row| row.id))).await?;
    }
    ids.sort_unstable();
    ids.dedup();
    let (mut done, mut left) = (0, Vec::new());
    for some in ids.chunks(PAGE) {
        let some: Vec<_> = some.iter().map(u64::to_string).collect();
        let path = format!("/parked/{act}?ids={}", some.join(","));
        let answer = bridge.change(&path, MISSING).await?;
        let changed: Changed = serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
        done += changed.done;
        left.extend(changed.left);
    }
    if done > 0 || left.is_empty() {
        terminal::print(format_args!("{}\n", list::changed(done, became)));
    }
    for left in &left {
        terminal::complain(&format!("{}: {}", left.id, left.why));
    }
    match left.len() {
        0 => Ok(()),
        _ if done == 0 => bail!("nothing was changed"),
        1 => bail!("1 message was not changed"),
        count => bail!("{count} messages were not changed"),
    }
}
