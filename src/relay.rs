//! The one loop of the bridge: claim a job, take its step, settle it.
//!
//! Each [`Route`] has a relay of its own. Within a route, lanes go on side by side, up to a limit, and the jobs of one
//! lane one after the other. The step ([`courier`]) does one unit of work and says how it ended; what that means for the
//! job is decided in [`verdict`], without I/O; this loop only waits, claims and settles.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::{
        delivery::{ErrorCode, Refusal},
        retry::Failure,
        work::Route,
    },
    meter::Meter,
    relay::{
        courier::{Courier, Step},
        verdict::Policy,
    },
    store::{Due, Lease, Store, StoreError},
    telegram::upload::Handover,
};

pub mod courier;
pub mod crm;
mod inbound;
mod outbound;
mod reach;
mod reactions;
mod reading;
pub mod reconcile;
mod taps;
pub mod typing;
pub mod verdict;

/// The loop comes round at least this often, so that whoever watches it can tell that it lives.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// Does the jobs of one route.
pub struct Relay {
    /// The route.
    pub route: Route,
    /// Where its jobs are.
    pub store: Store,
    /// Who takes their steps.
    pub courier: Arc<Courier>,
    /// What follows from failures.
    pub policy: Policy,
    /// Where its state shows.
    pub meter: Arc<Meter>,
}

/// What a finished step means for the route as a whole.
enum Signal {
    /// Nothing: it did not get as far as the remote, or the remote is down for everybody.
    Silence,
    /// The way is free.
    Clear,
    /// The route is closed until somebody does something.
    Blocked(String),
}

/// Whether jobs may be claimed.
#[derive(Clone, Copy)]
enum Gate {
    Open,
    /// Closed until then.
    Closed(Instant),
    /// One job at a time, to see whether the way is free again.
    Ajar,
}

impl Relay {
    /// Works until `stop`, then finishes what is in flight, or breaks it off at `cut`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn run(self, stop: CancellationToken, cut: CancellationToken) -> Result<(), StoreError> {
        let woken = self.store.woken(&self.route);
        let mut in_flight = JoinSet::new();
        let mut gate = Gate::Open;
        while !stop.is_cancelled() {
            self.meter.beat(&self.route);
            // Interest is registered before looking, so that a push in between is not missed.
            let news = woken.notified();
            gate = self.fill(gate, &mut in_flight, &cut)?;
            tokio::select! {
                () = stop.cancelled() => break,
                () = news => {}
                () = self.nap(gate, in_flight.len()) => {}
                Some(done) = in_flight.join_next() => gate = self.heed(gate, done)?,
            }
        }
        while let Some(done) = in_flight.join_next().await {
            self.heed(gate, done)?;
        }
        Ok(())
    }

    /// Claims as many jobs as the gate and the limit allow.
    fn fill(
        &self,
        gate: Gate,
        in_flight: &mut JoinSet<Result<Signal, StoreError>>,
        cut: &CancellationToken,
    ) -> Result<Gate, StoreError> {
        let (gate, limit) = match gate {
            Gate::Open => (Gate::Open, self.policy.at_once),
            Gate::Closed(until) if Instant::now() < until => (gate, 0),
            Gate::Closed(_) | Gate::Ajar => (Gate::Ajar, 1),
        };
        while in_flight.len() < limit {
            let Some(lease) = self.store.claim(&self.route, clock::now())? else { break };
            in_flight.spawn(work(
                lease,
                Arc::clone(&self.courier),
                self.policy.clone(),
                Arc::clone(&self.meter),
                cut.clone(),
            ));
        }
        Ok(gate)
    }

    /// Until something may be due, or the next heartbeat.
    async fn nap(&self, gate: Gate, in_flight: usize) {
        let beat_at = Instant::now() + HEARTBEAT;
        let busy = in_flight >= self.policy.at_once || (matches!(gate, Gate::Ajar) && in_flight > 0);
        match gate {
            Gate::Closed(until) => sleep_until(until.min(beat_at)).await,
            Gate::Open | Gate::Ajar if busy => sleep_until(beat_at).await,
            Gate::Open | Gate::Ajar => {
                let wait = match self.store.due(&self.route) {
                    None => HEARTBEAT,
                    Some(Due::Now) => Duration::ZERO,
                    Some(Due::At(at)) => clock::now().until(at).min(HEARTBEAT),
                };
                sleep(wait).await;
            }
        }
    }

    /// Opens or closes the gate by what a finished step says.
    fn heed(&self, gate: Gate, done: Result<Result<Signal, StoreError>, JoinError>) -> Result<Gate, StoreError> {
        let signal = done.unwrap_or_else(|panic| Err(StoreError::Failed(format!("a step broke off: {panic}"))))?;
        match signal {
            Signal::Silence => Ok(gate),
            Signal::Blocked(why) => {
                if self.meter.paused(&self.route, Some(why.clone())) {
                    let every = humantime::format_duration(self.policy.probe_every);
                    tracing::error!(route = %self.route, why, "paused until somebody mends this; tried every {every}");
                }
                Ok(Gate::Closed(Instant::now() + self.policy.probe_every))
            }
            Signal::Clear => match gate {
                // What was already in flight when the gate closed says nothing about now.
                Gate::Closed(_) => Ok(gate),
                Gate::Open | Gate::Ajar => {
                    if self.meter.paused(&self.route, None) {
                        tracing::info!(route = %self.route, "goes on");
                    }
                    Ok(Gate::Open)
                }
            },
        }
    }
}

fn signal(step: &Step) -> Signal {
    match &step.outcome {
        Err(Failure::Blocked { why }) => Signal::Blocked(why.clone()),
        outcome if step.called && outcome.as_ref().err().is_none_or(Failure::is_final) => Signal::Clear,
        Ok(_) | Err(_) => Signal::Silence,
    }
}

fn internal_error() -> Failure {
    Failure::Permanent(Refusal::new(ErrorCode::Internal, "The Telegram bridge met an internal error."))
}

/// Takes the step of one job and settles it. What has grown too old is settled without a step.
async fn work(
    lease: Lease,
    courier: Arc<Courier>,
    policy: Policy,
    meter: Arc<Meter>,
    cut: CancellationToken,
) -> Result<Signal, StoreError> {
    let step = if policy.runs_out(lease.enqueued_at().until(clock::now())) {
        Step::without_call(Err(verdict::too_late(lease.work())))
    } else {
        match take(&lease, &courier, &cut).await? {
            Some(step) => step,
            // It can be repeated, and is after the next start; the lease gives it back.
            None => return Ok(Signal::Silence),
        }
    };
    let signal = signal(&step);
    let now = clock::now();
    let ending = verdict::ending(&lease, step.outcome, &policy, now, fastrand::f64());
    meter.job(lease.lane(), verdict::name(&ending));
    lease.settle(ending, now).await?;
    Ok(signal)
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
        assert!(refusal.sentence.contains("internal error"), "{}", refusal.sentence);
        assert!(!step.called);
    }
}
