//! How the process lives and ends: its tasks, its signals, and what systemd learns.
//!
//! A stop has two phases. First intake ends and what is in flight is finished. After [`GRACE`] it is broken off: an
//! answer that Telegram has not confirmed by then is reported as uncertain, and everything else is done after the next
//! start. Whoever still has not ended [`BREAKING_OFF`] later is dropped, which loses nothing, since everything that was
//! acknowledged is stored. A task that ends by itself takes the process with it, with an exit code that makes systemd
//! start it again.

use std::{
    fmt::Display,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use sd_notify::NotifyState;
use tokio::time::{Instant, interval, interval_at, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{metrics::Metrics, relay::HEARTBEAT, store::Store};

mod signals;

pub use signals::{Ignored, Signals};

/// How long what is in flight may take after a stop was asked for.
pub const GRACE: Duration = Duration::from_secs(6);
/// How long it may take to break off what is left.
pub const BREAKING_OFF: Duration = Duration::from_secs(2);
/// A route's loop that has not come round for this long hangs.
const STALLED_AFTER: Duration = Duration::from_secs(6 * HEARTBEAT.as_secs());

/// The tasks of one bridge, and the tokens that end them.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    abort: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    failed: Arc<AtomicBool>,
}

/// How a bridge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop and did.
    Stopped,
    /// Something that it cannot do without failed.
    Failed,
}

impl Lifecycle {
    /// The token that says: take nothing new, finish what is in flight.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// The token that says: break off what is in flight.
    #[must_use]
    pub fn cut_token(&self) -> CancellationToken {
        self.abort.clone()
    }

    /// Asks for a stop.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Drops all tasks in the middle of what they do.
    pub fn cut_off(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Runs a task that the bridge cannot do without. It must end only after a stop was asked for.
    pub fn essential<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let this = self.clone();
        self.tasks.spawn(async move {
            let outcome = this.hard.run_until_cancelled(AssertUnwindSafe(task).catch_unwind()).await;
            match outcome {
                None => tracing::debug!(task = name, "dropped"),
                Some(Ok(Ok(()))) if this.soft.is_cancelled() => {}
                Some(Ok(Ok(()))) => this.fail(name, "it ended by itself"),
                Some(Ok(Err(error))) => this.fail(name, &error),
                Some(Err(_panic)) => this.fail(name, "it panicked"),
            }
        });
    }

    /// Runs a task that may end before a stop.
    pub fn passing<E: Display>(&self, name: &'static str, task: impl Future<Output = Result<(), E>> + Send + 'static) {
        let stop = self.soft.clone();
        self.essential(name, async move {
            task.await?;
            stop.cancelled().await;
            Ok::<_, E>(())
        });
    }

    fn fail(&self, task: &'static str, error: impl Display) {
        tracing::error!(task, %error, "an essential task failed: shutting down");
        self.failed.store(true, Ordering::Release);
        self.soft.cancel();
    }

    /// Waits for a stop and for the end of all tasks.
    pub async fn ended(&self) -> Ended {
        self.soft.cancelled().await;
        self.tasks.close();
        if timeout(GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("the grace period is over: aborting what is under way");
            self.abort.cancel();
            if timeout(BREAKING_OFF, self.tasks.wait()).await.is_err() {
                self.hard.cancel();
                self.tasks.wait().await;
            }
        }
        if self.failed.load(Ordering::Acquire) { Ended::Failed } else { Ended::Stopped }
    }

    /// Stops at the first signal that asks for it; at the second the process ends at once.
    pub fn on_signals(&self, mut signals: Signals) {
        let this = self.clone();
        // Not among the tracked tasks: it waits for a second signal for as long as the process lives.
        #[expect(clippy::disallowed_methods, reason = "no stop may wait for the task that waits for signals")]
        tokio::spawn(async move {
            signals.stop().await;
            tracing::info!("stopping; a second signal ends at once");
            this.soft.cancel();
            signals.stop().await;
            tracing::warn!("ended at once");
            std::process::exit(1);
        });
    }
}

/// Tells systemd that the bridge works, if systemd started it.
pub fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// Tells systemd that the bridge stops.
pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd could not be notified");
    }
}

/// How often systemd is told that a start goes on, and for how long it waits then.
const STARTING_EVERY: Duration = Duration::from_secs(5);
const STARTING_FOR: Duration = Duration::from_secs(30);

/// Waits for a part of the start that may take long. As long as it does, systemd is asked to wait as well.
pub async fn starting<T>(work: impl Future<Output = T>) -> T {
    let mut every = interval_at(Instant::now() + STARTING_EVERY, STARTING_EVERY);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = every.tick() => {
                let usec = u32::try_from(STARTING_FOR.as_micros()).unwrap_or(u32::MAX);
                tell(&[NotifyState::ExtendTimeoutUsec(usec)]);
            }
        }
    }
}

/// Feeds systemd's watchdog for as long as every route's loop comes round and the store commits. Without a watchdog it
/// only waits for `stop`.
pub async fn feed_watchdog(
    store: Store,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        stop.cancelled().await;
        return Ok(());
    };
    let mut every = interval(limit / 3);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        let stalled: Vec<_> = metrics.stalled(STALLED_AFTER).iter().map(ToString::to_string).collect();
        let commits = timeout(limit / 3, store.until_durable()).await.is_ok();
        if stalled.is_empty() && commits {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!(routes = stalled.join(" "), commits, "a task hangs: the watchdog is not fed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_what_is_in_flight() {
        let life = Lifecycle::default();
        let stop = life.stop_token();
        life.essential("slow", async move {
            stop.cancelled().await;
            tokio::time::sleep(GRACE / 2).await;
            Ok::<_, String>(())
        });
        life.stop();
        assert_eq!(life.ended().await, Ended::Stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_end_is_dropped() {
        let life = Lifecycle::default();
        life.essential("stuck", std::future::pending::<Result<(), String>>());
        life.stop();
        assert_eq!(life.ended().await, Ended::Stopped);
    }

    #[tokio::test]
    async fn a_task_that_fails_panics_or_just_ends_takes_the_bridge_with_it() {
        for task in [
            async { Err("broken".to_owned()) }.boxed(),
            async { panic!("a bug") }.boxed(),
            async { Ok::<(), String>(()) }.boxed(),
        ] {
            let life = Lifecycle::default();
            life.essential("task", task);
            assert_eq!(life.ended().await, Ended::Failed);
        }
    }
}
