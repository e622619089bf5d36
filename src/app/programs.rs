//! The owner's own programs: what they reach, and where.

use std::sync::Arc;

use axum::Router;

use crate::{
    app::{listeners::bind, services::Services},
    config::Config,
    gateway::{self, Program, Shared, delivery::Delivery, webhooks::Rules},
    intake::closed_talks::ClosedTalks,
    lifecycle::{Lifecycle, StoppableTask},
    serve::{self, Limits, Proxies, SwappableRouter},
};

/// What the listener for programs serves, what sends updates to those that have a webhook, and what looks whether
/// managers have closed talks in which programs are quiet.
pub(super) fn router(services: &Services, config: &Config, life: &Lifecycle) -> (Router, Vec<StoppableTask>) {
    let program = |(name, settings): (&String, &crate::config::Program)| {
        let bot = services.bots.get(&settings.source)?.clone();
        let program = Program::new(name.clone(), bot, settings.name.clone(), settings.leads);
        let program = program.seeing(settings.sees).at_local(config.telegram.local);
        Some((settings.secret.expose().to_owned(), Arc::new(program)))
    };
    let programs: Vec<_> = config.programs.iter().filter_map(program).collect();
    let proxies = Proxies::new(&config.server.trusted_proxies);
    let rules =
        Rules { allow_private: config.gateway.allow_private, own: vec![config.server.public_url.url().clone()] };
    let shared = Arc::new(Shared::new(programs.clone(), services.store.clone(), proxies, life.clone()).ruled(rules));
    let delivery = |(_, program): &(String, Arc<Program>)| {
        let delivery = Delivery { shared: Arc::clone(&shared), program: Arc::clone(program) };
        life.spawn_stoppable("webhook of a program", |stop| delivery.run(stop))
    };
    let talks =
        closed_talks(services, config).map(|talks| life.spawn_stoppable("closed talks", |stop| talks.run(stop)));
    let tasks = programs.iter().map(delivery).chain(talks).collect();
    (gateway::router(shared), tasks)
}

/// What looks for closed talks, if a program is quiet and the account can be asked.
fn closed_talks(services: &Services, config: &Config) -> Option<ClosedTalks> {
    let is_quiet = config.programs.values().any(|program| program.quiet.is_some());
    let account = services.account.clone().filter(|_| is_quiet)?;
    Some(ClosedTalks { account: account.patient(), store: services.store.clone() })
}

/// Serves programs, if there are any, and says whether there are.
pub(super) fn serve(gateway: &SwappableRouter, config: &Config, life: &Lifecycle) -> anyhow::Result<bool> {
    if config.programs.is_empty() {
        return Ok(false);
    }
    let listener = bind(config.gateway.listen, "gateway.listen")?;
    let address = listener.local_addr()?;
    let proxies = Proxies::new(&config.server.trusted_proxies);
    let served = serve::until((listener, None), gateway.router(), Limits::programs(), proxies, None, life.stop_token());
    life.essential("gateway", served);
    tracing::info!(gateway = %address, programs = config.programs.len(), "programs of yours are served");
    Ok(true)
}
