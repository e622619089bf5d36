//! One claimed job: its step, whom a failure is due to, and its end.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::{
    breaker::{Blame, Breaker, Sign},
    clock,
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
    },
    metrics::Metrics,
    relay::{
        context::{Context, Step},
        line::{Failed, Line},
        retry_policy::{self, RetryPolicy},
    },
    store::{Class, Lease, Outcome, StoreError},
    telegram::upload::BodySent,
    words::refusal,
};

fn internal_error() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::Internal, refusal::internal()))
}

/// What the step of one job needs.
pub(super) struct Execution<'a> {
    pub(super) context: &'a Context,
    pub(super) breaker: &'a Breaker,
    pub(super) policy: &'a RetryPolicy,
    pub(super) metrics: &'a Metrics,
    pub(super) abort: &'a CancellationToken,
}

impl Execution<'_> {
    /// Takes the step and settles it. What is stale is settled without a step.
    pub(super) async fn job(&self, lease: Lease, is_stale: bool) -> Result<(), StoreError> {
        let step = if is_stale || self.policy.runs_out(lease.tried_at().elapsed()) {
            Step::local(Err(retry_policy::too_late(lease.job(), lease.is_left())))
        } else {
            if let Some(wait) = self.context.acquire_chat(lease.job()) {
                self.breaker.unused();
                lease.put_off(clock::steady().plus(wait));
                return Ok(());
            }
            match take(&lease, self.context, self.abort).await? {
                Some(step) => step,
                // It can be repeated, and is after the next start; the lease gives it back.
                None => return Ok(()),
            }
        };
        let (lane, message) = (lease.lane().clone(), lease.key());
        // What may have arrived must not wait to be noted as such: a stop in between would send it again.
        let uncertain = match &step.outcome {
            Err(Failure::Uncertain(refusal)) => Some(Sign::Failed(Failure::transient(refusal.why()))),
            Ok(_) | Err(_) => None,
        };
        let blame = if uncertain.is_some() {
            Blame::Message
        } else {
            let blame = self.blame(&message, &step, lease.class());
            self.abort.run_until_cancelled(blame).await.unwrap_or(Blame::Way)
        };
        let messages = retry_policy::messages(lease.job());
        let (line, has_failed, now) = (Line::of(&lease), step.outcome.is_err(), clock::steady());
        let outcome = retry_policy::outcome(&lease, step, blame, self.policy, now, fastrand::f64());
        let failed = has_failed.then(|| Failed::of(&outcome, now)).flatten();
        self.metrics.job(&lane, retry_policy::name(&outcome));
        if matches!(outcome, Outcome::Park { .. }) {
            self.metrics.given_up(messages);
        }
        let goes_on = matches!(outcome, Outcome::Retry { .. } | Outcome::Repeat);
        let parked = lease.settle(outcome, clock::now()).await?;
        match failed {
            Some(failed) => line.failed(&failed, parked),
            None if !goes_on => line.goes_through(),
            None => {}
        }
        if let Some(sign) = uncertain {
            self.abort.run_until_cancelled(self.breaker.note(&message, sign)).await;
        }
        if !goes_on {
            self.breaker.ended(&message);
        }
        Ok(())
    }

    /// Whom a failure is due to.
    async fn blame(&self, message: &str, step: &Step, class: Class) -> Blame {
        let failure = step.outcome.as_ref().err().filter(|failure| failure.may_pass());
        if !step.reached_remote {
            self.breaker.unused();
            return match failure {
                Some(Failure::Throttled { .. }) => Blame::Way,
                // The file could not be fetched: if the bot cannot be reached either, it is our own line.
                Some(_) if class.is_file && !self.breaker.answers().await => Blame::Way,
                Some(_) | None => Blame::Message,
            };
        }
        let sign = match &step.outcome {
            Ok(_) | Err(Failure::NotYet { .. } | Failure::Permanent(_) | Failure::Uncertain(_)) => Sign::Passed,
            // What is no message of its own says nothing of messages.
            Err(_) if step.is_best_effort => {
                self.breaker.unused();
                return if self.breaker.answers().await { Blame::Message } else { Blame::Way };
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

/// Takes the step of a job. `None` if a stop broke it off and it can be repeated.
async fn take(lease: &Lease, context: &Context, abort: &CancellationToken) -> Result<Option<Step>, StoreError> {
    if abort.run_until_cancelled(context.acquire(lease.job())).await.is_none() {
        return Ok(None);
    }
    let body_sent = BodySent::default();
    let step = Box::pin(context.step(lease, &body_sent));
    match abort.run_until_cancelled(caught(step)).await {
        Some(step) => step.map(Some),
        None => {
            Ok(retry_policy::broken_off(lease.job(), body_sent.is_complete()).map(|failure| Step::remote(Err(failure))))
        }
    }
}

/// A step that panics fails for good, and takes nothing else with it.
async fn caught(step: impl Future<Output = Result<Step, StoreError>>) -> Result<Step, StoreError> {
    AssertUnwindSafe(step).catch_unwind().await.unwrap_or_else(|_panic| Ok(Step::local(Err(internal_error()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_that_panics_fails_with_903_and_a_sentence() {
        let step = caught(async { unreachable!("nobody has thought of this") }).await.unwrap();
        let Err(Failure::Permanent(refusal)) = step.outcome else { panic!("it fails for good") };
        assert_eq!(refusal.code.number(), 903);
        assert_eq!(refusal.why(), "Not delivered: the Telegram bridge had an internal error.");
        assert!(!step.reached_remote);
    }
}
