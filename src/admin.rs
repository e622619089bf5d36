//! What the daemon does for its operator: the admin listener, set-up in Kommo, upkeep, the log.
//!
//! The listener has probes, metrics and the status page, for this machine only. Commands ask by the socket.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use tokio::task::spawn_blocking;

use crate::{
    admin::session::Sessions,
    alerts::health::Health,
    domain::address::{BotId, SourceId},
    metrics::{Cause, Form, Metrics},
    store::{Imports, Store, StoreError},
    trace::Trace,
};

pub(crate) mod channel;
pub(crate) mod chats;
pub mod crossed;
pub mod dumping;
pub(crate) mod erasing;
pub mod fetches;
mod filter;
mod forgetting;
pub mod former_imports;
pub mod history;
pub mod identity;
pub mod import;
pub mod logging;
mod page;
pub(crate) mod parked;
mod preview;
pub(crate) mod programs;
pub mod public_address;
pub(crate) mod queue;
pub mod reconcile;
pub mod reload;
mod retention;
pub mod session;
pub mod setup;
pub mod socket;
pub(crate) mod sources;
pub(crate) mod status;
pub(crate) mod tap;
pub(crate) mod trace;
pub mod upkeep;

/// What `/live` says. A check knows a running bridge by it.
pub(crate) const ALIVE: &str = "alive\n";

/// A header that every request for a change carries: a web page that the operator happens to visit cannot send it.
pub(crate) const OURS: &str = "X-Telekommo";

#[derive(Clone)]
struct Admin {
    store: Store,
    bots: Arc<chats::Bots>,
    imported: Imports,
    trace: Trace,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    sessions: Arc<Sessions>,
}

/// What the bridge serves to its operator.
pub struct Routers {
    /// For commands, by the command socket: everything.
    pub commands: Router,
    /// For everybody who reaches the admin listener: probes, metrics and the status page. What the page shows and
    /// changes of messages needs a session.
    pub listener: Router,
}

/// The routers of a bridge with the sessions of its page.
pub fn routers(
    health: Arc<Health>,
    (bots, imported, trace): (BTreeMap<SourceId, BotId>, Imports, Trace),
    sessions: Arc<Sessions>,
) -> Routers {
    let (store, metrics) = (health.store().clone(), Arc::clone(health.metrics()));
    let admin = Admin { store, bots: Arc::new(bots), imported, trace, metrics, health, sessions };
    let parked = || {
        Router::new()
            .route("/parked", get(parked::list))
            .route("/parked/retry", post(parked::retry_many))
            .route("/parked/drop", post(parked::forget_many))
    };
    let probes = || {
        Router::new().route("/live", get(async || ALIVE)).route("/ready", get(ready)).route("/metrics", get(prometheus))
    };
    let commands = Router::new()
        .route("/status", get(status::show))
        .route("/session/link", post(session::link))
        .route("/queue", get(queue::list))
        .route("/queue/messages", get(queue::show))
        .route("/queue/retry", post(queue::retry))
        .route("/queue/park", post(queue::park))
        .route("/trace", get(trace::show))
        .route("/channel/connected", post(connected))
        .route("/channel/disconnected", post(disconnected))
        .route("/chats", get(known_chats))
        .route("/chats/link", post(link_chat))
        .route("/chats/forget", post(forget_person))
        .route("/forget", post(erasing::answer))
        .route("/programs", get(programs::list))
        .route("/programs/one", get(programs::show))
        .route("/programs/skip", post(programs::skip))
        .merge(probes())
        .merge(parked());
    let page = page::router()
        .route("/status", get(status::show_to_anybody))
        .route("/session", post(session::enter))
        .merge(parked().route_layer(from_fn_with_state(admin.clone(), session::within_session)))
        .route_layer(from_fn(session::of_this_page));
    Routers { commands: commands.with_state(admin.clone()), listener: probes().merge(page).with_state(admin) }
}

/// 200, or 503 with one reason per line. What is to be looked at stands below either.
async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let troubles = admin.health.look();
    let (mut reasons, mut advice) = (Vec::new(), Vec::new());
    for trouble in troubles {
        match trouble.cause {
            // It is shown with what is held because of it.
            Cause::HistoryUnreadable => {}
            ref cause if cause.is_obstacle() => reasons.push(trouble.line()),
            _ => advice.push(trouble.line()),
        }
    }
    reasons.sort();
    let (status, lines) = if reasons.is_empty() {
        (StatusCode::OK, vec!["ready".to_owned()])
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, reasons)
    };
    let lines: Vec<_> = lines.into_iter().chain(held(&admin)).chain(advice).collect();
    (status, lines.join("\n") + "\n")
}

/// What is held, and why; or why Kommo's history cannot be compared. That is no reason for 503: a hold ends by itself
/// within a minute, and a balancer that sends no hooks here meanwhile would lose them.
fn held(admin: &Admin) -> Option<String> {
    let (conversations, why) = (admin.store.withheld(), admin.metrics.why_history_unreadable());
    if conversations == 0 {
        return why.map(|why| format!("Kommo's history cannot be compared: {why}"));
    }
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Some(format!(
        "held: answers in {conversations} conversations wait until telekommo has looked for missed, older ones{why}"
    ))
}

/// The figures, in the form that the reader likes.
async fn prometheus(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let health = Arc::clone(&admin.health);
    // It looks at the disk.
    let measured = spawn_blocking(move || health.measure()).await;
    if let Err(error) = measured {
        tracing::error!(%error, "the bridge could not be measured");
    }
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let form = Form::accepted(&accept.collect::<Vec<_>>().join(","));
    ([(header::CONTENT_TYPE, form.content_type())], admin.metrics.text(form)).into_response()
}

/// The channel was connected to the account by a command.
async fn connected(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    noted(&headers, &admin.metrics, None)
}

/// The channel was disconnected from the account by a command.
async fn disconnected(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    noted(&headers, &admin.metrics, Some(channel::DISCONNECTED.to_owned()))
}

fn noted(headers: &HeaderMap, metrics: &Metrics, trouble: Option<String>) -> Response {
    refusal(headers).unwrap_or_else(|| {
        metrics.disconnected(trouble);
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn changed(headers: &HeaderMap, change: impl Future<Output = Result<bool, StoreError>>) -> Response {
    if let Some(refusal) = refusal(headers) {
        return refusal;
    }
    match change.await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, "there is nothing with this name\n").into_response(),
        Err(error) => failed(&error),
    }
}

/// What somebody gets who may change nothing.
pub(crate) fn refusal(headers: &HeaderMap) -> Option<Response> {
    let is_ours = headers.contains_key(OURS) && is_addressed_directly(headers);
    let text = || format!("refused: name the host by its address, and send the header {OURS}\n");
    (!is_ours).then(|| (StatusCode::FORBIDDEN, text()).into_response())
}

/// The conversations that Kommo knows.
async fn known_chats(
    State(admin): State<Admin>,
    Query(which): Query<chats::ChatFilter>,
    headers: HeaderMap,
) -> Response {
    // They have names.
    if !is_addressed_directly(&headers) {
        return elsewhere();
    }
    match chats::known(admin.store, admin.bots, admin.imported, which).await {
        Ok(rows) => ([(header::CONTENT_TYPE, "application/json")], chats::to_json(&rows)).into_response(),
        Err(error) => failed(&error),
    }
}

/// Queues that a conversation's chat becomes a contact's.
async fn link_chat(State(admin): State<Admin>, Query(wish): Query<chats::LinkRequest>, headers: HeaderMap) -> Response {
    changed(&headers, chats::queue(&admin.store, &admin.imported, wish)).await
}

/// Forgets who is behind a conversation.
async fn forget_person(
    State(admin): State<Admin>,
    Query(which): Query<chats::ChatFilter>,
    headers: HeaderMap,
) -> Response {
    changed(&headers, chats::forget((&admin.store, &admin.trace), which)).await
}

/// A web page can make a browser ask here under a name of the page's own; our commands ask by address. The name of this
/// very machine is nobody else's.
pub(crate) fn is_addressed_directly(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

/// What somebody gets who asks by a name for what is between customers and managers.
pub(crate) fn elsewhere() -> Response {
    (StatusCode::FORBIDDEN, "refused: name the host by its address\n").into_response()
}

fn failed(error: &StoreError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
}
