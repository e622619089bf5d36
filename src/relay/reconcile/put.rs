//! Puts missing messages into their lanes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    clock,
    domain::{
        address::KommoMessageId,
        job::{Job, Lane},
    },
    relay::{
        reconcile::{Reconciler, Search},
        task::Task,
    },
    store::{Backfilled, Missing, NewJob, Store, StoreError},
    trace::{By, Hop},
};

/// How often to check a lane in which a relay works.
pub(super) const CHECK_EVERY: Duration = Duration::from_millis(20);

/// Releases the hold of a lane, however the backfill ends.
struct HoldGuard<'a>(&'a Store, &'a Lane);

impl Drop for HoldGuard<'_> {
    fn drop(&mut self) {
        self.0.release_hold(self.1);
    }
}

impl Reconciler {
    /// Puts jobs into the lane of their conversation, and returns how many were new.
    pub(super) async fn put(
        &self,
        lane: &Lane,
        missing: Vec<Missing>,
        ranks: HashMap<KommoMessageId, usize>,
        search: &Search,
    ) -> Result<usize, StoreError> {
        let (ranks, mark, store) = (Arc::new(ranks), search.mark, &self.parts.store);
        let held = HoldGuard(store, lane);
        loop {
            store.hold(std::slice::from_ref(lane), 0);
            let ranks = Arc::clone(&ranks);
            let rank = move |sequence, job: &Job| {
                let known = message_of(job).and_then(|id| ranks.get(&id).copied());
                known.or((sequence >= mark).then_some(usize::MAX))
            };
            match store.backfill(lane.clone(), missing.clone(), rank, clock::now()).await? {
                Backfilled::Stored(count) => {
                    drop(held);
                    for missing in missing.iter().filter(|_| count > 0) {
                        self.parts.trace.record(|| found(lane, &missing.job));
                    }
                    return Ok(count);
                }
                Backfilled::Busy => sleep(CHECK_EVERY).await,
            }
        }
    }
}

/// The hop of a message that was found in the history.
fn found(lane: &Lane, job: &NewJob) -> Hop {
    Hop {
        at: clock::now(),
        by: Some(By::History),
        route: lane.route.to_string(),
        conversation: lane.conversation(),
        kind: job.job.traits().name.to_owned(),
        messages: message_of(&job.job).map(|id| id.to_string()).into_iter().collect(),
        ..Hop::default()
    }
}

/// The Kommo message of a job.
fn message_of(job: &Job) -> Option<KommoMessageId> {
    Task::read(job).answers().pop()
}
