//! `telekommo status`: the state of the running bridge.

use anyhow::Context as _;

use crate::{
    admin::{
        session::{TICKET_FOR, Ticket},
        status::Status,
    },
    cli::{
        bridge::{self, Bridge},
        terminal,
    },
    config::Config,
    domain::amount::duration_in_words,
};

mod text;

/// The error if the bridge does not know the request.
const TOO_OLD: &str = "the bridge that runs is older than this command: restart the service";

/// Asks the running bridge, and prints its status.
///
/// # Errors
/// If none runs with this configuration, or this user may not ask it.
pub async fn run(config: &Config, json: bool, open: bool) -> anyhow::Result<()> {
    let bridge = Bridge::Running(bridge::running(config)?);
    if open {
        return link(&bridge).await;
    }
    let answer = bridge.ask("/status", TOO_OLD).await?;
    let status: Status = serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
    terminal::print(if json {
        serde_json::to_string_pretty(&status)? + "\n"
    } else {
        text::text(&status, terminal::table_columns())
    });
    Ok(())
}

/// Prints a link to the status page. The link alone goes to stdout, so that it can be handed to a browser.
async fn link(bridge: &Bridge) -> anyhow::Result<()> {
    let answer = bridge.change("/session/link", TOO_OLD).await?;
    let ticket: Ticket = serde_json::from_slice(&answer).context("the answer does not come from a bridge")?;
    terminal::eprint(format_args!(
        "Open this link in a browser on this machine within {}. It is good once. From another machine,\nfirst lead the \
         port there: ssh -L PORT:127.0.0.1:PORT HOST\n\n",
        duration_in_words(TICKET_FOR)
    ));
    terminal::print(ticket.url + "\n");
    Ok(())
}
