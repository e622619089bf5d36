//! Nothing is compared while this machine's clock is wrong.
//!
//! By a clock that is ahead, all that was taken is forgotten and everything is too old; by one that is behind, nothing
//! is old. Kommo refuses what such a machine signs, but a clock can be set between a question and what follows from its
//! answer.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{
    clock,
    kommo::time::TOLERANCE,
    relay::reconcile::{ReconcileSummary, Reconciler, Search},
    store::StoreError,
};

/// How often to check whether the clock is right again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often Kommo is asked for the time, while it seems to be another one than here.
const ASK_EVERY: Duration = Duration::from_mins(1);

impl Search {
    /// Whether the clock was set back since: from when on it has to look is not known any more.
    pub(super) fn is_void(&self) -> bool {
        self.began.set_back() > TOLERANCE
    }
}

impl Reconciler {
    /// What is wrong with this machine's clock, as far as Kommo's answers tell.
    pub(super) fn objection(&self) -> Option<String> {
        self.parts.chats.time().objection(clock::now())
    }

    /// Asks Kommo anything, for the date of the answer: by it a machine that has slept is told from one with a wrong
    /// clock.
    pub(super) async fn ask_the_time(&self) {
        let answered = self.parts.chats.history("the-time", 0).await;
        tracing::debug!(answered = answered.is_ok(), "Kommo was asked for the time");
    }

    /// Waits until the clock is right, where nothing else shows that it is not: by one that is far ahead all chats have
    /// been silent for long.
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

    /// Waits before something is tried again. If a wrong clock is to blame, it is tried as soon as that is right; and
    /// if Kommo was away, as soon as it is back.
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
            sleep_until(end.min(doubted_until).min(Instant::now() + LOOK_EVERY)).await;
            summary.add(self.end_doubt_in_time(search).await?);
            let is_away = self.parts.metrics.is_kommo_away();
            (was_away, is_back) = (was_away || is_away, was_away && !is_away);
        }
    }
}
