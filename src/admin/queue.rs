//! Lists, shows, retries and parks waiting messages. Parked ones have a list of their own (`parked`); here they are
//! shown and retried one by one.

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
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
        parked::{self, Changed, Ids, MISSING, json, left, many, name, unpark},
        preview::{SHORT, WHOLE, preview},
        refusal, wrong_host,
    },
    clock,
    domain::{address::Conversation, job::Lane, time::UnixMillis},
    store::{NotChanged, ParkedId, ParkedSummary, Readiness, Store, StoreError, WaitingJob, WaitingLane},
    trace::{Event, Hop},
};

/// The most messages per page.
const LISTED: usize = 1000;
/// The most messages of a lane that are shown.
const SHOWN: usize = 100;

/// The state of a message in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageState {
    /// It is sent when its turn comes.
    Due,
    /// It has failed, and is tried again.
    Retrying,
    /// It is being sent.
    Sending,
    /// It waits until older messages that are missing have been looked for.
    Held,
    /// It waits behind others of its conversation.
    Behind,
    /// It waits for a person.
    Parked,
    /// Parked, and deleted after its retention, since its author has been informed.
    #[serde(rename = "told")]
    Reported,
}

/// A message that waits or is parked. Programs read it: field names stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueEntry {
    pub(crate) id: u64,
    pub(crate) state: MessageState,
    pub(crate) route: String,
    /// The lane on that route.
    pub(crate) thread: String,
    pub(crate) conversation: Option<Conversation>,
    /// The customer's name.
    pub(crate) name: Option<String>,
    /// When it arrived, or was parked.
    pub(crate) since: Option<UnixMillis>,
    /// How often it has failed.
    pub(crate) attempts: u32,
    pub(crate) next_try: Option<UnixMillis>,
    /// How it failed last, or why it was parked.
    pub(crate) reason: Option<String>,
    pub(crate) code: Option<i32>,
    pub(crate) expires_at: Option<UnixMillis>,
    /// Whether this version cannot read it.
    pub(crate) unreadable: bool,
    /// How many wait behind it in its conversation.
    pub(crate) behind: usize,
    /// Its text, shortened.
    pub(crate) text: Option<String>,
}

impl QueueEntry {
    fn of(lane: Lane, id: u64, state: MessageState) -> Self {
        Self {
            id,
            state,
            route: lane.route.to_string(),
            conversation: conversation_of(&lane.thread),
            thread: lane.thread,
            name: None,
            since: None,
            attempts: 0,
            next_try: None,
            reason: None,
            code: None,
            expires_at: None,
            unreadable: false,
            behind: 0,
            text: None,
        }
    }

    /// The first message of a lane.
    fn of_lane(lane: WaitingLane, most: usize) -> Self {
        let (state, next_try) = match lane.turn {
            Readiness::Now => (MessageState::Due, None),
            Readiness::At(at) => (MessageState::Retrying, Some(at)),
            Readiness::UnderWay => (MessageState::Sending, None),
            Readiness::Held => (MessageState::Held, None),
        };
        let row = Self { next_try, behind: lane.jobs.saturating_sub(1), ..Self::of(lane.lane, lane.id, state) };
        match lane.first {
            Some(first) => row.with(first, most),
            None => Self { unreadable: true, ..row },
        }
    }

    fn with(self, job: WaitingJob, most: usize) -> Self {
        let text = preview(&[job.job], most);
        Self { since: Some(job.since), attempts: job.attempts, reason: job.why, text, ..self }
    }
}

impl From<parked::ParkedEntry> for QueueEntry {
    fn from(row: parked::ParkedEntry) -> Self {
        Self {
            id: row.id,
            state: if row.expires_at.is_some() { MessageState::Reported } else { MessageState::Parked },
            route: row.route,
            conversation: conversation_of(&row.thread),
            thread: row.thread,
            name: row.name,
            since: row.parked_at,
            attempts: 0,
            next_try: None,
            reason: Some(row.why),
            code: row.code,
            expires_at: row.expires_at,
            unreadable: row.unreadable,
            behind: 0,
            text: row.text,
        }
    }
}

/// Which page to list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    /// Only messages after this one.
    after: Option<u64>,
    limit: Option<usize>,
}

/// The first messages of the lanes that match the filter, the oldest first.
pub(super) async fn list(
    State(admin): State<Admin>,
    Query(page): Query<Page>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Response {
    let limit = page.limit.unwrap_or(LISTED).min(LISTED);
    respond(&admin, &headers, async {
        let lanes = waiting(&admin.store, filter, page.after, limit).await?;
        Ok(lanes.into_iter().map(|lane| QueueEntry::of_lane(lane, SHORT)).collect())
    })
    .await
}

async fn waiting(
    store: &Store,
    filter: Filter,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<WaitingLane>, StoreError> {
    let (now, lanes) = (clock::now(), filter.clone());
    store
        .waiting_lanes(after, limit, move |lane| lanes.may_match(lane), move |lane| filter.matches_waiting(lane, now))
        .await
}

/// Which messages to show: one, or those of a conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Selection {
    id: Option<u64>,
    conversation: Option<Conversation>,
}

/// Shows messages in full: the waiting ones in their order, then the parked ones.
pub(super) async fn show(
    State(admin): State<Admin>,
    Query(selection): Query<Selection>,
    headers: HeaderMap,
) -> Response {
    respond(&admin, &headers, async {
        match selection {
            Selection { id: Some(id), .. } => one(&admin.store, id).await,
            Selection { conversation: Some(conversation), .. } => all_of(&admin.store, &conversation).await,
            Selection { id: None, conversation: None } => Ok(Vec::new()),
        }
    })
    .await
}

async fn one(store: &Store, id: u64) -> Result<Vec<QueueEntry>, StoreError> {
    let parked = store.set_aside_before(id.checked_add(1).map(ParkedId), 1).await?;
    if let Some(parked) = parked.into_iter().find(|parked| parked.id.0 == id) {
        return Ok(vec![of_parked(store, parked)?]);
    }
    let Some(lane) = store.lane_of(id).await? else { return Ok(Vec::new()) };
    let rows = of_lane(store, lane).await?;
    Ok(rows.into_iter().filter(|row| row.id == id).collect())
}

async fn all_of(store: &Store, conversation: &Conversation) -> Result<Vec<QueueEntry>, StoreError> {
    let filter = Filter::of_conversation(conversation);
    let mut rows = Vec::new();
    for lane in waiting(store, filter.clone(), None, LISTED).await? {
        rows.extend(of_lane(store, lane.lane).await?);
    }
    for parked in parked::find(store, &filter, None, SHOWN).await? {
        rows.push(of_parked(store, parked)?);
    }
    Ok(rows)
}

/// The messages of a lane, in their order.
async fn of_lane(store: &Store, lane: Lane) -> Result<Vec<QueueEntry>, StoreError> {
    let this = lane.clone();
    let first = store.waiting_lanes(None, 1, move |lane| *lane == this, |_| true).await?.pop();
    let Some(first) = first else { return Ok(Vec::new()) };
    let jobs = first.jobs;
    let mut rows = vec![QueueEntry::of_lane(first, WHOLE)];
    for (at, job) in store.waiting_in(lane.clone(), SHOWN).await?.into_iter().enumerate().skip(1) {
        let row = QueueEntry::of(lane.clone(), job.id, MessageState::Behind).with(job, WHOLE);
        rows.push(QueueEntry { behind: jobs.saturating_sub(at + 1), ..row });
    }
    // The parts of one message share its id: one row is enough.
    rows.dedup_by_key(|row| row.id);
    Ok(rows)
}

fn of_parked(store: &Store, parked: ParkedSummary) -> Result<QueueEntry, StoreError> {
    let text = store.parked_as(parked.id)?.and_then(|parked| preview(&parked.jobs, WHOLE));
    Ok(QueueEntry { text, ..QueueEntry::from(parked::ParkedEntry::from(parked)) })
}

/// Responds with rows and the customers' names. Rows have texts of people, so they are for our own commands alone.
async fn respond(
    admin: &Admin,
    headers: &HeaderMap,
    rows: impl Future<Output = Result<Vec<QueueEntry>, StoreError>>,
) -> Response {
    if !is_addressed_directly(headers) {
        return wrong_host();
    }
    if let Some(refusal) = refusal(headers) {
        return refusal;
    }
    let (store, bots) = (admin.store.clone(), admin.bots.clone());
    let named = match rows.await {
        Ok(rows) => spawn_blocking(move || rows.into_iter().map(|row| named(&store, &bots, row)).collect()).await,
        Err(error) => return failed(&error),
    };
    let named: Result<Vec<_>, _> = named.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())));
    named.map_or_else(|error| failed(&error), |rows| json(&rows))
}

fn named(store: &Store, bots: &Bots, row: QueueEntry) -> Result<QueueEntry, StoreError> {
    let name = name(store, bots, &row.thread)?;
    Ok(QueueEntry { name, ..row })
}

/// Retries messages at once: parked ones go back to their lanes, and those that wait for their next attempt become due.
pub(super) async fn retry(State(admin): State<Admin>, Query(ids): Query<Ids>, headers: HeaderMap) -> Response {
    many(&headers, &ids, async |ids| {
        let mut changed = unpark(&admin, ids).await?;
        let (waiting, left) = changed.left.into_iter().partition(|left| left.why == MISSING);
        changed.left = left;
        try_now(&admin, waiting, &mut changed).await?;
        Ok(changed)
    })
    .await
}

async fn try_now(admin: &Admin, waiting: Vec<parked::Left>, changed: &mut Changed) -> Result<(), StoreError> {
    for parked::Left { id, .. } in waiting {
        let (at, event) = (clock::now(), Event::OperatorRetried);
        match admin.store.try_now(id).await? {
            Ok(()) => {
                admin.trace.record(|| Hop { at, event, job: Some(id), ..Hop::default() });
                changed.done += 1;
            }
            Err(why) => changed.left.push(left(ParkedId(id), not_changed(&why))),
        }
    }
    Ok(())
}

/// Parks waiting messages.
pub(super) async fn park(State(admin): State<Admin>, Query(ids): Query<Ids>, headers: HeaderMap) -> Response {
    many(&headers, &ids, async |ids: Vec<ParkedId>| {
        let mut changed = Changed::default();
        for id in ids {
            let (at, event) = (clock::now(), Event::OperatorParked);
            match admin.store.park_waiting(id.0, "the operator has parked it", clock::now()).await? {
                Ok(parked) => {
                    let (job, parked) = (Some(id.0), Some(parked.0));
                    admin.trace.record(|| Hop { at, event, job, parked, ..Hop::default() });
                    changed.done += 1;
                }
                Err(NotChanged::Missing) if is_parked(&admin.store, id).await? => {
                    changed.left.push(left(id, "it is parked already"));
                }
                Err(why) => changed.left.push(left(id, not_changed(&why))),
            }
        }
        Ok(changed)
    })
    .await
}

async fn is_parked(store: &Store, id: ParkedId) -> Result<bool, StoreError> {
    let newest = store.set_aside_before(id.0.checked_add(1).map(ParkedId), 1).await?;
    Ok(newest.iter().any(|parked| parked.id == id))
}

fn not_changed(why: &NotChanged) -> String {
    match why {
        NotChanged::Missing => "no message has this number".to_owned(),
        NotChanged::UnderWay => "it is being sent right now: try again".to_owned(),
        NotChanged::Behind(first) => format!("it waits behind {first}, which comes first"),
    }
}

/// Why a waiting message is not dropped.
pub(super) fn waits(id: u64) -> String {
    format!("it waits to be sent: `telekommo queue park {id}` comes first")
}
