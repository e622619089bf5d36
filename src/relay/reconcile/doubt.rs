//! Detects that the data directory was rolled back: a snapshot of the machine was restored, or an old copy of the
//! directory.
//!
//! Such a store would send everything again that was delivered since. The proof is in Kommo's history: a message from
//! us above the bound up to which the store is complete ([`Store::known_up_to`](crate::store::Store::known_up_to)) that
//! is neither linked, nor waiting, nor parked. In a store that was not rolled back there is none: a message whose
//! acceptance was lost in a crash still waits, one that Kommo has although it seemed to refuse it is parked, and every
//! other one has left its link or has raised the bound. Imported messages have ids of another kind. A start that ended
//! before its comparison changes nothing in that.
//!
//! One such chat proves it for the whole store, and it may be the last one that is read. So messages that a start finds
//! are kept back, and waiting ones are held, until all chats are read or half of the hold time is over.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    clock,
    domain::{
        address::{Conversation, MessageId},
        amount::duration_in_words,
        job::{Job, Lane, Raw, Route, Update},
        time::UnixMillis,
    },
    relay::reconcile::{MARGIN, ReconcileSummary, Reconciler, Search, Target, compare::Read},
    store::{RollbackOutcome, StoreError},
    translate::{from_history::Past, from_telegram},
};

/// The advice to the operator.
const ADVICE: &str = "managers' messages from before now are not sent automatically, since they may have been \
    delivered; check in Kommo what managers wrote since the snapshot or the copy was made, and `telekommo parked list`";

/// The messages that are kept back until it is known whether the store was rolled back.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) until: Instant,
    /// When all holds end in any case.
    held_until: Instant,
    /// The lanes that had waiting jobs at the start.
    waiting: Vec<Lane>,
    found: Vec<(Target, Read)>,
}

impl Doubt {
    /// A doubt without found messages yet. The lanes `waiting` have jobs, and may be held for `hold_for`.
    pub(super) fn of(waiting: Vec<Lane>, hold_for: Duration) -> Self {
        let now = Instant::now();
        Self { until: now + hold_for / 2, held_until: now + hold_for, waiting, found: Vec::new() }
    }

    /// Whether messages of a lane are kept back.
    pub(super) fn concerns(&self, lane: &Lane) -> bool {
        self.waiting.contains(lane) || self.found.iter().any(|(target, _)| target.lane == *lane)
    }

    /// Keeps the history of a conversation for later.
    pub(super) fn keep(&mut self, target: Target, read: Read) {
        self.found.push((target, read));
    }
}

impl Reconciler {
    /// Ends the doubt of a search if all chats are read, or its time is over.
    pub(super) async fn end_doubt_in_time(&self, search: &mut Search) -> Result<ReconcileSummary, StoreError> {
        let is_over = |doubt: &Doubt| search.pending.is_empty() || Instant::now() >= doubt.until;
        if search.doubt.as_ref().is_some_and(is_over) {
            self.end_doubt(search).await
        } else {
            Ok(ReconcileSummary::default())
        }
    }

    /// Handles the messages that were kept back like any others.
    pub(super) async fn end_doubt(&self, search: &mut Search) -> Result<ReconcileSummary, StoreError> {
        let mut summary = ReconcileSummary::default();
        let Some(doubt) = search.doubt.take() else { return Ok(summary) };
        let found: Vec<_> = doubt.found.iter().map(|(target, _)| &target.lane).collect();
        for lane in &doubt.waiting {
            let is_done = search.is_done(lane) && !found.contains(&lane);
            let is_held_on = !is_done && Instant::now() < doubt.held_until;
            self.parts.store.hold_less(lane, is_held_on.then_some(search.held_from));
        }
        for (target, read) in doubt.found {
            summary.add(self.enqueue_missing(&target, read, search).await?);
            self.release_hold(&target, search);
        }
        Ok(summary)
    }

    /// Treats the store like a restored one, if the history of a conversation proves a rollback.
    pub(super) async fn check_rollback(
        &self,
        target: &Target,
        read: &Read,
        search: &mut Search,
    ) -> Result<ReconcileSummary, StoreError> {
        let Some(past) = self.proof(target, read).await? else { return Ok(ReconcileSummary::default()) };
        let now = clock::now();
        let waiting = search.doubt.as_ref().map(|doubt| doubt.waiting.clone()).unwrap_or_default();
        let RollbackOutcome { parked, busy } = self.parts.store.treat_as_rolled_back(waiting, search.mark, now).await?;
        let ago = duration_in_words(past.at.until(now));
        tracing::error!(conversation = %target.conversation, message = past.ours, parked, busy,
            "the data directory was rolled back to an older state: Kommo has a message of ours of {ago} ago that it does \
             not know. {ADVICE}");
        self.parts.metrics.rolled_back(format!("the data directory was rolled back to an older state: {ADVICE}"));
        self.end_doubt(search).await
    }

    /// A message of ours that the store would know if it had not been rolled back.
    async fn proof<'r>(&self, target: &Target, read: &'r Read) -> Result<Option<&'r Past>, StoreError> {
        let (store, now) = (&self.parts.store, clock::now());
        let Some(horizon) = store.known_up_to(&target.conversation)? else { return Ok(None) };
        let linked_for = self.bounds.linked_for;
        let linked = now.minus(linked_for.saturating_sub(MARGIN.min(linked_for / 2)));
        let known_since = store.history_from()?.unwrap_or(UnixMillis(i64::MIN)).max(linked);
        // Telegram dates messages by the second.
        let ours = read.entries.iter().map(|(past, _)| past).filter(|past| past.at.seconds() >= known_since.seconds());
        let is_known = |past: &Past, id: &MessageId| -> Result<bool, StoreError> {
            let horizon = store.known_up_to(&target.conversation)?;
            Ok(horizon.is_some_and(|it| later(past, &it).is_none()) || store.kommo_message(id)?.is_some())
        };
        let mut unknown = Vec::new();
        for (past, id) in ours.filter_map(|past| Some((past, later(past, &horizon)?))) {
            // Most are linked.
            if !is_known(past, &id)? {
                unknown.push((past, id));
            }
        }
        self.retain_unexplained(target, &horizon, &mut unknown).await?;
        for (past, id) in unknown {
            // A message that was waiting before is linked by now.
            if !is_known(past, &id)? {
                return Ok(Some(past));
            }
        }
        Ok(None)
    }

    /// Removes the messages of ours that may wait for Kommo, or were parked. All are in the chat of the `horizon`, so
    /// that the parked messages are scanned once.
    async fn retain_unexplained(
        &self,
        target: &Target,
        horizon: &MessageId,
        unknown: &mut Vec<(&Past, MessageId)>,
    ) -> Result<(), StoreError> {
        if unknown.is_empty() {
            return Ok(());
        }
        let (store, conversation) = (&self.parts.store, &target.conversation);
        if horizon.chat.owner.is_some() {
            // Its lane is that of a connection, which is not known here.
            let is_inbound = |(route, _): &&(Route, crate::store::QueueCount)| *route == Route::Inbound;
            let counts = store.counts();
            if counts.parked > 0 || counts.routes.iter().find(is_inbound).is_some_and(|(_, it)| it.waiting > 0) {
                unknown.clear();
            }
            return Ok(());
        }
        let lane = Lane::inbound(&Conversation::new(conversation.source.clone(), horizon.chat));
        match store.waiting(lane.clone()).await? {
            Some(jobs) => unknown.retain(|(_, id)| !jobs.iter().any(|job| may_be(job, id.message))),
            None => unknown.clear(),
        }
        if !unknown.is_empty() && (store.held(conversation)?.is_some() || store.is_set_aside(lane).await?) {
            unknown.clear();
        }
        Ok(())
    }
}

/// Our id of a message with a higher number in the same chat; `None` for an id with an update.
fn later(past: &Past, horizon: &MessageId) -> Option<MessageId> {
    let id: MessageId = past.ours.as_deref()?.parse().ok()?;
    let is_in_chat = (id.bot, id.chat) == (horizon.bot, horizon.chat);
    (id.update.is_none() && is_in_chat && id.message > horizon.message).then_some(id)
}

/// Whether a job for Kommo may bring the message with this number.
fn may_be(job: &Job, number: i64) -> bool {
    match job {
        Job::Raw(Raw::Update(Update { raw, .. })) => {
            from_telegram::numbers(raw).is_none_or(|numbers| numbers.contains(&number))
        }
        job => job.traits().may_bring_message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            address::BotId,
            job::{ReleaseStart, Remind},
        },
        kommo::wire::HistoryItem,
        translate::from_history,
    };

    #[test]
    fn only_a_message_with_a_higher_number_in_its_chat_is_unknown() {
        let horizon = MessageId { bot: BotId(1), chat: 7.into(), message: 42, update: None };
        for (id, is_later) in [
            ("tg:1:7:43", true),
            ("tg:1:7:42", false),
            ("tg:1:7:41", false),
            ("tg:1:7:43:9", false),
            ("tg:2:7:43", false),
            ("tg:1:8:43", false),
            ("tg:1:5/7:43", false),
            ("tg:1:5/7:i43", false),
            ("", false),
        ] {
            let raw = format!(r#"{{"msec_timestamp":1,"message":{{"id":"m","client_id":"{id}"}}}}"#);
            let item: HistoryItem = serde_json::from_str(&raw).unwrap();
            assert_eq!(later(&from_history::read(&item).unwrap(), &horizon).is_some(), is_later, "{id}");
        }
    }

    #[test]
    fn waiting_jobs_are_recognised_by_the_number_of_their_message() {
        let update = |raw: &str| {
            Job::from(Update {
                source: crate::domain::address::SourceId::parse("sales").unwrap(),
                bot: BotId(1),
                raw: raw.to_owned(),
                program: None,
            })
        };
        for (raw, may) in [
            (r#"{"update_id":1,"message":{"message_id":43}}"#, true),
            (r#"{"update_id":1,"edited_message":{"message_id":43}}"#, true),
            (r#"{"update_id":1,"message":{"message_id":42}}"#, false),
            (r#"{"update_id":43,"my_chat_member":{}}"#, false),
            ("who knows", true),
        ] {
            assert_eq!(may_be(&update(raw), 43), may, "{raw}");
        }
        let conversation = Conversation::new(crate::domain::address::SourceId::parse("sales").unwrap(), 7);
        assert!(may_be(&ReleaseStart { conversation: conversation.clone(), phone: None }.into(), 43));
        assert!(!may_be(&Remind { conversation, message: 43 }.into(), 43));
    }
}
