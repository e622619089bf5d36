//! `telekommo connect` and `disconnect`: the channel and the account.

use std::time::Duration;

use anyhow::bail;
use reqwest::{ClientBuilder, Method, StatusCode};

use crate::{
    admin::{
        channel::{default_title, other_scope, refusal},
        identity,
    },
    cli::{bridge, terminal},
    config::{AccountId, Config},
    kommo::{
        chats::{CallError, Chats},
        sign::Signer,
    },
};

/// How long the bridge may take to hear of it.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// A client of the channel for a command.
///
/// # Errors
/// If the account is not known or the HTTP client cannot be set up.
pub(super) async fn chats(config: &Config) -> anyhow::Result<(Chats, AccountId)> {
    chats_at(config, config.kommo.requests_per_second.get()).await
}

/// The same at most at so many requests a second.
pub(super) async fn chats_at(config: &Config, rate: u32) -> anyhow::Result<(Chats, AccountId)> {
    let kommo = &config.kommo;
    let id = identity::account_id(kommo, identity::client(kommo)?.as_ref()).await?;
    let signer = Signer::new(kommo.channel_secret.expose());
    let (egress, url) = (kommo.egress(), kommo.chats_url.url().clone());
    let chats = Chats::new(&egress, url, &kommo.scope_id(&id), signer, kommo.timeout, rate)?;
    Ok((chats, id))
}

/// Connects the channel, and prints what Kommo says.
///
/// # Errors
/// If Kommo refuses, or connects something else.
pub async fn connect(config: &Config) -> anyhow::Result<()> {
    let (chats, id) = chats(config).await?;
    let otherwise = default_title(config.sources.values().map(|source| source.name.as_str()));
    let connected =
        match chats.connect(config.kommo.channel_title.as_deref(), otherwise, config.kommo.time_window).await {
            Ok(connected) => connected,
            Err(error) => bail!("{}", refusal(&error)),
        };
    if let Some(other) = other_scope(&connected, &config.kommo, &id) {
        bail!("{other}");
    }
    tell_bridge(config, "connected").await;
    terminal::say("The channel is connected to the account.\n\n");
    terminal::print(format_args!("Scope\n  {}\n", config.kommo.scope_id(&id)));
    terminal::print(format_args!(
        "Title           {}\n",
        connected.title.as_ref().or(config.kommo.channel_title.as_ref()).map_or("Kommo does not say", String::as_str)
    ));
    let window = match connected.is_time_window_disabled {
        Some(true) => "off: managers may write at any time",
        Some(false) => "on, as the channel was registered",
        None => "Kommo does not say",
    };
    terminal::say(&format!("Time window     {window}\n"));
    Ok(())
}

/// Asks whoever sits at a terminal whether a disconnection is meant. A script is not asked.
pub fn confirm(is_meant: bool) -> anyhow::Result<()> {
    if is_meant || !terminal::is_interactive() {
        return Ok(());
    }
    let question =
        "Messages stop crossing in both directions until the channel is connected again.\nDisconnect it? (yes or no)";
    match terminal::line(question, Some("no"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was changed: the channel stays connected"),
    }
}

/// Disconnects the channel.
pub async fn disconnect(config: &Config) -> anyhow::Result<()> {
    let (chats, _) = chats(config).await?;
    match chats.disconnect().await {
        Ok(()) => {}
        Err(CallError::Refused { status: StatusCode::NOT_FOUND, .. }) => {
            bail!("the channel is not connected to this account, or unknown there: `telekommo check` says which")
        }
        Err(error) => bail!("{}", refusal(&error)),
    }
    tell_bridge(config, "disconnected").await;
    terminal::say(
        "The channel is no longer connected to the account: no answers come, and what\n\
         customers write waits. `telekommo connect` connects it again, and so does the\n\
         next start unless kommo.connect_on_start is false.\n",
    );
    Ok(())
}

/// Tells the bridge what became of the channel, so that `/ready` knows of it before a message does. If none runs,
/// nothing is lost: a start finds out by itself.
async fn tell_bridge(config: &Config, what: &str) {
    if let Ok(running) = bridge::running(config) {
        let patience = |client: ClientBuilder| client.timeout(TOLD_WITHIN);
        drop(running.send(Method::POST, &format!("/channel/{what}"), patience).await);
    }
}
