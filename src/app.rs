//! The composition root: opens the store, builds both clients, binds the listeners and starts the tasks.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use tokio::{net::TcpListener, sync::mpsc};

mod alerting;
mod bots;
mod comparing;
mod customers;
mod doors;
mod first;
mod keeping;
mod listeners;
mod measuring;
mod policy;
mod remotes;

pub use alerting::targets;
pub use bots::{bots, disk};
pub use doors::{downloads, media};
pub use keeping::store_settings;
use listeners::{bind, command_socket};
use remotes::Remotes;

use crate::{
    admin::{self, former_imports, history, identity, import, setup::Setup, socket::CommandSocket, upkeep::Upkeep},
    alerts::health::Health,
    clock,
    config::{AccountId, Config, Groups},
    domain::{
        address::{KommoUserId, SourceId},
        job::Route,
    },
    intake::{hook::Scope, poller, reminders},
    kommo::{account::Account, chats::Chats, sign::Signer},
    lifecycle::{Ended, Lifecycle, feed_watchdog, starting},
    media::{
        disk::Disk,
        link::{LinkKey, Links},
    },
    metrics::{Asked, Metrics, Polling},
    relay::{
        Relay,
        context::{Context, LogOnce, ReadReceipts},
        reconcile::Reconciler,
        tap::Tap,
        typing::TypingRelay,
    },
    serve::{self, mark::Mark},
    store::{Imports, Store},
    telegram::bot::Bot,
};

/// How much typing may wait; it is worthless after seconds.
const TYPING_WAITING: usize = 64;

pub struct App {
    life: Lifecycle,
    store: Store,
    public: SocketAddr,
    admin: SocketAddr,
    socket: Option<Arc<CommandSocket>>,
}

impl App {
    /// Starts a bridge. It listens when this returns, whether or not Telegram and Kommo can be reached.
    ///
    /// # Errors
    /// If the store cannot be opened or a listener cannot be bound; the message says what to do.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        Self::start_on(bind(config.server.listen, "server.listen")?, config).await
    }

    /// The same with a public listener that is there already, in place of `server.listen`.
    ///
    /// # Errors
    /// As those of [`App::start`].
    pub async fn start_on(public: TcpListener, config: &Config) -> anyhow::Result<Self> {
        serve::raise_open_files();
        let admin = bind(config.admin.listen, "admin.listen")?;
        let store = starting(keeping::opened(config)).await?;
        let (public_at, admin_at) = (public.local_addr()?, admin.local_addr()?);
        let socket = command_socket(&config.data_dir);
        let life = Lifecycle::default();
        let app = Self { life, store: store.clone(), public: public_at, admin: admin_at, socket: socket.clone() };
        store.begin(clock::now()).await?;
        former_imports::take_over(&config.data_dir, &store).await?;
        let metrics = Arc::new(Metrics::new());
        let expected = measuring::expected(config);
        metrics.expect(&expected, clock::now());
        let egress = config.kommo.egress().observed(metrics.observer(Asked::Account));
        let account = identity::client_by(&config.kommo, &egress)?;
        identity::recall(&config.kommo, account.as_ref(), &store)?;
        let health = Arc::new(Health::new(config, store.clone(), metrics, expected));
        alerting::start(config, &health, public_at, &app.life)?;
        match identity::known_soon(&config.kommo, account.as_ref(), &store).await? {
            Some(served) => {
                Services::new(config, health, account, served)?
                    .start(&app.life, config, public, (admin, socket))
                    .await?;
            }
            None => first::wait(config.clone(), (health, account), &app.life, (public, admin), socket)?,
        }
        tracing::info!(hooks = %app.public, admin = %app.admin, sources = config.sources.len(), "telekommo is up");
        Ok(app)
    }

    /// The address of the public listener.
    #[must_use]
    pub const fn public_addr(&self) -> SocketAddr {
        self.public
    }

    /// The address of the operator's listener.
    #[must_use]
    pub const fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// The bridge's store, to look at.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What starts and ends its tasks.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.life
    }

    /// Waits until the bridge has been stopped, then closes the store.
    pub async fn ended(self) -> Ended {
        let ended = self.life.ended().await;
        let closed = self.store.close().await;
        // Before that, a command would take the store for one that nobody has.
        drop(self.socket);
        match closed {
            Ok(()) => ended,
            Err(error) => {
                tracing::error!(%error, "the store did not close");
                Ended::Failed
            }
        }
    }
}

/// Everything that the tasks share.
struct Services {
    health: Arc<Health>,
    store: Store,
    metrics: Arc<Metrics>,
    bots: BTreeMap<SourceId, Bot>,
    context: Arc<Context>,
    /// Where customers' files are, if they are on this machine.
    disk: Option<Disk>,
    /// The account's REST API, if there is a token for it.
    account: Option<Account>,
    /// The account that the bridge serves.
    served: AccountId,
}

impl Services {
    fn new(config: &Config, health: Arc<Health>, account: Option<Account>, served: AccountId) -> anyhow::Result<Self> {
        let account = account.map(|account| account.expecting(identity::expected(&config.kommo, Some(&served))));
        let (store, metrics) = (health.store().clone(), Arc::clone(health.metrics()));
        let signer = Signer::new(config.kommo.channel_secret.expose());
        let bots = bots::bots_by(config, &bots::observed(config, &metrics))?;
        let kommo = &config.kommo;
        let rate = kommo.requests_per_second.get();
        let origin = kommo.chats_url.url().clone();
        let egress = kommo.egress().observed(metrics.observer(Asked::Kommo));
        let chats = Chats::new(&egress, origin, &kommo.scope_id(&served), signer, kommo.timeout, rate)?;
        health.heed(chats.time());
        let links = Links {
            key: LinkKey::derive(kommo.channel_secret.expose()),
            public_url: config.server.public_url.url().clone(),
            valid_for: config.media.links_for,
        };
        let crm = customers::crm(config, account.clone());
        let context = Arc::new(Context {
            chats,
            bots: bots.clone(),
            downloads: doors::downloads_by(config, &kommo.egress().observed(metrics.observer(Asked::Files)))?,
            links,
            store: store.clone(),
            keep_buttons: config.telegram.keep_buttons,
            reading: ReadReceipts { marks: config.telegram.mark_read, is_inferred: kommo.infer_read },
            groups: config.telegram.groups == Groups::Relay,
            largest_file_bytes: bots::largest_download_bytes(&config.telegram),
            spoken: identity::spoken(kommo, &store)?,
            channel_bot: kommo.bot_id.as_ref().map(|id| KommoUserId(id.to_string())),
            said: LogOnce::default(),
            tap: Tap::default(),
            metrics: Arc::clone(&metrics),
            crm,
        });
        let disk = disk(config)?;
        Ok(Self { health, store, metrics, bots, context, disk, account, served })
    }

    async fn start(
        self,
        life: &Lifecycle,
        config: &Config,
        public: TcpListener,
        admin: (TcpListener, Option<Arc<CommandSocket>>),
    ) -> anyhow::Result<()> {
        // Before anything is sent: hooks that come now are newer than those that are missing.
        let reconciler = Arc::new(self.reconciler(config));
        let search = if config.reconcile.on_start { Some(reconciler.prepare().await?) } else { None };
        self.start_relays(life, config);
        self.start_pollers(life, config);
        self.start_listeners(life, config, public, admin, &reconciler)?;
        life.essential("reconciler", reconciler.attend(search, life.stop_token()));
        let chats = self.context.chats.clone();
        let account = self.account.as_ref().map(Account::patient);
        let known = (self.store.clone(), self.context.spoken.clone());
        let setup = Setup::new(config, self.served.clone(), (chats, account), known).telling(Arc::clone(&self.metrics));
        life.essential("setup", setup.run(life.stop_token()));
        life.essential("reminders", reminders::watch(self.store.clone(), life.stop_token()));
        let upkeep = Upkeep::new(&self.store, config, self.context.chats.time(), Arc::clone(&self.metrics));
        life.essential("upkeep", upkeep.run(life.stop_token()));
        life.essential("watchdog", feed_watchdog(self.store.clone(), Arc::clone(&self.metrics), life.stop_token()));
        Ok(())
    }

    /// What was imported into the channel and account that it serves.
    fn imported(&self, config: &Config) -> Imports {
        self.store.imports(&config.kommo.scope_id(&self.served))
    }

    /// One relay per route: the fixed ones, one per bot, and one for each source that has left the configuration while
    /// answers were waiting, which reports them as failed.
    fn start_relays(&self, life: &Lifecycle, config: &Config) {
        let fixed = [Route::Inbound, Route::Status, Route::Undeliverable, Route::Crm];
        let outbound = self.bots.keys().cloned().map(Route::Outbound);
        let account = self.context.crm.account.as_ref();
        let (slowest, began) = (config.retry.probe_every, clock::Moment::now());
        let remotes = Remotes::new(&self.context.chats, account, &self.bots, &self.metrics, slowest);
        let routes: BTreeSet<_> = fixed.into_iter().chain(outbound).chain(self.store.routes()).collect();
        for route in routes {
            let relay = Relay {
                policy: policy::of(&route, config, &self.context.spoken),
                began,
                time: self.context.chats.time(),
                breaker: remotes.breaker(&route),
                route,
                store: self.store.clone(),
                context: Arc::clone(&self.context),
                metrics: Arc::clone(&self.metrics),
            };
            life.essential("relay", relay.run(life.stop_token(), life.cut_token()));
        }
        for remote in remotes.into_all() {
            let stop = life.stop_token();
            life.essential("prober", async move {
                stop.run_until_cancelled_owned(remote.attend()).await;
                Ok::<_, std::convert::Infallible>(())
            });
        }
    }

    fn start_pollers(&self, life: &Lifecycle, config: &Config) {
        for (source, bot) in &self.bots {
            self.metrics.polling(source, Polling::Starting);
            let (store, metrics) = (self.store.clone(), Arc::clone(&self.metrics));
            let rhythm = poller::Rhythm::new(config.retry.probe_every);
            let poller = poller::Poller { bot: bot.clone(), store, metrics, rhythm };
            life.essential("poller", poller.run(life.stop_token()));
        }
    }

    fn start_listeners(
        &self,
        life: &Lifecycle,
        config: &Config,
        public: TcpListener,
        (admin, socket): (TcpListener, Option<Arc<CommandSocket>>),
        reconciler: &Arc<Reconciler>,
    ) -> anyhow::Result<()> {
        let (typing, arrivals) = mpsc::channel(TYPING_WAITING);
        let scope = Scope::Of(config.kommo.scope_id(&self.served));
        let time = self.context.chats.time();
        let hooks = doors::hooks(
            config,
            scope,
            (&self.store, &self.bots, &self.metrics),
            (typing, time, self.context.spoken.clone()),
            self.context.crm.phone_region.clone(),
        );
        let media = doors::media(config, &self.bots, self.disk.clone(), &self.metrics);
        let typing = TypingRelay { arrivals, bots: self.bots.clone(), store: self.store.clone() };
        let (stop, proxies) = (life.stop_token(), serve::Proxies::new(&config.server.trusted_proxies));
        life.essential("typing", {
            let stop = stop.clone();
            async move {
                typing.run(stop).await;
                Ok::<_, std::convert::Infallible>(())
            }
        });
        let bots: BTreeMap<_, _> = self.bots.iter().map(|(source, bot)| (source.clone(), bot.id())).collect();
        let (chats, links) = (&self.context.chats, self.context.links.clone());
        let scope_id = config.kommo.scope_id(&self.served);
        let importer = import::Importer::new(&self.store, &scope_id, chats, links, bots.clone());
        let mark = Mark::random();
        let doors = admin::doors(Arc::clone(&self.health), (bots, self.imported(config)), admin.local_addr()?);
        if let Some(socket) = socket {
            let commands = doors
                .commands
                .merge(mark.clone().router())
                .merge(admin::crossed::router(self.store.clone()))
                .merge(admin::reconcile::router(Arc::clone(reconciler)))
                .merge(admin::tap::router(self.context.tap.clone(), stop.clone()))
                .merge(history::router(self.store.clone(), self.imported(config)))
                .merge(import::router(importer));
            life.essential("command socket", socket.serve(commands, stop.clone())?);
        }
        life.essential(
            "public listener",
            serve::until(
                public,
                serve::public((hooks, media), mark, config.server.public_url.url(), proxies.clone()),
                serve::Limits::public(),
                proxies,
                Some(Arc::clone(&self.metrics)),
                stop.clone(),
            ),
        );
        life.essential(
            "admin listener",
            serve::until(admin, doors.listener, serve::Limits::admin(), serve::Proxies::default(), None, stop),
        );
        Ok(())
    }
}
