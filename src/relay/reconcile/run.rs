//! Runs a search: compares one conversation after the other.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::{amount::soon, retry::Failure},
    relay::reconcile::{ReconcileSummary, Reconciler, Search, Target, compare::NotCompared},
    store::StoreError,
};

/// The wait if the schedule has none.
const LAST_WAIT: Duration = Duration::from_mins(10);
/// How often the history of one conversation may fail while that of others can be read.
const MAX_FAILURES_OF_ONE: u32 = 3;
/// The number of comparisons with the same unreadable history after which it is logged as an error.
const ERROR_AFTER: u32 = 3;
/// How often the progress is reported.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// What follows for a conversation whose history could not be read.
enum ReadFailure {
    /// It is tried again after all others.
    Later { why: String, after: Option<Duration> },
    /// It is skipped. If it `is_open`, it may be readable later.
    Left { why: String, is_open: bool },
}

/// How a search has ended.
pub(super) enum Worked {
    /// All readable conversations were compared.
    Finished(ReconcileSummary),
    /// This machine's clock was set back, so it has to start over.
    ClockSet,
}

impl Reconciler {
    /// Compares one conversation after the other. One that fails is tried again later; after `tries` failures in a row,
    /// the rest is skipped.
    pub(super) async fn process_targets(
        &self,
        search: &mut Search,
        tries: Option<u32>,
        mut report: impl FnMut(String) + Send,
    ) -> Result<Worked, StoreError> {
        let (mut summary, mut failed, mut read) = (ReconcileSummary::default(), 0, 0);
        let (all, mut reported_at) = (search.conversations(), Instant::now());
        summary.add(self.until_timely(search).await?);
        while let Some(mut target) = search.next(&self.parts.store) {
            if search.is_void() {
                return Ok(self.ended(Worked::ClockSet));
            }
            if reported_at.elapsed() >= REPORT_EVERY {
                report(format!("{} of {all} conversations are compared.", all - search.conversations() - 1));
                reported_at = Instant::now();
            }
            let error = match self.compare_in_turn(&target, search).await? {
                Ok(compared) => {
                    (failed, read) = (0, read + 1);
                    self.parts.metrics.history_unreadable(None);
                    if compared != ReconcileSummary::default() {
                        report(format!("{}: {compared}", target.conversation));
                    }
                    summary.add(compared);
                    summary.add(self.end_doubt_in_time(search).await?);
                    continue;
                }
                Err(error) => error,
            };
            target.failed += 1;
            let (why, after) = match read_failure(error, &target, read > 0) {
                // A signature that Kommo refuses does not say why.
                ReadFailure::Later { why, after } => (self.objection().unwrap_or(why), after),
                ReadFailure::Left { why, is_open } => {
                    report(format!("{}: its history cannot be read: {why}", target.conversation));
                    leave(search, &target, &why, is_open);
                    self.release_hold(&target, search);
                    summary.add(ReconcileSummary {
                        unread: 1,
                        open: usize::from(is_open),
                        ..ReconcileSummary::default()
                    });
                    summary.add(self.end_doubt_in_time(search).await?);
                    continue;
                }
            };
            failed += 1;
            search.pending.push(target);
            self.parts.metrics.history_unreadable(Some(why.clone()));
            if tries.is_some_and(|tries| failed >= tries) {
                report(format!("Given up: {why}."));
                let rest = search.conversations();
                summary.add(ReconcileSummary {
                    unread: rest,
                    open: rest,
                    given_up: rest,
                    ..ReconcileSummary::default()
                });
                break;
            }
            let wait = self.schedule.wait(failed, fastrand::f64(), after).unwrap_or(LAST_WAIT);
            let shown = soon(wait);
            tracing::warn!(why, "Kommo's history cannot be read, retrying {shown}");
            report(format!("{why}. Retrying {shown}."));
            summary.add(self.wait_between(wait, search).await?);
        }
        summary.add(self.end_doubt(search).await?);
        Ok(self.ended(if search.is_void() { Worked::ClockSet } else { Worked::Finished(summary) }))
    }

    /// Counts the end of a search.
    fn ended(&self, worked: Worked) -> Worked {
        self.parts.metrics.compared(match &worked {
            Worked::Finished(summary) if summary.unread == 0 => "complete",
            Worked::Finished(_) => "partial",
            Worked::ClockSet => "restarted",
        });
        worked
    }

    /// Releases the lane of a conversation, unless more of its chats have to be compared.
    pub(super) fn release_hold(&self, target: &Target, search: &Search) {
        if search.is_done(&target.lane) {
            self.parts.store.release_hold(&target.lane);
        }
    }

    /// Compares one conversation. A routine search takes the turn for each conversation, so that others need not wait
    /// for its end.
    pub(super) async fn compare_in_turn(
        &self,
        target: &Target,
        search: &mut Search,
    ) -> Result<Result<ReconcileSummary, NotCompared>, StoreError> {
        let _turn = if search.is_routine { Some(self.turn.lock().await) } else { None };
        let read = match self.read(target, search).await? {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        search.mark_read(target);
        let mut summary = self.check_rollback(target, &read, search).await?;
        let is_plain = !read.is_cut && !self.is_any_missing(target, &read, search)?;
        match &mut search.doubt {
            Some(doubt) if !is_plain => doubt.keep(target.clone(), read),
            Some(_) | None => summary.add(self.enqueue_missing(target, read, search).await?),
        }
        self.release_hold(target, search);
        Ok(Ok(summary))
    }
}

/// Skips a conversation that cannot be read while others can. The others need not wait for it: it has a start of its
/// own in later comparisons.
fn leave(search: &mut Search, target: &Target, why: &str, is_open: bool) {
    let conversation = &target.conversation;
    if !is_open {
        tracing::warn!(%conversation, why, "its history cannot be read");
        return;
    }
    let rounds = search.mark_failed(target);
    if rounds == ERROR_AFTER {
        tracing::error!(%conversation, why, "its history could not be read in {rounds} comparisons, and telekommo \
            keeps trying: check in Kommo whether its managers' messages have arrived. This is logged once");
    } else {
        tracing::warn!(%conversation, why, rounds, "its history cannot be read: the next comparison tries again");
    }
}

/// Decides what follows from a failure. It is about one conversation if Kommo says so, or if others can be read
/// meanwhile. Otherwise a 404 may as well mean a wrong address.
fn read_failure(error: NotCompared, target: &Target, others_can_be_read: bool) -> ReadFailure {
    let error = match error {
        NotCompared::Unreadable(error) => error,
        NotCompared::Untimely(why) => return ReadFailure::Later { why, after: None },
    };
    let is_unknown = error.is_unknown();
    let failure = Failure::from(error);
    let (why, after) = (failure.why().into_owned(), failure.after());
    if failure.is_final() {
        return ReadFailure::Left { why, is_open: false };
    }
    if others_can_be_read && target.failed >= MAX_FAILURES_OF_ONE {
        return ReadFailure::Left { why, is_open: !is_unknown };
    }
    ReadFailure::Later { why, after }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::{kommo::chats::CallError, relay::reconcile::search};

    /// How a history that was refused `failed` times is skipped, if it is.
    fn left(code: u16, body: &str, failed: u32, others_can_be_read: bool) -> Option<&'static str> {
        let target = Target { failed, ..search::tests::target("") };
        let error = CallError::refusal(StatusCode::from_u16(code).unwrap(), body.as_bytes(), None);
        let error = NotCompared::Unreadable(error);
        match read_failure(error, &target, others_can_be_read) {
            ReadFailure::Later { .. } => None,
            ReadFailure::Left { is_open, .. } => Some(if is_open { "open" } else { "for good" }),
        }
    }

    #[test]
    fn a_history_is_skipped_if_a_retry_cannot_help() {
        let forgotten = r#"{"error_type":"CHAT_NOT_FOUND"}"#;
        assert_eq!(left(404, forgotten, 1, false), Some("for good"));
        let bad = r#"{"error_code":400,"error_description":"no"}"#;
        assert_eq!(left(400, bad, 1, false), Some("for good"));
        for (code, others) in [(404, "for good"), (500, "open"), (429, "open"), (403, "open")] {
            assert_eq!(left(code, "", 99, false), None, "{code}: it may be about all of them");
            assert_eq!(left(code, "", 2, true), None, "{code}");
            assert_eq!(left(code, "", 3, true), Some(others), "{code}");
        }
    }
}
