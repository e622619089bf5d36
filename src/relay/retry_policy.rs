//! What the outcome of a step means for its job. No I/O.

use std::time::Duration;

use crate::{
    breaker::Blame,
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, ErrorCode, Refusal},
        job::{Job, Lane},
        retry::{Failure, Schedule},
        time::UnixMillis,
    },
    relay::{status::report, step::Attempted},
    store::{Lease, Outcome},
    words::{Sentence, Spoken, count, refusal},
};

/// How many attempts a message has that fails while others pass, or of which nobody knows whether it is the message or
/// the connection. A best-effort job has as many.
const TRIES: u32 = 6;
/// The longest wait between attempts that we choose ourselves. With the default schedules, six attempts take about two
/// minutes.
const LONGEST_OWN: Duration = Duration::from_secs(40);
/// A wait that Telegram asks for is worth telling from this length on.
const LONG: Duration = Duration::from_mins(2);
/// The shortest wait of a job that failed because the remote could not be reached.
const BREATH: Duration = Duration::from_secs(1);

/// How the failures of a route are met.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// When to try again.
    pub schedule: Schedule,
    /// For how long a job is tried, or waits for a remote that does not answer; `None` for ever. A reply that arrives a
    /// day late is worse than one that is reported as failed.
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

impl RetryPolicy {
    /// Whether a job that is tried for so long, or waits for so long, is too late to be sent.
    pub(super) fn runs_out(&self, age: Duration) -> bool {
        self.patience.is_some_and(|patience| age > patience)
    }
}

/// The outcome of a leased job.
pub(super) fn outcome(
    lease: &Lease,
    answers: Vec<KommoMessageId>,
    attempted: Attempted,
    blame: Blame,
    policy: &RetryPolicy,
    now: UnixMillis,
    chance: f64,
) -> Outcome {
    let failure = match attempted.outcome {
        Ok(outcome) => return outcome,
        Err(failure) => failure,
    };
    let attempt = FailedTry {
        job: lease.job(),
        answers,
        lane: lease.lane(),
        failed_before: lease.attempts(),
        age: lease.tried_at().elapsed(),
        is_repeated: lease.is_repeated(),
        is_best_effort: attempted.is_best_effort,
        blame,
    };
    of_failure(&attempt, failure, policy, now, chance)
}

/// A job whose step has failed.
struct FailedTry<'a> {
    job: &'a Job,
    /// The answers that it is part of.
    answers: Vec<KommoMessageId>,
    lane: &'a Lane,
    failed_before: u32,
    /// For how long it is tried.
    age: Duration,
    is_repeated: bool,
    is_best_effort: bool,
    blame: Blame,
}

fn of_failure(attempt: &FailedTry, failure: Failure, policy: &RetryPolicy, now: UnixMillis, chance: f64) -> Outcome {
    let after = failure.after();
    let counts = match (attempt.blame, &failure) {
        // As long as nothing else passes, a message does not fail for what somebody has to mend.
        (Blame::Unknown, Failure::Blocked { .. }) | (Blame::Connection, _) => false,
        (Blame::Message | Blame::Unknown, _) => true,
    };
    let wait = match &failure {
        Failure::Uncertain(_) if policy.repeats_uncertain && !attempt.is_repeated => return Outcome::Repeat,
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
    Outcome::Retry { at: now.plus(wait), counts, why }
}

/// How long a message waits that fails while others pass. The server can only lengthen that.
fn own_wait(attempt: &FailedTry, policy: &RetryPolicy, after: Option<Duration>, chance: f64) -> Duration {
    let ours = policy.schedule.last_wait(attempt.failed_before + 1, chance);
    // As long as nothing else was tried, it may be the way after all.
    let ours = if attempt.blame == Blame::Unknown { ours } else { ours.min(LONGEST_OWN) };
    let asked = Schedule::ending(vec![Duration::ZERO]).wait(1, chance, after).unwrap_or_default();
    ours.max(asked)
}

/// What it means that a step was broken off by a stop. If all of a message was `handed_over`, Telegram may have taken
/// it and would take it again, so that is not left to chance; whatever goes to Kommo can be repeated, and so can half a
/// file.
pub(super) fn broken_off(job: &Job, handed_over: bool) -> Option<Failure> {
    let is_uncertain = job.traits().may_be_done_twice && handed_over;
    is_uncertain.then(|| Failure::Uncertain(Refusal::uncertain(refusal::stopped())))
}

/// The end of a job that has waited too long to be worth a step. One that an earlier run has left may have been under
/// way when the machine went down.
pub(super) fn too_late(job: &Job, is_left: bool) -> Failure {
    let refusal = if job.traits().may_be_done_twice && is_left {
        Refusal::uncertain(refusal::perhaps_too_late())
    } else {
        Refusal::new(ErrorCode::Other, refusal::too_late())
    };
    Failure::Permanent(refusal)
}

/// The end of what was tried for long enough: how long Telegram wants to be left alone, or how often it was tried.
fn gave_up(failure: &Failure, tries: u32) -> Failure {
    let why = failure.why();
    let sentence = match failure {
        Failure::Throttled { after: Some(after), .. } if *after >= LONG => refusal::wait(wait_in_words(*after)),
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
fn wait_in_words(wait: Duration) -> Sentence {
    let minutes = wait.as_secs().div_ceil(60);
    if minutes < 90 { count::in_minutes(minutes) } else { count::hours(minutes.div_ceil(60)) }
}

/// Sets a job aside, and reports the failure to its author where it has one. A best-effort job is not worth a person's
/// time and is dropped.
fn park(attempt: &FailedTry, failure: Failure, policy: &RetryPolicy) -> Outcome {
    let refusal = match failure {
        Failure::Permanent(refusal) | Failure::Uncertain(refusal) => refusal,
        Failure::Unreachable { why }
        | Failure::Transient { why, .. }
        | Failure::NotYet { why }
        | Failure::Throttled { why, .. }
        | Failure::Blocked { why } => Refusal::new(ErrorCode::Other, refusal::failed(why)),
    };
    if attempt.is_best_effort || attempt.job.traits().is_best_effort {
        return Outcome::Done { then: Vec::new(), changes: Vec::new() };
    }
    let (why, needs_person) = (refusal.why(), needs_person(&attempt.answers, &refusal));
    let part = match attempt.job.calls() {
        [call] if call.parts > 1 => Some(call),
        _ => None,
    };
    let refusal = part.map_or(refusal.clone(), |call| refusal.of_part(call.part, call.parts));
    let told = refusal.told(policy.spoken.now());
    let report = |message: &KommoMessageId| report(attempt.lane, message.clone(), Delivery::Failed(told.clone()));
    Outcome::Park { why, then: attempt.answers.iter().map(report).collect(), needs_person }
}

/// Whether a status is not enough: nobody gets one, it does not say what became of the message, or the fault is ours.
fn needs_person(answers: &[KommoMessageId], refusal: &Refusal) -> bool {
    answers.is_empty() || refusal.code == ErrorCode::Internal || refusal.may_have_arrived
}

/// All names of endings.
pub const NAMES: [&str; 6] = ["done", "unfolded", "united", "retried", "repeated", "parked"];

/// The name of an outcome in metrics.
pub(super) const fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Replace(_) => "unfolded",
        Outcome::Merge { .. } => "united",
        Outcome::Retry { .. } => "retried",
        Outcome::Repeat => "repeated",
        Outcome::Park { .. } => "parked",
    }
}

#[cfg(test)]
#[path = "retry_policy_tests.rs"]
mod tests;
