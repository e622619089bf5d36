//! All chats, also those that have been silent for long.
//!
//! Whoever wakes customers up writes precisely to those who have been silent. Of what is lost there nothing tells: in
//! the store such a chat stays silent. So all chats are gone through, in the time that is left, one question each, and
//! at the same low rate as in a comparison that is made in any case. That is begun often enough for what it finds
//! to be young enough to be sent. Chats that are alive are among them: one that wakes up by its customer's words must
//! not be left with a gap from before.

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

/// How long after one round has begun the next one follows at the latest.
const AT_LEAST_EVERY: Duration = Duration::from_hours(24);
/// How often it is seen to whether a round is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long it is waited after a failure.
const PAUSE: Duration = Duration::from_mins(1);
/// How often the history of one chat is asked for in a round.
const TRIES_OF_ONE: u32 = 3;

/// A round that is under way.
pub(super) struct Round {
    search: Search,
    summary: ReconcileSummary,
    failed: usize,
}

impl Reconciler {
    /// Goes through all chats again and again. What is broken off goes on where it was, with the `round` that it left.
    pub(super) async fn look_at_all(&self, round: &mut Option<Round>) -> Result<Infallible, StoreError> {
        loop {
            let Some(current) = round else {
                *round = self.next_round().await?;
                if round.is_none() {
                    sleep(LOOK_EVERY).await;
                }
                continue;
            };
            if current.search.is_void() {
                *round = None;
                continue;
            }
            if self.objection().is_some() {
                sleep(LOOK_EVERY).await;
                continue;
            }
            // The liveliest, which are compared most often anyway, come last.
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

    /// The next round, if it is time for it. A store that has never made one begins to wait.
    async fn next_round(&self) -> Result<Option<Round>, StoreError> {
        let (store, now) = (&self.parts.store, clock::now());
        if self.objection().is_some() {
            return Ok(None);
        }
        // What was noted by a clock that was ahead says nothing.
        let Some(last) = store.looked_at_all_at()?.filter(|last| *last <= now) else {
            store.looked_at_all(now).await?;
            return Ok(None);
        };
        // What is as old as can be when it is found must still be young enough to be sent.
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
        self.tell_found();
        if search.began.wall > clock::now() {
            return Ok(());
        }
        self.parts.store.looked_at_all(search.began.wall).await
    }
}

/// Comes back to what could not be read after everything else, and leaves it in the end: the next round is not far.
fn put_off(round: &mut Round) {
    let Some(target) = round.search.pending.pop() else { return };
    let target = Target { failed: target.failed + 1, ..target };
    if target.failed < TRIES_OF_ONE {
        round.search.pending.insert(0, target);
    } else {
        round.failed += 1;
    }
}
