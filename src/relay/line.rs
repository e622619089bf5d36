//! What the log says of a job that failed, or that goes through after it had failed.
//!
//! It names the message by its id and the place where it waits, never by what it says or who is meant.

use crate::{
    domain::{
        amount::soon,
        job::{Job, Route},
        time::UnixMillis,
    },
    store::{Lease, Outcome, ParkedId},
    translate::{
        from_kommo::{self, Arrival},
        from_telegram,
    },
};

/// A job as the log names it.
pub(super) struct Line {
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
    /// What an ending of a failure means; `None` if the job goes on in another form.
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

impl Line {
    pub(super) fn of(lease: &Lease) -> Self {
        let lane = lease.lane();
        Self {
            route: lane.route.clone(),
            lane: lane.thread.clone(),
            message_id: message_id(lease.job()),
            failed: lease.attempts(),
        }
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
                tracing::warn!(%route, lane, message_id, attempt, parked, why, "not delivered; its author is told");
            }
            Failed::LetGo => tracing::info!(%route, lane, message_id, attempt, "best-effort job dropped"),
        }
    }

    /// Says that what had failed goes through, if it had.
    pub(super) fn goes_through(&self) {
        if self.failed > 0 {
            let (route, lane, message_id) = (&self.route, &self.lane, self.message_id.as_deref());
            tracing::info!(%route, lane, message_id, attempt = self.failed + 1, "succeeded after it had failed");
        }
    }
}

/// What the sender calls the message of a job; of an update without a message, its number.
fn message_id(job: &Job) -> Option<String> {
    match job {
        Job::Update { bot, raw, .. } => from_telegram::message_id(raw, *bot),
        Job::Hook { raw } | Job::Reaction { raw } => match from_kommo::decode(raw) {
            Ok(Arrival::Message(outbound)) => Some(outbound.id.to_string()),
            Ok(Arrival::Reaction(reaction)) => reaction.kommo.map(|id| id.to_string()),
            Ok(Arrival::Typing(_) | Arrival::Other(_)) | Err(_) => None,
        },
        Job::Call(_) | Job::Album { .. } => {
            let ids: Vec<_> = job.calls().iter().map(|call| call.message.to_string()).collect();
            Some(ids.join(" "))
        }
        Job::DeliveryStatus(report) => Some(report.message.to_string()),
        Job::AssignClientId { message, .. } => Some(message.to_string()),
        Job::MarkRead { .. }
        | Job::Link { .. }
        | Job::UpdateCrm { .. }
        | Job::ReleaseStartAt { .. }
        | Job::ReleaseStart { .. }
        | Job::Remind { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::{BotId, SourceId};

    #[test]
    fn a_job_is_named_by_the_id_of_its_message() {
        let update =
            |raw: &str| Job::Update { source: SourceId::parse("sales").unwrap(), bot: BotId(1), raw: raw.to_owned() };
        let hook = include_str!("../../tests/fixtures/kommo/hook_text.json").to_owned();
        let id = serde_json::from_str::<serde_json::Value>(&hook).unwrap()["message"]["message"]["id"].clone();
        for (job, want) in [
            (
                update(r#"{"update_id":5,"message":{"message_id":43,"chat":{"id":7,"type":"private"},"date":1}}"#),
                Some("tg:1:7:43".to_owned()),
            ),
            (update(r#"{"update_id":5,"my_chat_member":{}}"#), Some("update 5".to_owned())),
            (update("{"), None),
            (Job::Hook { raw: hook }, id.as_str().map(str::to_owned)),
            (Job::Hook { raw: "{}".to_owned() }, None),
        ] {
            assert_eq!(message_id(&job), want, "{job:?}");
        }
    }
}
