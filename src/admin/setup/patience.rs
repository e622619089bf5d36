//! Waits between attempts of the set-up.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    domain::retry::{Failure, Schedule},
    kommo::{account::RestError, wire::trace},
};

/// The wait when the schedule has none left.
const LAST_WAIT: Duration = Duration::from_mins(10);
/// The longest wait after a failure that may pass by itself.
const SOON: Duration = Duration::from_secs(15);

/// Waits between attempts and logs failures: as a warning if they may pass, as an error if a person has to act. The
/// same failure is logged once.
pub(super) struct Patience<'a> {
    what: &'static str,
    schedule: &'a Schedule,
    failed: u32,
    logged: String,
}

impl<'a> Patience<'a> {
    pub(super) fn new(what: &'static str, schedule: &'a Schedule) -> Self {
        Self { what, schedule, failed: 0, logged: String::new() }
    }

    pub(super) async fn wait(&mut self, why: String, verdict: Failure) {
        self.failed = self.failed.saturating_add(1);
        let reason = trace::without(&why);
        let is_news = self.logged != reason;
        match (is_news, verdict.may_pass()) {
            (true, true) => tracing::warn!("{} yet: {why}", self.what),
            (true, false) => tracing::error!("{}: {why}", self.what),
            (false, _) => {}
        }
        self.logged = reason;
        let wait = self.schedule.wait(self.failed, fastrand::f64(), verdict.after()).unwrap_or(LAST_WAIT);
        // A failure that may pass may be over any moment.
        let longest = if verdict.may_pass() { verdict.after().unwrap_or_default().max(SOON) } else { LAST_WAIT };
        sleep(wait.min(longest)).await;
    }

    pub(super) async fn wait_after(&mut self, error: RestError) {
        self.wait(error.to_string(), error.into()).await;
    }
}
