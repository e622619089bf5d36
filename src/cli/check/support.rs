//! What Kommo's support has to switch on for the channel, as far as the running bridge has seen it. Kommo does not tell
//! it otherwise.

use std::time::Duration;

use reqwest::{ClientBuilder, Method};

use crate::cli::{
    bridge::Running,
    check::{finding::Finding, fine},
};

const ABOUT: &str = "Typing";
/// How long the bridge may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// The figure of hooks that told of typing.
const TYPED: &str = "telekommo_hooks_total{outcome=\"passed\"} ";

/// Whether a manager's typing has come since the bridge began; nothing if the bridge does not say it.
pub(super) async fn seen(running: &Running) -> Option<Finding> {
    metrics(running).await.map(|metrics| finding_of(&metrics))
}

/// The same for whoever needs the answer alone.
pub(super) async fn has_typed(running: &Running) -> Option<bool> {
    metrics(running).await.map(|metrics| typed(&metrics))
}

async fn metrics(running: &Running) -> Option<String> {
    let patience = |client: ClientBuilder| client.timeout(WITHIN);
    running.send(Method::GET, "/metrics", patience).await.ok()?.text().await.ok()
}

fn typed(metrics: &str) -> bool {
    let typed = metrics.lines().find_map(|line| line.strip_prefix(TYPED)?.parse::<f64>().ok());
    typed.is_some_and(|typed| typed > 0.0)
}

fn finding_of(metrics: &str) -> Finding {
    if typed(metrics) {
        return fine(ABOUT, "Kommo tells when managers type");
    }
    fine(
        ABOUT,
        "Kommo has not told of a manager's typing since the bridge began. If managers do type, ask Kommo's support to \
         enable typing notifications, replies (quotes) and forwards for the channel: only they can, and Kommo does not \
         say whether they have",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_that_came_was_switched_on() {
        assert!(finding_of("x 1\ntelekommo_hooks_total{outcome=\"passed\"} 3\n").text.contains("tells when"));
        for silent in
            ["", "telekommo_hooks_total{outcome=\"passed\"} 0\n", "telekommo_hooks_total{outcome=\"stored\"} 3\n"]
        {
            assert!(finding_of(silent).text.contains("ask Kommo's support"), "{silent}");
        }
    }
}
