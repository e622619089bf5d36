//! What the steps of all jobs have in common: both remotes, the store, and what is configured.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    domain::{
        address::{KommoUserId, SourceId},
        job::Job,
        message::Author,
        retry::Failure,
    },
    kommo::{chats::Chats, media::Downloads},
    media::link::Links,
    metrics::Metrics,
    relay::{crm::settings::Crm, tap::Tap},
    store::Store,
    telegram::bot::Bot,
    trace::Trace,
    words::Spoken,
};

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

/// Both remotes and the store.
pub struct Context {
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
    /// The sources whose bots are shared with other programs, which answer the presses of their own buttons.
    pub shared: BTreeSet<SourceId>,
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
    /// Who watches what is relayed.
    pub tap: Tap,
    /// Where it is kept what became of each message.
    pub trace: Trace,
    /// What is said in the log once.
    pub logged_once: LogOnce,
    /// Where it shows how Kommo is doing.
    pub metrics: Arc<Metrics>,
    /// What becomes of customers in the account.
    pub crm: Crm,
}

impl Context {
    /// How long a call has to wait for the rate limit of its chat. If it need not wait, its place is taken.
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

    /// Whether Kommo can be told what this author wrote, who is then named by an id of Kommo's. What was sent needs
    /// one.
    pub(super) fn may_speak(&self, author: &mut Author) -> bool {
        let Author::Business { kommo, .. } = author else { return true };
        *kommo = kommo.take().or_else(|| self.channel_bot.clone());
        if kommo.is_none() && self.logs_first("bot_id") {
            tracing::info!("what the business writes in Telegram is not shown in Kommo: that needs `kommo.bot_id`");
        }
        kommo.is_some()
    }

    /// Whether this is said for the first time since the start.
    pub(super) fn logs_first(&self, what: &str) -> bool {
        self.logged_once.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned())
    }

    /// Counts a call to Kommo. A refusal of one message is an answer.
    pub(super) fn observe(&self, failure: Option<&Failure>) {
        self.metrics.kommo(failure.is_none_or(Failure::is_final));
    }
}
