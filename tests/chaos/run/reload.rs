//! The configuration changes while the bridge runs.

use telekommo::sandbox::telegram::NewBot;
use tokio::time::Instant;

use super::{LOOK_EVERY, Run};
use crate::{WITHIN, people::programs::Programs, plan::Reload};

/// The token of the bot that comes and goes. Nobody writes to it, so that nothing waits for it when it goes.
const SPARE: &str = "7000000003:SANDBOX-spare-bot";
/// Values between which the configuration changes.
const OF_TELEGRAM: [&str; 2] = ["telegram.send_timeout = \"2s\"", "telegram.send_timeout = \"2100ms\""];
const OF_KOMMO: [&str; 2] = ["kommo.timeout = \"2s\"", "kommo.timeout = \"2100ms\""];

/// The bot that comes and goes.
pub(super) fn spare() -> NewBot {
    NewBot { token: SPARE.to_owned(), username: "acme_spare_bot".to_owned(), name: "Spare bot".to_owned() }
}

fn section() -> String {
    format!("\n[sources.spare]\ntoken = {SPARE:?}\nname = \"Spare bot\"\n")
}

fn changed(config: &str, reload: Reload) -> String {
    let other = |[one, other]: [&str; 2]| {
        assert_ne!(config.contains(one), config.contains(other), "{config}");
        if config.contains(one) { config.replace(one, other) } else { config.replace(other, one) }
    };
    match reload {
        Reload::None => config.to_owned(),
        Reload::Bot if config.contains(SPARE) => config.replace(&section(), ""),
        Reload::Bot => config.to_owned() + &section(),
        Reload::Telegram => other(OF_TELEGRAM),
        Reload::Kommo => other(OF_KOMMO),
    }
}

impl Run {
    /// Changes the configuration, and lets the bridge read it again, whatever else happens to it; unless it is told by
    /// the command.
    pub(super) fn reload(&mut self, reload: Reload, is_commanded: bool) {
        let Some(name) = reload.name() else { return };
        self.note(name);
        self.people.tell_programs(Programs::reloads);
        self.bridge.reconfigure(|config| changed(config, reload), is_commanded);
    }

    /// Whether the bot that comes and goes is there, and not served.
    pub(super) async fn unserved(&mut self) -> Option<String> {
        let polls = self.stage.telegram.poll_count(SPARE);
        let deadline = Instant::now() + WITHIN;
        while self.bridge.config().contains(SPARE) && self.stage.telegram.poll_count(SPARE) == polls {
            if Instant::now() > deadline {
                return Some(format!("a bot that came by a reload is not polled:\n{}", self.trouble()));
            }
            self.tend(LOOK_EVERY).await;
        }
        None
    }
}
