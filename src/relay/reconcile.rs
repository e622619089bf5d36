//! Reconciliation: finds managers' messages whose hooks never arrived in Kommo's history, and puts them into their
//! lanes.
//!
//! Kommo sends each hook once, so messages that were written while the bridge was unreachable are in the chat's history
//! alone. A message from Kommo that was never accepted becomes the same job as its hook would have, under the same id:
//! whichever of the two comes second is recognised.
//!
//! Missing hooks cannot be detected from here: a reverse proxy that is down loses them as silently as a stop. So only a
//! comparison proves that nothing is missing, and each starts where the last one was complete. Comparisons run at a
//! start, after an outage that could be noticed, after the machine has slept, periodically, and when the operator asks
//! (`schedule`). Chats that have been silent for long have rounds of their own (`silent`).
//!
//! Order: hooks that arrive after a start are newer than missing messages. They are held until their conversation has
//! been compared ([`Store::hold`]), and missing messages are put in front of them ([`Store::backfill`]). A hold ends
//! after [`Bounds::hold_for`], since a Kommo that does not answer must not delay answers for long.
//!
//! A store that was rolled back to an older state does not know what was delivered since, and all of that seems to be
//! missing. So a start sends nothing that it finds before it has checked whether Kommo has messages of ours that the
//! store does not know (`doubt`). And nothing is compared while this machine's clock is wrong (`timely`).

use std::{
    collections::BTreeSet,
    sync::{self, Arc, PoisonError},
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{
    clock,
    domain::{
        address::SourceId,
        amount::{counted, duration_in_words},
        retry::Schedule,
        time::UnixMillis,
    },
    kommo::{account::Account, chats::Chats},
    metrics::Metrics,
    rate_limit::RateLimit,
    store::{Imports, Store, StoreError},
    trace::Trace,
    words::Spoken,
};

mod compare;
mod doubt;
mod history_reader;
mod named;
mod put;
mod refused_hooks;
mod run;
mod schedule;
mod search;
mod silent;
mod summary;
mod timely;
pub mod unlinked;

pub use search::Search;
pub use summary::{ReconcileSummary, TOO_LONG, UNREAD};

use refused_hooks::Listening;
use run::Worked;
use search::Target;

/// How far the clocks of two machines may differ, and how long Kommo may leave a hook in a slow queue.
const MARGIN: Duration = Duration::from_hours(1);
/// The hourly comparison leaves a younger message to its hook: the hook may be late, and has more than the history has.
const LEFT_TO_ITS_HOOK: Duration = Duration::from_mins(20);
/// How often Kommo may fail in a row while a caller waits for the result, or the next comparison follows anyway.
const MAX_FAILURES: u32 = 5;

/// How far back a comparison looks, how often it runs, and how long it may hold answers.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Older messages are reported, but not sent.
    pub max_age: Duration,
    /// Chats without messages for longer are compared in rounds of their own.
    pub chats_within: Duration,
    /// How long the store keeps the id of a hook. For older messages it cannot say whether they are missing.
    pub known_for: Duration,
    /// How long the store keeps the links of a message.
    pub linked_for: Duration,
    /// How long hooks are held after a start.
    pub hold_for: Duration,
    /// The interval between comparisons without an occasion.
    pub every: Duration,
    /// How often to check whether Telegram and Kommo can be reached.
    pub watch_every: Duration,
}

/// The services that a comparison uses.
pub struct Parts {
    /// Kommo's histories.
    pub chats: Chats,
    /// The account's REST API, if there is a token for it: it names silent chats with new messages.
    pub account: Option<Account>,
    pub store: Store,
    /// The chats that were imported into.
    pub imported: Imports,
    pub metrics: Arc<Metrics>,
    pub trace: Trace,
    /// The language of managers.
    pub spoken: Spoken,
    /// The sources whose conversations are compared at first.
    pub sources: BTreeSet<SourceId>,
}

/// Finds missing messages.
pub struct Reconciler {
    parts: Parts,
    /// The sources whose conversations are compared.
    sources: sync::Mutex<BTreeSet<SourceId>>,
    bounds: Bounds,
    schedule: Schedule,
    /// In addition to the client's own limit: live messages keep the greater part of it.
    rate_limit: RateLimit,
    /// The limit of comparisons for which nobody waits.
    background_rate: RateLimit,
    /// One search at a time.
    turn: Mutex<()>,
    listening: Listening,
}

impl Reconciler {
    /// A reconciler that uses at most half of `rate`, which is per second, and a seventh if nobody waits.
    #[must_use]
    pub fn new(parts: Parts, bounds: Bounds, schedule: Schedule, rate: u32) -> Self {
        let [rate_limit, background_rate] = [rate / 2, rate / 7].map(RateLimit::per_second);
        let listening = Listening::since(clock::now());
        let sources = sync::Mutex::new(parts.sources.clone());
        Self { parts, sources, bounds, schedule, rate_limit, background_rate, turn: Mutex::new(()), listening }
    }

    /// Sets the sources whose conversations are compared from now on. A running comparison is finished.
    pub fn serve(&self, sources: BTreeSet<SourceId>) {
        *self.sources.lock().unwrap_or_else(PoisonError::into_inner) = sources;
    }

    fn serves(&self, source: &SourceId) -> bool {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).contains(source)
    }

    /// Searches for messages that are missing for `since`, and passes lines about its progress to `report`.
    pub async fn run_now(
        &self,
        since: Option<Duration>,
        mut report: impl FnMut(String) + Send,
    ) -> Result<ReconcileSummary, StoreError> {
        let _turn = if let Ok(turn) = self.turn.try_lock() {
            turn
        } else {
            report("Another comparison is running: this one starts after it.".to_owned());
            self.turn.lock().await
        };
        let back = since.unwrap_or(self.bounds.max_age);
        let summary = loop {
            let now = clock::now();
            let mut search = self.search(now.minus(back), now).await?;
            announce(&search, back, &mut report);
            match self.process_targets(&mut search, Some(MAX_FAILURES), &mut report).await? {
                Worked::Finished(summary) => break summary,
                Worked::ClockSet => report("This machine's clock was set back: starting over.".to_owned()),
            }
        };
        tracing::info!("compared with Kommo's history: {summary}");
        self.report_found();
        Ok(summary)
    }
}

fn announce(search: &Search, back: Duration, report: &mut impl FnMut(String)) {
    let covered = search.since().until(search.began_at());
    if covered < back {
        let back = duration_in_words(back);
        report(format!("The store does not remember as far back as {back} (store.dedupe_for): comparing less."));
    }
    let (back, conversations) = (duration_in_words(covered), counted(search.conversations(), "conversation"));
    report(format!("Comparing the last {back} of {conversations} with Kommo's history."));
}

/// From when on messages may be missing, if none was at `caught_up_at`. An instant in the future was recorded by a
/// clock that was ahead, and says nothing.
fn since(caught_up_at: Option<UnixMillis>, now: UnixMillis, max_age: Duration) -> UnixMillis {
    caught_up_at.filter(|at| *at <= now).map_or_else(|| now.minus(max_age), |at| at.minus(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_reaches_as_far_back_as_messages_may_be_missing() {
        const DAY: Duration = Duration::from_hours(24);
        let now = UnixMillis(1_800_000_000_000);
        for (caught_up_at, back) in [
            (None, DAY),
            (Some(now), MARGIN),
            (Some(now.minus(DAY * 3)), DAY * 3 + MARGIN),
            (Some(now.plus(Duration::from_secs(1))), DAY),
            (Some(now.plus(DAY * 365)), DAY),
        ] {
            assert_eq!(since(caught_up_at, now, DAY), now.minus(back), "{caught_up_at:?}");
        }
    }
}
