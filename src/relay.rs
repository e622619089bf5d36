//! The main loop of the bridge: claim a job, take its step, settle it.
//!
//! Each [`Route`] has a relay of its own. Within a route, lanes are served concurrently, up to a limit, and the jobs of
//! one lane one after the other. The step ([`context`]) does one unit of work and returns its result; [`retry_policy`]
//! decides without I/O what that means for the job; this loop only waits, claims and settles. While the remote cannot
//! be reached ([`Breaker`]), it claims nothing.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    breaker::{Breaker, Gate},
    clock::{self, Moment},
    domain::job::{Lane, Route},
    kommo::time::KommoTime,
    metrics::Metrics,
    relay::{context::Context, execution::Execution, retry_policy::RetryPolicy},
    store::{Class, Due, Lease, Store, StoreError},
};

mod callback_ack;
pub mod context;
pub mod crm;
mod destination;
mod dispatch;
mod effects;
mod execution;
mod hop;
mod inbound;
mod incoming;
mod job_label;
mod outbound;
mod reactions;
mod read_receipts;
pub mod reconcile;
pub mod retry_policy;
mod span;
mod status;
mod step;
pub mod tap;
mod task;
pub mod typing;

/// The loop runs at least this often, so that the watchdog can tell that it does not hang.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long after a start to wait for Kommo's time before trusting the wall clock.
const CLOCK_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a job that waits for Kommo's time is put off.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Works on the jobs of one route.
pub struct Relay {
    pub route: Route,
    pub store: Store,
    pub context: Arc<Context>,
    pub breaker: Breaker,
    pub policy: RetryPolicy,
    /// When this process started.
    pub began: Moment,
    /// Kommo's clock: this machine's may be wrong.
    pub time: KommoTime,
    pub metrics: Arc<Metrics>,
}

/// The steps in flight.
#[derive(Debug, Default)]
struct InFlight {
    steps: JoinSet<Result<Class, StoreError>>,
    texts: usize,
    files: usize,
}

impl InFlight {
    /// How many of a class's kind there are.
    const fn of(&mut self, class: Class) -> &mut usize {
        if class.is_file { &mut self.files } else { &mut self.texts }
    }

    /// One of them has ended.
    fn ended(&mut self, done: Result<Result<Class, StoreError>, JoinError>) -> Result<(), StoreError> {
        let class = done.unwrap_or_else(|panic| Err(StoreError::Failed(format!("a step panicked: {panic}"))))?;
        let count = self.of(class);
        *count = count.saturating_sub(1);
        Ok(())
    }
}

impl Relay {
    /// Works until `stop`, then finishes the steps in flight, or aborts them at `abort`.
    pub async fn run(self, stop: CancellationToken, abort: CancellationToken) -> Result<(), StoreError> {
        let woken = self.store.woken(&self.route);
        let mut changes = self.breaker.changes();
        let mut in_flight = InFlight::default();
        while !stop.is_cancelled() {
            self.metrics.relay_alive(&self.route);
            // Interest is registered before looking, so that a push in between is not missed.
            let news = woken.notified();
            let again_at = self.fill(&mut in_flight, &abort)?;
            let may = self.slots_left(&in_flight);
            tokio::select! {
                () = stop.cancelled() => break,
                () = news => {}
                () = changed(changes.as_mut()) => self.freed(),
                () = self.nap(again_at, may) => {}
                Some(done) = in_flight.steps.join_next() => in_flight.ended(done)?,
            }
        }
        self.metrics.relay_stopped(&self.route);
        while let Some(done) = in_flight.steps.join_next().await {
            in_flight.ended(done)?;
        }
        Ok(())
    }

    /// Claims as many jobs as the breaker and the slots allow. Returns when to ask again if the gate is not free.
    fn fill(&self, in_flight: &mut InFlight, abort: &CancellationToken) -> Result<Option<Instant>, StoreError> {
        let (gate, again_at) = self.breaker.gate(Instant::now());
        match gate {
            Gate::Free => while self.claim(in_flight, abort)? {},
            Gate::Trial => {
                if !self.claim(in_flight, abort)? {
                    self.breaker.unused();
                    if in_flight.steps.is_empty() && !self.store.is_used(&self.route) {
                        self.breaker.idle();
                    }
                    return Ok(self.due_at(in_flight));
                }
            }
            Gate::Shut(since) => while self.expire(since, in_flight, abort)? {},
        }
        Ok(again_at)
    }

    /// When a job that waits for its time can be claimed.
    fn due_at(&self, in_flight: &InFlight) -> Option<Instant> {
        match self.store.due_of(&self.route, self.slots_left(in_flight)) {
            Some(Due::At(at)) => Some(Instant::now() + clock::steady().until(at)),
            Some(Due::Now) | None => None,
        }
    }

    /// Starts the next job, if there is one and a slot for it.
    fn claim(&self, in_flight: &mut InFlight, abort: &CancellationToken) -> Result<bool, StoreError> {
        let may = self.slots_left(in_flight);
        let Some(lease) = self.store.claim_of(&self.route, clock::steady(), may)? else { return Ok(false) };
        if let Some(is_stale) = self.is_stale(&lease) {
            self.begin(lease, is_stale, in_flight, abort);
        } else {
            self.breaker.unused();
            lease.put_off(clock::steady().plus(RETRY_AFTER));
        }
        Ok(true)
    }

    /// Whether a job of an earlier process has waited for too long. The wall clock alone cannot say: it may have been
    /// set since, or be set soon. So Kommo's clock decides, which is unknown (`None`) for a while after a start. A job
    /// of this process has waited for as long as its own clock says.
    fn is_stale(&self, lease: &Lease) -> Option<bool> {
        if !lease.is_left() || !self.policy.runs_out(lease.enqueued_at().until(self.began.wall)) {
            return Some(false);
        }
        match self.time.now() {
            Some(theirs) => Some(self.policy.runs_out(lease.enqueued_at().until(theirs))),
            None if self.began.elapsed() < CLOCK_TIMEOUT => None,
            None => Some(true),
        }
    }

    /// Ends the next job that has waited too long for a remote that does not answer.
    fn expire(&self, since: Instant, in_flight: &mut InFlight, abort: &CancellationToken) -> Result<bool, StoreError> {
        let Some(patience) = self.policy.patience.filter(|patience| since.elapsed() > *patience) else {
            return Ok(false);
        };
        let Some(before) = Instant::now().checked_sub(patience) else { return Ok(false) };
        if in_flight.texts >= self.policy.slots.texts {
            return Ok(false);
        }
        let lease = self.store.claim_older(&self.route, clock::steady(), before)?;
        let Some(lease) = lease else { return Ok(false) };
        self.begin(lease, true, in_flight, abort);
        Ok(true)
    }

    fn begin(&self, lease: Lease, is_stale: bool, in_flight: &mut InFlight, abort: &CancellationToken) {
        let class = lease.class();
        *in_flight.of(class) += 1;
        let (context, breaker) = (Arc::clone(&self.context), self.breaker.clone());
        let (policy, metrics, abort) = (self.policy.clone(), Arc::clone(&self.metrics), abort.clone());
        in_flight.steps.spawn(async move {
            let execution =
                Execution { context: &context, breaker: &breaker, policy: &policy, metrics: &metrics, abort: &abort };
            execution.job(lease, is_stale).await.map(|()| class)
        });
    }

    fn slots_left(&self, in_flight: &InFlight) -> impl Fn(Class) -> bool + use<> {
        let (texts, files) = (in_flight.texts < self.policy.slots.texts, in_flight.files < self.policy.slots.files);
        move |class| if class.is_file { files } else { texts }
    }

    /// The gate may be free again: then jobs go in the order of their arrival.
    fn freed(&self) {
        if self.breaker.is_free(Instant::now()) {
            for message in self.breaker.freed() {
                let thread = message.rsplit_once('#').map_or(message.as_str(), |(thread, _)| thread).to_owned();
                self.store.make_due(&Lane { route: self.route.clone(), thread });
            }
            self.store.sort(&self.route, clock::steady());
        }
    }

    /// Waits until a job may be due, or for the next heartbeat.
    async fn nap(&self, again_at: Option<Instant>, may: impl Fn(Class) -> bool) {
        let beat_at = Instant::now() + HEARTBEAT;
        if !self.breaker.is_free(Instant::now()) {
            return sleep_until(again_at.map_or(beat_at, |at| at.min(beat_at))).await;
        }
        let wait = match self.store.due_of(&self.route, may) {
            None => HEARTBEAT,
            Some(Due::Now) => Duration::ZERO,
            Some(Due::At(at)) => clock::steady().until(at).min(HEARTBEAT),
        };
        sleep(wait).await;
    }
}

/// Waits for the next change of the gate; for ever without a remote.
async fn changed(changes: Option<&mut watch::Receiver<u64>>) {
    match changes {
        Some(changes) => {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        None => std::future::pending().await,
    }
}
