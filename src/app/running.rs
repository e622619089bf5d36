//! The tasks of a bridge, and which of them a changed configuration ends, starts or restarts. Each task gets values
//! that never change ([`Services`]). A task whose values change is stopped and replaced; all others go on. A stopped
//! relay claims nothing more and finishes its jobs; its replacement claims the rest, since a job has one lease. The end
//! of a poller is awaited, because Telegram allows one poller per bot; it has not confirmed what it has not stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
};

use tokio::net::TcpListener;

use crate::{
    admin::{reload::ReloadHandle, session::Sessions, setup::Setup, socket::CommandSocket, upkeep::Upkeep},
    app::{
        policy,
        programs::{self, ServedPrograms},
        routers::{SharedState, handlers, import_router, public_router},
        services::{MADE_OF, Services},
        sharing,
    },
    breaker::Remote,
    clock::Moment,
    config::{Changes, Config},
    domain::{address::SourceId, job::Route},
    intake::{poller, reminders},
    kommo::account::Account,
    lifecycle::{Lifecycle, StoppableTask, feed_watchdog},
    metrics::Polling,
    relay::{
        Relay,
        reconcile::{Reconciler, Search},
    },
    serve::{self, SwappableRouter, process_identity::ProcessIdentity},
    store::StoreError,
    telegram::bot::Bot,
    tls::Served,
};

/// Keys that the comparison with Kommo's history depends on.
pub(super) const RECONCILER: [&str; 3] = ["reconcile", "kommo", "retry.kommo"];
/// Keys that the set-up in Kommo depends on.
pub(super) const SETUP: [&str; 5] = ["sources", "kommo", "retry.kommo", "alerts.ask_every", "alerts.expires_within"];
/// Keys that the upkeep depends on.
pub(super) const UPKEEP: [&str; 2] = ["store", "retention"];
/// Keys that pollers depend on, beside those of their bots.
pub(super) const POLLERS: [&str; 3] = ["retry.probe_every", "programs", "campaigns"];

/// Keys that shared bots depend on.
const PROGRAMS: [&str; 2] = ["programs", "sources"];

/// The public listener, with its certificate if it has TLS of its own.
pub(super) type Public = (TcpListener, Option<Served>);
/// All listeners, and the handle for reloads.
pub(super) type Listeners = (Public, TcpListener, Option<Arc<CommandSocket>>, ReloadHandle);

/// A running bridge.
pub(super) struct Running {
    life: Lifecycle,
    services: Services,
    began: Moment,
    public: SwappableRouter,
    admin: SwappableRouter,
    programs: ServedPrograms,
    /// The router for commands, with imports.
    commands: SwappableRouter,
    import: axum::Router,
    shared_state: SharedState,
    typing: StoppableTask,
    relays: Vec<StoppableTask>,
    probers: Vec<(Remote, StoppableTask)>,
    pollers: BTreeMap<SourceId, (Bot, StoppableTask)>,
    reconciler: (Arc<Reconciler>, StoppableTask),
    setup: StoppableTask,
    upkeep: StoppableTask,
    /// The sources that were removed since the start. What waits for their customers stays as it is.
    removed: BTreeSet<SourceId>,
}

impl Running {
    /// Starts all tasks.
    ///
    /// # Errors
    /// If the store fails, or a listener cannot be used.
    pub(super) async fn start(
        services: Services,
        config: &Config,
        life: &Lifecycle,
        (public, admin, socket, reload_handle): Listeners,
    ) -> anyhow::Result<Self> {
        // Before anything is sent: hooks that arrive now are newer than those that are missing.
        let reconciler = Arc::new(services.reconciler(config));
        let search = if config.reconcile.on_start { Some(reconciler.prepare().await?) } else { None };
        sharing::serve(config, &services.store).await?;
        let (began, removed) = (Moment::now(), BTreeSet::new());
        let relays = relays(&services, config, life, (began, &removed));
        let probers = services.remotes.all().into_iter().map(|remote| prober(remote, life)).collect();
        let pollers = services.bots.values().map(|bot| poller(bot, &services, config, life)).collect();
        let sessions = Arc::new(Sessions::new(admin.local_addr()?));
        let shared_state = SharedState { mark: ProcessIdentity::random(), sessions, reload_handle };
        let (router, typing) = public_router(&services, config, &shared_state.mark, life);
        let public_router = SwappableRouter::new(router);
        let (routers, import) =
            (handlers(&services, config, &reconciler, &shared_state, life), import_router(&services, config));
        let commands = SwappableRouter::new(routers.commands.merge(import.clone()));
        let admin_router = SwappableRouter::new(routers.listener);
        let stop = life.stop_token();
        if let Some(socket) = socket {
            life.essential("command socket", socket.serve(commands.router(), stop.clone())?);
        }
        let proxies = serve::Proxies::new(&config.server.trusted_proxies);
        let (served, meter) = (public_router.router(), Some(Arc::clone(&services.metrics)));
        let served = serve::until(public, served, serve::Limits::public(), proxies, meter, stop.clone());
        life.essential("public listener", served);
        let (limits, nobody) = (serve::Limits::admin(), serve::Proxies::default());
        let served = serve::until((admin, None), admin_router.router(), limits, nobody, None, stop.clone());
        life.essential("admin listener", served);
        let programs = ServedPrograms::start(&services, config, life)?;
        let reconciler = spawn_reconciler(reconciler, search, life);
        let (setup, upkeep) = (setup(&services, config, life), upkeep(&services, config, life));
        life.essential("reminders", reminders::watch(services.store.clone(), stop.clone()));
        let fed = feed_watchdog(services.store.clone(), Arc::clone(&services.metrics), stop);
        life.essential("watchdog", fed);
        Ok(Self {
            life: life.clone(),
            services,
            began,
            public: public_router,
            admin: admin_router,
            programs,
            commands,
            import,
            shared_state,
            typing,
            relays,
            probers,
            pollers,
            reconciler,
            setup,
            upkeep,
            removed,
        })
    }

    /// Builds the services of a changed configuration; `None` if they stay as they are.
    ///
    /// # Errors
    /// If a client cannot be set up, or the store fails. Then nothing has changed.
    pub(super) fn prepare(&self, config: &Config, changes: &Changes) -> anyhow::Result<Option<Services>> {
        changes.touch(&MADE_OF).then(|| self.services.rebuild(config, changes)).transpose()
    }

    /// Puts a changed configuration into force, with its prepared services.
    pub(super) async fn change(
        &mut self,
        config: &Config,
        changes: &Changes,
        prepared: Option<Services>,
    ) -> Result<(), StoreError> {
        if let Some(services) = prepared {
            self.replace_services(services, config, changes).await?;
        }
        if changes.touch(&RECONCILER) {
            let next = Arc::new(self.services.reconciler(config));
            // Otherwise each would release what the other holds.
            self.reconciler.1.end().await;
            let search = next.take_over().await?;
            self.reconciler = spawn_reconciler(next, search, &self.life);
        } else {
            self.reconciler.0.serve(self.services.bots.keys().cloned().collect());
        }
        let routers = handlers(&self.services, config, &self.reconciler.0, &self.shared_state, &self.life);
        self.commands.put(routers.commands.merge(self.import.clone()));
        self.admin.put(routers.listener);
        if changes.touch(&SETUP) {
            replace(&mut self.setup, |life| setup(&self.services, config, life), &self.life);
        }
        if changes.touch(&UPKEEP) {
            replace(&mut self.upkeep, |life| upkeep(&self.services, config, life), &self.life);
        }
        Ok(())
    }

    /// How many jobs wait for customers of a source.
    pub(super) fn waiting(&self, source: &SourceId) -> usize {
        let route = Route::Outbound(source.clone());
        let counts = self.services.store.counts();
        counts.routes.iter().filter(|(of, _)| *of == route).map(|(_, queue)| queue.waiting).sum()
    }

    /// Replaces the services. Tasks whose values do not change go on.
    async fn replace_services(
        &mut self,
        services: Services,
        config: &Config,
        changes: &Changes,
    ) -> Result<(), StoreError> {
        let previous = std::mem::replace(&mut self.services, services);
        let removed: Vec<_> =
            previous.bots.keys().filter(|source| !self.services.bots.contains_key(*source)).cloned().collect();
        self.removed.extend(removed.iter().cloned());
        self.removed.retain(|source| !self.services.bots.contains_key(source));
        // It ends before its sender is dropped.
        self.typing.stop();
        let (router, typing) = public_router(&self.services, config, &self.shared_state.mark, &self.life);
        self.public.put(router);
        self.typing = typing;
        self.import = import_router(&self.services, config);
        self.relays.drain(..).for_each(|relay| relay.stop());
        self.replace_probers();
        self.relays = relays(&self.services, config, &self.life, (self.began, &self.removed));
        self.replace_pollers(config, changes).await?;
        if changes.touch(&programs::MADE_OF) {
            self.programs.replace(&self.services, config, &self.life);
        }
        for source in removed {
            self.services.metrics.forget(&source);
        }
        Ok(())
    }

    fn replace_probers(&mut self) {
        let mut previous = std::mem::take(&mut self.probers);
        for remote in self.services.remotes.all() {
            let kept = previous.iter().position(|(other, _)| other.is(&remote)).map(|at| previous.swap_remove(at));
            self.probers.push(kept.unwrap_or_else(|| prober(remote, &self.life)));
        }
        for (remote, task) in previous {
            task.stop();
            remote.retire();
        }
    }

    async fn replace_pollers(&mut self, config: &Config, changes: &Changes) -> Result<(), StoreError> {
        // All replaced pollers end before one begins: a token may have moved from one source to another.
        for (source, (previous, task)) in std::mem::take(&mut self.pollers) {
            match self.services.bots.get(&source) {
                Some(bot) if previous.is(bot) && !changes.touch(&POLLERS) => {
                    self.pollers.insert(source, (previous, task));
                }
                Some(_) | None => task.end().await,
            }
        }
        // While no poller stores updates: those hidden from Kommo are kept for the program.
        if changes.touch(&PROGRAMS) {
            sharing::serve(config, &self.services.store).await?;
        }
        for (source, bot) in &self.services.bots {
            if !self.pollers.contains_key(source) {
                self.pollers.extend([poller(bot, &self.services, config, &self.life)]);
            }
        }
        Ok(())
    }
}

fn replace(task: &mut StoppableTask, next: impl FnOnce(&Lifecycle) -> StoppableTask, life: &Lifecycle) {
    task.stop();
    *task = next(life);
}

/// One relay per route: the fixed ones, one per bot, and one per source that was removed before the start while answers
/// were waiting, which reports them as failed.
fn relays(
    services: &Services,
    config: &Config,
    life: &Lifecycle,
    (began, removed): (Moment, &BTreeSet<SourceId>),
) -> Vec<StoppableTask> {
    let fixed = [Route::Inbound, Route::Status, Route::Undeliverable, Route::Crm];
    let outbound = services.bots.keys().cloned().map(Route::Outbound);
    let routes: BTreeSet<_> = fixed.into_iter().chain(outbound).chain(services.store.routes()).collect();
    let is_removed = |route: &Route| matches!(route, Route::Outbound(source) if removed.contains(source));
    let relay = |route: Route| {
        let relay = Relay {
            policy: policy::of(&route, config, &services.context.spoken),
            began,
            time: services.context.chats.time(),
            breaker: services.remotes.breaker(&route),
            route,
            store: services.store.clone(),
            context: Arc::clone(&services.context),
            metrics: Arc::clone(&services.metrics),
        };
        life.spawn_stoppable("relay", |stop| relay.run(stop, life.abort_token()))
    };
    routes.into_iter().filter(|route| !is_removed(route)).map(relay).collect()
}

fn prober(remote: Remote, life: &Lifecycle) -> (Remote, StoppableTask) {
    let probed = remote.clone();
    let task = life.spawn_stoppable("prober", |stop| async move {
        stop.run_until_cancelled_owned(probed.attend()).await;
        Ok::<_, Infallible>(())
    });
    (remote, task)
}

fn poller(bot: &Bot, services: &Services, config: &Config, life: &Lifecycle) -> (SourceId, (Bot, StoppableTask)) {
    services.metrics.polling(bot.source(), Polling::Starting);
    let (store, metrics, trace) = (services.store.clone(), Arc::clone(&services.metrics), services.trace.clone());
    let backoff = poller::PollBackoff::new(config.retry.probe_every);
    let poller =
        poller::Poller { bot: bot.clone(), store, metrics, backoff, trace, sharing: sharing::of(config, bot.source()) };
    (bot.source().clone(), (bot.clone(), life.spawn_stoppable("poller", |stop| poller.run(stop))))
}

fn spawn_reconciler(
    reconciler: Arc<Reconciler>,
    search: Option<Search>,
    life: &Lifecycle,
) -> (Arc<Reconciler>, StoppableTask) {
    let task = life.spawn_stoppable("reconciler", |stop| Arc::clone(&reconciler).run_loop(search, stop));
    (reconciler, task)
}

fn setup(services: &Services, config: &Config, life: &Lifecycle) -> StoppableTask {
    let (chats, account) = (services.context.chats.clone(), services.account.as_ref().map(Account::patient));
    let known = (services.store.clone(), services.context.spoken.clone());
    let setup = Setup::new(config, services.served.clone(), (chats, account), known);
    let setup = setup.with_metrics(Arc::clone(&services.metrics));
    life.spawn_stoppable("setup", |stop| setup.run(stop))
}

fn upkeep(services: &Services, config: &Config, life: &Lifecycle) -> StoppableTask {
    let time = services.context.chats.time();
    let upkeep = Upkeep::new(&services.store, config, time, Arc::clone(&services.metrics));
    life.spawn_stoppable("upkeep", |stop| upkeep.run(stop))
}
