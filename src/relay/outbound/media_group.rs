//! Media groups: files that were sent at once arrive as one hook each. They wait for each other and are merged.

use std::time::Duration;

use crate::{
    clock,
    domain::{job::Call, message::Outbound, time::UnixMillis},
    relay::{
        context::Context,
        outbound::encode::encode,
        step::StepError,
        task::{Task, Text},
    },
    store::{Lease, Outcome, StoreError},
    translate::to_telegram::album,
};

/// How long no further file of a group must have arrived for it to be complete.
const QUIET_FOR: Duration = Duration::from_secs(1);
/// How long the first file of a group waits at most.
const LONGEST: Duration = Duration::from_secs(5);

/// One of a group.
pub(super) struct Answer {
    pub(super) written_at: Option<UnixMillis>,
    pub(super) calls: Vec<Call>,
}

/// The answers of a group behind the first one.
struct Collected {
    /// In the order of arrival.
    behind: Vec<Outbound>,
    first_at: UnixMillis,
    youngest_at: UnixMillis,
    /// Whether no further answer can join: it is full, or another job waits behind it.
    is_closed: bool,
}

/// Merges the first answer of a group with those behind it, once all have arrived.
pub(super) fn collect(context: &Context, lease: &Lease, group: &str, first: Answer) -> Result<Outcome, StepError> {
    let collected = collect_behind(lease, group)?;
    let now = clock::now();
    if let Some(until) = collected.waits_until(now) {
        let at = clock::steady().plus(now.until(until));
        let why = "waits for the other files of its group".to_owned();
        return Ok(Outcome::Retry { at, counts: false, why });
    }
    let mut answers = vec![first];
    for outbound in collected.behind {
        let written_at = outbound.written_at;
        match encode(context, outbound) {
            Ok(calls) => answers.push(Answer { written_at, calls }),
            // Its own step reports the reason to its author.
            Err(StepError::Failed { .. }) => break,
            Err(error @ StepError::Store(_)) => return Err(error),
        }
    }
    let behind = answers.len() - 1;
    Ok(Outcome::Merge { behind, jobs: album::unite(in_order(answers)) })
}

/// The calls of each answer, in the order of writing: hooks that are sent at the same time arrive in any order. If
/// Kommo does not date all of them, or dates them equally, they stay in the order of arrival.
fn in_order(mut answers: Vec<Answer>) -> Vec<Vec<Call>> {
    if answers.iter().all(|answer| answer.written_at.is_some()) {
        answers.sort_by_key(|answer| answer.written_at);
    }
    answers.into_iter().map(|answer| answer.calls).collect()
}

fn collect_behind(lease: &Lease, group: &str) -> Result<Collected, StoreError> {
    let first_at = lease.enqueued_at();
    let mut collected = Collected { behind: Vec::new(), first_at, youngest_at: first_at, is_closed: false };
    for (job, came_at) in lease.behind(album::MAX_FILES)? {
        match Task::read(&job).text {
            Text::Answer(outbound)
                if outbound.group.as_deref() == Some(group) && collected.behind.len() + 1 < album::MAX_FILES =>
            {
                collected.behind.push(*outbound);
            }
            Text::Answer(_) | Text::Update { .. } | Text::Reaction(_) | Text::Nothing => {
                collected.is_closed = true;
                break;
            }
        }
        collected.youngest_at = collected.youngest_at.max(came_at);
    }
    collected.is_closed |= collected.behind.len() + 1 == album::MAX_FILES;
    Ok(collected)
}

impl Collected {
    /// Until when more may arrive; `None` if it is complete. If the clock was set back, it counts as complete.
    fn waits_until(&self, now: UnixMillis) -> Option<UnixMillis> {
        let until = self.youngest_at.plus(QUIET_FOR).min(self.first_at.plus(LONGEST));
        let is_sane = self.youngest_at <= now && self.first_at <= now;
        Some(until).filter(|until| *until > now && is_sane && !self.is_closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(first_at: i64, youngest_at: i64, is_closed: bool) -> Collected {
        let (first_at, youngest_at) = (UnixMillis(first_at), UnixMillis(youngest_at));
        Collected { behind: Vec::new(), first_at, youngest_at, is_closed }
    }

    #[test]
    fn a_group_is_complete_after_a_second_of_quiet_or_five_in_all() {
        for (first_at, youngest_at, is_closed, now, until) in [
            (0, 0, false, 0, Some(1000)),
            (0, 0, false, 1000, None),
            (0, 800, false, 1000, Some(1800)),
            (0, 4500, false, 4600, Some(5000)),
            (0, 5100, false, 5100, None),
            (0, 0, true, 0, None),
            (90_000, 90_000, false, 1000, None),
            (0, 90_000, false, 1000, None),
        ] {
            let found = collected(first_at, youngest_at, is_closed).waits_until(UnixMillis(now));
            assert_eq!(found, until.map(UnixMillis), "{first_at} {youngest_at} {is_closed} {now}");
        }
    }
}
