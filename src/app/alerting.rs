//! Who is told when something is wrong.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use crate::{
    admin::public_address::PublicAddress,
    alerts::{self, Alerts, Heartbeat, Targets, Ways, health::Health},
    app::bots::{access, bots},
    config::Config,
    lifecycle::Lifecycle,
};

/// Where alerts go.
///
/// # Errors
/// If a client cannot be set up.
pub fn targets(config: &Config) -> anyhow::Result<Targets> {
    if config.alerts.targets.is_empty() {
        return Ok(BTreeMap::new());
    }
    alerts::targets(&config.alerts.targets, &Ways { bots: &bots(config)?, access: &access(config) })
}

/// Starts what watches the public address, which leads to `public`; and the alerts and the heartbeat, if there are any.
///
/// # Errors
/// If a client cannot be set up.
pub(super) fn start(config: &Config, health: &Arc<Health>, public: SocketAddr, life: &Lifecycle) -> anyhow::Result<()> {
    let address = PublicAddress::new(config, public, Arc::clone(health.metrics()))?;
    life.essential("public address", address.run(life.stop_token()));
    let targets = targets(config)?;
    if !targets.is_empty() {
        let alerts = Alerts::new(config, Arc::clone(health), targets);
        life.essential("alerts", alerts.run(life.stop_token()));
    }
    if let Some(heartbeat) = &config.alerts.heartbeat {
        let heartbeat = Heartbeat::new(heartbeat.clone(), Arc::clone(health.metrics()))?;
        life.essential("heartbeat", heartbeat.run(life.stop_token()));
    }
    Ok(())
}
