//! One step: what a job asks for, done once.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        address::{KommoUserId, SourceId},
        delivery::Report,
        message::Author,
        retry::Failure,
        work::Work,
    },
    kommo::{chats::Chats, failure, media::Downloads},
    media::link::Links,
    meter::Meter,
    relay::{
        crm::{self, Crm},
        inbound, outbound, reactions,
    },
    store::{Ending, Fact, Lease, NewJob, Store, StoreError},
    telegram::{bot::Bot, upload::Handover},
    translate::to_kommo,
    words::Spoken,
};

/// How a step ended.
pub(super) struct Step {
    /// What it means for the job.
    pub(super) outcome: Result<Ending, Failure>,
    /// Whether the remote had a say in it; if not, it tells nothing about the way there.
    pub(super) called: bool,
    /// Whether it is not worth a person's time if it fails.
    pub(super) is_courtesy: bool,
}

impl Step {
    pub(super) const fn called(outcome: Result<Ending, Failure>) -> Self {
        Self { outcome, called: true, is_courtesy: false }
    }

    pub(super) const fn without_call(outcome: Result<Ending, Failure>) -> Self {
        Self { outcome, called: false, is_courtesy: false }
    }

    /// The same, of what is not worth a person's time if it fails.
    pub(super) fn of_courtesy(self) -> Self {
        Self { is_courtesy: true, ..self }
    }

    /// The same, with what was learnt on the way if the job is done by it.
    pub(super) fn with_facts(mut self, learnt: Vec<Fact>) -> Self {
        if let Ok(Ending::Done { facts, .. }) = &mut self.outcome {
            facts.extend(learnt);
        }
        self
    }

    /// The same, with more that follows from it if the job is done by it.
    pub(super) fn followed_by(mut self, jobs: Vec<NewJob>, learnt: Vec<Fact>) -> Self {
        if let Ok(Ending::Done { then, facts }) = &mut self.outcome {
            then.extend(jobs);
            // What the step itself has learnt is newer.
            facts.splice(0..0, learnt);
        }
        self
    }
}

/// What has been said already.
#[derive(Debug, Default)]
pub struct Said(Mutex<HashSet<String>>);

/// Which side is told that the other one has read something.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Whether an answer marks what it answers as read, where the bot answers for a person.
    pub marks: bool,
    /// Whether Kommo is told that answers were read, as far as what customers do shows it.
    pub is_inferred: bool,
}

/// Knows both remotes, and takes the steps of all jobs.
pub struct Courier {
    /// Kommo.
    pub chats: Chats,
    /// Telegram, by source.
    pub bots: BTreeMap<SourceId, Bot>,
    /// Managers' files.
    pub downloads: Downloads,
    /// Links to customers' files.
    pub links: Links,
    /// The mappings between both.
    pub store: Store,
    /// Whether buttons stay after one was pressed.
    pub keep_buttons: bool,
    /// Whether groups and channels are relayed.
    pub groups: bool,
    /// The largest file of a customer's that bots can have, in bytes.
    pub largest_file_bytes: u64,
    /// What becomes of reading.
    pub reading: Reading,
    /// What managers speak.
    pub spoken: Spoken,
    /// The channel's bot, in whose name Kommo is told what nobody in the account wrote.
    pub channel_bot: Option<KommoUserId>,
    /// What is said in the log once.
    pub said: Said,
    /// Where it shows how Kommo is doing.
    pub meter: Arc<Meter>,
    /// What becomes of customers in the account.
    pub crm: Crm,
}

impl Courier {
    /// How long a call has to wait for the pace of its chat. If it need not wait, its place is taken.
    pub(super) fn chat_turn(&self, work: &Work) -> Option<Duration> {
        let call = work.calls().first()?;
        let bot = self.bots.get(&call.to.source)?;
        bot.chat_turn(&call.to, work.calls().len())
    }

    /// Waits for the turn of a call that cannot be repeated, so that nothing but the call itself is ever uncertain.
    pub(super) async fn turn(&self, work: &Work) {
        if let Some(bot) = work.calls().first().and_then(|call| self.bots.get(&call.to.source)) {
            bot.turn().await;
        }
    }

    /// Does what a job asks for. `handover` tells, also while this goes on, whether Telegram may have what was sent.
    ///
    /// # Errors
    /// The store's; they end the process, not the job.
    pub(super) async fn step(&self, lease: &Lease, handover: &Handover) -> Result<Step, StoreError> {
        match lease.work() {
            Work::Update { source, bot, raw } => {
                crm::step(self, lease.work(), (source, *bot, raw), lease.tries(), lease.enqueued_at()).await
            }
            Work::Hook { raw } => outbound::unfold(self, lease, raw).await.map(Step::without_call),
            Work::Reaction { raw } => reactions::step(self, lease, raw).await,
            Work::Call(_) | Work::Album { .. } => outbound::step(self, lease, handover).await,
            Work::Report(report) => Ok(Step::called(self.report(report).await)),
            Work::Name { message, ours, opening } => {
                Ok(outbound::name(self, (message, *ours), opening, lease.attempts()).await)
            }
            Work::Seen { conversation, message } => outbound::mark_read(self, conversation, *message).await,
            Work::Link { conversation, guest, whose } => crm::link(self, lease, (conversation, guest, whose)).await,
            Work::Enrich { conversation, guest, note } => {
                crm::enrich(self, conversation, guest, note, lease.enqueued_at()).await
            }
            Work::Remind { conversation, message } => {
                inbound::questions::remind(self, (conversation, *message), lease.tries(), lease.enqueued_at()).await
            }
            Work::Hold { conversation } => crm::hold(self, conversation, lease.enqueued_at()),
            Work::Release { conversation, phone } => {
                crm::release(self, conversation, phone.as_deref(), lease.tries(), lease.enqueued_at()).await
            }
        }
    }

    /// Whether Kommo can be told what this author wrote, who is then named by an id of Kommo's. What was sent needs one.
    pub(super) fn may_speak(&self, author: &mut Author) -> bool {
        let Author::Business { kommo, .. } = author else { return true };
        *kommo = kommo.take().or_else(|| self.channel_bot.clone());
        if kommo.is_none() && self.says_first("bot_id") {
            tracing::info!("what the business writes in Telegram is not shown in Kommo: that needs `kommo.bot_id`");
        }
        kommo.is_some()
    }

    /// Whether this is said for the first time since the start.
    pub(super) fn says_first(&self, what: &str) -> bool {
        self.said.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned())
    }

    async fn report(&self, report: &Report) -> Result<Ending, Failure> {
        let answer = self.chats.delivery_status(&report.message.0, &to_kommo::delivery_status(report)).await;
        let answer = answer.map_err(failure::of_status);
        self.observe(answer.as_ref().err());
        answer?;
        tracing::debug!(message_id = %report.message, "delivery status told");
        Ok(done())
    }

    /// Counts a call to Kommo. A refusal of one message is an answer.
    pub(super) fn observe(&self, failure: Option<&Failure>) {
        self.meter.kommo(failure.is_none_or(Failure::is_final));
    }
}

/// Nothing follows.
pub(super) const fn done() -> Ending {
    Ending::Done { then: Vec::new(), facts: Vec::new() }
}
