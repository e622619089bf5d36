//! The composition root: opens the store, builds the clients, binds the listeners and starts the tasks.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, time::timeout};

mod alerting;
mod bots;
mod comparing;
mod customers;
mod first;
mod handlers;
mod keeping;
mod listeners;
mod measuring;
mod policy;
mod programs;
mod reload;
mod remotes;
mod routers;
mod running;
mod services;
mod sharing;

pub use alerting::targets;
pub use bots::{bots, disk, largest_download_bytes};
pub use handlers::{downloads, media};
pub use keeping::{store_settings, trace_settings};
pub use listeners::InheritedListeners;
use listeners::{bind, command_socket};

use crate::{
    admin::{
        erasing, former_imports, identity,
        public_address::Entrance,
        reload::{ReloadHandle, reload_channel},
        socket::CommandSocket,
    },
    alerts::health::Health,
    app::{alerting::Alerting, reload::Reloader, running::Running, services::Services},
    clock,
    config::Config,
    lifecycle::{CLOSING, Ended, HangUps, Lifecycle, starting},
    metrics::{Cause, Metrics, RemoteApi},
    serve,
    store::Store,
    tls::Keeper,
    trace::Trace,
};

pub struct App {
    life: Lifecycle,
    store: Store,
    public: SocketAddr,
    admin: SocketAddr,
    socket: Option<Arc<CommandSocket>>,
    reload: ReloadHandle,
    trace: Trace,
}

/// The certificate of the public listener, if it has TLS of its own.
fn certificate(config: &Config, metrics: &Arc<Metrics>, life: &Lifecycle) -> anyhow::Result<Option<Keeper>> {
    let Some(tls) = &config.server.tls else { return Ok(None) };
    let keeper = Keeper::open(tls, &config.data_dir, metrics).map_err(anyhow::Error::msg)?;
    life.essential("certificate", keeper.clone().run(life.stop_token()));
    Ok(Some(keeper))
}

impl App {
    /// Starts a bridge. It listens once this returns, whether or not Telegram and Kommo can be reached.
    ///
    /// # Errors
    /// If the store cannot be opened or a listener cannot be bound; the message says what to do.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        Self::start_with(InheritedListeners::default(), config).await
    }

    /// The same with listeners inherited from systemd.
    pub async fn start_with(inherited: InheritedListeners, config: &Config) -> anyhow::Result<Self> {
        Self::start_between(inherited.or_bound(config.server.listen, config.admin.listen)?, config).await
    }

    /// The same with an existing public listener in place of `server.listen`.
    pub async fn start_on(public: TcpListener, config: &Config) -> anyhow::Result<Self> {
        Self::start_between((public, bind(config.admin.listen, "admin.listen")?), config).await
    }

    async fn start_between((public, admin): (TcpListener, TcpListener), config: &Config) -> anyhow::Result<Self> {
        serve::raise_open_files();
        let store = starting(keeping::open(config)).await?;
        let (public_at, admin_at) = (public.local_addr()?, admin.local_addr()?);
        let socket = command_socket(&config.data_dir);
        let watched = store.clone();
        let trace = Trace::start(trace_settings(config), move || watched.has_room());
        let life = Lifecycle::default();
        let (reload_handle, reload_requests) = reload_channel();
        let app = Self {
            life: life.clone(),
            store: store.clone(),
            public: public_at,
            admin: admin_at,
            socket: socket.clone(),
            reload: reload_handle.clone(),
            trace: trace.clone(),
        };
        store.begin(clock::now()).await?;
        former_imports::take_over(&config.data_dir, &store).await?;
        starting(erasing::finish(&store, &trace)).await?;
        let metrics = Arc::new(Metrics::new());
        let expected = measuring::expected(config);
        metrics.expect(&expected, clock::now());
        let tls = certificate(config, &metrics, &life)?;
        let undumped = store.undumped().map(|why| format!("the store could not be dumped before the upgrade: {why}"));
        metrics.note(Cause::Dump, undumped);
        let egress = config.kommo.egress().observed(metrics.observer(RemoteApi::Account));
        let account = identity::client_by(&config.kommo, &egress)?;
        identity::recall(&config.kommo, account.as_ref(), &store)?;
        let health = Arc::new(Health::new(config, store.clone(), metrics, expected));
        let entrance = Entrance { listener: public_at, tls: tls.clone() };
        let alerting = Alerting::start(config, &health, &entrance, &app.life)?;
        let reloader = Reloader::new(config, Arc::clone(&health), alerting, (entrance, app.life.clone()));
        let public = (public, tls.map(|keeper| keeper.served().clone()));
        let running = reloader.running();
        match identity::known_soon(&config.kommo, account.as_ref(), &store).await? {
            Some(served) => {
                let services = Services::new(config, (health, trace), (account, served), None)?;
                let handlers = (public, admin, socket, reload_handle);
                *running.lock().await = Some(Running::start(services, config, &app.life, handlers).await?);
            }
            None => first::wait(
                (config.clone(), (health, trace), account),
                &app.life,
                (public, admin, socket, reload_handle),
                running,
            )?,
        }
        app.life.essential("reload", reloader.run(reload_requests, app.life.stop_token()));
        tracing::info!(hooks = %app.public, admin = %app.admin, sources = config.sources.len(), "telekommo is up");
        Ok(app)
    }

    /// The address of the public listener.
    #[must_use]
    pub const fn public_addr(&self) -> SocketAddr {
        self.public
    }

    /// The address of the admin listener.
    #[must_use]
    pub const fn admin_addr(&self) -> SocketAddr {
        self.admin
    }

    /// The bridge's store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Its lifecycle, which starts and ends tasks.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.life
    }

    /// Reloads the configuration at each SIGHUP.
    pub fn on_hang_ups(&self, mut hang_ups: HangUps) {
        let (reload, stop) = (self.reload.clone(), self.life.stop_token());
        self.life.essential("hang-ups", async move {
            while stop.run_until_cancelled(hang_ups.next()).await.is_some() {
                tracing::info!("SIGHUP: reloading the configuration");
                // The result is logged.
                drop(reload.reload().await);
            }
            Ok::<_, Infallible>(())
        });
    }

    /// Waits until the bridge has been stopped, then closes the store.
    pub async fn ended(self) -> Ended {
        let ended = self.life.ended().await;
        // A disk that does not respond must not keep the process alive.
        let (_, closed) = tokio::join!(timeout(CLOSING, self.trace.flush()), timeout(CLOSING, self.store.close()));
        // After the store is closed: without the socket, a command would think that no bridge has it.
        drop(self.socket);
        match closed {
            Ok(Ok(())) => ended,
            Ok(Err(error)) => {
                tracing::error!(%error, "the store could not be closed");
                Ended::Failed
            }
            Err(_) => {
                tracing::error!("closing the store took too long: everything acknowledged is on the disk");
                Ended::Failed
            }
        }
    }
}
