//! `telekommo sandbox`: the stage with its page, until somebody ends it.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;
use chrono::DateTime;

use crate::{
    lifecycle::Signals,
    sandbox::{
        page::Page,
        stage::{LINES, Stage},
        traffic::{Exchange, Traffic},
    },
};

/// Serves the page at `listen` and prints what passes, until SIGINT or SIGTERM.
///
/// # Errors
/// If the sandbox cannot be set up.
pub async fn run(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let signals = Signals::catch()?;
    let mut stage = Stage::start("").await?;
    let sources = LINES.iter().map(|line| (line.source.to_owned(), line.token.to_owned())).collect();
    let page = Page::start(listen, stage.telegram.clone(), stage.kommo.clone(), sources)
        .with_context(|| format!("cannot serve the page on {listen}: choose another address with --listen"))?;
    println!("Open http://{} in a browser. Ctrl+C ends the sandbox; nothing of it stays.", page.addr());
    let stop = {
        let bridge = stage.bridge().context("the bridge has not started")?;
        bridge.lifecycle().heed(signals);
        bridge.lifecycle().stop_token()
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = print(stage.telegram.traffic()) => {}
        () = print(stage.kommo.traffic()) => {}
    }
    stage.stop_bridge().await;
    Ok(ExitCode::SUCCESS)
}

/// Prints exchanges as they happen. Ends when the fake does.
async fn print(traffic: &Traffic) {
    let (mut news, mut seen) = (traffic.changed(), 0);
    loop {
        news.mark_unchanged();
        for exchange in traffic.since(seen) {
            seen = exchange.n;
            println!("{}", line(&exchange));
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}

fn line(exchange: &Exchange) -> String {
    let time = DateTime::from_timestamp_millis(exchange.at_ms.0).unwrap_or_default().format("%H:%M:%S%.3f");
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    format!("{time}  {:>8} -> {:<8}  {status}  {}", exchange.from.name(), exchange.to.name(), exchange.what)
}
