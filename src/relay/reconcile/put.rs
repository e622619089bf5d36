//! What was found, in its place among what waits.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    clock,
    domain::{
        address::KommoMessageId,
        work::{Lane, Work},
    },
    relay::reconcile::{Reconciler, Search},
    store::{Missing, Store, StoreError, Woven},
    translate::from_kommo::{self, Arrival},
};

/// How often a lane in which somebody works is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lets go of a lane, however its weaving ends.
struct Held<'a>(&'a Store, &'a Lane);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.let_go(self.1);
    }
}

impl Reconciler {
    /// Puts jobs into the lane of their conversation, and tells how many were new.
    pub(super) async fn put(
        &self,
        lane: &Lane,
        missing: Vec<Missing>,
        ranks: HashMap<KommoMessageId, usize>,
        search: &Search,
    ) -> Result<usize, StoreError> {
        let (ranks, mark, store) = (Arc::new(ranks), search.mark, &self.parts.store);
        let held = Held(store, lane);
        loop {
            store.hold(std::slice::from_ref(lane), 0);
            let ranks = Arc::clone(&ranks);
            let rank = move |sequence, work: &Work| {
                let known = message_of(work).and_then(|id| ranks.get(&id).copied());
                known.or((sequence >= mark).then_some(usize::MAX))
            };
            match store.weave(lane.clone(), missing.clone(), rank, clock::now()).await? {
                Woven::Stored(count) => {
                    drop(held);
                    return Ok(count);
                }
                Woven::Busy => sleep(LOOK_EVERY).await,
            }
        }
    }
}

/// The message of Kommo's that a job carries.
fn message_of(work: &Work) -> Option<KommoMessageId> {
    match work {
        Work::Call(_) | Work::Album { .. } => work.calls().last().map(|call| call.message.clone()),
        Work::Hook { raw } => match from_kommo::decode(raw).ok()? {
            Arrival::Message(outbound) => Some(outbound.id),
            Arrival::Reaction(_) | Arrival::Typing(_) | Arrival::Other(_) => None,
        },
        Work::Update { .. }
        | Work::Reaction { .. }
        | Work::Seen { .. }
        | Work::Report(_)
        | Work::Name { .. }
        | Work::Link { .. }
        | Work::Enrich { .. }
        | Work::Hold { .. }
        | Work::Remind { .. }
        | Work::Release { .. } => None,
    }
}
