//! What the outcome of a step means for its job. No I/O.

use std::time::Duration;

use crate::{
    breaker::Blame,
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, ErrorCode, Refusal, Report},
        retry::{Failure, Schedule},
        time::UnixMillis,
        work::{Lane, Work},
    },
    relay::courier::Step,
    store::{Ending, Lease, NewJob},
    translate::from_kommo::{self, Arrival},
    words::{Sentence, Spoken, count, refusal},
};

/// How many attempts a message has that fails while others pass. A courtesy has as many.
const TRIES: u32 = 6;
/// The longest wait between them that is our own: with the usual schedules all of them take about two minutes.
const LONGEST_OWN: Duration = Duration::from_secs(40);
/// From when on it is worth saying how long Telegram wants to be left alone.
const LONG: Duration = Duration::from_mins(2);
/// How long a job that the way has failed waits at least, in case it is free again at once.
const BREATH: Duration = Duration::from_secs(1);

/// How the failures of a route are met.
#[derive(Clone, Debug)]
pub struct Policy {
    /// When to try again.
    pub schedule: Schedule,
    /// For how long a job is tried, or waits for a way that is shut; `None` for ever. A reply that arrives a day late is
    /// worse than one that is reported as failed.
    pub patience: Option<Duration>,
    /// Whether what may have arrived is sent again, once.
    pub repeats_uncertain: bool,
    /// How many lanes go on side by side.
    pub slots: Slots,
    /// What managers read.
    pub spoken: Spoken,
}

/// How many lanes go on side by side. Files have slots of their own, since they take their time.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    /// For all but files.
    pub texts: usize,
    /// For files.
    pub files: usize,
}

impl Policy {
    /// Whether a job that is tried for so long, or waits for so long, is too late to be sent.
    pub(super) fn runs_out(&self, age: Duration) -> bool {
        self.patience.is_some_and(|patience| age > patience)
    }
}

/// The ending of a leased job.
pub(super) fn ending(lease: &Lease, step: Step, blame: Blame, policy: &Policy, now: UnixMillis, chance: f64) -> Ending {
    let failure = match step.outcome {
        Ok(ending) => return ending,
        Err(failure) => failure,
    };
    let attempt = Attempt {
        work: lease.work(),
        lane: lease.lane(),
        failed_before: lease.attempts(),
        age: lease.tried_at().elapsed(),
        is_repeated: lease.is_repeated(),
        is_courtesy: step.is_courtesy,
        blame,
    };
    of_failure(&attempt, failure, policy, now, chance)
}

/// A job whose step has failed.
struct Attempt<'a> {
    work: &'a Work,
    lane: &'a Lane,
    failed_before: u32,
    /// For how long it is tried.
    age: Duration,
    is_repeated: bool,
    is_courtesy: bool,
    blame: Blame,
}

fn of_failure(attempt: &Attempt, failure: Failure, policy: &Policy, now: UnixMillis, chance: f64) -> Ending {
    let after = failure.after();
    let counts = match (attempt.blame, &failure) {
        // As long as nothing else passes, a message does not fail for what somebody has to mend.
        (Blame::Unknown, Failure::Blocked { .. }) | (Blame::Way, _) => false,
        (Blame::Message | Blame::Unknown, _) => true,
    };
    let wait = match &failure {
        Failure::Uncertain(_) if policy.repeats_uncertain && !attempt.is_repeated => return Ending::Repeat,
        Failure::Permanent(_) | Failure::Uncertain(_) => return park(attempt, failure, policy),
        // What is waited for may take its time: as long again as it took so far, within what the schedule says.
        Failure::NotYet { .. } => policy.schedule.stretched(attempt.age),
        Failure::Unreachable { .. }
        | Failure::Transient { .. }
        | Failure::Throttled { .. }
        | Failure::Blocked { .. }
            if counts =>
        {
            if attempt.failed_before + 1 >= TRIES {
                return park(attempt, gave_up(&failure, attempt.failed_before + 1), policy);
            }
            own_wait(attempt, policy, after, chance)
        }
        Failure::Blocked { .. } if attempt.blame == Blame::Unknown => policy.schedule.stretched(attempt.age),
        Failure::Throttled { .. } => Schedule::ending(vec![BREATH]).wait(1, chance, after).unwrap_or(BREATH),
        // The way opens for all at once.
        Failure::Unreachable { .. } | Failure::Transient { .. } | Failure::Blocked { .. } => BREATH,
    };
    if policy.runs_out(attempt.age + wait) {
        return park(attempt, gave_up(&failure, attempt.failed_before + 1), policy);
    }
    let why = failure.why().into_owned();
    let counts = counts && !matches!(failure, Failure::NotYet { .. });
    Ending::Retry { at: now.plus(wait), counts, why }
}

/// How long a message waits that fails alone. What the server asks for can only lengthen that.
fn own_wait(attempt: &Attempt, policy: &Policy, after: Option<Duration>, chance: f64) -> Duration {
    let ours = policy.schedule.last_wait(attempt.failed_before + 1, chance);
    // As long as nothing else was tried, it may be the way after all.
    let ours = if attempt.blame == Blame::Unknown { ours } else { ours.min(LONGEST_OWN) };
    let asked = Schedule::ending(vec![Duration::ZERO]).wait(1, chance, after).unwrap_or_default();
    ours.max(asked)
}

/// What it means that a step was broken off by a stop. If all of a message was `handed_over`, Telegram may have taken it
/// and would take it again, so that is not left to chance; whatever goes to Kommo can be repeated, and so can half a file.
pub(super) fn broken_off(work: &Work, handed_over: bool) -> Option<Failure> {
    match work {
        Work::Call(_) | Work::Album { .. } if handed_over => {
            Some(Failure::Uncertain(Refusal::uncertain(refusal::stopped())))
        }
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
        | Work::Remind { .. }
        | Work::Release { .. } => None,
    }
}

/// The end of a job that has waited too long to be worth a step. One that an earlier run has left may have been under way
/// when the machine went down.
pub(super) fn too_late(work: &Work, is_left: bool) -> Failure {
    let refusal = match work {
        Work::Call(_) | Work::Album { .. } if is_left => Refusal::uncertain(refusal::perhaps_too_late()),
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
        | Work::Remind { .. }
        | Work::Release { .. } => Refusal::new(ErrorCode::Other, refusal::too_late()),
    };
    Failure::Permanent(refusal)
}

/// The end of what was tried for long enough: how long Telegram wants to be left alone, or how often it was tried.
fn gave_up(failure: &Failure, tries: u32) -> Failure {
    let why = failure.why();
    let sentence = match failure {
        Failure::Throttled { after: Some(after), .. } if *after >= LONG => refusal::wait(span(*after)),
        Failure::Unreachable { .. }
        | Failure::Transient { .. }
        | Failure::NotYet { .. }
        | Failure::Throttled { .. }
        | Failure::Blocked { .. }
        | Failure::Uncertain(_)
        | Failure::Permanent(_) => {
            if tries > 1 {
                refusal::gave_up(&*why)
            } else {
                refusal::failed(&*why)
            }
        }
    };
    Failure::Permanent(Refusal::new(ErrorCode::Other, sentence))
}

/// A wait in words, rounded up: nobody is to come back too early.
fn span(wait: Duration) -> Sentence {
    let minutes = wait.as_secs().div_ceil(60);
    if minutes < 90 { count::in_minutes(minutes) } else { count::hours(minutes.div_ceil(60)) }
}

/// Sets a job aside, and lets its author know where it has one. A courtesy is not worth a person's time: it is let go.
fn park(attempt: &Attempt, failure: Failure, policy: &Policy) -> Ending {
    let refusal = match failure {
        Failure::Permanent(refusal) | Failure::Uncertain(refusal) => refusal,
        Failure::Unreachable { why }
        | Failure::Transient { why, .. }
        | Failure::NotYet { why }
        | Failure::Throttled { why, .. }
        | Failure::Blocked { why } => Refusal::new(ErrorCode::Other, refusal::failed(why)),
    };
    if attempt.is_courtesy {
        return Ending::Done { then: Vec::new(), facts: Vec::new() };
    }
    if let Work::Reaction { .. }
    | Work::Seen { .. }
    | Work::Name { .. }
    | Work::Report(Report { delivery: Delivery::Read, .. }) = attempt.work
    {
        return Ending::Done { then: Vec::new(), facts: Vec::new() };
    }
    let (why, needs_person) = (refusal.why(), needs_person(attempt.work, &refusal));
    let part = if let Work::Call(call) = attempt.work { Some(call).filter(|call| call.parts > 1) } else { None };
    let refusal = part.map_or(refusal.clone(), |call| refusal.of_part(call.part, call.parts));
    let told = refusal.told(policy.spoken.now());
    let report = |message| report(attempt.lane, message, Delivery::Failed(told.clone()));
    Ending::Park { why, then: answered_messages(attempt.work).into_iter().map(report).collect(), needs_person }
}

/// Whether a status is not enough: nobody gets one, it does not say what became of the message, or the fault is ours.
fn needs_person(work: &Work, refusal: &Refusal) -> bool {
    answered_messages(work).is_empty() || refusal.code == ErrorCode::Internal || refusal.may_have_arrived
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
        | Work::Remind { .. }
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
        Ending::Repeat => "repeated",
        Ending::Park { .. } => "parked",
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
