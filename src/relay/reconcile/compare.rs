//! Compares one conversation with its history in Kommo.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    clock,
    domain::{
        amount::duration_in_words,
        job::IdempotencyKey,
        message::{Content, Outbound},
        time::UnixMillis,
    },
    intake,
    kommo::chats::CallError,
    relay::reconcile::{
        LEFT_TO_ITS_HOOK, ReconcileSummary, Reconciler, Search, Target,
        history_reader::{Entry, HistoryReader, PageEnd},
        put::CHECK_EVERY,
    },
    store::{Missing, NewJob, StoreError},
    translate::from_history::{self, Past},
};

/// How long the hook of a message may be in flight. Kommo waits 5 s for the response to one.
const HOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a conversation was not compared.
#[derive(Debug)]
pub(super) enum NotCompared {
    /// Its history could not be read.
    Unreadable(CallError),
    /// This machine's clock is wrong, for this reason.
    Untimely(String),
}

/// The history of a conversation.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Oldest first.
    pub(super) entries: Vec<Entry>,
    /// Whether it is too long, so that its beginning is missing.
    pub(super) is_cut: bool,
    /// When it was read. The ages of messages count until then, without the time of later waits.
    asked_at: UnixMillis,
}

/// The verdict on a missing message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is sent.
    Sent,
    /// It may have been delivered, and is not sent.
    Uncertain,
    /// It is too old, but its hook may still arrive.
    Late,
    /// It is too old, and reported to its manager as not sent.
    Lost,
}

impl Verdict {
    /// The verdict on a message of this age. `is_certain`: whether the store reaches back far enough to know that it
    /// was not delivered.
    fn of(age: Duration, is_certain: bool, max_age: Duration) -> Self {
        match (is_certain, age > max_age) {
            (false, _) => Self::Uncertain,
            (true, false) => Self::Sent,
            (true, true) if age <= LEFT_TO_ITS_HOOK => Self::Late,
            (true, true) => Self::Lost,
        }
    }
}

impl Reconciler {
    /// Reads the history of a conversation. The outer error is the store's.
    pub(super) async fn read(&self, target: &Target, search: &Search) -> Result<Result<Read, NotCompared>, StoreError> {
        let read = match self.read_back(target, search).await {
            Ok(read) => read,
            Err(error) => return Ok(Err(NotCompared::Unreadable(error))),
        };
        if !search.is_routine {
            self.wait_for_hooks(&read.entries).await?;
        }
        Ok(self.objection().map_or(Ok(read), |why| Err(NotCompared::Untimely(why))))
    }

    /// Finds the missing messages of a conversation, and puts them into its lane.
    pub(super) async fn enqueue_missing(
        &self,
        target: &Target,
        read: Read,
        search: &Search,
    ) -> Result<ReconcileSummary, StoreError> {
        let now = read.asked_at;
        let mut summary = ReconcileSummary::default();
        if read.is_cut {
            let back = read.entries.first().map(|(past, _)| past.at.until(now)).unwrap_or_default();
            let back = duration_in_words(back);
            tracing::warn!(conversation = %target.conversation, "the history is too long: messages older than {back} \
                were not compared");
            summary.add(ReconcileSummary { in_part: 1, ..ReconcileSummary::default() });
        }
        let (mut missing, mut lost) = (Vec::new(), Vec::new());
        for (rank, (past, item)) in read.entries.iter().enumerate() {
            if !self.is_in_range_and_missing(past, (target, search), now)? {
                continue;
            }
            match self.classify(past, now, target, &mut summary)? {
                Verdict::Sent => {}
                Verdict::Uncertain | Verdict::Late => continue,
                Verdict::Lost => {
                    lost.push(past.id.clone());
                    continue;
                }
            }
            if let Some(answer) = from_history::answer(item, &target.conversation, &target.kommo_chat) {
                if is_empty(&answer) {
                    summary.empty += 1;
                    tracing::warn!(conversation = %target.conversation, message = %past.id, "a missed message has \
                        neither text nor file in Kommo's history: not sent, and reported to its manager");
                }
                let (id, lane) = (Some(IdempotencyKey::hook(&past.id)), target.lane.clone());
                missing.push(Missing { rank, job: NewJob { id, lane, job: answer.into() } });
            }
        }
        intake::lost::report(&self.parts.store, &target.lane, lost, self.parts.spoken.now()).await?;
        if !missing.is_empty() {
            let ranks = read.entries.into_iter().enumerate().map(|(rank, (past, _))| (past.id, rank)).collect();
            let put = self.put(&target.lane, missing, ranks, search).await?;
            summary.sent = put.saturating_sub(summary.empty);
            tracing::info!(conversation = %target.conversation, sent = summary.sent, "missed messages queued");
        }
        Ok(summary)
    }

    /// Whether a message of the history is missing.
    pub(super) fn is_any_missing(&self, target: &Target, read: &Read, search: &Search) -> Result<bool, StoreError> {
        for (past, _) in &read.entries {
            if self.is_in_range_and_missing(past, (target, search), read.asked_at)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a message is missing and within the range of this search.
    fn is_in_range_and_missing(
        &self,
        past: &Past,
        (target, search): (&Target, &Search),
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let left = if search.is_routine { LEFT_TO_ITS_HOOK.min(self.bounds.every) } else { Duration::ZERO };
        let until = if search.is_routine { now.minus(left) } else { UnixMillis(i64::MAX) };
        let from = search.since_in(target).max(target.imported_at);
        Ok((from..=until).contains(&past.at) && self.is_missing(past)?)
    }

    /// The verdict on a missing message: one that is too old or not certainly missing is not sent. Counts and logs it.
    fn classify(
        &self,
        past: &Past,
        now: UnixMillis,
        target: &Target,
        summary: &mut ReconcileSummary,
    ) -> Result<Verdict, StoreError> {
        summary.found += 1;
        let age = past.at.until(now);
        let shown = duration_in_words(age);
        // A rollback of the store may have been detected since this search started.
        let is_certain = self.parts.store.history_from()?.is_none_or(|begun_at| past.at >= begun_at);
        let verdict = Verdict::of(age, is_certain, self.bounds.max_age);
        if is_certain {
            self.note_found(past.at, now);
        }
        match verdict {
            Verdict::Sent => {}
            Verdict::Uncertain => {
                summary.uncertain += 1;
                tracing::warn!(conversation = %target.conversation, message = %past.id, "a manager's message of \
                    {shown} ago may have been delivered before the store was restored: not sent");
            }
            Verdict::Late | Verdict::Lost => {
                summary.too_old += 1;
                tracing::warn!(conversation = %target.conversation, message = %past.id, "a missed message is {shown} \
                    old: not sent");
            }
        }
        Ok(verdict)
    }

    /// Waits for hooks that may be in flight: they have more than the history has.
    async fn wait_for_hooks(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let (now, started_at) = (clock::now(), Instant::now());
        for (past, _) in entries.iter().rev() {
            // By the monotonic clock, since the wall clock may be set meanwhile.
            let until = started_at + now.until(past.at.plus(HOOK_TIMEOUT)).min(HOOK_TIMEOUT);
            while Instant::now() < until && self.is_missing(past)? {
                sleep(CHECK_EVERY).await;
            }
        }
        Ok(())
    }

    /// Reads the history back to the start of the search.
    async fn read_back(&self, target: &Target, search: &Search) -> Result<Read, CallError> {
        let rate_limit = if search.is_routine { &self.background_rate } else { &self.rate_limit };
        let mut read = HistoryReader::new(search.since_in(target), target.customer.clone());
        let mut is_cut = false;
        for page in 0.. {
            rate_limit.acquire().await;
            match read.take(self.parts.chats.history(&target.kommo_chat, page).await?) {
                PageEnd::More => {}
                PageEnd::Enough => break,
                PageEnd::TooLong => {
                    is_cut = true;
                    break;
                }
            }
        }
        Ok(Read { entries: read.oldest_first(), is_cut, asked_at: clock::now() })
    }

    fn is_missing(&self, past: &Past) -> Result<bool, StoreError> {
        let store = &self.parts.store;
        Ok(past.is_answer
            && !store.was_taken(&IdempotencyKey::hook(&past.id))?
            && store.telegram_messages(&past.id)?.is_empty())
    }
}

/// Whether an answer from the history has no content for the customer. Its manager is informed, since the message may
/// have had more than the history shows.
fn is_empty(outbound: &Outbound) -> bool {
    let is_bare = match &outbound.content {
        Content::Text(text) => text.trim().is_empty(),
        Content::Unknown { caption, .. } => caption.is_none(),
        Content::Media(_) | Content::Location { .. } | Content::Contact { .. } => false,
    };
    is_bare && outbound.file.is_none() && outbound.passed_on.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_given_up_only_if_it_is_certainly_missing_and_its_hook_cannot_arrive() {
        let minutes = Duration::from_mins;
        for (age, is_certain, max_age, verdict) in [
            (minutes(1), true, minutes(60), Verdict::Sent),
            (minutes(60), true, minutes(60), Verdict::Sent),
            (minutes(61), true, minutes(60), Verdict::Lost),
            (minutes(20), true, minutes(1), Verdict::Late),
            (minutes(21), true, minutes(1), Verdict::Lost),
            (minutes(1), false, minutes(60), Verdict::Uncertain),
            (minutes(61), false, minutes(60), Verdict::Uncertain),
        ] {
            assert_eq!(Verdict::of(age, is_certain, max_age), verdict, "{age:?} {is_certain} {max_age:?}");
        }
    }
}
