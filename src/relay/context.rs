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
        job::Job,
        message::Author,
        retry::Failure,
    },
    kommo::{chats::Chats, failure, media::Downloads},
    media::link::Links,
    metrics::Metrics,
    relay::{
        crm::{self, Crm},
        inbound, outbound, reactions,
    },
    store::{Lease, NewJob, Outcome, StateChange, Store, StoreError},
    telegram::{bot::Bot, upload::BodySent},
    translate::to_kommo,
    words::Spoken,
};

/// How a step ended.
pub(super) struct Step {
    /// What it means for the job.
    pub(super) outcome: Result<Outcome, Failure>,
    /// Whether the remote had a say in it; if not, it tells nothing about the way there.
    pub(super) reached_remote: bool,
    /// Whether it is not worth a person's time if it fails.
    pub(super) is_best_effort: bool,
}

impl Step {
    pub(super) const fn remote(outcome: Result<Outcome, Failure>) -> Self {
        Self { outcome, reached_remote: true, is_best_effort: false }
    }

    pub(super) const fn local(outcome: Result<Outcome, Failure>) -> Self {
        Self { outcome, reached_remote: false, is_best_effort: false }
    }

    /// The same, of what is not worth a person's time if it fails.
    pub(super) fn best_effort(self) -> Self {
        Self { is_best_effort: true, ..self }
    }

    /// The same, with what was learnt on the way if the job is done by it.
    pub(super) fn with_changes(mut self, learned: Vec<StateChange>) -> Self {
        if let Ok(Outcome::Done { changes, .. }) = &mut self.outcome {
            changes.extend(learned);
        }
        self
    }

    /// The same, with more that follows from it if the job is done by it.
    pub(super) fn followed_by(mut self, jobs: Vec<NewJob>, learned: Vec<StateChange>) -> Self {
        if let Ok(Outcome::Done { then, changes }) = &mut self.outcome {
            then.extend(jobs);
            // What the step itself has learnt is newer.
            changes.splice(0..0, learned);
        }
        self
    }
}

/// What has been said already.
#[derive(Debug, Default)]
pub struct LogOnce(Mutex<HashSet<String>>);

/// Which side is told that the other one has read something.
#[derive(Clone, Copy, Debug)]
pub struct ReadReceipts {
    /// Whether an answer marks what it answers as read, where the bot answers for a person.
    pub marks: bool,
    /// Whether Kommo is told that answers were read, as far as what customers do shows it.
    pub is_inferred: bool,
}

/// Knows both remotes, and takes the steps of all jobs.
pub struct Context {
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
    pub reading: ReadReceipts,
    /// What managers speak.
    pub spoken: Spoken,
    /// The channel's bot, in whose name Kommo is told what nobody in the account wrote.
    pub channel_bot: Option<KommoUserId>,
    /// What is said in the log once.
    pub said: LogOnce,
    /// Where it shows how Kommo is doing.
    pub metrics: Arc<Metrics>,
    /// What becomes of customers in the account.
    pub crm: Crm,
}

impl Context {
    /// How long a call has to wait for the pace of its chat. If it need not wait, its place is taken.
    pub(super) fn acquire_chat(&self, job: &Job) -> Option<Duration> {
        let call = job.calls().first()?;
        let bot = self.bots.get(&call.to.source)?;
        bot.acquire_chat(&call.to, job.calls().len())
    }

    /// Waits for the turn of a call that cannot be repeated, so that nothing but the call itself is ever uncertain.
    pub(super) async fn acquire(&self, job: &Job) {
        if let Some(bot) = job.calls().first().and_then(|call| self.bots.get(&call.to.source)) {
            bot.acquire().await;
        }
    }

    /// Does what a job asks for. `body_sent` tells, also while this goes on, whether Telegram may have what was sent.
    ///
    /// # Errors
    /// The store's; they end the process, not the job.
    pub(super) async fn step(&self, lease: &Lease, body_sent: &BodySent) -> Result<Step, StoreError> {
        match lease.job() {
            Job::Update { source, bot, raw } => {
                crm::step(self, lease.job(), (source, *bot, raw), lease.tries(), lease.enqueued_at()).await
            }
            Job::Hook { raw } => outbound::unfold(self, lease, raw).await.map(Step::local),
            Job::Reaction { raw } => reactions::step(self, lease, raw).await,
            Job::Call(_) | Job::Album { .. } => outbound::step(self, lease, body_sent).await,
            Job::DeliveryStatus(report) => Ok(Step::remote(self.report(report).await)),
            Job::AssignClientId { message, ours, opening } => {
                Ok(outbound::name(self, (message, *ours), opening, lease.attempts()).await)
            }
            Job::MarkRead { conversation, message } => outbound::mark_read(self, conversation, *message).await,
            Job::Link { conversation, customer, whose } => {
                crm::link(self, lease, (conversation, customer, whose)).await
            }
            Job::UpdateCrm { conversation, customer, note } => {
                crm::enrich(self, conversation, customer, note, lease.enqueued_at()).await
            }
            Job::Remind { conversation, message } => {
                inbound::questions::remind(self, (conversation, *message), lease.tries(), lease.enqueued_at()).await
            }
            Job::ReleaseStartAt { conversation } => crm::hold(self, conversation, lease.enqueued_at()),
            Job::ReleaseStart { conversation, phone } => {
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

    async fn report(&self, report: &Report) -> Result<Outcome, Failure> {
        let answer = self.chats.delivery_status(&report.message.0, &to_kommo::delivery_status(report)).await;
        let answer = answer.map_err(failure::of_status);
        self.observe(answer.as_ref().err());
        answer?;
        tracing::debug!(message_id = %report.message, "delivery status told");
        Ok(done())
    }

    /// Counts a call to Kommo. A refusal of one message is an answer.
    pub(super) fn observe(&self, failure: Option<&Failure>) {
        self.metrics.kommo(failure.is_none_or(Failure::is_final));
    }
}

/// Nothing follows.
pub(super) const fn done() -> Outcome {
    Outcome::Done { then: Vec::new(), changes: Vec::new() }
}
