//! `getUpdates`, as Telegram's server answers it: from what is kept, with a cursor for each program.

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
    gateway::{Program, Shared, answer::Answer, params::Params, wanted},
    store::{Confirmed, KeptUpdate, ProgramRow, Store, StoreError},
    telegram::wire,
};

/// How many updates an answer has at most, and has where no other number is asked for.
const MOST: i64 = 100;
/// The longest that an answer is held (server source).
const LONGEST_SECONDS: i64 = 50;
/// An offset so far above the next number is taken for a mistake, and nothing is confirmed (server source).
const FUTURE_SLACK: i64 = 10;
/// How many numbers are looked at in one go.
const PAGE: usize = 200;
const WEBHOOK_SET: &str =
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const OTHER_POLL: &str =
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

/// The polls that wait, one for each program.
#[derive(Debug, Default)]
pub(super) struct Polls(Mutex<BTreeMap<String, CancellationToken>>);

impl Polls {
    /// Ends the poll of a program that waits, for another one.
    pub(super) fn begin(&self, program: &str) -> CancellationToken {
        let turn = CancellationToken::new();
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = polls.insert(program.to_owned(), turn.clone()) {
            other.cancel();
        }
        turn
    }

    /// Ends the poll of a program that waits.
    pub(super) fn end(&self, program: &str) {
        if let Some(turn) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(program) {
            turn.cancel();
        }
    }
}

/// What a poll asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ask {
    offset: i64,
    limit: usize,
    timeout: Duration,
}

impl Ask {
    fn of(params: &Params) -> Self {
        let within = |name, usual, most| params.number(name).unwrap_or(usual).clamp(0, most).unsigned_abs();
        let limit = params.number("limit").unwrap_or(MOST).clamp(1, MOST);
        Self {
            offset: params.number("offset").unwrap_or_default(),
            limit: usize::try_from(limit).unwrap_or(1),
            timeout: Duration::from_secs(within("timeout", 0, LONGEST_SECONDS)),
        }
    }
}

/// Answers `getUpdates`.
pub(super) async fn get(shared: &Shared, program: &Program, params: &Params) -> Response {
    match answer(shared, program, params).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(program = program.name, %error, "a program gets no updates");
            Answer::refused(500, "Internal Server Error").into_response()
        }
    }
}

async fn answer(shared: &Shared, program: &Program, params: &Params) -> Result<Response, StoreError> {
    let (store, name) = (&shared.store, program.name.as_str());
    if let Some(answer) = objection(store, name) {
        return Ok(answer.into_response());
    }
    let (ask, turn) = (Ask::of(params), shared.states.polls.begin(name));
    if let Some(kinds) = wanted::asked(params.json("allowed_updates")) {
        want(store, program, kinds).await?;
    }
    confirm(store, program, ask.offset).await?;
    let (until, stop) = (Instant::now() + ask.timeout, shared.life.stop_token());
    loop {
        let news = store.kept_news(program.bot.id());
        let mut news = std::pin::pin!(news.notified());
        // Whatever comes after this is heard of.
        news.as_mut().enable();
        // What was set meanwhile gets what has come.
        if let Some(answer) = objection(store, name) {
            return Ok(answer.into_response());
        }
        let updates = next(store, program, ask.limit).await?;
        if !updates.is_empty() || Instant::now() >= until {
            return Ok(list(&updates));
        }
        tokio::select! {
            () = news => {}
            () = sleep_until(until) => {}
            () = turn.cancelled() => {
                let answer = objection(store, name).unwrap_or_else(|| Answer::refused(409, OTHER_POLL));
                return Ok(answer.into_response());
            }
            // The listener waits for its last answers.
            () = stop.cancelled() => return Ok(list(&[])),
        }
    }
}

/// The answer to a program that cannot ask for updates now, if it cannot.
fn objection(store: &Store, name: &str) -> Option<Answer> {
    match store.program(name) {
        Some(row) => row.webhook.map(|_| Answer::refused(409, WEBHOOK_SET)),
        None => Some(Answer::unauthorized()),
    }
}

/// Remembers which kinds a program wants of what comes from now on.
pub(super) async fn want(store: &Store, program: &Program, kinds: wanted::Kinds) -> Result<(), StoreError> {
    let row = store.program(&program.name).unwrap_or_default();
    if wanted::now(&row) == kinds {
        return Ok(());
    }
    let next = store.next_kept(program.bot.id())?.unwrap_or_default();
    store.set_program(&program.name, move |row| wanted::change(row, kinds, next)).await
}

/// Confirms what is below an offset. A negative one leaves so many of the newest.
async fn confirm(store: &Store, program: &Program, offset: i64) -> Result<(), StoreError> {
    let Some(row) = store.program(&program.name) else { return Ok(()) };
    let next = store.next_kept(program.bot.id())?.unwrap_or_default();
    let below = if offset < 0 {
        let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        newest(store, program, &row, keep)?
    } else {
        Some(offset).filter(|offset| *offset <= next.saturating_add(FUTURE_SLACK))
    };
    match below.map(|below| below.min(next)).filter(|below| *below > row.cursor) {
        Some(below) => store.confirm(&program.name, program.bot.id(), Confirmed::Below(below)).await,
        None => Ok(()),
    }
}

/// Where the newest updates of a program begin, that many of them.
fn newest(store: &Store, program: &Program, row: &ProgramRow, keep: usize) -> Result<Option<i64>, StoreError> {
    let (mut first, mut found) = (None, 0);
    for number in store.unconfirmed(&program.name, 0, usize::MAX).into_iter().rev() {
        if found == keep {
            break;
        }
        let update = store.kept(row.bot, number)?;
        if update.is_some_and(|update| wanted::is_for(row, program.sees, (number, &update))) {
            (first, found) = (Some(number), found + 1);
        }
    }
    Ok(first)
}

/// The first updates that are for a program, under their numbers. What is not for it, and stands before them, counts
/// as confirmed.
pub(super) async fn next(store: &Store, program: &Program, limit: usize) -> Result<Vec<(i64, KeptUpdate)>, StoreError> {
    let (mut updates, mut from) = (Vec::new(), 0);
    while let Some(row) = store.program(&program.name) {
        let numbers = store.unconfirmed(&program.name, from, PAGE);
        let Some(last) = numbers.last().copied() else { break };
        let was_empty = updates.is_empty();
        let mut passed = None;
        for number in numbers {
            let Some(update) = store.kept(row.bot, number)? else { continue };
            if wanted::is_for(&row, program.sees, (number, &update)) {
                updates.push((number, update));
            } else if updates.is_empty() {
                passed = Some(number);
            }
            if updates.len() == limit {
                break;
            }
        }
        if let Some(passed) = passed.filter(|_| was_empty) {
            store.confirm(&program.name, program.bot.id(), Confirmed::Below(passed + 1)).await?;
        }
        if updates.len() == limit {
            break;
        }
        from = last + 1;
    }
    Ok(updates)
}

/// Updates as an answer: each as it came, but for its number.
fn list(updates: &[(i64, KeptUpdate)]) -> Response {
    let texts: Vec<_> = updates.iter().filter_map(|(number, update)| wire::renumbered(&update.raw, *number)).collect();
    let body = format!(r#"{{"ok":true,"result":[{}]}}"#, texts.join(","));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
