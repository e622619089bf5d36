//! `telekommo parked`: the messages that were set aside, as the running bridge tells them.
//!
//! The store has one owner, the running bridge; so this asks it over the operator's listener.

use std::{fmt, net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use chrono::DateTime;
use reqwest::{Client, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    domain::time::UnixMillis,
    operate::table::{COLUMNS, fit},
    store::Parked,
};

/// A header that every request for a change carries: a web page that the operator happens to visit cannot send it.
pub(super) const OURS: &str = "X-Telekommo";

/// What is said about a number that no message has.
const MISSING: &str = "no message is parked under this number; `telekommo parked list` shows them";

/// What to do with parked messages.
#[derive(Clone, Copy, Debug)]
pub enum Request {
    /// Show them.
    List,
    /// Put one back into its conversation's queue.
    Retry(u64),
    /// Forget one.
    Drop(u64),
}

/// A parked message as it is listed. What it says is left out: it is between the customer and the managers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    id: u64,
    parked_at: UnixMillis,
    route: String,
    thread: String,
    why: String,
}

impl From<&Parked> for Row {
    fn from(parked: &Parked) -> Self {
        Self {
            id: parked.id.0,
            parked_at: parked.parked_at,
            route: parked.lane.route.to_string(),
            thread: parked.lane.thread.clone(),
            why: parked.why.clone(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_millis(self.parked_at.0).unwrap_or_default();
        writeln!(f, "{:>6}  {}  {}  {}", self.id, time.format("%Y-%m-%d %H:%M:%S UTC"), self.route, self.thread)?;
        write!(f, "        {}", self.why)
    }
}

pub(super) fn to_json(rows: &[Row]) -> Vec<u8> {
    serde_json::to_vec(rows).expect("a row has string keys only")
}

/// Asks the running bridge, and prints the answer.
///
/// # Errors
/// If none is running with this configuration, or it has no such message.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    match request {
        Request::List => {
            let answer = ask(config.admin.listen, Method::GET, "/parked", MISSING).await?;
            let rows: Vec<Row> =
                serde_json::from_slice(&answer.bytes().await?).context("the answer is not the bridge's")?;
            if rows.is_empty() {
                println!("Nothing is parked.");
            }
            for row in rows {
                print!("{}", fit(&format!("{row}\n"), COLUMNS));
            }
        }
        Request::Retry(id) => {
            ask(config.admin.listen, Method::POST, &format!("/parked/{id}/retry"), MISSING).await?;
            println!("Message {id} is in its queue again.");
        }
        Request::Drop(id) => {
            ask(config.admin.listen, Method::POST, &format!("/parked/{id}/drop"), MISSING).await?;
            println!("Message {id} is forgotten.");
        }
    }
    Ok(())
}

/// Asks the running bridge.
///
/// # Errors
/// If none is running with this configuration, or it refuses; `missing` is what is said if there is no such thing.
pub(super) async fn ask(admin: SocketAddr, method: Method, path: &str, missing: &str) -> anyhow::Result<Response> {
    let client = Client::builder().timeout(Duration::from_secs(10)).no_proxy().build()?;
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
