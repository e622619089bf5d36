//! The poller: one per bot, and the only one who confirms updates to Telegram.
//!
//! Asking for updates from an offset confirms everything below it, and Telegram forgets what is confirmed. So the next
//! poll starts only after the last batch is stored durably, together with the offset it leads to.

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

/// An unchanged offset is not asked for more often than this; Telegram cuts the answer to a single update if it is.
const LEAST_INTERVAL: Duration = Duration::from_millis(500);
/// For so long a poll is not begun anew, whatever is heard: Telegram would hold the next one for as long.
const FRESH_FOR: Duration = Duration::from_secs(3);
/// How long to stay away when the disk is almost full.
const NO_ROOM_WAIT: Duration = Duration::from_secs(10);

/// Polls one bot and stores what it gets.
pub struct Poller {
    pub bot: Bot,
    /// Where its updates go.
    pub store: Store,
    /// Where its state shows.
    pub metrics: Arc<Metrics>,
    /// How often a poll that fails is tried.
    pub rhythm: PollBackoff,
    /// Where it is kept that an update came.
    pub trace: Trace,
    /// What goes to programs of the owner's as well; `None` if nobody else has the bot.
    pub sharing: Option<Sharing>,
}

/// What becomes of a batch.
#[derive(Default)]
struct Batch {
    jobs: Vec<NewJob>,
    /// The hop of each job, if hops are kept.
    hops: Vec<Option<Hop>>,
    kept: Vec<NewKept>,
}

/// How far the polling has come.
struct PollState {
    offset: Option<i64>,
    stage: Stage,
    narrowing: BadUpdateSearch,
}

/// What the last poll has shown.
#[derive(Clone, Copy)]
enum Stage {
    /// Nothing yet.
    Unknown,
    Answered,
    /// Somebody has reason to think that the way has changed.
    Doubted,
    /// It fails, since then.
    Failing(Instant),
}

impl Stage {
    /// A poll that waits is answered when somebody writes. One from which it is to be learnt whether the bot works does
    /// not wait.
    fn wait(self, rhythm: &PollBackoff) -> Wait {
        match self {
            Self::Unknown => Wait::ForAnswer,
            Self::Answered => Wait::ForNews,
            Self::Doubted => rhythm.wait(Duration::ZERO),
            Self::Failing(since) => rhythm.wait(since.elapsed()),
        }
    }

    /// Since when it fails, if it fails now.
    fn failing_since(self) -> Instant {
        match self {
            Self::Failing(since) => since,
            Self::Unknown | Self::Answered | Self::Doubted => Instant::now(),
        }
    }
}

impl Poller {
    /// Polls until `stop`. A poll that is under way is dropped: what it would bring is not confirmed and comes again.
    ///
    /// # Errors
    /// If the store fails. Telegram's failures are waited out.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StoreError> {
        stop.run_until_cancelled_owned(self.poll_for_ever()).await.unwrap_or(Ok(()))
    }

    async fn poll_for_ever(self) -> Result<(), StoreError> {
        let offset = self.store.offset(self.bot.id())?;
        let mut course = PollState { offset, stage: Stage::Unknown, narrowing: BadUpdateSearch::default() };
        loop {
            if self.store.has_room() {
                self.poll(&mut course).await?;
            } else {
                let why = "the disk is almost full: free some space".to_owned();
                self.report(Polling::Stopped(BotProblem::NoRoom, why));
                course.stage = Stage::Unknown;
                sleep(NO_ROOM_WAIT).await;
            }
        }
    }

    /// One poll, and the wait until the next.
    async fn poll(&self, course: &mut PollState) -> Result<(), StoreError> {
        let begun_at = Instant::now();
        let ask = Ask { offset: course.offset, limit: course.narrowing.limit(), wait: course.stage.wait(&self.rhythm) };
        let answer = tokio::select! {
            answer = self.bot.updates(ask) => answer.map_err(PollError::from),
            () = self.doubted_since(begun_at), if ask.wait == Wait::ForNews => {
                course.stage = Stage::Doubted;
                return Ok(());
            }
        };
        match answer {
            Ok(updates) => match self.keep(&updates, course).await? {
                StoredBatch::Confirmable => course.stage = Stage::Answered,
                StoredBatch::Nothing => {
                    if matches!(course.stage, Stage::Answered) {
                        sleep_until(begun_at + LEAST_INTERVAL).await;
                    }
                    course.stage = Stage::Answered;
                }
                StoredBatch::Unnumbered => self.back_off(course, &PollError::Unnumbered, begun_at).await,
            },
            Err(trouble) => {
                if let PollError::Unreadable { body, .. } = &trouble
                    && let Some(culprit) = course.narrowing.unreadable(body, course.offset)
                {
                    self.keep(&[culprit], course).await?;
                    return Ok(());
                }
                self.back_off(course, &trouble, begun_at).await;
            }
        }
        Ok(())
    }

    /// Returns once somebody doubts the way to Telegram, and the poll that was begun then is not fresh any more.
    async fn doubted_since(&self, begun_at: Instant) {
        self.bot.doubted().await;
        sleep_until(begun_at + FRESH_FOR).await;
    }

    /// Shows the trouble, and waits until the next poll may mend it, or somebody hears of Telegram.
    async fn back_off(&self, course: &mut PollState, trouble: &PollError, begun_at: Instant) {
        let since = course.stage.failing_since();
        course.stage = Stage::Failing(since);
        self.report(trouble.shown());
        let wait = self.rhythm.next_after(trouble, since.elapsed(), fastrand::f64());
        let until = begun_at + wait;
        let is_asked_to_wait = matches!(trouble, PollError::Throttled(_));
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.bot.doubted(), if !is_asked_to_wait => {}
        }
    }

    /// Stores a batch and the offset behind it in one durable step.
    async fn keep(&self, updates: &[RawUpdate], course: &mut PollState) -> Result<StoredBatch, StoreError> {
        let Some(last) = updates.iter().filter_map(|update| update.id).max() else {
            let is_empty = updates.is_empty();
            if is_empty {
                course.narrowing.read(0);
                self.report(Polling::Working);
            }
            return Ok(if is_empty { StoredBatch::Nothing } else { StoredBatch::Unnumbered });
        };
        course.narrowing.read(updates.len());
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
                self.trace.tell(|| Hop { job: Some(*number), ..hop });
            }
        }
        tracing::debug!(source = %self.bot.source(), taken = pushed.taken, known = pushed.known, "updates stored");
        let has_moved = course.offset.replace(next) != Some(next);
        Ok(if has_moved { StoredBatch::Confirmable } else { StoredBatch::Nothing })
    }

    /// What of a batch is relayed, and what is kept for programs.
    fn batch(&self, updates: &[RawUpdate]) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        for update in updates {
            let received = Received::read(&update.raw);
            let sharing = self.sharing.as_ref();
            let kept = sharing.map(|sharing| sharing.kept((&self.bot, &self.store), update, &received)).transpose()?;
            let kept = kept.flatten();
            // What no program would get is hidden from nobody.
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

    /// An update without a number is taken along with the others: once they are confirmed, it does not come again. With
    /// its job comes its hop, if hops are kept.
    fn job(&self, update: &RawUpdate, received: &Received<'_>) -> (NewJob, Option<Hop>) {
        let source = self.bot.source();
        if update.id.is_none() {
            tracing::warn!(%source, "Telegram gave an update without a number: it is taken, and would be taken twice");
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

    /// Shows the state, and says so once when it changes.
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
            Polling::Failing(why) => tracing::warn!(%source, why, "polling fails, and is tried again"),
            Polling::Stopped(_, why) => tracing::error!(%source, why, "polling has stopped, and is tried again"),
        }
    }
}

/// What became of a batch.
enum StoredBatch {
    /// It is stored, and the next poll confirms it.
    Confirmable,
    /// There was nothing new in it.
    Nothing,
    /// It cannot be confirmed, so it is not stored either.
    Unnumbered,
}
