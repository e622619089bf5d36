//! Lists, retries and drops parked messages.

use std::collections::BTreeSet;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{
    admin::{
        Admin,
        chats::Bots,
        failed,
        filter::{Filter, conversation_of},
        is_addressed_directly,
        preview::{SHORT, preview},
        queue, refusal, wrong_host,
    },
    clock,
    domain::{address::SourceId, job::Route, time::UnixMillis},
    relay::reconcile::unlinked,
    store::{ParkedId, ParkedSummary, Store, StoreError, Unparked},
    trace::{Event, Hop},
};

/// The most messages per page.
const LISTED: usize = 1000;

/// A parked message in the list. Only our own command, which the operator runs, gets its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ParkedEntry {
    pub(crate) id: u64,
    /// `None` if this version cannot read it.
    pub(crate) parked_at: Option<UnixMillis>,
    pub(crate) route: String,
    pub(crate) thread: String,
    pub(crate) why: String,
    #[serde(default)]
    pub(crate) code: Option<i32>,
    /// When it is deleted, since its author has been informed; `None` if it needs a person.
    #[serde(default)]
    pub(crate) expires_at: Option<UnixMillis>,
    #[serde(default)]
    pub(crate) unreadable: bool,
    /// The customer's name, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The first words of the message, for our own command.
    #[serde(rename = "said", default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl From<ParkedSummary> for ParkedEntry {
    fn from(parked: ParkedSummary) -> Self {
        Self {
            id: parked.id.0,
            parked_at: parked.since,
            route: parked.route,
            thread: parked.thread,
            why: parked.why,
            code: parked.code,
            expires_at: parked.expires_at,
            unreadable: !parked.is_readable,
            name: None,
            text: None,
        }
    }
}

/// The result of a request that changes several messages.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// How many were changed.
    pub(crate) done: usize,
    /// Those that were not changed, and why.
    pub(crate) left: Vec<Left>,
}

/// A message that was not changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) id: u64,
    pub(crate) why: String,
}

/// Which page to list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// Only messages parked before this one.
    before: Option<u64>,
    limit: Option<usize>,
}

/// The newest messages that match the filter.
pub(super) async fn list(
    State(admin): State<Admin>,
    Query(page): Query<Page>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    // The list says who writes to whom, which a web page must not learn.
    if !is_addressed_directly(&headers) {
        return wrong_host();
    }
    let limit = page.limit.unwrap_or(LISTED).min(LISTED);
    let found = find(&admin.store, &filter, page.before.map(ParkedId), limit).await;
    // What people wrote is for our own command alone.
    let (bots, with_text) = (admin.bots.clone(), refusal(&headers).is_none());
    let rows = match found {
        Ok(found) => spawn_blocking(move || rows(&admin.store, &bots, with_text, found)).await,
        Err(error) => return failed(&error),
    };
    let rows = rows.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())));
    rows.map_or_else(|error| failed(&error), |rows| json(&rows))
}

pub(super) async fn find(
    store: &Store,
    filter: &Filter,
    mut before: Option<ParkedId>,
    limit: usize,
) -> Result<Vec<ParkedSummary>, StoreError> {
    let mut found = Vec::new();
    loop {
        let page = store.set_aside_before(before, LISTED).await?;
        let is_last = page.len() < LISTED;
        before = page.last().map(|parked| parked.id);
        let now = clock::now();
        found.extend(page.into_iter().filter(|parked| filter.matches_parked(parked, now)).take(limit - found.len()));
        if is_last || found.len() == limit {
            return Ok(found);
        }
    }
}

/// The entries of the list, with the customers' names and, if wanted, the texts.
fn rows(
    store: &Store,
    bots: &Bots,
    with_text: bool,
    found: Vec<ParkedSummary>,
) -> Result<Vec<ParkedEntry>, StoreError> {
    let row = |parked: ParkedSummary| {
        let name = name(store, bots, &parked.thread)?;
        let jobs = if with_text { store.parked_as(parked.id)? } else { None };
        let text = jobs.and_then(|parked| preview(&parked.jobs, SHORT));
        Ok(ParkedEntry { name, text, ..ParkedEntry::from(parked) })
    };
    found.into_iter().map(row).collect()
}

/// The name of a lane's customer.
pub(super) fn name(store: &Store, bots: &Bots, thread: &str) -> Result<Option<String>, StoreError> {
    let bot = conversation_of(thread).and_then(|it| Some((*bots.get(&it.source)?, it.contact())));
    let avatar = bot.map_or(Ok(None), |(bot, contact)| store.avatar(bot, contact))?;
    Ok(avatar.map(|avatar| avatar.name))
}

/// The ids of messages, separated by commas.
#[derive(Debug, Deserialize)]
pub(super) struct Ids {
    ids: String,
}

impl Ids {
    fn parsed(&self) -> Option<Vec<ParkedId>> {
        self.ids.split(',').map(|id| id.parse().ok().map(ParkedId)).collect()
    }
}

pub(super) async fn retry_many(State(admin): State<Admin>, Query(ids): Query<Ids>, headers: HeaderMap) -> Response {
    many(&headers, &ids, async |ids| unpark(&admin, ids).await).await
}

pub(super) async fn forget_many(State(admin): State<Admin>, Query(ids): Query<Ids>, headers: HeaderMap) -> Response {
    many(&headers, &ids, async |ids: Vec<ParkedId>| {
        let dropped = drop_all(&admin, ids.clone()).await?;
        let mut changed = Changed { done: dropped.len(), left: Vec::new() };
        for id in ids.into_iter().filter(|id| !dropped.contains(id)) {
            let waits = admin.store.lane_of(id.0).await?.is_some();
            changed.left.push(if waits { left(id, queue::waits(id.0)) } else { left(id, MISSING) });
        }
        Ok(changed)
    })
    .await
}

async fn drop_all(admin: &Admin, ids: Vec<ParkedId>) -> Result<BTreeSet<ParkedId>, StoreError> {
    let store = admin.store.clone();
    let dropped = admin.store.drop_parked(ids, move |work| unlinked::message(&store, work)).await?;
    for id in &dropped {
        admin.trace.record(|| by_hand(clock::now(), Event::OperatorDropped, *id));
    }
    Ok(dropped)
}

/// A hop of the trace for what the operator did with a parked message.
fn by_hand(at: UnixMillis, event: Event, id: ParkedId) -> Hop {
    Hop { at, event, parked: Some(id.0), ..Hop::default() }
}

/// The reason for an id that no message has.
pub(super) const MISSING: &str = "no parked message has this number";

pub(super) fn left(id: ParkedId, why: impl Into<String>) -> Left {
    Left { id: id.0, why: why.into() }
}

pub(super) async fn many(
    headers: &HeaderMap,
    ids: &Ids,
    change: impl AsyncFnOnce(Vec<ParkedId>) -> Result<Changed, StoreError>,
) -> Response {
    if let Some(refusal) = refusal(headers) {
        return refusal;
    }
    let Some(ids) = ids.parsed() else {
        return (StatusCode::BAD_REQUEST, "ids are whole numbers, separated by commas\n").into_response();
    };
    change(ids).await.map_or_else(|error| failed(&error), |changed| json(&changed))
}

pub(super) async fn unpark(admin: &Admin, ids: Vec<ParkedId>) -> Result<Changed, StoreError> {
    let (bots, at) = (admin.bots.clone(), clock::now());
    let outcomes = admin.store.unpark_all(ids, move |route| has_bot(&bots, route), clock::now()).await?;
    let mut changed = Changed::default();
    for (id, outcome) in outcomes {
        match outcome {
            Unparked::Queued => {
                admin.trace.record(|| by_hand(at, Event::OperatorRetried, id));
                changed.done += 1;
            }
            Unparked::Missing => changed.left.push(left(id, MISSING)),
            Unparked::Unserved(route) => changed.left.push(left(id, no_bot(&route))),
            Unparked::Unreadable(why) => changed.left.push(left(id, format!("it still cannot be read: {why}"))),
        }
    }
    Ok(changed)
}

/// Whether a relay works on a route: its source may have been removed from the configuration.
fn has_bot(bots: &Bots, route: &Route) -> bool {
    source(route).is_none_or(|source| bots.contains_key(source))
}

const fn source(route: &Route) -> Option<&SourceId> {
    match route {
        Route::Outbound(source) => Some(source),
        Route::Inbound | Route::Undeliverable | Route::Status | Route::Crm => None,
    }
}

fn no_bot(route: &Route) -> String {
    source(route).map_or_else(
        || format!("no relay runs for {route}"),
        |source| {
            format!("source {source} has no bot any more: bring it back into the configuration, or drop the message")
        },
    )
}

pub(super) fn json(value: &impl serde::Serialize) -> Response {
    let text = serde_json::to_vec(value).expect("it has string keys only");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
