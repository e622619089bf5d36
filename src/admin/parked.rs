//! The parked messages, for the operator's commands.

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
        elsewhere, failed,
        filter::{Filter, conversation_of},
        is_addressed_directly,
        preview::{SHORT, preview},
        queue, refusal,
    },
    clock,
    domain::{address::SourceId, job::Route, time::UnixMillis},
    relay::reconcile::unlinked,
    store::{ParkedId, ParkedSummary, Store, StoreError, Unparked},
    trace::{Event, Hop},
};

/// How many parked messages are listed at most, unless fewer are asked for.
const LISTED: usize = 1000;

/// A parked message as it is listed. Only our own command, which the operator runs, gets its words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ParkedEntry {
    pub(crate) id: u64,
    /// `None` if that cannot be read.
    pub(crate) parked_at: Option<UnixMillis>,
    pub(crate) route: String,
    pub(crate) thread: String,
    pub(crate) why: String,
    #[serde(default)]
    pub(crate) code: Option<i32>,
    /// When it goes by itself, because its author was told; `None` if it needs a person.
    #[serde(default)]
    pub(crate) expires_at: Option<UnixMillis>,
    #[serde(default)]
    pub(crate) unreadable: bool,
    /// The customer's name, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The first words of the message, for our own command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) said: Option<String>,
}

impl From<ParkedSummary> for ParkedEntry {
    fn from(aside: ParkedSummary) -> Self {
        Self {
            id: aside.id.0,
            parked_at: aside.since,
            route: aside.route,
            thread: aside.thread,
            why: aside.why,
            code: aside.code,
            expires_at: aside.expires_at,
            unreadable: !aside.is_readable,
            name: None,
            said: None,
        }
    }
}

/// What became of a request that changes many.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// How many were changed.
    pub(crate) done: usize,
    /// Those that were not, and why.
    pub(crate) left: Vec<Left>,
}

/// A message that is as it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) id: u64,
    pub(crate) why: String,
}

/// Which page is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// What came before this one.
    before: Option<u64>,
    limit: Option<usize>,
}

/// The newest of those that the filter leaves.
pub(super) async fn list(
    State(admin): State<Admin>,
    Query(page): Query<Page>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    // It says who writes to whom, which a web page must not learn.
    if !is_addressed_directly(&headers) {
        return elsewhere();
    }
    let limit = page.limit.unwrap_or(LISTED).min(LISTED);
    let found = find(&admin.store, &filter, page.before.map(ParkedId), limit).await;
    // What people wrote is for our own command alone.
    let (bots, with_words) = (admin.bots.clone(), refusal(&headers).is_none());
    let rows = match found {
        Ok(found) => spawn_blocking(move || rows(&admin.store, &bots, with_words, found)).await,
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
        let some = store.set_aside_before(before, LISTED).await?;
        let is_last = some.len() < LISTED;
        before = some.last().map(|aside| aside.id);
        let now = clock::now();
        found.extend(some.into_iter().filter(|aside| filter.takes_parked(aside, now)).take(limit - found.len()));
        if is_last || found.len() == limit {
            return Ok(found);
        }
    }
}

/// The messages as they are listed, with what the customers are called, and what they say, if that is to be told.
fn rows(
    store: &Store,
    bots: &Bots,
    with_words: bool,
    found: Vec<ParkedSummary>,
) -> Result<Vec<ParkedEntry>, StoreError> {
    let row = |aside: ParkedSummary| {
        let name = name(store, bots, &aside.thread)?;
        let parked = if with_words { store.parked_as(aside.id)? } else { None };
        let said = parked.and_then(|parked| preview(&parked.jobs, SHORT));
        Ok(ParkedEntry { name, said, ..ParkedEntry::from(aside) })
    };
    found.into_iter().map(row).collect()
}

/// What the customer of a lane is called.
pub(super) fn name(store: &Store, bots: &Bots, thread: &str) -> Result<Option<String>, StoreError> {
    let bot = conversation_of(thread).and_then(|it| Some((*bots.get(&it.source)?, it.contact())));
    let avatar = bot.map_or(Ok(None), |(bot, contact)| store.avatar(bot, contact))?;
    Ok(avatar.map(|avatar| avatar.name))
}

/// The numbers of messages, with commas.
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
        admin.trace.tell(|| by_hand(clock::now(), Event::OperatorDropped, *id));
    }
    Ok(dropped)
}

/// What the operator has done with something parked, as the trace has it.
fn by_hand(at: UnixMillis, event: Event, id: ParkedId) -> Hop {
    Hop { at, event, parked: Some(id.0), ..Hop::default() }
}

/// What is said of a number that nothing has.
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
    let became = admin.store.unpark_all(ids, move |route| has_bot(&bots, route), clock::now()).await?;
    let mut changed = Changed::default();
    for (id, became) in became {
        match became {
            Unparked::Queued => {
                admin.trace.tell(|| by_hand(at, Event::OperatorRetried, id));
                changed.done += 1;
            }
            Unparked::Missing => changed.left.push(left(id, MISSING)),
            Unparked::Unserved(route) => changed.left.push(left(id, no_bot(&route))),
            Unparked::Unreadable(why) => changed.left.push(left(id, format!("it still cannot be read: {why}"))),
        }
    }
    Ok(changed)
}

/// Whether a relay works on a route, also if its source has left the configuration meanwhile.
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
