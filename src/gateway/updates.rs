//! `getUpdates`, as Telegram's server answers it, from the kept updates, with a cursor for each program.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    gateway::{Program, Shared, allowed_updates, answer::Answer, params::Params},
    store::{Confirmed, KeptUpdate, ProgramRow, Store, StoreError},
    telegram::wire,
};

/// The maximum of `limit`, and its default.
const MAX_UPDATES: i64 = 100;
/// The maximum of `timeout` (server source).
const MAX_TIMEOUT_SECONDS: i64 = 50;
/// An offset this far above the next number counts as a mistake, and confirms nothing (server source).
const FUTURE_SLACK: i64 = 10;
/// How many numbers are read at once.
const PAGE: usize = 200;
const WEBHOOK_SET: &str =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const OTHER_POLL: &str =
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

/// The waiting polls, one for each program.
#[derive(Debug, Default)]
pub(super) struct Polls(Mutex<BTreeMap<String, CancellationToken>>);

impl Polls {
    /// Starts a poll of a program, and ends the one that waits.
    pub(super) fn begin(&self, program: &str) -> CancellationToken {
        let cancelled = CancellationToken::new();
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = polls.insert(program.to_owned(), cancelled.clone()) {
            other.cancel();
        }
        cancelled
    }

    /// Ends the waiting poll of a program.
    pub(super) fn end(&self, program: &str) {
        if let Some(cancelled) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(program) {
            cancelled.cancel();
        }
    }
}

/// The parameters of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PollRequest {
    offset: i64,
    limit: usize,
    timeout: Duration,
}

impl PollRequest {
    fn of(params: &Params) -> Self {
        let clamped = |name, default, most| params.number(name).unwrap_or(default).clamp(0, most).unsigned_abs();
        let limit = params.number("limit").unwrap_or(MAX_UPDATES).clamp(1, MAX_UPDATES);
        Self {
            offset: params.number("offset").unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or(1),
            timeout: Duration::from_secs(clamped("timeout", 0, MAX_TIMEOUT_SECONDS)),
        }
    }
}

/// Answers `getUpdates`.
pub(super) async fn get(shared: &Shared, program: &Program, params: &Params) -> Response {
    match answer(shared, program, params).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(program = program.name, %error, "cannot read the updates for a program");
            Answer::refused(500, "Internal Server Error").into_response()
        }
    }
}

async fn answer(shared: &Shared, program: &Program, params: &Params) -> Result<Response, StoreError> {
    let (store, name) = (&shared.store, program.name.as_str());
    if let Some(answer) = refusal(store, name) {
        return Ok(answer.into_response());
    }
    let (request, cancelled) = (PollRequest::of(params), shared.states.polls.begin(name));
    if let Some(kinds) = allowed_updates::parse(params.json("allowed_updates")) {
        set_allowed_updates(store, program, kinds).await?;
    }
    confirm(store, program, request.offset).await?;
    let (until, stop) = (Instant::now() + request.timeout, shared.life.stop_token());
    loop {
        let news = store.kept_news(program.bot.id());
        let mut news = std::pin::pin!(news.notified());
        // Updates that arrive after this notify.
        news.as_mut().enable();
        // If a webhook was set meanwhile, the updates belong to it.
        if let Some(answer) = refusal(store, name) {
            return Ok(answer.into_response());
        }
        let updates = next_updates(store, program, request.limit).await?;
        if !updates.is_empty() || Instant::now() >= until {
            return Ok(list(&updates));
        }
        tokio::select! {
            () = news => {}
            () = sleep_until(until) => {}
            () = cancelled.cancelled() => {
                let answer = refusal(store, name).unwrap_or_else(|| Answer::refused(409, OTHER_POLL));
                return Ok(answer.into_response());
            }
            // The listener waits for its last responses.
            () = stop.cancelled() => return Ok(list(&[])),
        }
    }
}

/// The error response to a program that cannot poll now.
fn refusal(store: &Store, name: &str) -> Option<Answer> {
    match store.program(name) {
        Some(row) => row.webhook.map(|_| Answer::refused(409, WEBHOOK_SET)),
        None => Some(Answer::unauthorized()),
    }
}

/// Stores which kinds a program wants of the updates from now on.
pub(super) async fn set_allowed_updates(
    store: &Store,
    program: &Program,
    kinds: allowed_updates::Kinds,
) -> Result<(), StoreError> {
    let row = store.program(&program.name).unwrap_or_default();
    if allowed_updates::current(&row) == kinds {
        return Ok(());
    }
    let next_updates = store.next_kept(program.bot.id())?.unwrap_or_default();
    store.set_program(&program.name, move |row| allowed_updates::set(row, kinds, next_updates)).await
}

/// Confirms the updates below an offset. A negative one leaves that many of the newest.
async fn confirm(store: &Store, program: &Program, offset: i64) -> Result<(), StoreError> {
    let Some(row) = store.program(&program.name) else { return Ok(()) };
    let next_updates = store.next_kept(program.bot.id())?.unwrap_or_default();
    let below = if offset < 0 {
        let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        newest(store, program, &row, keep)?
    } else {
        Some(offset).filter(|offset| *offset <= next_updates.saturating_add(FUTURE_SLACK))
    };
    match below.map(|below| below.min(next_updates)).filter(|below| *below > row.cursor) {
        Some(below) => store.confirm(&program.name, program.bot.id(), Confirmed::Below(below)).await,
        None => Ok(()),
    }
}

/// The number of the first of the `keep` newest updates of a program.
fn newest(store: &Store, program: &Program, row: &ProgramRow, keep: usize) -> Result<Option<i64>, StoreError> {
    let (mut first, mut found) = (None, 0);
    for number in store.unconfirmed(&program.name, 0, usize::MAX).into_iter().rev() {
        if found == keep {
            break;
        }
        let update = store.kept(row.bot, number)?;
        if update.is_some_and(|update| allowed_updates::is_for(row, program.sees, (number, &update))) {
            (first, found) = (Some(number), found + 1);
        }
    }
    Ok(first)
}

/// The first updates for a program, with their numbers. Updates before them that are not for it are confirmed.
pub(super) async fn next_updates(
    store: &Store,
    program: &Program,
    limit: usize,
) -> Result<Vec<(i64, KeptUpdate)>, StoreError> {
    let (mut updates, mut from) = (Vec::new(), 0);
    while let Some(row) = store.program(&program.name) {
        let numbers = store.unconfirmed(&program.name, from, PAGE);
        let Some(last) = numbers.last().copied() else { break };
        let was_empty = updates.is_empty();
        let mut skipped = None;
        for number in numbers {
            let Some(update) = store.kept(row.bot, number)? else { continue };
            if allowed_updates::is_for(&row, program.sees, (number, &update)) {
                updates.push((number, update));
            } else if updates.is_empty() {
                skipped = Some(number);
            }
            if updates.len() == limit {
                break;
            }
        }
        if let Some(skipped) = skipped.filter(|_| was_empty) {
            store.confirm(&program.name, program.bot.id(), Confirmed::Below(skipped + 1)).await?;
        }
        if updates.len() == limit {
            break;
        }
        from = last + 1;
    }
    Ok(updates)
}

/// The response with these updates: each as it came, except for its number.
fn list(updates: &[(i64, KeptUpdate)]) -> Response {
    let texts: Vec<_> = updates.iter().filter_map(|(number, update)| wire::renumbered(&update.raw, *number)).collect();
    let body = format!(r#"{{"ok":true,"result":[{}]}}"#, texts.join(","));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
