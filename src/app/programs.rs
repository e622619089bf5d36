//! Starts and replaces the gateway for the owner's programs.

use std::{collections::BTreeMap, sync::Arc};

use axum::Router;

use crate::{
    app::{listeners::bind, services::Services},
    config::Config,
    gateway::{self, Program, ProgramStates, Shared, delivery::Delivery, webhooks::Rules},
    intake::closed_talks::ClosedTalks,
    lifecycle::{Lifecycle, StoppableTask},
    serve::{self, Limits, Proxies, SwappableRouter},
};

/// Keys that the gateway depends on. If a reload changes none of them, requests under way go on.
pub(super) const MADE_OF: [&str; 5] = ["telegram", "kommo", "sources", "programs", "server.public_url"];

/// The running gateway.
pub(super) struct ServedPrograms {
    router: SwappableRouter,
    /// Whether it listens, from the first program on.
    listens: bool,
    tasks: Tasks,
    states: Arc<ProgramStates>,
}

/// The tasks of the gateway.
#[derive(Default)]
struct Tasks {
    /// Deliveries to webhooks, by program.
    deliveries: BTreeMap<String, StoppableTask>,
    /// The check for closed talks in which programs are quiet.
    closed_talks: Option<StoppableTask>,
}

impl ServedPrograms {
    /// Serves the programs of a configuration.
    ///
    /// # Errors
    /// If there are any, and their address cannot be used.
    pub(super) fn start(services: &Services, config: &Config, life: &Lifecycle) -> anyhow::Result<Self> {
        let states = Arc::default();
        let (router, tasks) = router(services, config, (&states, Tasks::default()), life);
        let router = SwappableRouter::new(router);
        let listens = listen(&router, config, life)?;
        Ok(Self { router, listens, tasks, states })
    }

    /// Serves the programs of a changed configuration instead.
    pub(super) fn replace(&mut self, services: &Services, config: &Config, life: &Lifecycle) {
        let previous = std::mem::take(&mut self.tasks);
        let (router, tasks) = router(services, config, (&self.states, previous), life);
        self.router.put(router);
        self.tasks = tasks;
        if self.listens {
            return;
        }
        match listen(&self.router, config, life) {
            Ok(listens) => self.listens = listens,
            Err(error) => tracing::error!(error = %format!("{error:#}"), "the gateway could not be started"),
        }
    }
}

impl Tasks {
    fn stop(&self) {
        self.deliveries.values().chain(&self.closed_talks).for_each(StoppableTask::stop);
    }
}

/// The router of the gateway, and the tasks that replace the previous ones.
fn router(
    services: &Services,
    config: &Config,
    (states, mut previous): (&Arc<ProgramStates>, Tasks),
    life: &Lifecycle,
) -> (Router, Tasks) {
    let program = |(name, settings): (&String, &crate::config::Program)| {
        let bot = services.bots.get(&settings.source)?.clone();
        let program = Program::new(name.clone(), bot, settings.name.clone(), settings.leads);
        let program = program.with_sees(settings.sees).with_local_server(config.telegram.local);
        Some((settings.secret.expose().to_owned(), Arc::new(program)))
    };
    let programs: Vec<_> = config.programs.iter().filter_map(program).collect();
    let proxies = Proxies::new(&config.server.trusted_proxies);
    let rules =
        Rules { allow_private: config.gateway.allow_private, own: vec![config.server.public_url.url().clone()] };
    let shared = Shared::new(programs.clone(), services.store.clone(), proxies, life.clone());
    let shared = Arc::new(shared.with_webhook_rules(rules).with_states(Arc::clone(states)));
    previous.stop();
    let delivery = |(_, program): &(String, Arc<Program>)| {
        let delivery = Delivery { shared: Arc::clone(&shared), program: Arc::clone(program) };
        let previous = previous.deliveries.remove(&program.name);
        let task = life.spawn_stoppable("webhook of a program", async |stop| {
            // It may wait for responses. The next one sends what it has not confirmed.
            if let Some(previous) = previous {
                previous.end().await;
            }
            delivery.run(stop).await
        });
        (program.name.clone(), task)
    };
    let talks =
        closed_talks(services, config).map(|talks| life.spawn_stoppable("closed talks", |stop| talks.run(stop)));
    let tasks = Tasks { deliveries: programs.iter().map(delivery).collect(), closed_talks: talks };
    (gateway::router(shared), tasks)
}

/// The check for closed talks, if a program is quiet and the account can be asked.
fn closed_talks(services: &Services, config: &Config) -> Option<ClosedTalks> {
    let is_quiet = config.programs.values().any(|program| program.quiet.is_some());
    let account = services.account.clone().filter(|_| is_quiet)?;
    Some(ClosedTalks { account: account.patient(), store: services.store.clone() })
}

/// Listens if there are programs. Returns whether there are.
fn listen(router: &SwappableRouter, config: &Config, life: &Lifecycle) -> anyhow::Result<bool> {
    if config.programs.is_empty() {
        return Ok(false);
    }
    let listener = bind(config.gateway.listen, "gateway.listen")?;
    let address = listener.local_addr()?;
    let proxies = Proxies::new(&config.server.trusted_proxies);
    let served = serve::until((listener, None), router.router(), Limits::programs(), proxies, None, life.stop_token());
    life.essential("gateway", served);
    tracing::info!(gateway = %address, programs = config.programs.len(), "the gateway is listening");
    Ok(true)
}
