//! `telekommo alerts test`: sends a test message to each target.

use std::sync::Arc;

use anyhow::bail;
use clap::Subcommand;

use crate::{
    alerts::{Heartbeat, Targets, alert_message, host},
    cli::terminal,
    config::Config,
    metrics::Metrics,
};

/// What to do with alerts.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Request {
    /// Send a test message to each target, call the heartbeat, and say how each went.
    Test,
}

/// Sends a test message to each of `targets`.
///
/// # Errors
/// If there is none, or not all were reached.
pub async fn run(config: &Config, targets: Targets, Request::Test: Request) -> anyhow::Result<()> {
    let heartbeat = config.alerts.heartbeat.clone();
    if targets.is_empty() && heartbeat.is_none() {
        bail!("no alert target is configured: add a section such as [alert_targets.owner] to the configuration");
    }
    let host = host(config);
    let mut unreached = 0;
    for (name, target) in &targets {
        let alert = alert_message::test(&host, name);
        let outcome = target.send(&alert).await;
        unreached += usize::from(outcome.is_err());
        report(name, "sent", &outcome);
    }
    if let Some(heartbeat) = heartbeat {
        let outcome = Heartbeat::new(heartbeat, Arc::new(Metrics::new()))?.beat().await;
        unreached += usize::from(outcome.is_err());
        report("heartbeat", "heard", &outcome);
    }
    match unreached {
        0 => Ok(()),
        1 => bail!("1 was not reached"),
        more => bail!("{more} were not reached"),
    }
}

fn report(name: &str, done: &str, outcome: &Result<(), String>) {
    let text = match outcome {
        Ok(()) => done.to_owned(),
        Err(why) => format!("failed: {why}"),
    };
    terminal::print(terminal::paragraph(name, &text));
}
