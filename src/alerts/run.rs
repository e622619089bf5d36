//! The loop: look, decide, send. It alone owns what was told; each target is sent one message at a time, and none waits
//! for another.

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

/// How long after a failure a target is tried again: the first time, and at most.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
const AGAIN_AT_MOST: Duration = Duration::from_mins(15);
/// How often the figures of the day are kept when nothing else is.
const KEPT_EVERY: Duration = Duration::from_mins(5);
/// How long a stop waits for messages that are under way.
const LAST_ONES_WITHIN: Duration = Duration::from_secs(3);

/// Tells the operator what is wrong.
pub struct Alerts {
    health: Arc<Health>,
    rules: Rules,
    every: Duration,
    daily_at: Option<NaiveTime>,
    /// Which bridge it is.
    host: String,
    data_dir: PathBuf,
    targets: BTreeMap<String, TargetState>,
    memory: Memory,
    kept_at: Instant,
    started_at: Instant,
    counted: Totals,
}

/// How sending to one target goes.
struct TargetState {
    target: Arc<dyn Target>,
    is_busy: bool,
    failed: u32,
    next_at: Instant,
}

/// A message that was sent, or not.
struct Sent {
    name: String,
    events: Vec<Event>,
    daily: Option<String>,
    outcome: Result<(), String>,
}

type Sending = FuturesUnordered<BoxFuture<'static, Sent>>;

impl Alerts {
    /// The alerts of a bridge. What an earlier run has told is known.
    #[must_use]
    pub fn new(config: &Config, health: Arc<Health>, targets: Targets) -> Self {
        let now = Instant::now();
        let course = |target| TargetState { target, is_busy: false, failed: 0, next_at: now };
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
            targets: targets.into_iter().map(|(name, target)| (name, course(target))).collect(),
            memory,
            kept_at: now,
            started_at: now,
            // What was counted before is in the memory already.
            counted,
        }
    }

    /// Looks and tells until `stop`.
    ///
    /// # Errors
    /// Never: what fails is logged and tried again.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Infallible> {
        let mut every = interval(self.every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sending = Sending::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = every.tick() => self.look().await,
                Some(sent) = sending.next() => self.sent(sent).await,
            }
            self.send(&mut sending);
        }
        let last_ones = async {
            while let Some(sent) = sending.next().await {
                self.sent(sent).await;
            }
        };
        // What is not sent by then is sent after the next start.
        let _ = timeout(LAST_ONES_WITHIN, last_ones).await;
        self.keep().await;
        Ok(())
    }

    /// Looks what is wrong, and decides what is to be told.
    async fn look(&mut self) {
        let troubles = self.health.problems();
        // What is well is known once everything had time to be tried.
        let is_settled = self.started_at.elapsed() >= self.rules.after.saturating_mul(2);
        let now = Now { steady: clock::steady(), wall: clock::now() };
        let readings = watches::readings(&troubles, &self.memory.state, is_settled);
        let before = self.memory.state.clone();
        let events = self.memory.state.step(&readings, now, &self.rules);
        for event in &events {
            tracing::info!(key = %event.key, kind = ?event.kind, "an alert is due");
            self.put(event);
        }
        let is_daily = self.look_at_day();
        let is_news = is_daily || before != self.memory.state;
        if is_news || self.kept_at.elapsed() >= KEPT_EVERY {
            self.keep().await;
        }
    }

    /// Puts an event into the outboxes. A target is not told of itself.
    fn put(&mut self, event: &Event) {
        let others =
            self.targets.keys().filter(|name| event.key.watch() != OWN || event.key.of() != Some(name.as_str()));
        for name in others {
            self.memory.outboxes.entry(name.clone()).or_default().add(event.clone());
        }
    }

    /// Counts on, and puts the line of the day into the outboxes if it is due.
    fn look_at_day(&mut self) -> bool {
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

    /// Sends what waits, to every target that is free.
    fn send(&mut self, sending: &mut Sending) {
        let now = Instant::now();
        for (name, course) in &mut self.targets {
            let Some(outbox) = self.memory.outboxes.get(name).filter(|outbox| !outbox.is_empty()) else { continue };
            if course.is_busy || course.next_at > now {
                continue;
            }
            course.is_busy = true;
            let (events, daily) = (outbox.events(), outbox.daily().map(str::to_owned));
            let alert = alert(&self.host, &events, daily.as_deref());
            let (name, target) = (name.clone(), Arc::clone(&course.target));
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
        let Some(course) = self.targets.get_mut(&name) else { return };
        course.is_busy = false;
        let cause = Cause::AlertTarget(name.clone());
        self.health.metrics().alerted(&name, outcome.is_ok());
        match outcome {
            Ok(()) => {
                if std::mem::take(&mut course.failed) > 0 {
                    tracing::info!(target_name = name, "alerts reach this target again");
                }
                self.health.metrics().note(cause, None);
                if let Some(outbox) = self.memory.outboxes.get_mut(&name) {
                    outbox.sent(&events, daily.as_deref());
                }
                self.keep().await;
            }
            Err(why) => {
                // It is said once, however long it lasts: /ready shows it all the time.
                if course.failed == 0 {
                    tracing::warn!(target_name = name, why, "an alert could not be sent, and is tried again");
                }
                course.next_at = Instant::now() + wait(course.failed);
                course.failed = course.failed.saturating_add(1);
                self.health.metrics().note(cause, Some(why));
            }
        }
    }

    /// Writes down what must not be told twice, nor be forgotten.
    async fn keep(&mut self) {
        self.kept_at = Instant::now();
        let (memory, data_dir) = (self.memory.clone(), self.data_dir.clone());
        let kept = spawn_blocking(move || memory.save(&data_dir)).await;
        if let Ok(Err(error)) = kept {
            tracing::debug!(%error, "what was told could not be kept: a restart may tell it once more");
        }
    }
}

/// The watch of the targets themselves.
const OWN: &str = "alert_target";

fn wait(failed: u32) -> Duration {
    AGAIN_AFTER.saturating_mul(1_u32.checked_shl(failed).unwrap_or(u32::MAX)).min(AGAIN_AT_MOST)
}

/// By what a message says which bridge it is of.
#[must_use]
pub fn host(config: &Config) -> String {
    config.server.public_url.url().host_str().unwrap_or_default().to_owned()
}
