//! One conversation, held against Kommo's history of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    clock,
    domain::{
        address::KommoMessageId,
        delivery::{Delivery, ErrorCode, Refusal},
        message::Content,
        time::UnixMillis,
        work::{DedupeId, Lane, Work},
    },
    kommo::chats::CallError,
    relay::{
        reconcile::{
            LEFT_TO_ITS_HOOK, Reconciler, Search, Tally, Target,
            read_back::{Reach, ReadBack, Told},
        },
        verdict,
    },
    store::{Intake, Missing, NewJob, Store, StoreError, Woven},
    translate::{
        from_history::{self, Past},
        from_kommo::{self, Arrival},
    },
};

/// How long the hook of a message may be under way. Kommo waits 5 s for the answer to one.
const UNDER_WAY_FOR: Duration = Duration::from_secs(5);
/// How often a lane in which somebody works is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a manager reads of a message that is too old to be sent.
const TOO_OLD: &str =
    "Not delivered: the Telegram bridge was down when this was written. Send it again if it still matters.";

/// What becomes of a message that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is sent.
    Sent,
    /// It may have been delivered.
    Uncertain,
    /// It is too old, and its hook may still come.
    Late,
    /// It is too old, and its manager is told that it is not sent.
    Lost,
}

impl Verdict {
    /// Of a message of this age, which the store could tell of if it was delivered.
    fn of(age: Duration, is_certain: bool, max_age: Duration) -> Self {
        match (is_certain, age > max_age) {
            (false, _) => Self::Uncertain,
            (true, false) => Self::Sent,
            (true, true) if age <= LEFT_TO_ITS_HOOK => Self::Late,
            (true, true) => Self::Lost,
        }
    }
}

/// Lets go of a lane, however its weaving ends.
struct Held<'a>(&'a Store, &'a Lane);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.let_go(self.1);
    }
}

impl Reconciler {
    /// Finds what is missing of a conversation, and puts it into its queue. The outer error is the store's.
    pub(super) async fn compare(
        &self,
        target: &Target,
        search: &Search,
    ) -> Result<Result<Tally, CallError>, StoreError> {
        let (told, is_whole) = match self.read_back(target, search).await {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        let now = clock::now();
        let until = if search.is_routine {
            now.minus(LEFT_TO_ITS_HOOK.min(self.bounds.every))
        } else {
            self.wait_for_hooks(&told).await?;
            UnixMillis(i64::MAX)
        };
        let (mut tally, mut missing, mut reports) = (Tally::default(), Vec::new(), Vec::new());
        if !is_whole {
            let back = told.first().map(|(past, _)| past.at.until(now)).unwrap_or_default();
            let back = humantime::format_duration(Duration::from_secs(back.as_secs()));
            tracing::warn!(conversation = %target.conversation, "its history is too long: what is older than {back} was not compared");
            tally.add(Tally { in_part: 1, ..Tally::default() });
        }
        for (rank, (past, item)) in told.iter().enumerate() {
            let is_wanted = (search.since.max(target.imported_at)..=until).contains(&past.at);
            if !is_wanted || !self.is_missing(past, now)? {
                continue;
            }
            match self.judge(past, now, (target, search), &mut tally) {
                Verdict::Sent => {}
                Verdict::Uncertain | Verdict::Late => continue,
                Verdict::Lost => {
                    reports.push(lost(past, &target.lane));
                    continue;
                }
            }
            if let Some(raw) = from_history::as_hook(item, &target.conversation, &target.kommo_chat) {
                if says_nothing(&raw) {
                    tally.empty += 1;
                    tracing::warn!(conversation = %target.conversation, message = %past.id, "a manager's message never came, and Kommo's history tells neither text nor file of it: its manager is told that it was not sent");
                }
                let (id, lane) = (Some(DedupeId::hook(&past.id)), target.lane.clone());
                missing.push(Missing { rank, job: NewJob { id, lane, work: Work::Hook { raw } } });
            }
        }
        if !reports.is_empty() {
            self.store.push(Intake { jobs: reports, offset: None }, now).await?;
        }
        if !missing.is_empty() {
            let ranks = told.into_iter().enumerate().map(|(rank, (past, _))| (past.id, rank)).collect();
            let put = self.put(&target.lane, missing, ranks, search).await?;
            tally.sent = put.saturating_sub(tally.empty);
            tracing::info!(conversation = %target.conversation, sent = tally.sent, "managers' messages that had not come are sent now");
        }
        Ok(Ok(tally))
    }

    /// What becomes of a message that is missing: one that is too old or not surely missing is not sent. Counts and tells it.
    fn judge(&self, past: &Past, now: UnixMillis, (target, search): (&Target, &Search), tally: &mut Tally) -> Verdict {
        tally.found += 1;
        let age = past.at.until(now);
        let shown = humantime::format_duration(Duration::from_secs(age.as_secs()));
        let verdict = Verdict::of(age, past.at >= search.known_since, self.bounds.max_age);
        match verdict {
            Verdict::Sent => {}
            Verdict::Uncertain => {
                tally.uncertain += 1;
                tracing::warn!(conversation = %target.conversation, message = %past.id, "a manager's message of {shown} ago may have been delivered before the store was restored: not sent");
            }
            Verdict::Late | Verdict::Lost => {
                tally.too_old += 1;
                tracing::warn!(conversation = %target.conversation, message = %past.id, "a manager's message never came, and is {shown} old: not sent");
            }
        }
        verdict
    }

    /// Waits for hooks that may be under way: they tell more than the history does.
    async fn wait_for_hooks(&self, told: &[Told]) -> Result<(), StoreError> {
        let latest = clock::now().plus(UNDER_WAY_FOR);
        for (past, _) in told.iter().rev() {
            let until = past.at.plus(UNDER_WAY_FOR).min(latest);
            while clock::now() < until && self.is_missing(past, clock::now())? {
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// What was said since the search's instant, oldest first, and whether that is all of it.
    async fn read_back(&self, target: &Target, search: &Search) -> Result<(Vec<Told>, bool), CallError> {
        let pace = if search.is_routine { &self.leisure } else { &self.pace };
        let mut read = ReadBack::new(search.since, target.customer.clone());
        for page in 0.. {
            pace.turn().await;
            match read.take(self.chats.history(&target.kommo_chat, page).await?) {
                Reach::More => {}
                Reach::Enough => break,
                Reach::TooLong => return Ok((read.oldest_first(), false)),
            }
        }
        Ok((read.oldest_first(), true))
    }

    fn is_missing(&self, past: &Past, now: UnixMillis) -> Result<bool, StoreError> {
        Ok(past.is_answer
            && !self.store.was_taken(&DedupeId::hook(&past.id), now)?
            && self.store.telegram_messages(&past.id)?.is_empty())
    }

    /// Puts jobs into the lane of their conversation, and tells how many were new.
    async fn put(
        &self,
        lane: &Lane,
        missing: Vec<Missing>,
        ranks: HashMap<KommoMessageId, usize>,
        search: &Search,
    ) -> Result<usize, StoreError> {
        let (ranks, mark) = (Arc::new(ranks), search.mark);
        let held = Held(&self.store, lane);
        loop {
            self.store.hold(std::slice::from_ref(lane), 0);
            let ranks = Arc::clone(&ranks);
            let rank = move |sequence, work: &Work| {
                let known = message_of(work).and_then(|id| ranks.get(&id).copied());
                known.or((sequence >= mark).then_some(usize::MAX))
            };
            match self.store.weave(lane.clone(), missing.clone(), rank, clock::now()).await? {
                Woven::Stored(count) => {
                    drop(held);
                    return Ok(count);
                }
                Woven::Busy => sleep(LOOK_EVERY).await,
            }
        }
    }
}

/// Tells a manager that a message is not sent. Under the id of its hook, this happens once, and a hook that is late after all
/// sends nothing.
fn lost(past: &Past, lane: &Lane) -> NewJob {
    let delivery = Delivery::Failed(Refusal::new(ErrorCode::Other, TOO_OLD));
    NewJob { id: Some(DedupeId::hook(&past.id)), ..verdict::report(lane, past.id.clone(), delivery) }
}

/// Whether a hook that was made of an item of the history has nothing for the customer. What becomes of it says so to its
/// manager, who may have meant more than the history tells.
fn says_nothing(raw: &str) -> bool {
    let Ok(Arrival::Message(outbound)) = from_kommo::decode(raw) else { return false };
    let is_bare = match &outbound.content {
        Content::Text(text) => text.trim().is_empty(),
        Content::Unknown { caption, .. } => caption.is_none(),
        Content::Media(_) | Content::Location { .. } | Content::Contact { .. } => false,
    };
    is_bare && outbound.file.is_none() && outbound.passed_on.is_empty()
}

/// The message of Kommo's that a job carries.
fn message_of(work: &Work) -> Option<KommoMessageId> {
    match work {
        Work::Call(_) | Work::Album { .. } => work.calls().last().map(|call| call.message.clone()),
        Work::Hook { raw } => match from_kommo::decode(raw).ok()? {
            Arrival::Message(outbound) => Some(outbound.id),
            Arrival::Reaction(_) | Arrival::Typing(_) | Arrival::Other(_) => None,
        },
        Work::Update { .. }
        | Work::Reaction { .. }
        | Work::Seen { .. }
        | Work::Report(_)
        | Work::Name { .. }
        | Work::Link { .. }
        | Work::Enrich { .. }
        | Work::Hold { .. }
        | Work::Release { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_given_up_only_if_it_is_surely_missing_and_no_hook_of_it_can_come() {
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
