//! The operator's side of the daemon: the admin listener, set-up in Kommo, upkeep, the log.
//!
//! The listener serves probes, metrics and the status page, on this machine only. Commands use the command socket.

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

/// Body of `/live`. `telekommo check` recognises a running bridge by it.
pub(crate) const ALIVE: &str = "alive\n";

/// Header of every request that changes something. A web page that the operator happens to visit cannot send it.
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

/// The HTTP interfaces for the operator.
pub struct Routers {
    /// Everything, for commands, on the command socket.
    pub commands: Router,
    /// Probes, metrics and the status page, for everybody who reaches the admin listener. The page needs a session to
    /// show or change messages.
    pub listener: Router,
}

/// Builds both routers.
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
        Router::new()
            .route("/live", get(async || ALIVE))
            .route("/ready", get(ready))
            .route("/metrics", get(export_metrics))
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

/// Answers 200, or 503 with one reason per line. Warnings that stop no message follow in either case.
async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let troubles = admin.health.problems();
    let (mut reasons, mut advice) = (Vec::new(), Vec::new());
    for trouble in troubles {
        match trouble.cause {
            // Shown with the answers that are held because of it.
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
    let lines: Vec<_> = lines.into_iter().chain(held_line(&admin)).chain(advice).collect();
    (status, lines.join("\n") + "\n")
}

/// Says how many answers are held and why, or why Kommo's history cannot be compared. This is no reason for 503: a hold
/// ends by itself within a minute, and a load balancer that sends no hooks here meanwhile would lose them.
fn held_line(admin: &Admin) -> Option<String> {
    let (conversations, why) = (admin.store.withheld(), admin.metrics.why_history_unreadable());
    if conversations == 0 {
        return why.map(|why| format!("Kommo's history cannot be compared: {why}"));
    }
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Some(format!(
        "held: answers in {conversations} conversations wait until telekommo has looked for missed, older ones{why}"
    ))
}

/// The metrics, in the format that the scraper accepts.
async fn export_metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    let health = Arc::clone(&admin.health);
    // Measuring reads the disk.
    let measured = spawn_blocking(move || health.measure()).await;
    if let Err(error) = measured {
        tracing::error!(%error, "some metrics could not be measured");
    }
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let form = Form::accepted(&accept.collect::<Vec<_>>().join(","));
    ([(header::CONTENT_TYPE, form.content_type())], admin.metrics.text(form)).into_response()
}

/// `telekommo connect` has connected the channel to the account.
async fn connected(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    note_connection(&headers, &admin.metrics, None)
}

/// A command has disconnected the channel from the account.
async fn disconnected(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    note_connection(&headers, &admin.metrics, Some(channel::DISCONNECTED.to_owned()))
}

fn note_connection(headers: &HeaderMap, metrics: &Metrics, trouble: Option<String>) -> Response {
    refusal(headers).unwrap_or_else(|| {
        metrics.disconnected(trouble);
        StatusCode::NO_CONTENT.into_response()
    })
}

async fn respond_to_change(headers: &HeaderMap, change: impl Future<Output = Result<bool, StoreError>>) -> Response {
    if let Some(refusal) = refusal(headers) {
        return refusal;
    }
    match change.await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => (StatusCode::NOT_FOUND, "there is nothing with this name\n").into_response(),
        Err(error) => failed(&error),
    }
}

/// The response to a request that may change nothing; `None` if it may.
pub(crate) fn refusal(headers: &HeaderMap) -> Option<Response> {
    let is_ours = headers.contains_key(OURS) && is_addressed_directly(headers);
    let text = || format!("refused: name the host by its address, and send the header {OURS}\n");
    (!is_ours).then(|| (StatusCode::FORBIDDEN, text()).into_response())
}

/// Lists the conversations that have a chat in Kommo.
async fn known_chats(
    State(admin): State<Admin>,
    Query(which): Query<chats::ChatFilter>,
    headers: HeaderMap,
) -> Response {
    // The list has names of people.
    if !is_addressed_directly(&headers) {
        return wrong_host();
    }
    match chats::list(admin.store, admin.bots, admin.imported, which).await {
        Ok(rows) => ([(header::CONTENT_TYPE, "application/json")], chats::to_json(&rows)).into_response(),
        Err(error) => failed(&error),
    }
}

/// Queues the link of a conversation's chat to a contact.
async fn link_chat(
    State(admin): State<Admin>,
    Query(request): Query<chats::LinkRequest>,
    headers: HeaderMap,
) -> Response {
    respond_to_change(&headers, chats::queue_link(&admin.store, &admin.imported, request)).await
}

/// Forgets who is behind a conversation.
async fn forget_person(
    State(admin): State<Admin>,
    Query(which): Query<chats::ChatFilter>,
    headers: HeaderMap,
) -> Response {
    respond_to_change(&headers, chats::forget((&admin.store, &admin.trace), which)).await
}

/// Whether `Host` is an address or `localhost`. A web page can make a browser send requests here under the page's own
/// host name (DNS rebinding); our commands use an address.
pub(crate) fn is_addressed_directly(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

/// The response to a request under a host name for what customers and managers write.
pub(crate) fn wrong_host() -> Response {
    (StatusCode::FORBIDDEN, "refused: name the host by its address\n").into_response()
}

fn failed(error: &StoreError) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
}
