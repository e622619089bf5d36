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

impl Policy {
    /// Whether a job of this age is too old to be sent.
    pub(super) fn runs_out(&self, age: Duration) -> bool {
        self.patience.is_some_and(|patience| age > patience)
    }
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
        Ending::Done { .. } => tracing::info!(route = %lease.lane().route, lane, attempt, "a courtesy is given up"),
        Ending::Become(_) | Ending::Unite { .. } => {}
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
    let (wait, why, asked) = match failure {
        Failure::Permanent(refusal) | Failure::Uncertain(refusal) => return park(attempt, refusal),
        // Another lane is the next to try whether the way is free: this job may be what is wrong.
        Failure::Blocked { why } => (Some(policy.probe_every), why, None),
        Failure::Unreachable { why } => {
            (policy.schedule.wait(attempt.failed_before + 1, chance, None), why, Some(None))
        }
        Failure::Transient { why, after } | Failure::Throttled { why, after } => {
            (policy.schedule.wait(attempt.failed_before + 1, chance, after), why, Some(after))
        }
    };
    match wait {
        Some(wait) if !policy.runs_out(attempt.age + wait) => {
            // A wait that the server asks for, beyond our own, is no failure of the message; nor is a closed route.
            let ours = || policy.schedule.wait(attempt.failed_before + 1, chance, None);
            let counts = asked.is_some_and(|after| after.is_none_or(|after| ours().is_some_and(|ours| after <= ours)));
            Ending::Retry { at: now.plus(wait), counts, why }
        }
        Some(_) | None => park(attempt, gave_up(&why)),
    }
}

/// What it means that a step was broken off by a stop. If all of a message was `handed_over`, Telegram may have taken it
/// and would take it again, so that is not left to chance; whatever goes to Kommo can be repeated, and so can half a file.
pub(super) fn broken_off(work: &Work, handed_over: bool) -> Option<Failure> {
    match work {
        Work::Call(_) | Work::Album { .. } if handed_over => Some(Failure::Permanent(Refusal::new(
            ErrorCode::Other,
            "May not have been delivered: the Telegram bridge was stopped before Telegram had answered. Ask the customer before sending it again.",
        ))),
        Work::Call(_)
        | Work::Album { .. }
        | Work::Update { .. }
        | Work::Hook { .. }
        | Work::Reaction { .. }
        | Work::Report(_)
        | Work::Name { .. }
        | Work::Seen { .. }
        | Work::Link { .. }
        | Work::Enrich { .. }
        | Work::Hold { .. }
        | Work::Release { .. } => None,
    }
}

/// The end of a job that has waited too long to be worth a step.
pub(super) fn too_late(work: &Work) -> Failure {
    let sentence = match work {
        // It may have been under way when the machine went down.
        Work::Call(_) | Work::Album { .. } => {
            "May not have been delivered: it could not be sent in time, and a late answer is worse than none. Ask the customer before sending it again."
        }
        Work::Update { .. }
        | Work::Hook { .. }
        | Work::Reaction { .. }
        | Work::Report(_)
        | Work::Name { .. }
        | Work::Seen { .. }
        | Work::Link { .. }
        | Work::Enrich { .. }
        | Work::Hold { .. }
        | Work::Release { .. } => {
            "Not delivered: it could not be sent in time, and a late answer is worse than none. Send it again if it still matters."
        }
    };
    Failure::Permanent(Refusal::new(ErrorCode::Other, sentence))
}

fn gave_up(why: &str) -> Refusal {
    Refusal::new(ErrorCode::Other, format!("Not delivered: tried again and again without success ({why})."))
}

/// Sets a job aside, and lets its author know where it has one. A courtesy is not worth a person's time: it is let go.
fn park(attempt: &Attempt, mut refusal: Refusal) -> Ending {
    if let Work::Reaction { .. }
    | Work::Seen { .. }
    | Work::Name { .. }
    | Work::Report(Report { delivery: Delivery::Read, .. }) = attempt.work
    {
        return Ending::Done { then: Vec::new(), facts: Vec::new() };
    }
    let why = refusal.sentence.clone();
    if let Work::Call(call) = attempt.work
        && call.parts > 1
    {
        refusal.sentence = format!("Part {} of {}: {}", call.part, call.parts, refusal.sentence);
    }
    let report = |message| report(attempt.lane, message, Delivery::Failed(refusal.clone()));
    Ending::Park { why, then: answered_messages(attempt.work).into_iter().map(report).collect() }
}

/// The job that tells Kommo how a delivery ended.
pub(super) fn report(lane: &Lane, message: KommoMessageId, delivery: Delivery) -> NewJob {
    NewJob { id: None, lane: lane.reports(), work: Work::Report(Report { message, delivery }) }
}

/// The answers that a job is part of: several, if it is an album.
fn answered_messages(work: &Work) -> Vec<KommoMessageId> {
    match work {
        Work::Update { .. }
        | Work::Reaction { .. }
        | Work::Report(_)
        | Work::Name { .. }
        | Work::Seen { .. }
        | Work::Link { .. }
        | Work::Enrich { .. }
        | Work::Hold { .. }
        | Work::Release { .. } => Vec::new(),
        Work::Call(_) | Work::Album { .. } => work.calls().iter().map(|call| call.message.clone()).collect(),
        Work::Hook { raw } => match from_kommo::decode(raw) {
            Ok(Arrival::Message(outbound)) => vec![outbound.id],
            Ok(Arrival::Reaction(_) | Arrival::Typing(_) | Arrival::Other(_)) | Err(_) => Vec::new(),
        },
    }
}

/// The name of an ending in metrics.
pub(super) const fn name(ending: &Ending) -> &'static str {
    match ending {
        Ending::Done { .. } => "done",
        Ending::Become(_) => "unfolded",
        Ending::Unite { .. } => "united",
        Ending::Retry { .. } => "retried",
        Ending::Park { .. } => "parked",
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
