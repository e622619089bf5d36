//! One step: what a job asks for, done once.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    domain::{
        address::SourceId,
        delivery::Report,
        retry::Failure,
        time::UnixMillis,
        work::{Lane, Work},
    },
    kommo::{chats::Chats, failure},
    media::link::Links,
    meter::Meter,
    relay::{inbound, outbound, reactions},
    store::{Ending, Store, StoreError},
    telegram::bot::Bot,
    translate::to_kommo,
};

/// How a step ended.
pub(super) struct Step {
    /// What it means for the job.
    pub(super) outcome: Result<Ending, Failure>,
    /// Whether the remote had a say in it; if not, it tells nothing about the way there.
    pub(super) called: bool,
}

impl Step {
    pub(super) const fn called(outcome: Result<Ending, Failure>) -> Self {
        Self { outcome, called: true }
    }

    pub(super) const fn without_call(outcome: Result<Ending, Failure>) -> Self {
        Self { outcome, called: false }
    }
}

/// Knows both remotes, and takes the steps of all jobs.
pub struct Courier {
    /// Kommo.
    pub chats: Chats,
    /// Telegram, by source.
    pub bots: BTreeMap<SourceId, Bot>,
    /// Links to customers' files.
    pub links: Links,
    /// The mappings between both.
    pub store: Store,
    /// Whether buttons stay after one was pressed.
    pub keep_buttons: bool,
    /// Where it shows how Kommo is doing.
    pub meter: Arc<Meter>,
}

impl Courier {
    /// Waits for the turn of a call that cannot be repeated, so that nothing but the call itself is ever uncertain.
    pub(super) async fn turn(&self, work: &Work) {
        match work {
            Work::Call(call) => {
                if let Some(bot) = self.bots.get(&call.to.source) {
                    bot.turn().await;
                }
            }
            Work::Update { .. } | Work::Hook { .. } | Work::Reaction { .. } | Work::Report(_) => {}
        }
    }

    /// Does what a job asks for. `failed_before` is how many attempts have failed, `enqueued_at` how old it is.
    ///
    /// # Errors
    /// The store's; they end the process, not the job.
    pub(super) async fn step(
        &self,
        work: &Work,
        lane: &Lane,
        failed_before: u32,
        enqueued_at: UnixMillis,
    ) -> Result<Step, StoreError> {
        match work {
            Work::Update { source, bot, raw } => {
                inbound::step(self, source, *bot, raw, failed_before, enqueued_at).await
            }
            Work::Hook { raw } => outbound::unfold(self, raw).map(Step::without_call),
            Work::Reaction { raw } => reactions::step(self, raw).await,
            Work::Call(call) => Ok(outbound::step(self, call, lane).await),
            Work::Report(report) => Ok(Step::called(self.report(report).await)),
        }
    }

    async fn report(&self, report: &Report) -> Result<Ending, Failure> {
        let answer = self.chats.delivery_status(&to_kommo::delivery_status(report)).await;
        let answer = answer.map_err(failure::of_status);
        self.observe(answer.as_ref().err());
        answer?;
        tracing::debug!(message = %report.message, "delivery status told");
        Ok(done())
    }

    /// Shows how Kommo is doing. A refusal of one message says that it is well.
    pub(super) fn observe(&self, failure: Option<&Failure>) {
        self.meter.kommo(failure.and_then(|failure| match failure {
            Failure::Transient { why, .. } | Failure::Blocked { why } => Some(why.clone()),
            Failure::Permanent(_) => None,
        }));
    }
}

/// Nothing follows.
pub(super) const fn done() -> Ending {
    Ending::Done { then: Vec::new(), facts: Vec::new() }
}
