//! The poller: one per bot, and the only one who confirms updates to Telegram.
//!
//! Asking for updates from an offset confirms everything below it, and Telegram forgets what is confirmed. So the next
//! poll starts only after the last batch is stored durably, together with the offset it leads to.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::work::{DedupeId, Work},
    meter::{Meter, Polling},
    store::{Intake, NewJob, Store, StoreError},
    telegram::{
        bot::Bot,
        failure::{self, PollError},
    },
    translate::from_telegram,
};

/// An unchanged offset is not asked for more often than this; Telegram cuts the answer to a single update if it is.
const LEAST_INTERVAL: Duration = Duration::from_millis(500);
/// How long to stay away when the disk is almost full.
const NO_ROOM_WAIT: Duration = Duration::from_secs(10);

/// Polls one bot and stores what it gets.
pub struct Poller {
    /// The bot.
    pub bot: Bot,
    /// Where its updates go.
    pub store: Store,
    /// Where its state shows.
    pub meter: Arc<Meter>,
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
        let mut offset = self.store.offset(self.bot.id())?;
        let mut failures = 0;
        let mut answered = false;
        loop {
            let started = Instant::now();
            if !self.store.has_room() {
                self.report(Polling::Stopped("the disk is almost full: free some space".to_owned()));
                answered = false;
                sleep(NO_ROOM_WAIT).await;
                continue;
            }
            // A poll that waits is answered when somebody writes. The first one, and the first after a failure, does not
            // wait, so that it shows at once that the bot works.
            match self.bot.updates(offset, answered).await {
                Ok(updates) => {
                    failures = 0;
                    self.report(Polling::Working);
                    let next = self.keep(updates, offset).await?;
                    if next == offset && answered {
                        sleep(LEAST_INTERVAL.saturating_sub(started.elapsed())).await;
                    }
                    offset = next;
                    answered = true;
                }
                Err(error) => {
                    failures += 1;
                    answered = false;
                    let error = failure::of_poll(&error);
                    let wait = back_off(&error, failures, fastrand::f64());
                    self.report(state(&error));
                    sleep(wait).await;
                }
            }
        }
    }

    /// Stores a batch and the offset behind it in one durable step, and tells the new offset.
    async fn keep(&self, updates: Vec<Value>, offset: Option<i64>) -> Result<Option<i64>, StoreError> {
        let Some(last) = updates.iter().filter_map(update_id).max() else { return Ok(offset) };
        let jobs = updates.into_iter().filter_map(|update| self.job(&update)).collect();
        let next = last + 1;
        let pushed = self.store.push(Intake { jobs, offset: Some((self.bot.id(), next)) }, clock::now()).await?;
        self.meter.updates(self.bot.source(), pushed.taken, pushed.known);
        tracing::debug!(source = %self.bot.source(), taken = pushed.taken, known = pushed.known, "updates stored");
        Ok(Some(next))
    }

    /// An update without a number cannot be confirmed by itself nor recognised; Telegram sends none.
    fn job(&self, update: &Value) -> Option<NewJob> {
        let id = DedupeId::update(self.bot.id(), update_id(update)?);
        let raw = update.to_string();
        let lane = from_telegram::lane(&raw, self.bot.source());
        let work = Work::Update { source: self.bot.source().clone(), bot: self.bot.id(), raw };
        Some(NewJob { id: Some(id), lane, work })
    }

    /// Shows the state, and says so once when it changes.
    fn report(&self, state: Polling) {
        let source = self.bot.source();
        if !self.meter.polling(source, state.clone()) {
            return;
        }
        match state {
            Polling::Starting | Polling::Working => tracing::info!(%source, bot = %self.bot.id(), "polling"),
            Polling::Failing(why) => tracing::warn!(%source, why, "polling fails, and is tried again"),
            Polling::Stopped(why) => tracing::error!(%source, why, "polling has stopped"),
        }
    }
}

fn state(error: &PollError) -> Polling {
    match error {
        PollError::Unreachable { why, .. } => Polling::Failing(why.clone()),
        PollError::Conflict | PollError::Webhook | PollError::Revoked => Polling::Stopped(error.to_string()),
    }
}

/// The number of an update. Telegram's fit into 32 bits (`TQueue`); anything else is none, and must not move the offset.
fn update_id(update: &Value) -> Option<i64> {
    update.get("update_id")?.as_i64().filter(|id| i32::try_from(*id).is_ok())
}

/// How long to stay away after `failures` failed polls in a row; `chance` is a random number in `0.0..1.0`.
fn back_off(error: &PollError, failures: u32, chance: f64) -> Duration {
    let doubled = |first: u64, most: u64| Duration::from_secs((first << failures.saturating_sub(1).min(10)).min(most));
    let base = match error {
        PollError::Conflict | PollError::Webhook => doubled(5, 60),
        PollError::Revoked => doubled(30, 300),
        PollError::Unreachable { after_seconds, .. } => {
            doubled(1, 30).max(Duration::from_secs((*after_seconds).into()))
        }
    };
    base.mul_f64(1.0 + chance * 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_confirmed_is_no_number() {
        for (update, id) in [
            (r#"{"update_id":5}"#, Some(5)),
            (r#"{"update_id":9223372036854775807}"#, None),
            (r#"{"update_id":"5"}"#, None),
            (r#"{"update_id":5.5}"#, None),
            ("[5]", None),
        ] {
            assert_eq!(update_id(&serde_json::from_str(update).unwrap()), id, "{update}");
        }
    }

    #[test]
    fn the_back_off_grows_to_its_limit_and_honours_the_server() {
        let unreachable = |after_seconds| PollError::Unreachable { why: String::new(), after_seconds };
        let cases = [
            (PollError::Conflict, 1, 5),
            (PollError::Conflict, 9, 60),
            (PollError::Webhook, 2, 10),
            (PollError::Revoked, 1, 30),
            (PollError::Revoked, u32::MAX, 300),
            (unreachable(0), 1, 1),
            (unreachable(0), 20, 30),
            (unreachable(77), 1, 77),
        ];
        for (error, failures, seconds) in cases {
            assert_eq!(back_off(&error, failures, 0.0), Duration::from_secs(seconds), "{error:?} {failures}");
            assert_eq!(back_off(&error, failures, 1.0), Duration::from_secs(seconds).mul_f64(1.5));
        }
    }
}
