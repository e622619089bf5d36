//! The retry policy: what the result of a step means for its job. No I/O.

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

/// How many attempts a message has that fails while others pass, or for whose failure the blame is unknown. A
/// best-effort job has as many.
const MAX_ATTEMPTS: u32 = 6;
/// The longest wait between attempts that we choose ourselves. With the default schedules, six attempts take about two
/// minutes.
const MAX_OWN_WAIT: Duration = Duration::from_secs(40);
/// The least wait requested by Telegram that a manager is informed of.
const LONG: Duration = Duration::from_mins(2);
/// The shortest wait of a job that failed because the remote could not be reached.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// The retry policy of a route.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    pub schedule: Schedule,
    /// How long a job is tried, or waits for a remote that does not answer; `None` for ever. An answer that arrives a
    /// day late is worse than one that is reported as failed.
    pub patience: Option<Duration>,
    /// Whether a message that may have arrived is sent again, once.
    pub repeats_uncertain: bool,
    pub slots: Slots,
    /// The language of managers.
    pub spoken: Spoken,
}

/// How many lanes are served concurrently. Files have slots of their own, since they take longer.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    /// For all but files.
    pub texts: usize,
    /// For files.
    pub files: usize,
}

impl RetryPolicy {
    /// Whether a job that has been tried, or has waited, for so long is too late to be sent.
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
    let attempt = FailedAttempt {
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

/// A failed attempt at a job.
struct FailedAttempt<'a> {
    job: &'a Job,
    /// The answers that it is part of.
    answers: Vec<KommoMessageId>,
    lane: &'a Lane,
    failed_before: u32,
    /// How long it has been tried.
    age: Duration,
    is_repeated: bool,
    is_best_effort: bool,
    blame: Blame,
}

fn of_failure(
    attempt: &FailedAttempt,
    failure: Failure,
    policy: &RetryPolicy,
    now: UnixMillis,
    chance: f64,
) -> Outcome {
    let after = failure.after();
    let counts = match (attempt.blame, &failure) {
        // As long as no other message passes, a message does not fail for a problem that a person has to fix.
        (Blame::Unknown, Failure::Blocked { .. }) | (Blame::Connection, _) => false,
        (Blame::Message | Blame::Unknown, _) => true,
    };
    let wait = match &failure {
        Failure::Uncertain(_) if policy.repeats_uncertain && !attempt.is_repeated => return Outcome::Repeat,
        Failure::Permanent(_) | Failure::Uncertain(_) => return park(attempt, failure, policy),
        // Wait as long again as so far, within the limits of the schedule.
        Failure::NotYet { .. } => policy.schedule.stretched(attempt.age),
        Failure::Unreachable { .. }
        | Failure::Transient { .. }
        | Failure::Throttled { .. }
        | Failure::Blocked { .. }
            if counts =>
        {
            if attempt.failed_before + 1 >= MAX_ATTEMPTS {
                return park(attempt, gave_up(&failure, attempt.failed_before + 1), policy);
            }
            own_wait(attempt, policy, after, chance)
        }
        Failure::Blocked { .. } if attempt.blame == Blame::Unknown => policy.schedule.stretched(attempt.age),
        Failure::Throttled { .. } => Schedule::ending(vec![MIN_WAIT]).wait(1, chance, after).unwrap_or(MIN_WAIT),
        // The breaker opens for all jobs at once.
        Failure::Unreachable { .. } | Failure::Transient { .. } | Failure::Blocked { .. } => MIN_WAIT,
    };
    if policy.runs_out(attempt.age + wait) {
        return park(attempt, gave_up(&failure, attempt.failed_before + 1), policy);
    }
    let why = failure.why().into_owned();
    let counts = counts && !matches!(failure, Failure::NotYet { .. });
    Outcome::Retry { at: now.plus(wait), counts, why }
}

/// The wait of a message that fails while others pass. The server can only lengthen it.
fn own_wait(attempt: &FailedAttempt, policy: &RetryPolicy, after: Option<Duration>, chance: f64) -> Duration {
    let ours = policy.schedule.last_wait(attempt.failed_before + 1, chance);
    // As long as no other message was tried, the connection may be the cause after all.
    let ours = if attempt.blame == Blame::Unknown { ours } else { ours.min(MAX_OWN_WAIT) };
    let requested = Schedule::ending(vec![Duration::ZERO]).wait(1, chance, after).unwrap_or_default();
    ours.max(requested)
}

/// The failure of a step that a stop has aborted; `None` if it can be repeated. If the whole request was sent
/// (`is_body_sent`), Telegram may have accepted the message and would accept it again. Calls to Kommo can be repeated,
/// and so can half a file.
pub(super) fn broken_off(job: &Job, is_body_sent: bool) -> Option<Failure> {
    let is_uncertain = job.traits().may_be_done_twice && is_body_sent;
    is_uncertain.then(|| Failure::Uncertain(Refusal::uncertain(refusal::stopped())))
}

/// The failure of a job that has waited too long for a step. One of an earlier process may have been in flight when the
/// machine went down.
pub(super) fn too_late(job: &Job, is_left: bool) -> Failure {
    let refusal = if job.traits().may_be_done_twice && is_left {
        Refusal::uncertain(refusal::perhaps_too_late())
    } else {
        Refusal::new(ErrorCode::Other, refusal::too_late())
    };
    Failure::Permanent(refusal)
}

/// The failure of a job that was tried for long enough: how long Telegram throttles, or that it was tried in vain.
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

/// A wait in words, rounded up, so that nobody tries again too early.
fn wait_in_words(wait: Duration) -> Sentence {
    let minutes = wait.as_secs().div_ceil(60);
    if minutes < 90 { count::in_minutes(minutes) } else { count::hours(minutes.div_ceil(60)) }
}

/// Parks a job, and reports the failure to its author if it has one. A best-effort job is dropped: it is not worth a
/// person's time.
fn park(attempt: &FailedAttempt, failure: Failure, policy: &RetryPolicy) -> Outcome {
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
    let text = refusal.in_language(policy.spoken.now());
    let report = |message: &KommoMessageId| report(attempt.lane, message.clone(), Delivery::Failed(text.clone()));
    Outcome::Park { why, then: attempt.answers.iter().map(report).collect(), needs_person }
}

/// Whether a status is not enough: there is no author, the message may have arrived, or the error is internal.
fn needs_person(answers: &[KommoMessageId], refusal: &Refusal) -> bool {
    answers.is_empty() || refusal.code == ErrorCode::Internal || refusal.may_have_arrived
}

/// The names of all outcomes.
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
