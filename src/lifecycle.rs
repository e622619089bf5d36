//! The lifecycle of the process: its tasks, its signals, and the notifications to systemd.
//!
//! A stop has two phases. First the intake ends, and work in flight is finished. After [`GRACE`] the rest is aborted:
//! an answer that Telegram has not confirmed by then is reported as uncertain, and everything else is done after the
//! next start. A task that has not ended [`ABORT_GRACE`] later is dropped, which loses nothing, since everything that
//! was acknowledged is stored. A task that ends by itself ends the process, with an exit code that makes systemd
//! restart it.

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
use tokio::time::{interval, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{metrics::Metrics, relay::HEARTBEAT, store::Store};

mod notify;
mod signals;
mod stopping;

pub use notify::{notify_ready, notify_reloaded, notify_reloading, notify_stopping, starting};
pub use signals::{HangUps, Ignored, Signals};
use stopping::DROP_GRACE;
pub use stopping::{ABORT_GRACE, CLOSING, GRACE, STOPS_WITHIN, end_at_latest};

/// A relay loop without a heartbeat for this long counts as stalled.
const STALLED_AFTER: Duration = Duration::from_secs(6 * HEARTBEAT.as_secs());

/// The tasks of one bridge, and the tokens that end them.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    stop: CancellationToken,
    abort: CancellationToken,
    kill: CancellationToken,
    tasks: TaskTracker,
    failed: Arc<AtomicBool>,
}

/// A task that may be ended before the bridge is.
#[derive(Debug)]
#[must_use]
pub struct StoppableTask {
    stop: CancellationToken,
    ended: CancellationToken,
}

impl StoppableTask {
    /// Asks it to end: to accept nothing new, and to finish work in flight.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Asks it to end, and waits until it has.
    pub async fn end(&self) {
        self.stop();
        self.ended.cancelled().await;
    }
}

/// How a bridge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to stop.
    Stopped,
    /// An essential task has failed.
    Failed,
}

impl Lifecycle {
    /// Cancelled when tasks must accept nothing new and finish work in flight.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Cancelled when tasks must abort work in flight.
    #[must_use]
    pub fn abort_token(&self) -> CancellationToken {
        self.abort.clone()
    }

    /// Asks for a stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Drops all tasks in the middle of their work.
    pub fn cut_off(&self) {
        self.stop.cancel();
        self.kill.cancel();
    }

    /// Runs an essential task. It must end only after a stop was requested.
    pub fn essential<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.watch(name, self.stop.clone(), task);
    }

    /// Runs a task that is essential until it is stopped, which may be before the bridge is. It gets the token that
    /// stops it.
    pub fn spawn_stoppable<E: Display, F: Future<Output = Result<(), E>> + Send + 'static>(
        &self,
        name: &'static str,
        task: impl FnOnce(CancellationToken) -> F,
    ) -> StoppableTask {
        let (stop, ended) = (self.stop.child_token(), CancellationToken::new());
        let (work, done) = (task(stop.clone()), ended.clone().drop_guard());
        self.watch(name, stop.clone(), async move {
            let _done = done;
            work.await
        });
        StoppableTask { stop, ended }
    }

    fn watch<E: Display>(
        &self,
        name: &'static str,
        stop: CancellationToken,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let this = self.clone();
        self.tasks.spawn(async move {
            let outcome = this.kill.run_until_cancelled(AssertUnwindSafe(task).catch_unwind()).await;
            match outcome {
                None => tracing::debug!(task = name, "dropped"),
                Some(Ok(Ok(()))) if stop.is_cancelled() => {}
                Some(Ok(Ok(()))) => this.fail(name, "it ended by itself"),
                Some(Ok(Err(error))) => this.fail(name, &error),
                Some(Err(_panic)) => this.fail(name, "it panicked"),
            }
        });
    }

    /// Runs a task that may end before a stop.
    pub fn may_end<E: Display>(&self, name: &'static str, task: impl Future<Output = Result<(), E>> + Send + 'static) {
        let stop = self.stop.clone();
        self.essential(name, async move {
            task.await?;
            stop.cancelled().await;
            Ok::<_, E>(())
        });
    }

    /// Runs a task that ends by itself. A stop waits for it.
    pub fn finish(&self, work: impl Future<Output = ()> + Send + 'static) {
        let kill = self.kill.clone();
        self.tasks.spawn(async move { kill.run_until_cancelled_owned(work).await });
    }

    fn fail(&self, task: &'static str, error: impl Display) {
        tracing::error!(task, %error, "an essential task failed: shutting down");
        self.failed.store(true, Ordering::Release);
        self.stop.cancel();
    }

    /// Waits for a stop and for the end of all tasks.
    pub async fn ended(&self) -> Ended {
        self.stop.cancelled().await;
        self.tasks.close();
        if timeout(GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("the grace period is over: aborting work in flight");
            self.abort.cancel();
            if timeout(ABORT_GRACE, self.tasks.wait()).await.is_err() {
                self.kill.cancel();
                if timeout(DROP_GRACE, self.tasks.wait()).await.is_err() {
                    tracing::error!("a task hangs, and is abandoned");
                    return Ended::Failed;
                }
            }
        }
        if self.failed.load(Ordering::Acquire) { Ended::Failed } else { Ended::Stopped }
    }

    /// Stops at the first signal for it; at the second the process exits at once.
    pub fn on_signals(&self, mut signals: Signals) {
        let this = self.clone();
        // Not among the tracked tasks: it waits for a second signal as long as the process runs.
        #[expect(clippy::disallowed_methods, reason = "no stop may wait for the task that waits for signals")]
        tokio::spawn(async move {
            signals.stop().await;
            tracing::info!("stopping; a second signal ends the process at once");
            this.stop.cancel();
            signals.stop().await;
            tracing::warn!("exiting at once");
            std::process::exit(1);
        });
    }
}

/// Feeds systemd's watchdog as long as every relay loop has a heartbeat and the store commits. Without a watchdog it
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
            notify::send(&[NotifyState::Watchdog]);
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
    async fn a_stop_waits_for_work_in_flight() {
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

    #[tokio::test]
    async fn a_stopped_task_ends_nothing_else_and_one_that_ends_by_itself_does() {
        let life = Lifecycle::default();
        let waits = |stop: CancellationToken| async move {
            stop.cancelled().await;
            Ok::<_, String>(())
        };
        life.spawn_stoppable("ended", waits).end().await;
        assert!(!life.stop_token().is_cancelled());
        let _one = life.spawn_stoppable("by itself", |_| async { Ok::<_, String>(()) });
        assert_eq!(life.ended().await, Ended::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_dropped() {
        let life = Lifecycle::default();
        life.essential("stuck", std::future::pending::<Result<(), String>>());
        life.stop();
        assert_eq!(life.ended().await, Ended::Stopped);
    }

    #[tokio::test]
    async fn a_task_that_fails_panics_or_ends_by_itself_ends_the_bridge() {
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
