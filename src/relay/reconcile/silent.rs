//! Rounds through all chats, including those that have been silent for long.
//!
//! A campaign to win customers back writes to precisely those who have been silent. A message that is lost there leaves
//! no sign: in the store such a chat stays silent. So all chats are compared in the background, with one request each
//! and at the low rate of a routine comparison. A round starts often enough for its findings to be young enough to be
//! sent. Active chats are among them: one that its customer has just revived must not be left with an older gap.

use std::{convert::Infallible, time::Duration};

use tokio::time::sleep;

use crate::{
    clock::{self, Moment},
    relay::reconcile::{
        ReconcileSummary, Reconciler, Search,
        search::{ChatSelection, Target},
        since,
    },
    store::StoreError,
};

/// The longest interval between the starts of two rounds.
const AT_LEAST_EVERY: Duration = Duration::from_hours(24);
/// How often to check whether a round is due.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// The wait after a failure.
const PAUSE: Duration = Duration::from_mins(1);
/// How often the history of one chat may fail in a round.
const MAX_FAILURES_OF_ONE: u32 = 3;

/// A running round.
pub(super) struct Round {
    search: Search,
    summary: ReconcileSummary,
    failed: usize,
}

impl Reconciler {
    /// Runs one round after the other. An interrupted round goes on where it was, with the `round` that it left.
    pub(super) async fn look_at_all(&self, round: &mut Option<Round>) -> Result<Infallible, StoreError> {
        loop {
            let Some(current) = round else {
                *round = self.next_round().await?;
                if round.is_none() {
                    sleep(CHECK_EVERY).await;
                }
                continue;
            };
            if current.search.is_void() {
                *round = None;
                continue;
            }
            if self.objection().is_some() {
                sleep(CHECK_EVERY).await;
                continue;
            }
            // The most active chats, which are compared most often anyway, come last.
            let Some(target) = current.search.pending.last().cloned() else {
                self.end(current).await?;
                *round = None;
                continue;
            };
            match self.compare_in_turn(&target, &mut current.search).await? {
                Ok(compared) => {
                    current.summary.add(compared);
                    current.search.pending.pop();
                }
                Err(error) => {
                    tracing::debug!(conversation = %target.conversation, ?error, "its history cannot be read");
                    put_off(current);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// The next round, if it is due. In a store without a former round, the interval starts now.
    async fn next_round(&self) -> Result<Option<Round>, StoreError> {
        let (store, now) = (&self.parts.store, clock::now());
        if self.objection().is_some() {
            return Ok(None);
        }
        // An instant in the future was recorded by a clock that was ahead, and says nothing.
        let Some(last) = store.looked_at_all_at()?.filter(|last| *last <= now) else {
            store.looked_at_all(now).await?;
            return Ok(None);
        };
        // The oldest message that a round can find must still be young enough to be sent.
        if last.until(now) < AT_LEAST_EVERY.min(self.bounds.max_age / 2) {
            return Ok(None);
        }
        let mut search = self.search(since(Some(last), now, self.bounds.max_age), now).await?;
        search.pending = self.targets(ChatSelection::All, now).await?;
        tracing::debug!(conversations = search.conversations(), "looking at all conversations");
        let search = Search { is_routine: true, began: Moment::now(), ..search };
        Ok(Some(Round { search, summary: ReconcileSummary::default(), failed: 0 }))
    }

    async fn end(&self, round: &Round) -> Result<(), StoreError> {
        let Round { search, summary, failed } = round;
        if *summary != ReconcileSummary::default() || *failed > 0 {
            tracing::warn!(
                unread = failed,
                "compared all conversations, also silent ones, with Kommo's history: {summary}"
            );
        }
        self.report_found();
        if search.began.wall > clock::now() {
            return Ok(());
        }
        self.parts.store.looked_at_all(search.began.wall).await
    }
}

/// Moves a chat that could not be read to the end of the round, and skips it after the last failure: the next round
/// comes soon.
fn put_off(round: &mut Round) {
    let Some(target) = round.search.pending.pop() else { return };
    let target = Target { failed: target.failed + 1, ..target };
    if target.failed < MAX_FAILURES_OF_ONE {
        round.search.pending.insert(0, target);
    } else {
        round.failed += 1;
    }
}
