//! How far the owner's own programs have come, for the operator's commands.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::{
    admin::{Admin, failed, is_addressed_directly, parked::json, refusal, wrong_host},
    domain::time::UnixMillis,
    store::{Confirmed, ProgramRow, Progress, Store, StoreError},
};

/// A program, as commands and the status show it. The names of its fields stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// How many updates it has not confirmed.
    pub(crate) waiting: usize,
    /// How many bytes they take.
    pub(crate) bytes: u64,
    /// When the oldest of them came.
    pub(crate) oldest_at: Option<UnixMillis>,
    /// How many it will never get: they were too old, or the room for them was full.
    pub(crate) dropped: u64,
    /// How many were withheld from it, because a manager had written in their chats.
    pub(crate) withheld: u64,
    /// Whether its updates go to a webhook; otherwise it polls for them.
    pub(crate) webhook: bool,
}

impl From<Progress> for Program {
    fn from(progress: Progress) -> Self {
        let Progress { name, bot: _, waiting, bytes, oldest_at, dropped, withheld, has_webhook: webhook } = progress;
        Self { name, waiting, bytes, oldest_at, dropped, withheld, webhook }
    }
}

/// A program with its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    #[serde(flatten)]
    pub(crate) program: Program,
    /// The kinds of updates that it has asked for; `None` for the default ones.
    pub(crate) wants: Option<Vec<String>>,
    /// Origin of its webhook. The path may hold a secret, and is left out.
    pub(crate) sent_to: Option<String>,
    /// For how many seconds after a manager's message the chat's updates are withheld from it.
    pub(crate) quiet_seconds: Option<u64>,
}

/// Which program is meant.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    name: String,
}

pub(super) fn all(store: &Store) -> Vec<Program> {
    store.programs().into_iter().map(Program::from).collect()
}

pub(super) async fn list(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if is_addressed_directly(&headers) { json(&all(&admin.store)) } else { wrong_host() }
}

pub(super) async fn show(State(admin): State<Admin>, Query(which): Query<Which>, headers: HeaderMap) -> Response {
    if !is_addressed_directly(&headers) {
        return wrong_host();
    }
    let program = all(&admin.store).into_iter().find(|program| program.name == which.name);
    match program.zip(admin.store.program(&which.name)) {
        Some((program, row)) => json(&details(program, &row)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn details(program: Program, row: &ProgramRow) -> Details {
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin().ascii_serialization());
    let sent_to = row.webhook.as_ref().and_then(|webhook| origin(&webhook.url));
    let wants = row.wanted.last().and_then(|(_, kinds)| kinds.clone());
    Details { program, wants, sent_to, quiet_seconds: row.quiet_seconds }
}

/// Confirms all updates that wait for a program on its behalf, and returns how many.
pub(super) async fn skip(State(admin): State<Admin>, Query(which): Query<Which>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&headers) {
        return refusal;
    }
    match skip_waiting(&admin.store, &which.name).await {
        Ok(Some(count)) => json(&count),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

async fn skip_waiting(store: &Store, name: &str) -> Result<Option<usize>, StoreError> {
    let Some(row) = store.program(name) else { return Ok(None) };
    let waiting = store.unconfirmed(name, 0, usize::MAX);
    if let Some(last) = waiting.last() {
        store.confirm(name, row.bot, Confirmed::Below(last + 1)).await?;
        tracing::info!(
            program = name,
            updates = waiting.len(),
            "a command has skipped the updates that waited for a program"
        );
    }
    Ok(Some(waiting.len()))
}
