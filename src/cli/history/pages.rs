//! Reading a history page by page, beside a bridge that asks the same Kommo.

use std::collections::HashSet;

use anyhow::{Context as _, bail};
use tokio::time::sleep;

use crate::{
    admin::channel::refusal,
    cli::connect,
    config::Config,
    domain::retry::{Failure, Schedule},
    kommo::{
        chats::{Chats, HISTORY_PAGE},
        wire::HistoryItem,
    },
    translate::from_history::{self, Past},
};

/// Which part of `kommo.requests_per_second` is taken: the rest is for messages.
const SHARE: u32 = 4;
/// How often a page is tried that only time can help.
const TRIES: u32 = 6;
/// While pages are read, new messages push older ones to the next page. That so many pages in a row have nothing new is
/// no chance: Kommo repeats them, and would for ever.
const PAGES_WITHOUT_NEW: u32 = 3;

/// Reads histories.
pub(in crate::cli) struct Histories {
    chats: Chats,
    schedule: Schedule,
}

impl Histories {
    /// A reader for a command.
    ///
    /// # Errors
    /// If the account is not known or the HTTP client cannot be set up.
    pub(in crate::cli) async fn begin(config: &Config) -> anyhow::Result<Self> {
        let rate = (config.kommo.requests_per_second.get() / SHARE).max(1);
        let (chats, _) = connect::chats_at(config, rate).await?;
        Ok(Self { chats, schedule: config.retry.kommo.clone() })
    }

    /// The newest `limit` messages, oldest first.
    ///
    /// # Errors
    /// If Kommo gives no page, also when it is asked again, or the same page for ever.
    pub(in crate::cli) async fn read(&self, chat: &str, limit: usize) -> anyhow::Result<Vec<Past>> {
        let (mut past, mut seen, mut without_new) = (Vec::new(), HashSet::new(), 0);
        for page in 0.. {
            let items = self.page(chat, page).await.context("reading the history")?;
            let before = seen.len();
            past.extend(items.iter().filter(|item| seen.insert(name(item))).filter_map(from_history::read));
            if items.len() < HISTORY_PAGE || past.len() >= limit {
                break;
            }
            without_new = if seen.len() == before { without_new + 1 } else { 0 };
            if without_new == PAGES_WITHOUT_NEW {
                bail!("reading the history: Kommo repeats its page {} instead of going on", page + 1);
            }
        }
        past.truncate(limit);
        past.reverse();
        Ok(past)
    }

    /// One page, tried again with growing waits where that may help.
    async fn page(&self, chat: &str, page: usize) -> anyhow::Result<Vec<HistoryItem>> {
        let mut failed = 0;
        loop {
            let error = match self.chats.history(chat, page).await {
                Ok(items) => return Ok(items),
                Err(error) => error,
            };
            failed += 1;
            let (why, failure) = (refusal(&error), Failure::from(error));
            let wait = self.schedule.wait(failed, fastrand::f64(), failure.after());
            match wait.filter(|_| failure.may_pass() && failed < TRIES) {
                Some(wait) => sleep(wait).await,
                None => bail!(why),
            }
        }
    }
}

/// What tells a message from others: its id, or all of it if it has none.
fn name(item: &HistoryItem) -> String {
    let whole = || item.message.as_ref().map(|raw| raw.get().to_owned()).unwrap_or_default();
    item.content().id.filter(|id| !id.is_empty()).unwrap_or_else(whole)
}
