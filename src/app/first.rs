//! A first start that does not know the account's id, and cannot ask for it yet. Hooks arrive all the same, each only
//! once. They are signed with the channel's secret, whatever the account, so they are verified and stored. Everything
//! else starts once the account has answered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{
        self, dumping, identity,
        reload::{self, ReloadHandle},
        session::Sessions,
        socket::CommandSocket,
    },
    alerts::health::Health,
    app::{
        bots, disk, handlers,
        reload::Slot,
        running::{Listeners, Public, Running},
        services::Services,
    },
    config::{AccountId, Config},
    intake::hook::Scope,
    kommo::{account::Account, region::PhoneRegion, time::KommoTime, wire::trace::without},
    lifecycle::Lifecycle,
    serve::{self, process_identity::ProcessIdentity},
    trace::Trace,
};

/// The wait when the schedule has none left.
const LAST_WAIT: Duration = Duration::from_mins(10);

/// Takes hooks until the account is known, then starts the rest and puts it into `slot`.
///
/// # Errors
/// If the listeners cannot be shared.
pub(super) fn wait(
    (config, (health, trace), account): (Config, (Arc<Health>, Trace), Option<Account>),
    life: &Lifecycle,
    (public, admin, socket, reload_handle): Listeners,
    slot: Slot,
) -> anyhow::Result<()> {
    let (public, tls) = public;
    let ([public, public_now], [admin, admin_now]) = (duplicate(public)?, duplicate(admin)?);
    let (public, public_now) = ((public, tls.clone()), (public_now, tls));
    let now = life.stop_token().child_token();
    listen(&config, (&health, &trace), life, (public_now, admin_now, socket.as_deref(), &reload_handle), &now)?;
    let starting = Starting { config, health, trace, account, life: life.clone(), slot };
    life.essential("first start", starting.run((public, admin, socket, reload_handle), now));
    Ok(())
}

struct Starting {
    config: Config,
    health: Arc<Health>,
    trace: Trace,
    account: Option<Account>,
    life: Lifecycle,
    slot: Slot,
}

impl Starting {
    async fn run(self, handlers: Listeners, now: CancellationToken) -> anyhow::Result<()> {
        let stop = self.life.stop_token();
        let Some(served) = stop.run_until_cancelled(self.learn()).await else { return Ok(()) };
        // New connections wait for the next listener from here on.
        now.cancel();
        let services = Services::new(&self.config, (self.health, self.trace), (self.account, served), None)?;
        *self.slot.lock().await = Some(Running::start(services, &self.config, &self.life, handlers).await?);
        tracing::info!("the account's id is known: starting everything");
        stop.cancelled().await;
        Ok(())
    }

    /// Asks the account until it answers. Logs each different failure once.
    async fn learn(&self) -> AccountId {
        let (mut failed, mut logged) = (0_u32, String::new());
        loop {
            let why = match identity::learn(&self.config.kommo, self.account.as_ref(), self.health.store()).await {
                Ok(served) => {
                    self.health.metrics().between(None);
                    return served;
                }
                Err(error) => format!("{error:#}"),
            };
            failed = failed.saturating_add(1);
            let reason = without(&why);
            if logged != reason {
                tracing::error!("{why}; until then hooks are stored, and nothing is sent");
                self.health.metrics().between(Some(why.clone()));
                logged = reason;
            }
            let wait = self.config.retry.kommo.wait(failed, fastrand::f64(), None).unwrap_or(LAST_WAIT);
            sleep(wait).await;
        }
    }
}

/// Listens until `now` is over.
fn listen(
    config: &Config,
    (health, trace): (&Arc<Health>, &Trace),
    life: &Lifecycle,
    (public, admin, socket, reload_handle): (Public, TcpListener, Option<&CommandSocket>, &ReloadHandle),
    now: &CancellationToken,
) -> anyhow::Result<()> {
    let (store, metrics) = (health.store(), health.metrics());
    let bots = bots(config)?;
    // Typing has no receiver: it is worthless when late.
    let (typing, _) = mpsc::channel(1);
    let scope = Scope::AnyOf(config.kommo.channel_id.to_string());
    // Phone numbers are resolved again before anything is sent.
    let phone_region = PhoneRegion { configured: config.telegram.phone_region, account: None };
    let typing = (typing, KommoTime::default(), identity::spoken(&config.kommo, store)?);
    let hooks = handlers::hooks(config, scope, (store, &bots, metrics, trace), typing, phone_region);
    let media = handlers::media(config, &bots, disk(config)?, metrics);
    let imported = store.imports("");
    let mark = ProcessIdentity::random();
    let sessions = Arc::new(Sessions::new(admin.local_addr()?));
    let handlers = admin::routers(Arc::clone(health), (BTreeMap::new(), imported, trace.clone()), sessions);
    let proxies = serve::Proxies::new(&config.server.trusted_proxies);
    let (public_stop, admin_stop) = (now.clone(), now.clone());
    if let Some(socket) = socket {
        let commands = handlers.commands.merge(mark.clone().router()).merge(reload::router(reload_handle.clone()));
        let commands = commands.merge(dumping::router(store.clone(), config));
        life.may_end("command socket of a first start", socket.serve(commands, admin_stop.clone())?);
    }
    life.may_end(
        "public listener of a first start",
        serve::until(
            public,
            serve::public((hooks, media), mark, config.server.public_url.url(), proxies.clone()),
            serve::Limits::public(),
            proxies,
            Some(Arc::clone(metrics)),
            public_stop,
        ),
    );
    life.may_end(
        "admin listener of a first start",
        serve::until(
            (admin, None),
            handlers.listener,
            serve::Limits::admin(),
            serve::Proxies::default(),
            None,
            admin_stop,
        ),
    );
    Ok(())
}

/// Two handles of one listener: whichever is served accepts connections.
fn duplicate(listener: TcpListener) -> std::io::Result<[TcpListener; 2]> {
    let one = listener.into_std()?;
    let other = one.try_clone()?;
    Ok([TcpListener::from_std(one)?, TcpListener::from_std(other)?])
}
