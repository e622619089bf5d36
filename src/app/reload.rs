//! Puts a changed configuration into force while the bridge runs. It is read as at a start, and compared with the one
//! in force, key by key. Everything that can fail is built first, so a configuration that cannot be used changes
//! nothing. Keys that only a start reads keep their values, and are listed.

use std::sync::Arc;

use tokio::{
    sync::{Mutex, mpsc},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{
        logging,
        public_address::Entrance,
        reload::{Changed, NotReloaded, ReloadReply, Reloaded, Removed},
    },
    alerts::health::Health,
    app::{alerting::Alerting, measuring, running::Running},
    config::{Changes, Config},
    lifecycle::{Lifecycle, notify_reloaded, notify_reloading},
    store::StoreError,
};

/// Keys that the log depends on.
const LOG: [&str; 1] = ["log.level"];

/// The bridge, once its account is known.
pub(super) type Slot = Arc<Mutex<Option<Running>>>;

/// Reloads the configuration.
pub(super) struct Reloader {
    /// The one in force.
    config: Config,
    health: Arc<Health>,
    alerting: Alerting,
    entrance: Entrance,
    life: Lifecycle,
    running: Slot,
    /// Why the bridge cannot go on: the store has failed in the middle of a change.
    broken: Option<StoreError>,
}

impl Reloader {
    pub(super) fn new(
        config: &Config,
        health: Arc<Health>,
        alerting: Alerting,
        (entrance, life): (Entrance, Lifecycle),
    ) -> Self {
        Self { config: config.clone(), health, alerting, entrance, life, running: Slot::default(), broken: None }
    }

    /// The slot for the bridge once it runs.
    pub(super) fn running(&self) -> Slot {
        Arc::clone(&self.running)
    }

    /// Handles reload requests until `stop`, one after the other.
    ///
    /// # Errors
    /// If the store fails in the middle of a change. Any other failure is returned to the caller, and logged.
    pub(super) async fn run(
        mut self,
        mut requests: mpsc::Receiver<ReloadReply>,
        stop: CancellationToken,
    ) -> Result<(), StoreError> {
        while let Some(Some(reply)) = stop.run_until_cancelled(requests.recv()).await {
            notify_reloading();
            let outcome = self.reload().await;
            match &outcome {
                Ok(reloaded) => {
                    reloaded.log();
                    notify_reloaded(&reloaded.status());
                }
                Err(why) => {
                    tracing::error!(%why, "the configuration was not reloaded: the previous one stays in force");
                    notify_reloaded(&format!("The configuration was not reloaded: {why}"));
                }
            }
            // The caller may have left.
            let _ = reply.send(outcome);
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn reload(&mut self) -> Result<Reloaded, NotReloaded> {
        let config = self.config.clone();
        let read =
            spawn_blocking(move || config.again()).await.map_err(|error| NotReloaded::Failed(error.to_string()))?;
        let read = read.map_err(|error| NotReloaded::Broken(error.to_string()))?;
        let changes = self.config.written.changes(&read.written);
        let next = read.started_as(&self.config);
        // Keys that only a start reads are not in force, and the next reload lists them again.
        let in_force = self.config.written.changes(&next.written);
        let running = self.running();
        let mut running = running.lock().await;
        let running = running.as_mut().ok_or(NotReloaded::Starting)?;
        if let Some(tls) = self.entrance.tls.clone() {
            let read = spawn_blocking(move || tls.reread()).await;
            read.map_err(|error| NotReloaded::Failed(error.to_string()))?.map_err(NotReloaded::Broken)?;
        }
        if !in_force.is_empty() {
            self.put(&next, &in_force, running).await.map_err(|error| NotReloaded::Failed(format!("{error:#}")))?;
        }
        let reloaded = summary(&self.config, &next, &changes, running);
        self.config = next;
        Ok(reloaded)
    }

    async fn put(&mut self, next: &Config, changes: &Changes, running: &mut Running) -> anyhow::Result<()> {
        let services = running.prepare(next, changes)?;
        let alerting = Alerting::prepare(next, changes, &self.health, &self.entrance)?;
        if changes.touch(&LOG) {
            logging::change_level(&next.log.level);
        }
        self.health.change(next, measuring::expected(next));
        if let Err(error) = running.change(next, changes, services).await {
            let why = format!("the bridge is stopping, because its store has failed: {error}");
            self.broken = Some(error);
            anyhow::bail!(why);
        }
        self.alerting.change(alerting, next, &self.health, &self.life).await;
        Ok(())
    }
}

/// What has changed from `before` to `now`.
fn summary(before: &Config, now: &Config, changes: &Changes, running: &Running) -> Reloaded {
    let added = now.sources.keys().filter(|source| !before.sources.contains_key(*source));
    let removed = before.sources.keys().filter(|source| !now.sources.contains_key(*source));
    let kept = now.sources.keys().filter(|source| before.sources.contains_key(*source));
    let changed = kept.map(|source| Changed { source: source.to_string(), keys: changes.of_source(source) });
    Reloaded {
        added: added.map(ToString::to_string).collect(),
        changed: changed.filter(|changed| !changed.keys.is_empty()).collect(),
        removed: removed.map(|it| Removed { source: it.to_string(), waiting: running.waiting(it) }).collect(),
        in_force: changes.others(),
        needs_restart: changes.of_start(),
        warnings: now.warnings.clone(),
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
