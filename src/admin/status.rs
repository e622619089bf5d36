//! The state of the bridge in one value, which `telekommo status` prints and the status page shows.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{
    admin::{
        Admin, failed, is_addressed_directly,
        parked::json,
        programs::{self, Program},
        wrong_host,
    },
    alerts::health::Health,
    clock,
    domain::{address::SourceId, job::Route, time::UnixMillis},
    metrics::{BotProblem, Cause, FailedLately, Hour, Metrics, Passed, Polling, Problem},
    store::{Counts, QueueCount, StoreError},
};

/// The state of the bridge. Programs read it: field names stay. Instants are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    /// When this was read.
    pub(crate) at: UnixMillis,
    pub(crate) started_at: UnixMillis,
    /// Whether `/ready` answers 200.
    pub(crate) ready: bool,
    pub(crate) bots: Vec<Bot>,
    pub(crate) kommo: Side,
    pub(crate) queues: Vec<Queue>,
    pub(crate) held: HeldAnswers,
    pub(crate) parked: Parked,
    /// The owner's own programs that share a bot.
    #[serde(default)]
    pub(crate) programs: Vec<Program>,
    /// What is wrong, as in `/ready` and alerts.
    pub(crate) troubles: Vec<Wrong>,
    /// Since when messages are counted: a day ago, or the start if that is later.
    pub(crate) counted_since: UnixMillis,
    pub(crate) day: Flows,
    /// The day by the hour, the oldest first.
    pub(crate) hours: Vec<HourOfFlows>,
    /// The newest first.
    pub(crate) failures: Vec<FailedLately>,
    pub(crate) disk: Room,
    pub(crate) token_ends_at: Option<UnixMillis>,
    pub(crate) certificate_ends_at: Option<UnixMillis>,
}

/// Whether a remote responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    Starting,
    Working,
    /// It fails, and may recover by itself.
    Failing,
    /// It fails until a person does something.
    Stopped,
}

/// One of the remotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) state: Condition,
    pub(crate) since: UnixMillis,
    /// What is wrong, and what to do.
    pub(crate) why: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bot {
    pub(crate) source: SourceId,
    #[serde(flatten)]
    pub(crate) side: Side,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub(crate) route: String,
    pub(crate) waiting: usize,
    pub(crate) oldest_at: Option<UnixMillis>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldAnswers {
    /// In how many conversations answers are held.
    pub(crate) conversations: usize,
    /// Why Kommo's history cannot be compared.
    pub(crate) why: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parked {
    /// Those that need a person.
    pub(crate) need_person: usize,
    /// Messages whose author has been informed.
    #[serde(rename = "told")]
    pub(crate) reported: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wrong {
    /// Its name in metrics.
    pub(crate) cause: String,
    /// What it concerns, if there are several of a kind.
    pub(crate) of: Option<String>,
    pub(crate) text: String,
    pub(crate) since: UnixMillis,
    /// Whether it stops messages.
    pub(crate) stops: bool,
}

/// Messages of customers, and of managers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flows {
    pub(crate) inbound: Flow,
    pub(crate) outbound: Flow,
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) received: u64,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    /// Within how many milliseconds half of them arrived, and 99 of 100.
    pub(crate) p50_ms: Option<u64>,
    pub(crate) p99_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HourOfFlows {
    pub(crate) since: UnixMillis,
    #[serde(flatten)]
    pub(crate) flows: Flows,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Room {
    pub(crate) free_bytes: u64,
    pub(crate) store_bytes: u64,
    pub(crate) dumps_bytes: u64,
    pub(crate) last_dump_at: Option<UnixMillis>,
}

/// The status, for commands.
pub(super) async fn show(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    respond(admin, &headers, |status| status).await
}

/// The same for everybody who reaches the admin listener, without conversations.
pub(super) async fn show_to_anybody(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    respond(admin, &headers, Status::without_conversations).await
}

async fn respond(admin: Admin, headers: &HeaderMap, edit: impl FnOnce(Status) -> Status) -> Response {
    if !is_addressed_directly(headers) {
        return wrong_host();
    }
    let health = Arc::clone(&admin.health);
    let status = spawn_blocking(move || Status::of(&health, clock::now())).await;
    match status {
        Ok(status) => json(&edit(status)),
        Err(error) => failed(&StoreError::Failed(error.to_string())).into_response(),
    }
}

impl Status {
    /// Reads the state of a bridge, also from the disk.
    fn of(health: &Health, now: UnixMillis) -> Self {
        let (troubles, metrics, counts) = (health.problems(), health.metrics(), health.store().counts());
        let (room, hours, started_at) = (health.room(), metrics.last_day(now), metrics.started_at());
        let day_ago = hours.first().map_or(started_at, |hour| hour.since);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: now,
            started_at,
            ready: !troubles.iter().any(|trouble| trouble.cause.is_obstacle()),
            bots: health.expected().sources.iter().map(|source| bot(metrics, source, &troubles)).collect(),
            kommo: kommo(metrics, &troubles),
            queues: queues(&counts),
            held: HeldAnswers { conversations: health.store().withheld(), why: metrics.why_history_unreadable() },
            parked: Parked { need_person: counts.parked, reported: counts.reported },
            programs: programs::all(health.store()),
            counted_since: started_at.max(day_ago),
            day: whole(&hours),
            hours: hours.iter().map(|hour| HourOfFlows { since: hour.since, flows: flows(hour) }).collect(),
            failures: metrics.recent_failures(),
            disk: Room {
                free_bytes: room.free_bytes,
                store_bytes: room.store_bytes,
                dumps_bytes: room.dumps_bytes,
                last_dump_at: room.last_dump,
            },
            token_ends_at: metrics.token_ends_at(),
            certificate_ends_at: metrics.certificate_ends_at(),
            troubles: troubles.into_iter().map(Wrong::from).collect(),
        }
    }

    fn without_conversations(mut self) -> Self {
        for failure in &mut self.failures {
            failure.thread.clear();
            failure.message_id = None;
        }
        self
    }
}

impl From<Problem> for Wrong {
    fn from(trouble: Problem) -> Self {
        Self {
            cause: trouble.cause.name().to_owned(),
            of: trouble.cause.of(),
            text: trouble.line(),
            since: trouble.since,
            stops: trouble.cause.is_obstacle(),
        }
    }
}

fn bot(metrics: &Metrics, source: &SourceId, troubles: &[Problem]) -> Bot {
    let is_of_bot = |cause: &Cause| matches!(cause, Cause::Bot(of, _) if of == source);
    let state = match metrics.polling_of(source) {
        Some(Polling::Working) => Condition::Working,
        Some(Polling::Failing(_)) => Condition::Failing,
        Some(Polling::Stopped(..)) => Condition::Stopped,
        Some(Polling::Starting) | None => Condition::Starting,
    };
    Bot { source: source.clone(), side: side(metrics, state, troubles, is_of_bot) }
}

fn kommo(metrics: &Metrics, troubles: &[Problem]) -> Side {
    const FOR_PERSON: [Cause; 6] = [
        Cause::Elsewhere,
        Cause::Disconnected,
        Cause::Unconnected,
        Cause::Paused(Route::Inbound),
        Cause::Paused(Route::Status),
        Cause::Paused(Route::Crm),
    ];
    const FOR_TIME: [Cause; 2] = [Cause::Kommo, Cause::Unanswered];
    let are_any = |causes: &[Cause]| troubles.iter().any(|trouble| causes.contains(&trouble.cause));
    if are_any(&FOR_PERSON) {
        side(metrics, Condition::Stopped, troubles, |cause| FOR_PERSON.contains(cause))
    } else if are_any(&FOR_TIME) {
        side(metrics, Condition::Failing, troubles, |cause| FOR_TIME.contains(cause))
    } else {
        let is_of_kommo = |cause: &Cause| FOR_PERSON.contains(cause) || FOR_TIME.contains(cause);
        side(metrics, Condition::Working, troubles, is_of_kommo)
    }
}

/// The state of a remote. `is_meant` selects its troubles.
fn side(metrics: &Metrics, state: Condition, troubles: &[Problem], is_meant: impl Fn(&Cause) -> bool) -> Side {
    let wrong = troubles.iter().find(|trouble| is_meant(&trouble.cause));
    let since = match (wrong, state) {
        (Some(trouble), _) => trouble.since,
        (None, Condition::Working) => metrics.over_at(is_meant).unwrap_or_else(|| metrics.started_at()),
        (None, Condition::Starting | Condition::Failing | Condition::Stopped) => metrics.started_at(),
    };
    let is_shown = |trouble: &&Problem| !matches!(trouble.cause, Cause::Bot(_, BotProblem::Starting));
    Side { state, since, why: wrong.filter(is_shown).map(|trouble| trouble.text.clone()) }
}

fn queues(counts: &Counts) -> Vec<Queue> {
    let queue = |(route, count): &(Route, QueueCount)| Queue {
        route: route.to_string(),
        waiting: count.waiting,
        oldest_at: count.oldest_at,
    };
    counts.routes.iter().map(queue).collect()
}

fn whole(hours: &[Hour]) -> Flows {
    let (mut inbound, mut outbound) = (Passed::default(), Passed::default());
    for hour in hours {
        inbound.add(&hour.inbound);
        outbound.add(&hour.outbound);
    }
    Flows { inbound: flow(&inbound), outbound: flow(&outbound) }
}

fn flows(hour: &Hour) -> Flows {
    Flows { inbound: flow(&hour.inbound), outbound: flow(&hour.outbound) }
}

fn flow(passed: &Passed) -> Flow {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Flow {
        received: passed.received,
        delivered: passed.delivered,
        failed: passed.failed,
        p50_ms: passed.within(50).map(millis),
        p99_ms: passed.within(99).map(millis),
    }
}
