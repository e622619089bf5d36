//! The context of all steps: both remotes, the store, and the configuration.

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

/// Messages that are logged once, and have been logged.
#[derive(Debug, Default)]
pub struct LogOnce(Mutex<HashSet<String>>);

/// Which read receipts are sent.
#[derive(Clone, Copy, Debug)]
pub struct ReadReceipts {
    /// Whether an answer marks the customer's messages as read, where the bot answers for a person.
    pub marks: bool,
    /// Whether Kommo gets the status "read" for answers, inferred from the customers' activity.
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
    pub store: Store,
    /// Whether buttons stay after one was pressed.
    pub keep_buttons: bool,
    /// The sources whose bots are shared with other programs, which answer the presses of their own buttons.
    pub shared: BTreeSet<SourceId>,
    /// Whether groups and channels are relayed.
    pub groups: bool,
    /// The largest file of a customer that bots can download, in bytes.
    pub largest_file_bytes: u64,
    pub reading: ReadReceipts,
    /// The language of managers.
    pub spoken: Spoken,
    /// The channel's bot, the author in Kommo of messages that nobody in the account wrote.
    pub channel_bot: Option<KommoUserId>,
    pub tap: Tap,
    pub trace: Trace,
    pub logged_once: LogOnce,
    pub metrics: Arc<Metrics>,
    /// How customers are recorded in the account.
    pub crm: Crm,
}

impl Context {
    /// How long a call has to wait for the rate limit of its chat; `None` if it may start, in which case it is counted.
    pub(super) fn acquire_chat(&self, job: &Job) -> Option<Duration> {
        let call = job.calls().first()?;
        let bot = self.bots.get(&call.to.source)?;
        bot.acquire_chat(&call.to, job.calls().len())
    }

    /// Waits for the bot's rate limit before a call that cannot be repeated, so that only the call itself can be
    /// uncertain.
    pub(super) async fn acquire(&self, job: &Job) {
        if let Some(bot) = job.calls().first().and_then(|call| self.bots.get(&call.to.source)) {
            bot.acquire().await;
        }
    }

    /// Whether messages of this author can be sent to Kommo. Sets the author's id in Kommo, which messages of the
    /// business need.
    pub(super) fn may_speak(&self, author: &mut Author) -> bool {
        let Author::Business { kommo, .. } = author else { return true };
        *kommo = kommo.take().or_else(|| self.channel_bot.clone());
        if kommo.is_none() && self.logs_first("bot_id") {
            tracing::info!("messages of the business in Telegram are not shown in Kommo: that needs `kommo.bot_id`");
        }
        kommo.is_some()
    }

    /// Whether this is logged for the first time since the start.
    pub(super) fn logs_first(&self, what: &str) -> bool {
        self.logged_once.0.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned())
    }

    /// Counts a call to Kommo. The refusal of one message counts as an answer.
    pub(super) fn observe(&self, failure: Option<&Failure>) {
        self.metrics.kommo(failure.is_none_or(Failure::is_final));
    }
}
