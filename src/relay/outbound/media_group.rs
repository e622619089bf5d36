//! Files that were sent at once come as hooks of their own. They wait for each other, and go on as one.

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

/// How long nothing more of a group must have come for it to be complete.
const QUIET_FOR: Duration = Duration::from_secs(1);
/// How long the first of a group waits at most.
const LONGEST: Duration = Duration::from_secs(5);

/// One of a group.
pub(super) struct Answer {
    pub(super) written_at: Option<UnixMillis>,
    pub(super) calls: Vec<Call>,
}

/// What has come of a group behind its first answer.
struct Collected {
    /// In the order in which they came.
    behind: Vec<Outbound>,
    first_at: UnixMillis,
    youngest_at: UnixMillis,
    /// Whether nothing more can join it: it is full, or something else waits behind it.
    is_closed: bool,
}

/// Unites the first of a group with those that wait behind it, once all have come.
pub(super) fn collect(context: &Context, lease: &Lease, group: &str, first: Answer) -> Result<Outcome, StepError> {
    let collected = look(lease, group)?;
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
            // Its own turn tells its author why.
            Err(StepError::Failed { .. }) => break,
            Err(error @ StepError::Store(_)) => return Err(error),
        }
    }
    let behind = answers.len() - 1;
    Ok(Outcome::Merge { behind, jobs: album::unite(in_order(answers)) })
}

/// The calls of each, as they were written: hooks that are sent at the same time come in any order. Where Kommo does
/// not tell of each when, or the same of all, as they came.
fn in_order(mut answers: Vec<Answer>) -> Vec<Vec<Call>> {
    if answers.iter().all(|answer| answer.written_at.is_some()) {
        answers.sort_by_key(|answer| answer.written_at);
    }
    answers.into_iter().map(|answer| answer.calls).collect()
}

fn look(lease: &Lease, group: &str) -> Result<Collected, StoreError> {
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
    /// Until when more may come; `None` if it is complete. Where the clock was set back, nobody waits for it.
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
