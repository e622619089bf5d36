//! One conversation after the other.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    domain::retry::Failure,
    kommo::chats::CallError,
    relay::reconcile::{Reconciler, Search, Tally, Target},
    store::StoreError,
};

/// The wait where the schedule has none.
const LAST_WAIT: Duration = Duration::from_mins(10);
/// How often the history of one conversation may fail while that of others can be read.
const TRIES_OF_ONE: u32 = 3;
/// How often it is said how far the work is.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// What becomes of a conversation whose history could not be read.
enum Unread {
    /// It is tried again after all others.
    Later { why: String, after: Option<Duration> },
    /// It is left. It may be readable later if it `is_open`.
    Left { why: String, is_open: bool },
}

impl Reconciler {
    /// Compares one conversation after the other. One that fails is tried again later; after `tries` failures in a row,
    /// the rest is left.
    pub(super) async fn work_off(
        &self,
        mut search: Search,
        tries: Option<u32>,
        mut say: impl FnMut(String) + Send,
    ) -> Result<Tally, StoreError> {
        let (mut tally, mut failed, mut read) = (Tally::default(), 0, 0);
        let (all, mut said_at) = (search.conversations(), Instant::now());
        while let Some(mut target) = search.next(&self.store) {
            if said_at.elapsed() >= SAY_EVERY {
                say(format!("{} of {all} conversations are compared.", all - search.conversations() - 1));
                said_at = Instant::now();
            }
            let error = match self.compare_in_turn(&target, &search).await? {
                Ok(compared) => {
                    (failed, read) = (0, read + 1);
                    self.let_go(&target, &search);
                    if compared != Tally::default() {
                        say(format!("{}: {compared}", target.conversation));
                    }
                    tally.add(compared);
                    continue;
                }
                Err(error) => error,
            };
            target.failed += 1;
            let (why, after) = match unread(error, &target, read > 0) {
                Unread::Later { why, after } => (why, after),
                Unread::Left { why, is_open } => {
                    tracing::warn!(conversation = %target.conversation, why, "its history cannot be read");
                    say(format!("{}: its history cannot be read: {why}", target.conversation));
                    self.let_go(&target, &search);
                    tally.add(Tally { unread: 1, open: usize::from(is_open), ..Tally::default() });
                    continue;
                }
            };
            failed += 1;
            search.pending.push(target);
            if tries.is_some_and(|tries| failed >= tries) {
                say(format!("Given up: {why}."));
                let rest = search.conversations();
                tally.add(Tally { unread: rest, open: rest, ..Tally::default() });
                break;
            }
            let wait = self.schedule.wait(failed, fastrand::f64(), after).unwrap_or(LAST_WAIT);
            let shown = humantime::format_duration(Duration::from_secs(wait.as_secs()));
            tracing::warn!(why, "Kommo's history cannot be read: tried again in {shown}");
            say(format!("{why}: tried again in {shown}."));
            sleep(wait).await;
        }
        Ok(tally)
    }

    /// Lets go of the lane of what was compared, unless the conversation has another chat that is still to be.
    fn let_go(&self, target: &Target, search: &Search) {
        if search.is_done(&target.lane) {
            self.store.let_go(&target.lane);
        }
    }

    /// A routine has the turn for one conversation only, so that nobody has to wait for its end.
    async fn compare_in_turn(&self, target: &Target, search: &Search) -> Result<Result<Tally, CallError>, StoreError> {
        let _turn = if search.is_routine { Some(self.turn.lock().await) } else { None };
        self.compare(target, search).await
    }
}

/// A refusal is about one conversation if Kommo says so, or if others can be read meanwhile. Without that, a 404 may as
/// well be a wrong address.
fn unread(error: CallError, target: &Target, others_can_be_read: bool) -> Unread {
    let is_unknown = error.is_unknown();
    let failure = Failure::from(error);
    let (why, after) = (failure.why().to_owned(), failure.after());
    if failure.is_final() {
        return Unread::Left { why, is_open: false };
    }
    if others_can_be_read && target.failed >= TRIES_OF_ONE {
        return Unread::Left { why, is_open: !is_unknown };
    }
    Unread::Later { why, after }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::domain::{
        address::{Conversation, SourceId},
        time::UnixMillis,
        work::Lane,
    };

    /// How a history that was refused `failed` times is left, if it is.
    fn left(code: u16, body: &str, failed: u32, others_can_be_read: bool) -> Option<&'static str> {
        let conversation = Conversation::new(SourceId::parse("sales").unwrap(), 7);
        let (lane, kommo_chat) = (Lane::outbound(&conversation), String::new());
        let target = Target { lane, conversation, kommo_chat, customer: None, imported_at: UnixMillis(0), failed };
        let error = CallError::refusal(StatusCode::from_u16(code).unwrap(), body.as_bytes(), None);
        match unread(error, &target, others_can_be_read) {
            Unread::Later { .. } => None,
            Unread::Left { is_open, .. } => Some(if is_open { "open" } else { "for good" }),
        }
    }

    #[test]
    fn a_history_is_left_where_trying_again_cannot_help() {
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
