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
    meter::Meter,
    relay::{
        courier::{Courier, Step},
        line::{Failed, Line},
        verdict::{self, Policy},
    },
    store::{Class, Ending, Lease, StoreError},
    telegram::upload::Handover,
    words::refusal,
};

fn internal_error() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::Internal, refusal::internal()))
}

/// What the step of one job needs.
pub(super) struct Job<'a> {
    pub(super) courier: &'a Courier,
    pub(super) breaker: &'a Breaker,
    pub(super) policy: &'a Policy,
    pub(super) meter: &'a Meter,
    pub(super) cut: &'a CancellationToken,
}

impl Job<'_> {
    /// Takes the step and settles it. What is stale is settled without a step.
    pub(super) async fn work(&self, lease: Lease, is_stale: bool) -> Result<(), StoreError> {
        let step = if is_stale || self.policy.runs_out(lease.tried_at().elapsed()) {
            Step::without_call(Err(verdict::too_late(lease.work(), lease.is_left())))
        } else {
            if let Some(wait) = self.courier.chat_turn(lease.work()) {
                self.breaker.unused();
                lease.put_off(clock::steady().plus(wait));
                return Ok(());
            }
            match take(&lease, self.courier, self.cut).await? {
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
            self.cut.run_until_cancelled(blame).await.unwrap_or(Blame::Way)
        };
        let (line, has_failed, now) = (Line::of(&lease), step.outcome.is_err(), clock::steady());
        let ending = verdict::ending(&lease, step, blame, self.policy, now, fastrand::f64());
        let failed = has_failed.then(|| Failed::of(&ending, now)).flatten();
        self.meter.job(&lane, verdict::name(&ending));
        let goes_on = matches!(ending, Ending::Retry { .. } | Ending::Repeat);
        let parked = lease.settle(ending, clock::now()).await?;
        match failed {
            Some(failed) => line.failed(&failed, parked),
            None if !goes_on => line.goes_through(),
            None => {}
        }
        if let Some(sign) = uncertain {
            self.cut.run_until_cancelled(self.breaker.note(&message, sign)).await;
        }
        if !goes_on {
            self.breaker.ended(&message);
        }
        Ok(())
    }

    /// Whom a failure is due to.
    async fn blame(&self, message: &str, step: &Step, class: Class) -> Blame {
        let failure = step.outcome.as_ref().err().filter(|failure| failure.may_pass());
        if !step.called {
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
            Err(_) if step.is_courtesy => {
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
async fn take(lease: &Lease, courier: &Courier, cut: &CancellationToken) -> Result<Option<Step>, StoreError> {
    if cut.run_until_cancelled(courier.turn(lease.work())).await.is_none() {
        return Ok(None);
    }
    let handover = Handover::default();
    let step = Box::pin(courier.step(lease, &handover));
    match cut.run_until_cancelled(caught(step)).await {
        Some(step) => step.map(Some),
        None => Ok(verdict::broken_off(lease.work(), handover.is_complete()).map(|failure| Step::called(Err(failure)))),
    }
}

/// A step that panics fails for good, and takes nothing else with it.
async fn caught(step: impl Future<Output = Result<Step, StoreError>>) -> Result<Step, StoreError> {
    AssertUnwindSafe(step).catch_unwind().await.unwrap_or_else(|_panic| Ok(Step::without_call(Err(internal_error()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_that_panics_fails_with_903_and_a_sentence() {
        let step = caught(async { unreachable!("nobody has thought of this") }).await.unwrap();
        let Err(Failure::Permanent(refusal)) = step.outcome else { panic!("it fails for good") };
        assert_eq!(refusal.code.number(), 903);
        assert_eq!(refusal.why(), "Not delivered: the Telegram bridge met an internal error.");
        assert!(!step.called);
    }
}
