//! Sending one message after the other, however often it takes.

use std::collections::HashSet;

use reqwest::Method;
use tokio::time::sleep;

use crate::{
    admin::import::{ExportedChat, Imported},
    cli::{bridge::Importing, queue::encoded},
    config::Config,
    domain::{imported::Import, retry::Schedule},
    rate_limit::RateLimit,
};

/// How often a message is tried that only time can help.
const TRIES: u32 = 8;

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Kommo has taken it.
    Taken,
    /// Kommo has had it before.
    There,
    /// Kommo does not take it.
    Refused(String),
}

/// Sends messages.
pub(super) struct Post<'c> {
    to: Importing<'c>,
    schedule: Schedule,
    rate_limit: RateLimit,
}

impl<'c> Post<'c> {
    /// Sends at most `rate` messages per second, and waits between tries as it is configured.
    ///
    /// # Errors
    /// If nobody can send.
    pub(super) async fn begin(config: &'c Config, through_bridge: bool, rate: u32) -> anyhow::Result<Self> {
        let (schedule, rate_limit) = (config.retry.kommo.clone(), RateLimit::per_second(rate));
        let to =
            if through_bridge { Importing::through_bridge(config).await? } else { Importing::begin(config).await? };
        Ok(Self { to, schedule, rate_limit })
    }

    /// Whether this process has the store.
    pub(super) const fn is_alone(&self) -> bool {
        self.to.is_alone()
    }

    /// Which messages of a chat were imported before.
    pub(super) async fn done(&mut self, of: &ExportedChat) -> anyhow::Result<HashSet<i64>> {
        let values =
            [("source", of.source.to_string()), ("owner", of.owner.0.to_string()), ("chat", of.chat.to_string())];
        let path = encoded("/import/done", values);
        loop {
            if let Some(numbers) = self.to.ask(Method::GET, &path, Vec::new()).await? {
                return Ok(numbers);
            }
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// If nothing can be sent until somebody mends something, or Kommo recovers.
    pub(super) async fn send(&mut self, mut import: Import) -> anyhow::Result<Ended> {
        let mut failed = 0;
        loop {
            self.rate_limit.acquire().await;
            let imported = self.to.ask(Method::POST, "/import/messages", serde_json::to_vec(&import)?).await?;
            import.is_repeated = true;
            match imported {
                // The bridge has ended, and whether Kommo has it is not known.
                None => {}
                Some(Imported::Taken) => return Ok(Ended::Taken),
                Some(Imported::There) => return Ok(Ended::There),
                Some(Imported::Refused(why)) => return Ok(Ended::Refused(why)),
                Some(Imported::Stopped(why)) => anyhow::bail!(why),
                Some(Imported::Later { why, after, is_of_its_own }) => {
                    failed += 1;
                    match self.schedule.wait(failed, fastrand::f64(), after).filter(|_| failed < TRIES) {
                        Some(wait) => sleep(wait).await,
                        None if is_of_its_own => return Ok(Ended::Refused(why)),
                        None => anyhow::bail!(why),
                    }
                }
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// If the store cannot be closed.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        self.to.give_back().await
    }
}
