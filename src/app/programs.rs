//! The owner's own programs: what they reach, and where.

use std::sync::Arc;

use axum::Router;

use crate::{
    app::{listeners::bind, services::Services},
    config::Config,
    gateway::{self, Program, ProgramStates, Shared, delivery::Delivery, webhooks::Rules},
    intake::closed_talks::ClosedTalks,
    lifecycle::{Lifecycle, StoppableTask},
    serve::{self, Limits, Proxies, SwappableRouter},
};

/// What programs reach is made of. Where a reload changes nothing of it, requests that are under way go on.
pub(super) const MADE_OF: [&str; 5] = ["telegram", "kommo", "sources", "programs", "server.public_url"];

/// The programs that are served.
pub(super) struct ServedPrograms {
    router: SwappableRouter,
    /// Whether somebody can reach it, from the first program on.
    listens: bool,
    /// What sends them updates, and looks whether they may have more.
    tasks: Vec<StoppableTask>,
    states: Arc<ProgramStates>,
}

impl ServedPrograms {
    /// Serves the programs of a configuration.
    ///
    /// # Errors
    /// If there are any, and their address cannot be used.
    pub(super) fn start(services: &Services, config: &Config, life: &Lifecycle) -> anyhow::Result<Self> {
        let states = Arc::default();
        let (router, tasks) = router(services, config, &states, life);
        let router = SwappableRouter::new(router);
        let listens = listen(&router, config, life)?;
        Ok(Self { router, listens, tasks, states })
    }

    /// Serves those of a changed configuration instead.
    pub(super) async fn replace(&mut self, services: &Services, config: &Config, life: &Lifecycle) {
        // All are told before one is waited for. What one has not confirmed the next one sends.
        self.tasks.iter().for_each(StoppableTask::stop);
        for task in std::mem::take(&mut self.tasks) {
            task.end().await;
        }
        let (router, tasks) = router(services, config, &self.states, life);
        self.router.put(router);
        self.tasks = tasks;
        if self.listens {
            return;
        }
        match listen(&self.router, config, life) {
            Ok(listens) => self.listens = listens,
            Err(error) => tracing::error!(error = %format!("{error:#}"), "programs cannot be served"),
        }
    }
}

/// What the listener for programs serves, what sends updates to those that have a webhook, and what looks whether
/// managers have closed talks in which programs are quiet.
fn router(
    services: &Services,
    config: &Config,
    states: &Arc<ProgramStates>,
    life: &Lifecycle,
) -> (Router, Vec<StoppableTask>) {
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
    let shared = Shared::new(programs.clone(), services.store.clone(), proxies, life.clone());
    let shared = Arc::new(shared.ruled(rules).knowing(Arc::clone(states)));
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

/// Listens for programs, if there are any, and says whether there are.
fn listen(router: &SwappableRouter, config: &Config, life: &Lifecycle) -> anyhow::Result<bool> {
    if config.programs.is_empty() {
        return Ok(false);
    }
    let listener = bind(config.gateway.listen, "gateway.listen")?;
    let address = listener.local_addr()?;
    let proxies = Proxies::new(&config.server.trusted_proxies);
    let served = serve::until((listener, None), router.router(), Limits::programs(), proxies, None, life.stop_token());
    life.essential("gateway", served);
    tracing::info!(gateway = %address, programs = config.programs.len(), "programs of yours are served");
    Ok(true)
}
