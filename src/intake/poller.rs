//! The poller: one per bot. Nothing else confirms updates to Telegram.
//!
//! A request for updates from an offset confirms all updates below it, and Telegram forgets them. So the next poll
//! starts only after the last batch is stored durably, together with the offset behind it.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::job::{IdempotencyKey, Job, Update},
    intake::poller::{bad_update::BadUpdateSearch, poll_error::PollError},
    metrics::{BotProblem, Metrics, Polling},
    store::{Intake, NewJob, NewKept, Store, StoreError},
    telegram::{
        bot::Bot,
        updates::{Ask, RawUpdate, Wait},
    },
    trace::{By, Hop, Trace},
    translate::from_telegram::Received,
};

mod backoff;
mod bad_update;
mod poll_error;
mod sharing;

pub use backoff::PollBackoff;
pub use sharing::Sharing;

#[cfg(test)]
mod tests;

/// The least time between two polls of an unchanged offset; after a shorter time Telegram returns a single update.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// The least age of a poll that is replaced because the connection is in doubt: Telegram would delay the next one for
/// as long.
const MIN_POLL_AGE: Duration = Duration::from_secs(3);
/// How long to wait when the disk is almost full.
const NO_ROOM_WAIT: Duration = Duration::from_secs(10);

/// Polls one bot and stores its updates.
pub struct Poller {
    pub bot: Bot,
    pub store: Store,
    pub metrics: Arc<Metrics>,
    /// When a failed poll is retried.
    pub backoff: PollBackoff,
    pub trace: Trace,
    /// How the bot is shared with the owner's programs; `None` if it is not.
    pub sharing: Option<Sharing>,
}

/// The content of a batch.
#[derive(Default)]
struct Batch {
    jobs: Vec<NewJob>,
    /// The hop of each job, if the trace is on.
    hops: Vec<Option<Hop>>,
    kept: Vec<NewKept>,
}

/// The state between two polls.
struct PollState {
    offset: Option<i64>,
    stage: Stage,
    search: BadUpdateSearch,
}

/// The result of the last poll.
#[derive(Clone, Copy)]
enum Stage {
    /// There was none yet.
    Unknown,
    Answered,
    /// The connection may be dead.
    Doubted,
    /// Polls have failed since then.
    Failing(Instant),
}

impl Stage {
    /// How the next poll waits. A long poll is answered when somebody writes; a poll that checks whether the bot works
    /// does not wait for that.
    fn wait(self, backoff: &PollBackoff) -> Wait {
        match self {
            Self::Unknown => Wait::ForAnswer,
            Self::Answered => Wait::ForNews,
            Self::Doubted => backoff.wait(Duration::ZERO),
            Self::Failing(since) => backoff.wait(since.elapsed()),
        }
    }

    /// Since when polls fail, if the current one fails.
    fn failing_since(self) -> Instant {
        match self {
            Self::Failing(since) => since,
            Self::Unknown | Self::Answered | Self::Doubted => Instant::now(),
        }
    }
}

impl Poller {
    /// Polls until `stop`. A pending poll is dropped: its updates are not confirmed and come again.
    ///
    /// # Errors
    /// If the store fails. Failures of Telegram are waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        stop.run_until_cancelled_owned(self.poll_for_ever()).await.unwrap_or(Ok(()))
    }

    async fn poll_for_ever(self) -> Result<(), StoreError> {
        let offset = self.store.offset(self.bot.id())?;
        let mut state = PollState { offset, stage: Stage::Unknown, search: BadUpdateSearch::default() };
        loop {
            if self.store.has_room() {
                self.poll(&mut state).await?;
            } else {
                let why = "the disk is almost full: free some space".to_owned();
                self.report(Polling::Stopped(BotProblem::NoRoom, why));
                state.stage = Stage::Unknown;
                sleep(NO_ROOM_WAIT).await;
            }
        }
    }

    /// One poll, and the wait until the next.
    async fn poll(&self, state: &mut PollState) -> Result<(), StoreError> {
        let started_at = Instant::now();
        let ask = Ask { offset: state.offset, limit: state.search.limit(), wait: state.stage.wait(&self.backoff) };
        let answer = tokio::select! {
            answer = self.bot.updates(ask) => answer.map_err(PollError::from),
            () = self.doubted_since(started_at), if ask.wait == Wait::ForNews => {
                state.stage = Stage::Doubted;
                return Ok(());
            }
        };
        match answer {
            Ok(updates) => match self.keep(&updates, state).await? {
                StoredBatch::Confirmable => state.stage = Stage::Answered,
                StoredBatch::Nothing => {
                    if matches!(state.stage, Stage::Answered) {
                        sleep_until(started_at + MIN_INTERVAL).await;
                    }
                    state.stage = Stage::Answered;
                }
                StoredBatch::Unnumbered => self.back_off(state, &PollError::Unnumbered, started_at).await,
            },
            Err(error) => {
                if let PollError::Unreadable { body, .. } = &error
                    && let Some(culprit) = state.search.unreadable(body, state.offset)
                {
                    self.keep(&[culprit], state).await?;
                    return Ok(());
                }
                self.back_off(state, &error, started_at).await;
            }
        }
        Ok(())
    }

    /// Returns once the connection to Telegram is in doubt, and the poll that was started at `started_at` is old
    /// enough.
    async fn doubted_since(&self, started_at: Instant) {
        self.bot.doubted().await;
        sleep_until(started_at + MIN_POLL_AGE).await;
    }

    /// Reports the error, and waits until the next poll is due or the state of the connection may have changed.
    async fn back_off(&self, state: &mut PollState, error: &PollError, started_at: Instant) {
        let since = state.stage.failing_since();
        state.stage = Stage::Failing(since);
        self.report(error.to_polling());
        let wait = self.backoff.next_after(error, since.elapsed(), fastrand::f64());
        let until = started_at + wait;
        let is_asked_to_wait = matches!(error, PollError::Throttled(_));
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.bot.doubted(), if !is_asked_to_wait => {}
        }
    }

    /// Stores a batch and the offset behind it in one durable commit.
    async fn keep(&self, updates: &[RawUpdate], state: &mut PollState) -> Result<StoredBatch, StoreError> {
        let Some(last) = updates.iter().filter_map(|update| update.id).max() else {
            let is_empty = updates.is_empty();
            if is_empty {
                state.search.read(0);
                self.report(Polling::Working);
            }
            return Ok(if is_empty { StoredBatch::Nothing } else { StoredBatch::Unnumbered });
        };
        state.search.read(updates.len());
        self.report(Polling::Working);
        let (Batch { jobs, hops, kept }, next) = (self.batch(updates)?, last + 1);
        let intake = Intake { jobs, offset: Some((self.bot.id(), next)) };
        let pushed = self.store.push_kept(intake, kept, clock::now()).await?;
        self.metrics.updates(self.bot.source(), pushed.taken, pushed.known);
        if let Some(sharing) = &self.sharing {
            sharing.bound(&self.store).await?;
        }
        for (hop, number) in hops.into_iter().zip(&pushed.numbers) {
            if let (Some(hop), Some(number)) = (hop, number) {
                self.trace.record(|| Hop { job: Some(*number), ..hop });
            }
        }
        tracing::debug!(source = %self.bot.source(), taken = pushed.taken, known = pushed.known, "updates stored");
        let has_moved = state.offset.replace(next) != Some(next);
        Ok(if has_moved { StoredBatch::Confirmable } else { StoredBatch::Nothing })
    }

    /// The jobs of a batch, and the updates that are kept for programs.
    fn batch(&self, updates: &[RawUpdate]) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        for update in updates {
            let received = Received::read(&update.raw);
            let sharing = self.sharing.as_ref();
            let kept = sharing.map(|sharing| sharing.kept((&self.bot, &self.store), update, &received)).transpose()?;
            let kept = kept.flatten();
            // An update that no program would get is relayed.
            let is_hidden = kept.is_some() && sharing.is_some_and(|sharing| sharing.is_hidden(&received));
            batch.kept.extend(kept);
            if !is_hidden {
                let (job, hop) = self.job(update, &received);
                batch.jobs.push(job);
                batch.hops.push(hop);
            }
        }
        Ok(batch)
    }

    /// The job of an update, and its hop, if the trace is on. An update without a number is stored with the others:
    /// once they are confirmed, it does not come again.
    fn job(&self, update: &RawUpdate, received: &Received<'_>) -> (NewJob, Option<Hop>) {
        let source = self.bot.source();
        if update.id.is_none() {
            tracing::warn!(%source, "Telegram sent an update without a number: it is stored, but a \
                repetition would not be recognised");
        }
        let id = update.id.map(|id| IdempotencyKey::update(self.bot.id(), id));
        let lane = received.lane(source);
        let hop = self.trace.is_on().then(|| Hop {
            at: clock::now(),
            by: Some(By::Telegram),
            route: lane.route.to_string(),
            conversation: lane.conversation(),
            kind: received.kind().to_owned(),
            messages: received.message_id(self.bot.id()).into_iter().collect(),
            ..Hop::default()
        });
        let job =
            Job::from(Update { source: source.clone(), bot: self.bot.id(), raw: update.raw.clone(), program: None });
        (NewJob { id, lane, job }, hop)
    }

    /// Publishes the state, and logs it when it changes.
    fn report(&self, state: Polling) {
        let source = self.bot.source();
        // While there is no room, nothing is polled.
        if !matches!(state, Polling::Stopped(BotProblem::NoRoom, _)) {
            self.metrics.polled(source, &state);
        }
        if !self.metrics.polling(source, state.clone()) {
            return;
        }
        match state {
            Polling::Starting | Polling::Working => tracing::info!(%source, bot = %self.bot.id(), "polling"),
            Polling::Failing(why) => tracing::warn!(%source, why, "polling failed, retrying"),
            Polling::Stopped(_, why) => {
                tracing::error!(%source, why, "polling is blocked until the operator acts, retrying");
            }
        }
    }
}

/// The result of storing a batch.
enum StoredBatch {
    /// It is stored, and the next poll confirms it.
    Confirmable,
    /// It has nothing new.
    Nothing,
    /// It cannot be confirmed, so it is not stored.
    Unnumbered,
}
