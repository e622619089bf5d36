//! `telekommo parked`: the messages that were set aside, as the running bridge tells them.
//!
//! The store has one owner, the running bridge; so this asks it over the operator's listener.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use reqwest::{Client, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    config::Config,
    domain::time::UnixMillis,
    operate::{terminal, values},
    store::SetAside,
};

mod filter;
mod list;
mod said;

pub(super) use filter::Filter;
pub(super) use said::said;

/// A header that every request for a change carries: a web page that the operator happens to visit cannot send it.
pub(super) const OURS: &str = "X-Telekommo";

/// What is said about a number that no message has.
const MISSING: &str = "no message is parked under this number; `telekommo parked list` shows them";

/// How many messages one answer tells of, and one request changes.
const PAGE: usize = 200;

/// How long the bridge may take to answer. What goes back to its queue waits for a dump that is being written.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
const CHANGED_WITHIN: Duration = Duration::from_mins(30);

/// What to do with parked messages.
#[derive(Clone, Debug, Subcommand)]
pub enum Request {
    /// List parked messages with the reasons, the newest first.
    List(Filter),
    /// Put them back into the queues of their conversations, the oldest first.
    Retry(Selection),
    /// Forget them.
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

/// A parked message as it is listed. Only our own command, which the operator runs, gets its words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: u64,
    /// `None` if that cannot be read.
    pub(super) parked_at: Option<UnixMillis>,
    pub(super) route: String,
    pub(super) thread: String,
    pub(super) why: String,
    #[serde(default)]
    pub(super) code: Option<i32>,
    /// When it goes by itself, because its author was told; `None` if it needs a person.
    #[serde(default)]
    pub(super) expires_at: Option<UnixMillis>,
    #[serde(default)]
    pub(super) unreadable: bool,
    /// What the customer is called, for whoever asks by address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The first words of the message, for our own command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) said: Option<String>,
}

impl From<SetAside> for Row {
    fn from(aside: SetAside) -> Self {
        Self {
            id: aside.id.0,
            parked_at: aside.since,
            route: aside.route,
            thread: aside.thread,
            why: aside.why,
            code: aside.code,
            expires_at: aside.expires_at,
            unreadable: !aside.is_readable,
            name: None,
            said: None,
        }
    }
}

/// What became of a request that changes many.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Changed {
    /// How many were changed.
    pub(super) done: usize,
    /// Those that were not, and why.
    pub(super) left: Vec<Left>,
}

/// A message that is as it was.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Left {
    pub(super) id: u64,
    pub(super) why: String,
}

/// Asks the running bridge, and prints the answer.
///
/// # Errors
/// If none is running with this configuration, or not all that was asked for was done.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    let admin = config.admin.listen;
    match request {
        Request::List(filter) => {
            let mut summary = list::Summary::for_columns(terminal::table_columns());
            for_each_page(admin, &filter, |rows| print!("{}", summary.add(rows, clock::now()))).await?;
            print!("{}", summary.end());
            Ok(())
        }
        Request::Retry(selection) => change(admin, selection, "retry", "in their queues again").await,
        Request::Drop(selection) => change(admin, selection, "drop", "forgotten").await,
    }
}

/// Gives `take` all messages that the filter leaves, page by page.
async fn for_each_page(admin: SocketAddr, filter: &Filter, mut take: impl FnMut(&[Row])) -> anyhow::Result<()> {
    let mut before = None;
    loop {
        let answer = ask(admin, Method::GET, &filter.path(before, PAGE), MISSING).await?;
        let rows: Vec<Row> =
            serde_json::from_slice(&answer.bytes().await?).context("the answer does not come from a bridge")?;
        take(&rows);
        if rows.len() < PAGE {
            return Ok(());
        }
        before = rows.last().map(|row| row.id);
    }
}

/// Changes all that is selected, the oldest first, and says how many that were.
async fn change(admin: SocketAddr, selection: Selection, act: &str, became: &str) -> anyhow::Result<()> {
    let mut ids = selection.ids;
    if selection.all {
        for_each_page(admin, &selection.filter, |rows| ids.extend(rows.iter().map(|row| row.id))).await?;
    }
    ids.sort_unstable();
    ids.dedup();
    let (mut done, mut left) = (0, Vec::new());
    for some in ids.chunks(PAGE) {
        let some: Vec<_> = some.iter().map(u64::to_string).collect();
        let path = format!("/parked/{act}?ids={}", some.join(","));
        let answer = ask_within(CHANGED_WITHIN, admin, Method::POST, &path, MISSING).await?;
        let changed: Changed =
            serde_json::from_slice(&answer.bytes().await?).context("the answer does not come from a bridge")?;
        done += changed.done;
        left.extend(changed.left);
    }
    println!("{}", list::changed(done, became));
    for left in &left {
        terminal::complain(&format!("{}: {}", left.id, left.why));
    }
    match left.len() {
        0 => Ok(()),
        1 => bail!("one message was not changed"),
        count => bail!("{count} messages were not changed"),
    }
}

/// Asks the running bridge.
///
/// # Errors
/// If none is running with this configuration, or it refuses; `missing` is what is said if there is no such thing.
pub(super) async fn ask(admin: SocketAddr, method: Method, path: &str, missing: &str) -> anyhow::Result<Response> {
    ask_within(ANSWERED_WITHIN, admin, method, path, missing).await
}

async fn ask_within(
    patience: Duration,
    admin: SocketAddr,
    method: Method,
    path: &str,
    missing: &str,
) -> anyhow::Result<Response> {
    let client = Client::builder().timeout(patience).no_proxy().build()?;
    let request = client.request(method, format!("http://{admin}{path}")).header(OURS, "1");
    let answer = request.send().await.map_err(|error| {
        if error.is_timeout() {
            return anyhow::anyhow!("the bridge at {admin} is busy, with a dump perhaps: try again");
        }
        anyhow::anyhow!("no bridge answers at {admin} (admin.listen): is telekommo running with this configuration?")
    })?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::NOT_FOUND => bail!("{missing}"),
        status => bail!("the bridge answered {status}: {}", answer.text().await.unwrap_or_default().trim()),
    }
}
