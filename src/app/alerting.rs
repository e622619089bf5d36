//! Starts and replaces the tasks that watch and alert.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    admin::public_address::{Entrance, PublicAddress},
    alerts::{self, AlertClients, Alerts, Heartbeat, Targets, health::Health},
    app::bots::{access, bots},
    config::{Changes, Config},
    lifecycle::{Lifecycle, StoppableTask},
    metrics::Cause,
};

/// Keys that the check of the public address depends on.
pub(super) const ADDRESS: [&str; 3] = ["server.public_url", "alerts.ask_every", "alerts.expires_within"];
/// Keys that alerts depend on: a target may be reached by the bot of a source.
pub(super) const ALERTS: [&str; 5] = ["alerts", "alert_targets", "sources", "telegram", "server.public_url"];
/// Keys that the heartbeat depends on.
pub(super) const HEARTBEAT: [&str; 2] = ["alerts.heartbeat_url", "alerts.heartbeat_every"];

/// The targets of alerts.
pub fn targets(config: &Config) -> anyhow::Result<Targets> {
    if config.alerts.targets.is_empty() {
        return Ok(BTreeMap::new());
    }
    alerts::targets(&config.alerts.targets, &AlertClients { bots: &bots(config)?, access: &access(config) })
}

/// The tasks that watch and alert. They do not wait until the account is known.
pub(super) struct Alerting {
    address: StoppableTask,
    alerts: Option<StoppableTask>,
    heartbeat: Option<StoppableTask>,
    /// The names of the targets.
    targets: Vec<String>,
}

/// Replacements; `None` for what stays as it is.
pub(super) struct Prepared {
    address: Option<PublicAddress>,
    targets: Option<Targets>,
    heartbeat: Option<NewHeartbeat>,
}

/// The heartbeat, if there should be one.
struct NewHeartbeat(Option<Heartbeat>);

impl Alerting {
    /// Starts the check of the public address, which should lead to `entrance`; and alerts and heartbeat, if
    /// configured.
    pub(super) fn start(
        config: &Config,
        health: &Arc<Health>,
        entrance: &Entrance,
        life: &Lifecycle,
    ) -> anyhow::Result<Self> {
        let targets = targets(config)?;
        let names = targets.keys().cloned().collect();
        let heartbeat = heartbeat(config, health)?;
        Ok(Self {
            address: spawn_check(PublicAddress::new(config, entrance.clone(), Arc::clone(health.metrics()))?, life),
            alerts: spawn_alerts(config, health, targets, life),
            heartbeat: heartbeat.map(|heartbeat| spawn_heartbeat(heartbeat, life)),
            targets: names,
        })
    }

    /// Prepares what a changed configuration replaces.
    ///
    /// # Errors
    /// If a client cannot be set up. Then nothing has changed.
    pub(super) fn prepare(
        config: &Config,
        changes: &Changes,
        health: &Arc<Health>,
        entrance: &Entrance,
    ) -> anyhow::Result<Prepared> {
        let address = || PublicAddress::new(config, entrance.clone(), Arc::clone(health.metrics()));
        Ok(Prepared {
            address: changes.touch(&ADDRESS).then(address).transpose()?,
            targets: changes.touch(&ALERTS).then(|| targets(config)).transpose()?,
            heartbeat: changes.touch(&HEARTBEAT).then(|| heartbeat(config, health).map(NewHeartbeat)).transpose()?,
        })
    }

    /// Puts the replacements into force.
    pub(super) async fn change(&mut self, prepared: Prepared, config: &Config, health: &Arc<Health>, life: &Lifecycle) {
        if let Some(address) = prepared.address {
            self.address.stop();
            self.address = spawn_check(address, life);
        }
        if let Some(targets) = prepared.targets {
            // Sent alerts are recorded in a file that only one task may write.
            if let Some(alerts) = self.alerts.take() {
                alerts.end().await;
            }
            for removed in self.targets.drain(..).filter(|name| !targets.contains_key(name)) {
                health.metrics().note(Cause::AlertTarget(removed), None);
            }
            self.targets = targets.keys().cloned().collect();
            self.alerts = spawn_alerts(config, health, targets, life);
        }
        if let Some(NewHeartbeat(heartbeat)) = prepared.heartbeat {
            if let Some(heartbeat) = self.heartbeat.take() {
                heartbeat.end().await;
                health.metrics().note(Cause::Heartbeat, None);
            }
            self.heartbeat = heartbeat.map(|heartbeat| spawn_heartbeat(heartbeat, life));
        }
    }
}

fn spawn_check(address: PublicAddress, life: &Lifecycle) -> StoppableTask {
    life.spawn_stoppable("public address", |stop| address.run(stop))
}

fn spawn_alerts(config: &Config, health: &Arc<Health>, targets: Targets, life: &Lifecycle) -> Option<StoppableTask> {
    (!targets.is_empty()).then(|| {
        let alerts = Alerts::new(config, Arc::clone(health), targets);
        life.spawn_stoppable("alerts", |stop| alerts.run(stop))
    })
}

fn heartbeat(config: &Config, health: &Arc<Health>) -> Result<Option<Heartbeat>, reqwest::Error> {
    let heartbeat = config.alerts.heartbeat.as_ref();
    heartbeat.map(|heartbeat| Heartbeat::new(heartbeat.clone(), Arc::clone(health.metrics()))).transpose()
}

fn spawn_heartbeat(heartbeat: Heartbeat, life: &Lifecycle) -> StoppableTask {
    life.spawn_stoppable("heartbeat", |stop| heartbeat.run(stop))
}
