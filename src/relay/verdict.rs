//! What the outcome of a step means for its job. No I/O.

use std::time::Duration;

use crate::{
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, ErrorCode, Refusal, Report},
        retry::{Failure, Schedule},
        time::UnixMillis,
        work::{Lane, Work},
    },
    store::{Ending, Lease, NewJob},
    translate::from_kommo::{self, Arrival},
};

/// How the failures of a route are met.
#[derive(Clone, Debug)]
pub struct Policy {
    /// When to try again.
    pub schedule: Schedule,
    /// How old a job may grow while its route is closed or the remote asks for patience; `None` for any age. A reply
    /// that arrives a day late is worse than one that is reported as failed.
    pub patience: Option<Duration>,
    /// How often a paused route is tried.
    pub probe_every: Duration,
    /// How many lanes go on side by side.
    pub at_once: usize,
}

/// The ending of a leased job, and one log line if it failed.
pub(super) fn ending(
    lease: &Lease,
    outcome: Result<Ending, Failure>,
    policy: &Policy,
    now: UnixMillis,
    chance: f64,
) -> Ending {
    let failure = match outcome {
        Ok(ending) => return ending,
        Err(failure) => failure,
    };
    let attempt = Attempt {
        work: lease.work(),
        lane: lease.lane(),
        failed_before: lease.attempts(),
        age: lease.enqueued_at().until(now),
    };
    let ending = of_failure(&attempt, failure, policy, now, chance);
    let (lane, attempt) = (&lease.lane().thread, attempt.failed_before + 1);
    match &ending {
        Ending::Retry { at, why, .. } => {
            let after = humantime::format_duration(now.until(*at));
            tracing::warn!(route = %lease.lane().route, lane, attempt, why, "tried again in {after}");
        }
        Ending::Park { why, .. } => {
            tracing::error!(route = %lease.lane().route, lane, attempt, why, "set aside: it cannot be delivered");
        }
        Ending::Done { .. } | Ending::Become(_) => {}
    }
    ending
}

/// A job whose step has failed.
struct Attempt<'a> {
    work: &'a Work,
    lane: &'a Lane,
    failed_before: u32,
    age: Duration,
}

fn of_failure(attempt: &Attempt, failure: Failure, policy: &Policy, now: UnixMillis, chance: f64) -> Ending {
    let too_old = policy.patience.is_some_and(|patience| attempt.age > patience);
    match failure {
        Failure::Permanent(refusal) => park(attempt, refusal),
        Failure::Blocked { why } if too_old => park(attempt, gave_up(&why)),
        // The gate of the route keeps the pace of probing; the job itself is due at once.
        Failure::Blocked { why } => Ending::Retry { at: now, counts: false, why },
        Failure::Transient { why, after } => match policy.schedule.wait(attempt.failed_before + 1, chance, after) {
            Some(_) if too_old => park(attempt, gave_up(&why)),
            // A wait that the server asks for is no failure of the message.
            Some(wait) => Ending::Retry { at: now.plus(wait), counts: after.is_none(), why },
            None => park(attempt, gave_up(&why)),
        },
    }
}

fn gave_up(why: &str) -> Refusal {
    Refusal::new(ErrorCode::Other, format!("Not delivered: tried again and again without success ({why})."))
}

/// Sets a job aside, and lets its author know where it has one.
fn park(attempt: &Attempt, mut refusal: Refusal) -> Ending {
    let why = refusal.sentence.clone();
    if let Work::Call(call) = attempt.work
        && call.parts > 1
    {
        refusal.sentence = format!("Part {} of {}: {}", call.part, call.parts, refusal.sentence);
    }
    let report = |message| report(attempt.lane, message, Delivery::Failed(refusal));
    Ending::Park { why, then: answered_message(attempt.work).map(report).into_iter().collect() }
}

/// The job that tells Kommo how a delivery ended.
pub(super) fn report(lane: &Lane, message: KommoMessageId, delivery: Delivery) -> NewJob {
    NewJob { id: None, lane: lane.reports(), work: Work::Report(Report { message, delivery }) }
}

/// The answer that a job is part of, if it is part of one.
fn answered_message(work: &Work) -> Option<KommoMessageId> {
    match work {
        Work::Update { .. } | Work::Report(_) => None,
        Work::Call(call) => Some(call.message.clone()),
        Work::Hook { raw } => match from_kommo::decode(raw).ok()? {
            Arrival::Message(outbound) => Some(outbound.id),
            Arrival::Typing(_) | Arrival::Other(_) => None,
        },
    }
}

/// The name of an ending in metrics.
pub(super) const fn name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Done { .. } => "done",
        Ending::Become(_) => "unfolded",
        Ending::Retry { .. } => "retried",
        Ending::Park { .. } => "parked",
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
