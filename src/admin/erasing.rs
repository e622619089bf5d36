//! Erases a person or a group, with their waiting and parked messages.

use std::time::Duration;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use crate::{
    admin::{Admin, chats::ChatFilter, failed, filter::conversation_of, parked::json, refusal},
    clock,
    domain::{
        address::{ContactId, Conversation},
        job::Lane,
    },
    relay::reconcile::unlinked,
    store::{Erased, NotChanged, ParkedId, Store, StoreError},
    trace::Trace,
};

/// Lanes or parked messages per page.
const PAGE: usize = 1000;
/// Parked messages that one commit deletes.
const DROPPED_AT_ONCE: usize = 100;
/// How long to wait for a message that is being sent.
const MAX_WAIT: Duration = Duration::from_secs(30);
const RECHECK_EVERY: Duration = Duration::from_millis(50);
/// One erasure at a time: each records whom it erases, and removes its own record.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// What was erased, as `telekommo forget` prints it.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct ErasureReport {
    /// Messages that waited.
    pub(crate) waiting: usize,
    /// Messages that were parked.
    pub(crate) parked: usize,
    /// Messages whose ids on both sides are forgotten.
    pub(crate) messages: usize,
    pub(crate) conversations: usize,
    /// Hops in the trace.
    pub(crate) hops: u64,
    /// Whether a name, a picture or a phone number was known.
    pub(crate) details: bool,
}

impl ErasureReport {
    /// Whether there was nothing to erase.
    pub(crate) const fn is_empty(&self) -> bool {
        let Self { waiting, parked, messages, conversations, hops, details } = self;
        *waiting + *parked + *messages + *conversations == 0 && *hops == 0 && !*details
    }
}

/// Handles a request to erase the other side of a conversation.
pub(super) async fn answer(
    State(admin): State<Admin>,
    Query(which): Query<ChatFilter>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    let conversation = which.conversation.and_then(|name| name.parse::<Conversation>().ok());
    let Some(conversation) = conversation else { return StatusCode::NOT_FOUND.into_response() };
    let _turn = ONE_AT_A_TIME.lock().await;
    match erase_named((&admin.store, &admin.trace), &conversation).await {
        Ok(Some(report)) if report.is_empty() => StatusCode::NOT_FOUND.into_response(),
        Ok(Some(report)) => json(&report),
        Ok(None) => (StatusCode::CONFLICT, "a message of theirs is being sent right now: try again\n").into_response(),
        Err(error) => failed(&error),
    }
}

/// Erases the other side of a conversation, under each id that a group has had. `None`, and nothing erased, if a
/// message of theirs is still being sent.
async fn erase_named(
    (store, trace): (&Store, &Trace),
    conversation: &Conversation,
) -> Result<Option<ErasureReport>, StoreError> {
    let all = all_ids(store, conversation)?;
    store.begin_erasing(all.clone()).await?;
    let Some(mut report) = erase_all(store, &all).await? else {
        // The operator gets the error, and decides whether to try again.
        store.end_erasing(all).await?;
        return Ok(None);
    };
    // A later start must not erase what they write from now on.
    store.end_erasing(all.clone()).await?;
    // Last, because the erasure itself has left hops, too.
    for one in &all {
        report.hops += erase_trace(trace, one.contact()).await?;
    }
    Ok(Some(report))
}

/// Finishes erasures that a crash has interrupted, before anything is relayed.
///
/// # Errors
/// If the store fails. Hops that cannot be erased are only logged: the bridge has to run all the same.
pub(crate) async fn finish(store: &Store, trace: &Trace) -> Result<(), StoreError> {
    let all: Vec<_> = store.erasing()?.into_iter().collect();
    if all.is_empty() {
        return Ok(());
    }
    tracing::info!("resuming an interrupted erasure of a customer");
    erase_all(store, &all).await?;
    store.end_erasing(all.clone()).await?;
    for one in &all {
        if let Err(error) = erase_trace(trace, one.contact()).await {
            tracing::error!(%error, "the trace of an erased customer could not be removed: run `telekommo forget` \
                                     again");
        }
    }
    Ok(())
}

/// Erases the other side of these conversations from the store. `None` if a message of theirs is still being sent.
async fn erase_all(store: &Store, all: &[Conversation]) -> Result<Option<ErasureReport>, StoreError> {
    let mut report = ErasureReport::default();
    // Before anything is erased: what is left of a group leads to its other id.
    for one in all {
        report.parked += parked(store, one.contact()).await?.len();
        let Some(waiting) = park_waiting_jobs(store, one.contact()).await? else { return Ok(None) };
        report.waiting += waiting;
    }
    for one in all {
        erase(store, one.contact(), &mut report).await?;
    }
    Ok(Some(report))
}

/// A conversation under each id that its group has had: a group that became a supergroup has two.
fn all_ids(store: &Store, conversation: &Conversation) -> Result<Vec<Conversation>, StoreError> {
    let first = store.moved_from(conversation)?.unwrap_or_else(|| conversation.clone());
    let moved = store.moved_to(&first)?.map(|to| Conversation::new(first.source.clone(), to));
    let mut all = vec![first];
    for one in [Some(conversation.clone()), moved].into_iter().flatten() {
        if all.iter().all(|known| known.contact() != one.contact()) {
            all.push(one);
        }
    }
    Ok(all)
}

/// Erases the hops of a person or a group. Returns how many there were.
pub(super) async fn erase_trace(trace: &Trace, contact: ContactId) -> Result<u64, StoreError> {
    let erased = trace.forget(contact).await;
    erased.map_err(|error| StoreError::Failed(format!("the trace cannot be written again: {error}")))
}

/// Erases the store's rows of a person or a group once nothing waits.
async fn erase(store: &Store, contact: ContactId, report: &mut ErasureReport) -> Result<(), StoreError> {
    let ids = parked(store, contact).await?;
    for step in ids.chunks(DROPPED_AT_ONCE).map(<[_]>::to_vec) {
        let known = store.clone();
        store.drop_parked(step, move |job| unlinked::message(&known, job)).await?;
    }
    report.details |= store.forget(contact).await?;
    let Erased { messages, conversations } = store.erase(contact).await?;
    report.messages += messages;
    report.conversations += conversations;
    Ok(())
}

/// Parks the waiting messages, and returns how many. `None` if one is still being sent.
async fn park_waiting_jobs(store: &Store, contact: ContactId) -> Result<Option<usize>, StoreError> {
    let (mut count, until) = (0, Instant::now() + MAX_WAIT);
    loop {
        let may = move |lane: &Lane| is_of(&lane.thread, contact);
        let lanes = store.waiting_lanes(None, PAGE, may, |_| true).await?;
        if lanes.is_empty() {
            return Ok(Some(count));
        }
        let mut is_busy = false;
        for lane in lanes {
            match store.park_waiting(lane.id, "it is being erased", clock::now()).await? {
                Ok(_) => count += 1,
                Err(NotChanged::UnderWay) => is_busy = true,
                // Sent or dropped meanwhile.
                Err(NotChanged::Missing | NotChanged::Behind(_)) => {}
            }
        }
        if is_busy && Instant::now() > until {
            return Ok(None);
        }
        if is_busy {
            sleep(RECHECK_EVERY).await;
        }
    }
}

/// The ids of their parked messages.
async fn parked(store: &Store, contact: ContactId) -> Result<Vec<ParkedId>, StoreError> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = store.set_aside_before(before, PAGE).await?;
        before = page.last().map(|parked| parked.id).or(before);
        let is_last = page.len() < PAGE;
        ids.extend(page.into_iter().filter(|parked| is_of(&parked.thread, contact)).map(|parked| parked.id));
        if is_last {
            return Ok(ids);
        }
    }
}

/// Whether a lane is one of theirs. Lanes of own chats name the chat in another form.
fn is_of(thread: &str, contact: ContactId) -> bool {
    let connected = || {
        let chat = thread.strip_prefix("business:")?.rsplit(':').next()?;
        Some(format!("tg-user:{chat}") == contact.to_string())
    };
    conversation_of(thread).map_or_else(|| connected().unwrap_or(false), |it| it.contact() == contact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::UserId;

    #[test]
    fn lanes_of_a_person_are_distinguished_from_those_of_others() {
        let anna = ContactId::Person(UserId(7));
        for theirs in ["tg:sales:7", "seen:tg:support:7", "lead:tg:sales:7", "tg:sales:9/7", "business:sales:abc:7"] {
            assert!(is_of(theirs, anna), "{theirs}");
        }
        for other in ["tg:sales:77", "tg:sales:-7", "business:sales:7:8", "source:sales", "tg:sales:7/9", "7"] {
            assert!(!is_of(other, anna), "{other}");
        }
        assert!(is_of("tg:sales:-7", ContactId::Group(-7)));
    }
}
