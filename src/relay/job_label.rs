//! What the log says of a job that failed, or that goes through after it had failed.
//!
//! It names the message by its id and the place where it waits, never by what it says or who is meant.

use crate::{
    domain::{amount::soon, job::Route, time::UnixMillis},
    metrics::{FailedLately, Fate},
    store::{Lease, Outcome, ParkedId},
};

/// A job as the log names it.
pub(super) struct JobLabel {
    route: Route,
    lane: String,
    message_id: Option<String>,
    /// How many attempts have failed before.
    failed: u32,
}

/// How an attempt failed, and what follows from that.
pub(super) enum Failed {
    Retried { why: String, after: String },
    Repeated,
    Parked { why: String, needs_person: bool },
    LetGo,
}

impl Failed {
    /// What the outcome of a failure means; `None` if the job goes on in another form.
    pub(super) fn of(outcome: &Outcome, now: UnixMillis) -> Option<Self> {
        match outcome {
            Outcome::Retry { at, why, .. } => Some(Self::Retried { why: why.clone(), after: soon(now.until(*at)) }),
            Outcome::Repeat => Some(Self::Repeated),
            Outcome::Park { why, needs_person, .. } => {
                Some(Self::Parked { why: why.clone(), needs_person: *needs_person })
            }
            Outcome::Done { .. } => Some(Self::LetGo),
            Outcome::Replace(_) | Outcome::Merge { .. } => None,
        }
    }
}

impl JobLabel {
    pub(super) fn of(lease: &Lease, message_id: Option<String>) -> Self {
        let lane = lease.lane();
        Self { route: lane.route.clone(), lane: lane.thread.clone(), message_id, failed: lease.attempts() }
    }

    /// Says how an attempt failed. What was set aside has a number by which `telekommo parked` knows it.
    pub(super) fn failed(&self, failed: &Failed, parked: Option<ParkedId>) {
        let (route, lane, message_id) = (&self.route, &self.lane, self.message_id.as_deref());
        let (attempt, parked) = (self.failed + 1, parked.map(|id| id.0));
        match failed {
            Failed::Retried { why, after } => {
                tracing::warn!(%route, lane, message_id, attempt, why, "failed, will be tried again {after}");
            }
            Failed::Repeated => {
                tracing::warn!(%route, lane, message_id, attempt, "may have arrived; sending it again");
            }
            Failed::Parked { why, needs_person: true } => {
                tracing::error!(%route, lane, message_id, attempt, parked, why, "parked: it cannot be delivered");
            }
            Failed::Parked { why, needs_person: false } => {
                tracing::warn!(%route, lane, message_id, attempt, parked, why, "not delivered; reported to its author");
            }
            Failed::LetGo => tracing::info!(%route, lane, message_id, attempt, "best-effort job dropped"),
        }
    }

    /// The same for the operator's list of what failed last. What is repeated or dropped is not on it.
    pub(super) fn lately(self, failed: Failed, parked: Option<ParkedId>, at: UnixMillis) -> Option<FailedLately> {
        let (fate, why) = match failed {
            Failed::Retried { why, .. } => (Fate::Retried, why),
            Failed::Parked { why, needs_person: true } => (Fate::Parked, why),
            Failed::Parked { why, needs_person: false } => (Fate::Reported, why),
            Failed::Repeated | Failed::LetGo => return None,
        };
        Some(FailedLately {
            at,
            route: self.route.to_string(),
            thread: self.lane,
            message_id: self.message_id,
            fate,
            attempts: self.failed + 1,
            parked: parked.map(|id| id.0),
            why,
        })
    }

    /// Says that what had failed goes through, if it had.
    pub(super) fn goes_through(&self) {
        if self.failed > 0 {
            let (route, lane, message_id) = (&self.route, &self.lane, self.message_id.as_deref());
            tracing::info!(%route, lane, message_id, attempt = self.failed + 1, "succeeded after it had failed");
        }
    }
}
