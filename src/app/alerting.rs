//! Who is told when something is wrong.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    admin::public_address::{Entrance, PublicAddress},
    alerts::{self, AlertClients, Alerts, Heartbeat, Targets, health::Health},
    app::bots::{access, bots},
    config::{Changes, Config},
    lifecycle::{Lifecycle, StoppableTask},
    metrics::Cause,
};

/// What the watch on the public address depends on.
pub(super) const ADDRESS: [&str; 3] = ["server.public_url", "alerts.ask_every", "alerts.expires_within"];
/// What the alerts depend on: a target may be reached by the bot of a source.
pub(super) const ALERTS: [&str; 5] = ["alerts", "alert_targets", "sources", "telegram", "server.public_url"];
/// What the heartbeat depends on.
pub(super) const HEARTBEAT: [&str; 2] = ["alerts.heartbeat_url", "alerts.heartbeat_every"];

/// Where alerts go.
pub fn targets(config: &Config) -> anyhow::Result<Targets> {
    if config.alerts.targets.is_empty() {
        return Ok(BTreeMap::new());
    }
    alerts::targets(&config.alerts.targets, &AlertClients { bots: &bots(config)?, access: &access(config) })
}

/// The tasks that watch and tell, which do not wait until it is known which account it is.
pub(super) struct Alerting {
    address: StoppableTask,
    alerts: Option<StoppableTask>,
    heartbeat: Option<StoppableTask>,
    /// The names of the targets.
    targets: Vec<String>,
}

/// What takes the place of what; nothing, where it stays as it is.
pub(super) struct Prepared {
    address: Option<PublicAddress>,
    targets: Option<Targets>,
    heartbeat: Option<Wanted>,
}

/// The heartbeat, if there is to be one.
struct Wanted(Option<Heartbeat>);

impl Alerting {
    /// Starts what watches the public address, which leads to `entrance`; and the alerts and the heartbeat, if there
    /// are any.
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
            address: watched(PublicAddress::new(config, entrance.clone(), Arc::clone(health.metrics()))?, life),
            alerts: told(config, health, targets, life),
            heartbeat: heartbeat.map(|heartbeat| beating(heartbeat, life)),
            targets: names,
        })
    }

    /// What a changed configuration makes of them.
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
            heartbeat: changes.touch(&HEARTBEAT).then(|| heartbeat(config, health).map(Wanted)).transpose()?,
        })
    }

    /// Puts in force what was prepared.
    pub(super) async fn change(&mut self, prepared: Prepared, config: &Config, health: &Arc<Health>, life: &Lifecycle) {
        if let Some(address) = prepared.address {
            self.address.stop();
            self.address = watched(address, life);
        }
        if let Some(targets) = prepared.targets {
            // What was told stands in a file, which one of them writes at a time.
            if let Some(alerts) = self.alerts.take() {
                alerts.end().await;
            }
            for gone in self.targets.drain(..).filter(|name| !targets.contains_key(name)) {
                health.metrics().note(Cause::AlertTarget(gone), None);
            }
            self.targets = targets.keys().cloned().collect();
            self.alerts = told(config, health, targets, life);
        }
        if let Some(Wanted(heartbeat)) = prepared.heartbeat {
            if let Some(heartbeat) = self.heartbeat.take() {
                heartbeat.end().await;
                health.metrics().note(Cause::Heartbeat, None);
            }
            self.heartbeat = heartbeat.map(|heartbeat| beating(heartbeat, life));
        }
    }
}

fn watched(address: PublicAddress, life: &Lifecycle) -> StoppableTask {
    life.spawn_stoppable("public address", |stop| address.run(stop))
}

fn told(config: &Config, health: &Arc<Health>, targets: Targets, life: &Lifecycle) -> Option<StoppableTask> {
    (!targets.is_empty()).then(|| {
        let alerts = Alerts::new(config, Arc::clone(health), targets);
        life.spawn_stoppable("alerts", |stop| alerts.run(stop))
    })
}

fn heartbeat(config: &Config, health: &Arc<Health>) -> Result<Option<Heartbeat>, reqwest::Error> {
    let heartbeat = config.alerts.heartbeat.as_ref();
    heartbeat.map(|heartbeat| Heartbeat::new(heartbeat.clone(), Arc::clone(health.metrics()))).transpose()
}

fn beating(heartbeat: Heartbeat, life: &Lifecycle) -> StoppableTask {
    life.spawn_stoppable("heartbeat", |stop| heartbeat.run(stop))
}
