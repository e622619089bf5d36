//! Managers' messages that never came: looked for in Kommo's history, and put where they belong.
//!
//! Kommo sends each hook once, so what was written while nobody listened is in the chat's history alone. A message that
//! was written in Kommo and was never taken becomes the job that its hook would have become, under the same id:
//! whichever of the two comes second is recognised.
//!
//! That hooks are missing cannot be seen from here: a web server before us that is down loses them as quietly as a stop
//! does. So only a comparison tells that nothing is missing, and each begins where the last one was complete. They are
//! made at a start, when an outage that could be seen has ended, when the machine has slept, from time to time in any
//! case, and when the operator asks (`schedule`). Chats that have been silent for long have rounds of their own
//! (`silent`).
//!
//! Order: hooks that come after a start are newer than what is missing. Until its conversation has been compared they
//! are held ([`Store::hold`]), and what is missing is put in front of them ([`Store::backfill`]). A hold ends after
//! [`Bounds::hold_for`], since a Kommo that does not answer must not keep managers from customers for long.
//!
//! A store that was rolled back to an older state knows nothing of what was delivered since, and all of that looks as
//! if it was missing. So nothing of what a start finds is sent before there was time to see whether Kommo has messages
//! of ours that the store does not know (`doubt`). And nothing is compared while this machine's clock is wrong
//! (`timely`).

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
/// How often Kommo may fail in a row while somebody waits for the result, or the next comparison follows anyway.
const TRIES: u32 = 5;

/// How far back a comparison looks, how often it runs, and how long it may hold answers.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Older messages are told of, but not sent.
    pub max_age: Duration,
    /// Chats in which nothing was said for longer are compared in rounds of their own.
    pub chats_within: Duration,
    /// How long the store remembers that a hook was taken. An older message cannot be told from a missing one.
    pub known_for: Duration,
    /// How long the store remembers Kommo's id of a message.
    pub linked_for: Duration,
    /// How long hooks are held after a start.
    pub hold_for: Duration,
    /// How long after one comparison the next one follows, without any occasion.
    pub every: Duration,
    /// How often to check whether Telegram and Kommo can be reached.
    pub watch_every: Duration,
}

/// Whom a comparison asks, and what it looks into.
pub struct Parts {
    /// Kommo's histories.
    pub chats: Chats,
    /// The account's REST API, if there is a token for it: it names chats that were silent for long.
    pub account: Option<Account>,
    /// What has passed.
    pub store: Store,
    /// Which chats were imported into.
    pub imported: Imports,
    /// Tells of outages, and is told what is held.
    pub metrics: Arc<Metrics>,
    /// Where it is kept that a message was found.
    pub trace: Trace,
    /// What managers read.
    pub spoken: Spoken,
    /// Whose conversations are compared at first.
    pub sources: BTreeSet<SourceId>,
}

/// Finds what is missing.
pub struct Reconciler {
    parts: Parts,
    /// Whose conversations are compared.
    sources: sync::Mutex<BTreeSet<SourceId>>,
    bounds: Bounds,
    schedule: Schedule,
    /// Beside the client's own limit: live messages keep the greater part of it.
    rate_limit: RateLimit,
    /// The same where nobody waits.
    background_rate: RateLimit,
    /// One search at a time.
    turn: Mutex<()>,
    listening: Listening,
}

impl Reconciler {
    /// One that asks Kommo at most half as often as `rate` per second, and a seventh where nobody waits.
    #[must_use]
    pub fn new(parts: Parts, bounds: Bounds, schedule: Schedule, rate: u32) -> Self {
        let [rate_limit, background_rate] = [rate / 2, rate / 7].map(RateLimit::per_second);
        let listening = Listening::since(clock::now());
        let sources = sync::Mutex::new(parts.sources.clone());
        Self { parts, sources, bounds, schedule, rate_limit, background_rate, turn: Mutex::new(()), listening }
    }

    /// From now on it compares the conversations of `sources`. What is under way is finished.
    pub fn serve(&self, sources: BTreeSet<SourceId>) {
        *self.sources.lock().unwrap_or_else(PoisonError::into_inner) = sources;
    }

    fn serves(&self, source: &SourceId) -> bool {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).contains(source)
    }

    /// Looks for messages that are missing since `since`, and reports its progress in `say`. Returns the result.
    pub async fn run_now(
        &self,
        since: Option<Duration>,
        mut say: impl FnMut(String) + Send,
    ) -> Result<ReconcileSummary, StoreError> {
        let _turn = if let Ok(turn) = self.turn.try_lock() {
            turn
        } else {
            say("Another comparison is under way: this one begins after it.".to_owned());
            self.turn.lock().await
        };
        let back = since.unwrap_or(self.bounds.max_age);
        let summary = loop {
            let now = clock::now();
            let mut search = self.search(now.minus(back), now).await?;
            announce(&search, back, &mut say);
            match self.process_targets(&mut search, Some(TRIES), &mut say).await? {
                Worked::Off(summary) => break summary,
                Worked::ClockSet => say("This machine's clock was set back: starting over.".to_owned()),
            }
        };
        tracing::info!("compared with Kommo's history: {summary}");
        self.tell_found();
        Ok(summary)
    }
}

fn announce(search: &Search, back: Duration, say: &mut impl FnMut(String)) {
    let tellable = search.since().until(search.began_at());
    if tellable < back {
        let back = duration_in_words(back);
        say(format!("The store does not remember as far back as {back} (store.dedupe_for): comparing less."));
    }
    let (back, conversations) = (duration_in_words(tellable), counted(search.conversations(), "conversation"));
    say(format!("Comparing the last {back} of {conversations} with Kommo's history."));
}

/// From when on something may be missing, if nothing was at `caught_up_at`. An instant that is still to come was noted
/// by a clock that was ahead: nobody knows when that was.
fn since(caught_up_at: Option<UnixMillis>, now: UnixMillis, max_age: Duration) -> UnixMillis {
    caught_up_at.filter(|at| *at <= now).map_or_else(|| now.minus(max_age), |at| at.minus(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_as_far_back_as_anything_may_be_missing() {
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
