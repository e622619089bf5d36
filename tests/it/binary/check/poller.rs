//! Another program that polls a bot, as any of them does: when its poll is ended, it polls again.

use telekommo::sandbox::harness::{Harness, Line};
use tokio::task::JoinHandle;

/// It polls until it is dropped.
pub(super) struct Poller(JoinHandle<()>);

impl Poller {
    #[expect(clippy::disallowed_methods, reason = "a test has no lifecycle, and the handle ends it")]
    pub(super) fn of(stage: &Harness, line: Line) -> Self {
        let url = format!("{}/bot{}/getUpdates?timeout=50", stage.telegram.url(), line.token);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self(tokio::spawn(async move { while client.get(&url).send().await.is_ok() {} }))
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.0.abort();
    }
}
