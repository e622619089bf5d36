//! No comparison while this machine's clock is wrong.
//!
//! By a clock that is ahead, all ids have expired and every message is too old; by one that is behind, no message is
//! old. Kommo refuses requests that such a machine signs, but a clock can be set between a request and the handling of
//! its response.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{
    clock,
    kommo::time::TOLERANCE,
    relay::reconcile::{ReconcileSummary, Reconciler, Search},
    store::StoreError,
};

/// How often to check whether the clock is right again.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// How often Kommo's time is requested while the clocks seem to differ.
const ASK_EVERY: Duration = Duration::from_mins(1);

impl Search {
    /// Whether the clock was set back since: then the start of the search is not valid any more.
    pub(super) fn is_void(&self) -> bool {
        self.began.set_back() > TOLERANCE
    }
}

impl Reconciler {
    /// What is wrong with this machine's clock, by the dates of Kommo's responses.
    pub(super) fn objection(&self) -> Option<String> {
        self.parts.chats.time().objection(clock::now())
    }

    /// Makes any request to Kommo for the date of its response, which distinguishes a machine that has slept from one
    /// with a wrong clock.
    pub(super) async fn ask_the_time(&self) {
        let response = self.parts.chats.history("the-time", 0).await;
        tracing::debug!(answered = response.is_ok(), "requested Kommo's time");
    }

    /// Waits until the clock is right, if no comparison would show that it is not: by a clock that is far ahead all
    /// chats have been silent for long.
    pub(super) async fn until_timely(&self, search: &mut Search) -> Result<ReconcileSummary, StoreError> {
        let mut summary = ReconcileSummary::default();
        if !search.pending.is_empty() || !search.is_all_silent {
            return Ok(summary);
        }
        self.ask_the_time().await;
        while let Some(why) = self.objection()
            && !search.is_void()
        {
            self.parts.metrics.history_unreadable(Some(why));
            summary.add(self.wait_between(ASK_EVERY, search).await?);
            self.ask_the_time().await;
        }
        self.parts.metrics.history_unreadable(None);
        Ok(summary)
    }

    /// Waits before a retry. If a wrong clock is to blame, the wait ends as soon as the clock is right; and if Kommo
    /// was unreachable, as soon as it is back.
    pub(super) async fn wait_between(
        &self,
        wait: Duration,
        search: &mut Search,
    ) -> Result<ReconcileSummary, StoreError> {
        let mut summary = ReconcileSummary::default();
        let (end, was_wrong) = (Instant::now() + wait, self.objection().is_some());
        let (mut was_away, mut is_back) = (false, false);
        loop {
            let is_right = was_wrong && self.objection().is_none();
            if Instant::now() >= end || search.is_void() || is_back || is_right {
                return Ok(summary);
            }
            let doubted_until = search.doubt.as_ref().map_or(end, |doubt| doubt.until);
            sleep_until(end.min(doubted_until).min(Instant::now() + CHECK_EVERY)).await;
            summary.add(self.end_doubt_in_time(search).await?);
            let is_away = self.parts.metrics.is_kommo_away();
            (was_away, is_back) = (was_away || is_away, was_away && !is_away);
        }
    }
}
