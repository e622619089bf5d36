//! The owner's own programs: what they reach, and where.

use std::sync::Arc;

use axum::Router;

use crate::{
    app::{listeners::bind, services::Services},
    config::Config,
    gateway::{self, Program, Shared},
    lifecycle::Lifecycle,
    serve::{self, Exchange, Limits, Proxies},
};

/// What the listener for programs serves.
pub(super) fn router(services: &Services, config: &Config) -> Router {
    let program = |(name, settings): (&String, &crate::config::Program)| {
        let bot = services.bots.get(&settings.source)?.clone();
        let program = Program::new(name.clone(), bot, settings.name.clone(), settings.leads);
        Some((settings.secret.expose().to_owned(), Arc::new(program)))
    };
    let programs = config.programs.iter().filter_map(program).collect();
    let proxies = Proxies::new(&config.server.trusted_proxies);
    gateway::router(Arc::new(Shared::new(programs, services.store.clone(), proxies)))
}

/// Serves programs, if there are any.
///
/// # Errors
/// If the address cannot be had.
pub(super) fn serve(gateway: &Exchange, config: &Config, life: &Lifecycle) -> anyhow::Result<()> {
    if config.programs.is_empty() {
        return Ok(());
    }
    let listener = bind(config.gateway.listen, "gateway.listen")?;
    let address = listener.local_addr()?;
    let proxies = Proxies::new(&config.server.trusted_proxies);
    let served = serve::until(listener, gateway.router(), Limits::programs(), proxies, None, life.stop_token());
    life.essential("gateway", served);
    tracing::info!(gateway = %address, programs = config.programs.len(), "programs of yours are served");
    Ok(())
}
