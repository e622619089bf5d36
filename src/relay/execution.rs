//! The execution of one claimed job: its step, the blame for a failure, and settling it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    breaker::{Blame, Breaker, Sign},
    clock,
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    metrics::Metrics,
    relay::{
        context::Context,
        dispatch, hop,
        job_label::{Failed, JobLabel},
        retry_policy::{self, RetryPolicy},
        span,
        step::{Attempted, StepError, StepResult},
        tap::Relayed,
        task::Task,
    },
    store::{Class, Lease, Outcome, StoreError},
    telegram::upload::BodySent,
    trace::Hop,
    words::refusal,
};

fn internal_error() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::Internal, refusal::internal()))
}

/// The surroundings of one job's step.
pub(super) struct Execution<'a> {
    pub(super) context: &'a Context,
    pub(super) breaker: &'a Breaker,
    pub(super) policy: &'a RetryPolicy,
    pub(super) metrics: &'a Metrics,
    pub(super) abort: &'a CancellationToken,
}

impl Execution<'_> {
    /// Takes the step of a job and settles it. A stale job is settled without a step. All log lines meanwhile name the
    /// job.
    pub(super) async fn job(&self, lease: Lease, is_stale: bool) -> Result<(), StoreError> {
        let span = span::of(&lease);
        self.settled(lease, is_stale).instrument(span).await
    }

    async fn settled(&self, lease: Lease, is_stale: bool) -> Result<(), StoreError> {
        let is_late = is_stale || self.policy.runs_out(lease.tried_at().elapsed());
        if !is_late && let Some(wait) = self.context.acquire_chat(lease.job()) {
            self.breaker.unused();
            lease.put_off(clock::steady().plus(wait));
            return Ok(());
        }
        let task = Task::read(lease.job());
        let (message_id, answers) = (task.message_id(), task.answers());
        let (messages, flow) = (task.messages(), task.flow(lease.lane()));
        let hop = self.context.trace.is_on().then(|| hop::claimed(&lease, &task, &answers, clock::now()));
        let attempted = if is_late {
            Attempted::failed(retry_policy::too_late(lease.job(), lease.is_left()), false)
        } else {
            self.trace(hop.clone());
            match take(&lease, task, self.context, self.abort).await? {
                Some(attempted) => attempted,
                // It can be repeated after the next start; the lease gives it back.
                None => return Ok(()),
            }
        };
        let (lane, message) = (lease.lane().clone(), lease.key());
        // A message that may have arrived must be recorded as such at once, because after a stop in between it would be
        // sent again. So the breaker, which may probe the remote, is not asked for the blame: that would change
        // nothing, because an uncertain message is parked or repeated once in any case. The breaker is informed
        // afterwards, as of a transient failure.
        let uncertain = match &attempted.outcome {
            Err(Failure::Uncertain(refusal)) => Some(Sign::Failed(Failure::transient(refusal.why()))),
            Ok(_) | Err(_) => None,
        };
        let blame = if uncertain.is_some() {
            Blame::Message
        } else {
            let blame = self.blame(&message, &attempted, lease.class());
            self.abort.run_until_cancelled(blame).await.unwrap_or(Blame::Connection)
        };
        let (line, now) = (JobLabel::of(&lease, message_id.clone()), clock::steady());
        let (has_failed, reached_remote) = (attempted.outcome.is_err(), attempted.reached_remote);
        let outcome = retry_policy::outcome(&lease, answers, attempted, blame, self.policy, now, fastrand::f64());
        let failed = has_failed.then(|| Failed::of(&outcome, now)).flatten();
        let name = retry_policy::name(&outcome);
        self.metrics.job(&lane, name);
        if let (Outcome::Park { needs_person, .. }, Some((direction, source))) = (&outcome, &flow) {
            self.metrics.given_up(source.as_ref(), *direction, messages, *needs_person);
        }
        self.context.tap.send(|| Relayed::of(&lease, message_id, (&outcome, name), clock::now()));
        let mut hop = hop.map(|hop| hop::ended(hop, &outcome, (has_failed, reached_remote), (clock::now(), now)));
        let is_retried = matches!(outcome, Outcome::Retry { .. } | Outcome::Repeat);
        // Before the lane goes on, so that its hops are in order. A parked message gets its number only when settled.
        if !matches!(outcome, Outcome::Park { .. }) {
            self.trace(hop.take());
        }
        let parked = lease.settle(outcome, clock::now()).await?;
        self.trace(hop.map(|hop| Hop { parked: parked.map(|id| id.0), ..hop }));
        match failed {
            Some(failed) => {
                line.log_failure(&failed, parked);
                if let Some(lately) = line.lately(failed, parked, clock::now()) {
                    self.metrics.failed_lately(lately);
                }
            }
            None if !is_retried => line.log_success(),
            None => {}
        }
        if let Some(sign) = uncertain {
            self.abort.run_until_cancelled(self.breaker.note(&message, sign)).await;
        }
        if !is_retried {
            self.breaker.ended(&message);
        }
        Ok(())
    }

    fn trace(&self, hop: Option<Hop>) {
        if let Some(hop) = hop {
            self.context.trace.record(|| hop);
        }
    }

    /// The blame for a failure.
    async fn blame(&self, message: &str, attempted: &Attempted, class: Class) -> Blame {
        let failure = attempted.outcome.as_ref().err().filter(|failure| failure.may_pass());
        if !attempted.reached_remote {
            self.breaker.unused();
            return match failure {
                Some(Failure::Throttled { .. }) => Blame::Connection,
                // The file could not be fetched: if the bot cannot be reached either, our own connection is down.
                Some(_) if class.is_file && !self.breaker.answers().await => Blame::Connection,
                Some(_) | None => Blame::Message,
            };
        }
        let sign = match &attempted.outcome {
            Ok(_) | Err(Failure::NotYet { .. } | Failure::Permanent(_) | Failure::Uncertain(_)) => Sign::Passed,
            // A best-effort call, which is no message, says nothing about messages.
            Err(_) if attempted.is_best_effort => {
                self.breaker.unused();
                return if self.breaker.answers().await { Blame::Message } else { Blame::Connection };
            }
            Err(
                failure @ (Failure::Unreachable { .. }
                | Failure::Transient { .. }
                | Failure::Throttled { .. }
                | Failure::Blocked { .. }),
            ) => Sign::Failed(failure.clone()),
        };
        self.breaker.note(message, sign).await
    }
}

/// Takes the step of a job. `None` if a stop has aborted it and it can be repeated.
async fn take(
    lease: &Lease,
    task: Task<'_>,
    context: &Context,
    abort: &CancellationToken,
) -> Result<Option<Attempted>, StoreError> {
    if abort.run_until_cancelled(context.acquire(lease.job())).await.is_none() {
        return Ok(None);
    }
    let body_sent = BodySent::default();
    let step = Box::pin(dispatch::step(context, lease, task, &body_sent));
    if let Some(result) = abort.run_until_cancelled(caught(step)).await {
        return Attempted::of(result).map(Some);
    }
    let uncertain = retry_policy::broken_off(lease.job(), body_sent.is_complete());
    Ok(uncertain.map(|failure| Attempted::failed(failure, true)))
}

/// A step that panics fails for good, and ends nothing else.
async fn caught(step: impl Future<Output = StepResult>) -> StepResult {
    AssertUnwindSafe(step).catch_unwind().await.unwrap_or_else(|_panic| Err(StepError::local(internal_error())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_that_panics_fails_with_903_and_a_sentence() {
        let attempted = Attempted::of(caught(async { unreachable!("nobody has thought of this") }).await).unwrap();
        let Err(Failure::Permanent(refusal)) = attempted.outcome else { panic!("it fails for good") };
        assert_eq!(refusal.code.number(), 903);
        assert_eq!(refusal.why(), "Not delivered: the Telegram bridge had an internal error.");
        assert!(!attempted.reached_remote);
    }
}
