//! The hops of a job in the trace: its attempts, and how they end. No I/O.

use crate::{
    domain::{
        address::KommoMessageId,
        delivery::Delivery,
        job::{Job, StatusJob},
        time::UnixMillis,
    },
    relay::task::Task,
    store::{Lease, Outcome, StateChange},
    trace::{Event, Hop, reason},
};

/// The hop of a claimed job, with the attempt that starts.
pub(super) fn claimed(lease: &Lease, task: &Task<'_>, answers: &[KommoMessageId], at: UnixMillis) -> Hop {
    let lane = lease.lane();
    let messages: Vec<_> = answers.iter().map(ToString::to_string).collect();
    let (status, code) = status_of(lease.job());
    Hop {
        at,
        event: Event::Claimed,
        route: lane.route.to_string(),
        conversation: lane.conversation(),
        kind: task.kind(),
        messages: if messages.is_empty() { task.message_id().into_iter().collect() } else { messages },
        job: Some(lease.number()),
        attempt: Some(lease.attempts() + 1),
        status: status.map(str::to_owned),
        code,
        ..Hop::default()
    }
}

/// The delivery status that a job reports, with its error code.
const fn status_of(job: &Job) -> (Option<&'static str>, Option<i32>) {
    let Job::Status(StatusJob::Delivery(report)) = job else { return (None, None) };
    match &report.delivery {
        Delivery::Delivered => (Some("delivered"), None),
        Delivery::Read => (Some("read"), None),
        Delivery::Failed(refusal) => (Some("failed"), Some(refusal.code.number())),
    }
}

/// The hop of the end of an attempt, at `at` by the wall clock; `now` is by the steady clock.
pub(super) fn ended(
    claimed: Hop,
    outcome: &Outcome,
    (has_failed, reached_remote): (bool, bool),
    (at, now): (UnixMillis, UnixMillis),
) -> Hop {
    let record = Hop { at, reached_remote: Some(reached_remote), ..claimed };
    match outcome {
        Outcome::Done { .. } if has_failed => Hop { event: Event::Dropped, ..record },
        Outcome::Done { changes, .. } => learnt(Hop { event: Event::Done, ..record }, changes),
        Outcome::Replace(jobs) => Hop { event: Event::Unfolded, calls: Some(jobs.len()), ..record },
        Outcome::Merge { behind, .. } => Hop { event: Event::United, calls: Some(behind + 1), ..record },
        Outcome::Retry { at, why, .. } => {
            let wait_ms = u64::try_from(now.until(*at).as_millis()).ok();
            Hop { event: Event::Retried, wait_ms, why: Some(reason(why)), ..record }
        }
        Outcome::Repeat => Hop { event: Event::Repeated, ..record },
        Outcome::Park { why, then, .. } => {
            let code = then.iter().find_map(|job| status_of(&job.job).1);
            Hop { event: Event::Parked, code, why: Some(reason(why)), ..record }
        }
    }
}

/// The hop with the ids of the other side from `changes`, and with their conversation if it has none.
fn learnt(mut record: Hop, changes: &[StateChange]) -> Hop {
    for change in changes {
        match change {
            StateChange::Link { ours, kommo } => {
                for id in [ours.to_string(), kommo.to_string()] {
                    if !record.messages.contains(&id) && !record.other_side.contains(&id) {
                        record.other_side.push(id);
                    }
                }
            }
            StateChange::Chat { conversation, .. } => {
                record.conversation.get_or_insert_with(|| conversation.clone());
            }
            _ => {}
        }
    }
    record
}
