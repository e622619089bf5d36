//! `telekommo reconcile`: managers' messages that never came, looked for by the running bridge, which has the store.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, Response, StatusCode};

use crate::{
    admin::reconcile::RESULT,
    cli::{
        bridge::{self, Running, refused},
        terminal,
    },
    config::Config,
    relay::reconcile::{TOO_LONG, UNREAD},
};

/// How long it may say nothing until it is taken for gone.
const SILENCE: Duration = Duration::from_mins(5);
/// Asks the running bridge to look for what did not come `since` so long ago, and prints what it says.
///
/// # Errors
/// If none is running with this configuration, or not everything could be compared.
pub async fn run(config: &Config, since: Option<Duration>) -> anyhow::Result<()> {
    let mut answer = ask(&bridge::running(config)?, since).await?;
    let mut last = String::new();
    while let Some(chunk) = answer.chunk().await.context("the bridge ended before it was done")? {
        let text = String::from_utf8_lossy(&chunk).into_owned();
        terminal::say(&text);
        last.push_str(&text);
    }
    let last = last.lines().last().unwrap_or_default();
    remains(last).map_or(Ok(()), |remains| bail!("not everything could be compared: {remains}"))
}

/// What is to be done after a comparison that left something out, by the last line of what was said.
fn remains(last: &str) -> Option<&'static str> {
    if !last.starts_with(RESULT) || last.contains(UNREAD) {
        return Some("run it again when Kommo answers");
    }
    last.contains(TOO_LONG).then_some(
        "the log names histories that were too long to be read as a whole; look at their older part in Kommo",
    )
}

async fn ask(bridge: &Running, since: Option<Duration>) -> anyhow::Result<Response> {
    let since = since.map(|since| humantime::format_duration(since).to_string().replace(' ', ""));
    let below = since.map(|since| format!("/{since}")).unwrap_or_default();
    let path = format!("/reconcile{below}");
    let answer = bridge.send(Method::POST, &path, |client| client.read_timeout(SILENCE)).await?;
    match answer.status() {
        StatusCode::OK => Ok(answer),
        status => Err(refused(status, &answer.bytes().await.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::reconcile::ReconcileSummary;

    #[test]
    fn what_was_left_out_is_told_with_what_to_do() {
        let remains = |summary: ReconcileSummary| remains(&format!("{RESULT}{summary}."));
        assert_eq!(
            remains(ReconcileSummary { found: 3, sent: 1, too_old: 1, empty: 1, ..ReconcileSummary::default() }),
            None
        );
        let long = remains(ReconcileSummary { in_part: 1, ..ReconcileSummary::default() }).unwrap();
        assert!(long.contains("in Kommo") && !long.contains("again"), "{long}");
        let unread =
            remains(ReconcileSummary { in_part: 1, unread: 1, open: 1, ..ReconcileSummary::default() }).unwrap();
        assert!(unread.contains("run it again"), "{unread}");
        assert!(super::remains("the store has failed").is_some());
    }
}
