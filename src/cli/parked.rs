//! `telekommo parked`: short for `telekommo queue` with parked messages alone.

use clap::Subcommand;

use crate::{
    cli::{
        bridge,
        queue::{self, Filter, Listing, Selection},
    },
    config::Config,
};

/// The error for an id that no message has.
const MISSING: &str = "no parked message has this number; `telekommo parked list` lists them";

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

/// Asks the owner of the store, and prints the result.
///
/// # Errors
/// If there is no store, or not all that was asked for was done.
pub async fn run(config: &Config, request: Request) -> anyhow::Result<()> {
    bridge::with(config, async |bridge| {
        bridge.note_if_stopped();
        match request {
            Request::List(filter) => queue::list(bridge, &Listing::of_parked(filter)).await,
            Request::Retry(selection) => queue::change_parked(bridge, selection, "retry", MISSING).await,
            Request::Drop(selection) => queue::change_parked(bridge, selection, "drop", MISSING).await,
        }
    })
    .await
}
