//! Log lines about jobs that fail, or succeed after a failure.
//!
//! They name the message by its id and its lane, never by its content or by a person.

use crate::{
    domain::{amount::soon, job::Route, time::UnixMillis},
    metrics::{FailedLately, Fate},
    store::{Lease, Outcome, ParkedId},
};

/// The fields of a job in the log.
pub(super) struct JobLabel {
    route: Route,
    lane: String,
    message_id: Option<String>,
    /// How many attempts have failed before this one.
    failed_before: u32,
}

/// What follows from a failed attempt.
pub(super) enum Failed {
    Retried { why: String, after: String },
    Repeated,
    Parked { why: String, needs_person: bool },
    Dropped,
}

impl Failed {
    /// What follows from a failure by its outcome; `None` if other jobs replace the job.
    pub(super) fn of(outcome: &Outcome, now: UnixMillis) -> Option<Self> {
        match outcome {
            Outcome::Retry { at, why, .. } => Some(Self::Retried { why: why.clone(), after: soon(now.until(*at)) }),
            Outcome::Repeat => Some(Self::Repeated),
            Outcome::Park { why, needs_person, .. } => {
                Some(Self::Parked { why: why.clone(), needs_person: *needs_person })
            }
            Outcome::Done { .. } => Some(Self::Dropped),
            Outcome::Replace(_) | Outcome::Merge { .. } => None,
        }
    }
}

impl JobLabel {
    pub(super) fn of(lease: &Lease, message_id: Option<String>) -> Self {
        let lane = lease.lane();
        Self { route: lane.route.clone(), lane: lane.thread.clone(), message_id, failed_before: lease.attempts() }
    }

    /// Logs a failed attempt. A parked message has a number for `telekommo parked`.
    pub(super) fn log_failure(&self, failed: &Failed, parked: Option<ParkedId>) {
        let (route, lane, message_id) = (&self.route, &self.lane, self.message_id.as_deref());
        let (attempt, parked) = (self.failed_before + 1, parked.map(|id| id.0));
        match failed {
            Failed::Retried { why, after } => {
                tracing::warn!(%route, lane, message_id, attempt, why, "failed, retrying {after}");
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
            Failed::Dropped => tracing::info!(%route, lane, message_id, attempt, "best-effort job dropped"),
        }
    }

    /// The entry in the operator's list of recent failures. Jobs that are repeated or dropped are not on it.
    pub(super) fn lately(self, failed: Failed, parked: Option<ParkedId>, at: UnixMillis) -> Option<FailedLately> {
        let (fate, why) = match failed {
            Failed::Retried { why, .. } => (Fate::Retried, why),
            Failed::Parked { why, needs_person: true } => (Fate::Parked, why),
            Failed::Parked { why, needs_person: false } => (Fate::Reported, why),
            Failed::Repeated | Failed::Dropped => return None,
        };
        Some(FailedLately {
            at,
            route: self.route.to_string(),
            thread: self.lane,
            message_id: self.message_id,
            fate,
            attempts: self.failed_before + 1,
            parked: parked.map(|id| id.0),
            why,
        })
    }

    /// Logs a success, if an earlier attempt has failed.
    pub(super) fn log_success(&self) {
        if self.failed_before > 0 {
            let (route, lane, message_id) = (&self.route, &self.lane, self.message_id.as_deref());
            tracing::info!(%route, lane, message_id, attempt = self.failed_before + 1, "succeeded after it had failed");
        }
    }
}
