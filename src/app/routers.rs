//! Builds the routers of the listeners from one configuration's services.

use std::{convert::Infallible, sync::Arc};

use axum::Router;
use tokio::sync::mpsc;

use crate::{
    admin::{
        self, Routers, dumping, history, import,
        reload::{self, ReloadHandle},
        session::Sessions,
    },
    app::{handlers, services::Services},
    config::Config,
    intake::hook::Scope,
    lifecycle::{Lifecycle, StoppableTask},
    relay::{reconcile::Reconciler, typing::TypingRelay},
    serve::{self, process_identity::ProcessIdentity},
};

/// How many typing notices may wait; they are worthless after seconds.
const MAX_TYPING: usize = 64;

/// The public router, and the task that relays typing.
pub(super) fn public_router(
    services: &Services,
    config: &Config,
    mark: &ProcessIdentity,
    life: &Lifecycle,
) -> (Router, StoppableTask) {
    let (typing, arrivals) = mpsc::channel(MAX_TYPING);
    let scope = Scope::Of(config.kommo.scope_id(&services.served));
    let hooks = handlers::hooks(
        config,
        scope,
        (&services.store, &services.bots, &services.metrics, &services.trace),
        (typing, services.context.chats.time(), services.context.spoken.clone()),
        services.context.crm.phone_region.clone(),
    );
    let media = handlers::media(config, &services.bots, services.disk.clone(), &services.metrics);
    let proxies = serve::Proxies::new(&config.server.trusted_proxies);
    let typing = TypingRelay { arrivals, bots: services.bots.clone(), store: services.store.clone() };
    let typing = life.spawn_stoppable("typing", |stop| async move {
        typing.run(stop).await;
        Ok::<_, Infallible>(())
    });
    (serve::public((hooks, media), mark.clone(), config.server.public_url.url(), proxies), typing)
}

/// State that lives as long as the bridge.
pub(super) struct SharedState {
    pub(super) mark: ProcessIdentity,
    pub(super) sessions: Arc<Sessions>,
    pub(super) reload_handle: ReloadHandle,
}

/// The operator's routers, for commands and for the admin listener.
pub(super) fn handlers(
    services: &Services,
    config: &Config,
    reconciler: &Arc<Reconciler>,
    shared_state: &SharedState,
    life: &Lifecycle,
) -> Routers {
    let bots = services.bots.iter().map(|(source, bot)| (source.clone(), bot.id())).collect();
    let sessions = Arc::clone(&shared_state.sessions);
    let handlers = admin::routers(
        Arc::clone(&services.health),
        (bots, services.imported(config), services.trace.clone()),
        sessions,
    );
    let commands = handlers
        .commands
        .merge(shared_state.mark.clone().router())
        .merge(admin::crossed::router(services.store.clone()))
        .merge(admin::fetches::router(Arc::clone(&services.metrics)))
        .merge(admin::reconcile::router(Arc::clone(reconciler)))
        .merge(admin::tap::router(services.context.tap.clone(), life.stop_token()))
        .merge(history::router(services.store.clone(), services.imported(config)))
        .merge(dumping::router(services.store.clone(), config))
        .merge(reload::router(shared_state.reload_handle.clone()));
    Routers { commands, ..handlers }
}

/// The router for imports, for commands alone.
pub(super) fn import_router(services: &Services, config: &Config) -> Router {
    let bots = services.bots.iter().map(|(source, bot)| (source.clone(), bot.id())).collect();
    let (context, scope_id) = (&services.context, config.kommo.scope_id(&services.served));
    let importer = import::Importer::new(&services.store, &scope_id, &context.chats, context.links.clone(), bots);
    import::router(importer)
}
