//! How the set-up waits for what keeps it from going on.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    domain::retry::{Failure, Schedule},
    kommo::{account::RestError, wire::trace},
};

/// The wait where the schedule has none.
const LAST_WAIT: Duration = Duration::from_mins(10);
/// The longest wait for what time heals.
const SOON: Duration = Duration::from_secs(15);

/// Waits between attempts, and logs what is in the way: as a warning what time heals, as an error what somebody has to
/// mend, and the same trouble once.
pub(super) struct Patience<'a> {
    what: &'static str,
    schedule: &'a Schedule,
    failed: u32,
    told: String,
}

impl<'a> Patience<'a> {
    pub(super) fn new(what: &'static str, schedule: &'a Schedule) -> Self {
        Self { what, schedule, failed: 0, told: String::new() }
    }

    pub(super) async fn wait(&mut self, why: String, verdict: Failure) {
        self.failed = self.failed.saturating_add(1);
        let same = trace::without(&why);
        let is_news = self.told != same;
        match (is_news, verdict.may_pass()) {
            (true, true) => tracing::warn!("{} yet: {why}", self.what),
            (true, false) => tracing::error!("{}: {why}", self.what),
            (false, _) => {}
        }
        self.told = same;
        let wait = self.schedule.wait(self.failed, fastrand::f64(), verdict.after()).unwrap_or(LAST_WAIT);
        // What time heals may be healed any moment.
        let longest = if verdict.may_pass() { verdict.after().unwrap_or_default().max(SOON) } else { LAST_WAIT };
        sleep(wait.min(longest)).await;
    }

    pub(super) async fn wait_after(&mut self, error: RestError) {
        self.wait(error.to_string(), error.into()).await;
    }
}
