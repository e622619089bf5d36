//! The loop: check, decide, send. It alone owns the state. Each target gets one message at a time, and none waits for
//! another.

use std::{collections::BTreeMap, convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use chrono::NaiveTime;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    alerts::{
        alert_message::{alert, local},
        health::Health,
        memory::Memory,
        state::{Event, Now, Rules},
        target::{Target, Targets},
        watches,
    },
    clock,
    config::Config,
    metrics::{Cause, Totals},
};

/// The first and the longest wait before a failed target is tried again.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const MAX_RETRY: Duration = Duration::from_mins(15);
/// How often the daily totals are saved if nothing else changes.
const SAVE_EVERY: Duration = Duration::from_mins(5);
/// How long a stop waits for messages under way.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Alerts the operator to problems.
pub struct Alerts {
    health: Arc<Health>,
    rules: Rules,
    every: Duration,
    daily_at: Option<NaiveTime>,
    /// Names the bridge in messages.
    host: String,
    data_dir: PathBuf,
    targets: BTreeMap<String, TargetState>,
    memory: Memory,
    saved_at: Instant,
    started_at: Instant,
    counted: Totals,
}

/// The state of sending to one target.
struct TargetState {
    target: Arc<dyn Target>,
    is_busy: bool,
    failed: u32,
    next_at: Instant,
}

/// The result of sending a message.
struct Sent {
    name: String,
    events: Vec<Event>,
    daily: Option<String>,
    outcome: Result<(), String>,
}

type Sending = FuturesUnordered<BoxFuture<'static, Sent>>;

impl Alerts {
    /// Sets up alerts, with the state of an earlier run.
    #[must_use]
    pub fn new(config: &Config, health: Arc<Health>, targets: Targets) -> Self {
        let now = Instant::now();
        let target_state = |target| TargetState { target, is_busy: false, failed: 0, next_at: now };
        let counted = health.metrics().totals();
        let mut memory = Memory::load(&config.data_dir);
        memory.outboxes.retain(|name, _| targets.contains_key(name));
        Self {
            health,
            rules: Rules { after: config.alerts.after, remind_after: config.alerts.remind_after },
            every: config.alerts.every,
            daily_at: config.alerts.daily_at,
            host: host(config),
            data_dir: config.data_dir.clone(),
            targets: targets.into_iter().map(|(name, target)| (name, target_state(target))).collect(),
            memory,
            saved_at: now,
            started_at: now,
            // Earlier totals are in the memory already.
            counted,
        }
    }

    /// Checks and sends until `stop`.
    ///
    /// # Errors
    /// Never: failures are logged and retried.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut every = interval(self.every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sending = Sending::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = every.tick() => self.check().await,
                Some(sent) = sending.next() => self.sent(sent).await,
            }
            self.send(&mut sending);
        }
        let remaining = async {
            while let Some(sent) = sending.next().await {
                self.sent(sent).await;
            }
        };
        // Unsent messages are sent after the next start.
        let _ = timeout(SHUTDOWN_GRACE, remaining).await;
        self.save().await;
        Ok(())
    }

    /// Checks for problems, and decides what to send.
    async fn check(&mut self) {
        let troubles = self.health.problems();
        // That something works is known only once everything had time to be tried.
        let is_settled = self.started_at.elapsed() >= self.rules.after.saturating_mul(2);
        let now = Now { steady: clock::steady(), wall: clock::now() };
        let readings = watches::readings(&troubles, &self.memory.state, is_settled);
        let before = self.memory.state.clone();
        let events = self.memory.state.step(&readings, now, &self.rules);
        for event in &events {
            tracing::info!(key = %event.key, kind = ?event.kind, "an alert is due");
            self.put(event);
        }
        let is_daily = self.update_day();
        let has_changed = is_daily || before != self.memory.state;
        if has_changed || self.saved_at.elapsed() >= SAVE_EVERY {
            self.save().await;
        }
    }

    /// Puts an event into the outboxes. A target gets no alert about itself.
    fn put(&mut self, event: &Event) {
        let others =
            self.targets.keys().filter(|name| event.key.watch() != OWN || event.key.of() != Some(name.as_str()));
        for name in others {
            self.memory.outboxes.entry(name.clone()).or_default().add(event.clone());
        }
    }

    /// Adds to the daily totals, and puts the daily line into the outboxes if it is due.
    fn update_day(&mut self) -> bool {
        let (totals, now) = (self.health.metrics().totals(), clock::now());
        let day = &mut self.memory.day;
        day.add(&totals.since(&self.counted), now);
        self.counted = totals;
        let wall = local(now).naive_local();
        if !self.daily_at.is_some_and(|at| day.is_due(at, wall)) {
            return false;
        }
        let counts = self.health.store().counts();
        let waiting = counts.routes.iter().map(|(_, queue)| queue.waiting).sum();
        let line = day.line((waiting, counts.parked), wall.date(), now);
        for name in self.targets.keys() {
            self.memory.outboxes.entry(name.clone()).or_default().add_daily(line.clone());
        }
        true
    }

    /// Sends outboxes to idle targets.
    fn send(&mut self, sending: &mut Sending) {
        let now = Instant::now();
        for (name, target_state) in &mut self.targets {
            let Some(outbox) = self.memory.outboxes.get(name).filter(|outbox| !outbox.is_empty()) else { continue };
            if target_state.is_busy || target_state.next_at > now {
                continue;
            }
            target_state.is_busy = true;
            let (events, daily) = (outbox.events(), outbox.daily().map(str::to_owned));
            let alert = alert(&self.host, &events, daily.as_deref());
            let (name, target) = (name.clone(), Arc::clone(&target_state.target));
            sending.push(
                async move {
                    let outcome = target.send(&alert).await;
                    Sent { name, events, daily, outcome }
                }
                .boxed(),
            );
        }
    }

    async fn sent(&mut self, Sent { name, events, daily, outcome }: Sent) {
        let Some(target_state) = self.targets.get_mut(&name) else { return };
        target_state.is_busy = false;
        let cause = Cause::AlertTarget(name.clone());
        self.health.metrics().alerted(&name, outcome.is_ok());
        match outcome {
            Ok(()) => {
                if std::mem::take(&mut target_state.failed) > 0 {
                    tracing::info!(target_name = name, "alerts reach this target again");
                }
                self.health.metrics().note(cause, None);
                if let Some(outbox) = self.memory.outboxes.get_mut(&name) {
                    outbox.sent(&events, daily.as_deref());
                }
                self.save().await;
            }
            Err(why) => {
                // Logged once, however long it lasts: /ready shows it all the time.
                if target_state.failed == 0 {
                    tracing::warn!(target_name = name, why, "an alert could not be sent, and will be retried");
                }
                target_state.next_at = Instant::now() + wait(target_state.failed);
                target_state.failed = target_state.failed.saturating_add(1);
                self.health.metrics().note(cause, Some(why));
            }
        }
    }

    /// Saves the state, so that no alert is repeated or lost.
    async fn save(&mut self) {
        self.saved_at = Instant::now();
        let (memory, data_dir) = (self.memory.clone(), self.data_dir.clone());
        let saved = spawn_blocking(move || memory.save(&data_dir)).await;
        if let Ok(Err(error)) = saved {
            tracing::debug!(%error, "the state of alerts could not be saved: a restart may repeat some");
        }
    }
}

/// The watch on the targets themselves.
const OWN: &str = "alert_target";

fn wait(failed: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1_u32.checked_shl(failed).unwrap_or(u32::MAX)).min(MAX_RETRY)
}

/// The name of the bridge in messages.
#[must_use]
pub fn host(config: &Config) -> String {
    config.server.public_url.url().host_str().unwrap_or_default().to_owned()
}
